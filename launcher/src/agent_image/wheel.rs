//! The Python wheel that carries Claude Code: fetched by pip, kept in the cache, hashed at each use.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use compose_run::{Call, program};

use super::claude::Binary;
use super::pins::ClaudePin;
use super::{Builder, cache, host_program, stream};

/// Where the binary lies in the wheel.
const BUNDLED: &str = "claude_agent_sdk/_bundled/claude";

const DOWNLOAD_TIMEOUT: Duration = Duration::from_mins(30);

/// The wheel in the cache, downloaded where it is not there or not what it should be.
pub(super) fn ensure(builder: &Builder<'_>, pin: &ClaudePin) -> anyhow::Result<PathBuf> {
    let folder = builder.cache.join("wheels").join(pin.wheel_sha256);
    if let Some(path) = cached(&folder, pin)? {
        return Ok(path);
    }
    cache::make(&folder)?;
    (builder.tell)(&format!(
        "fetching Claude Code {} from the Python wheel `{}` {} (168 MB, once)",
        pin.version, pin.wheel, pin.wheel_version
    ));
    let requirement =
        format!("{}=={} --hash=sha256:{}\n", pin.wheel, pin.wheel_version, pin.wheel_sha256);
    let list = tempfile::NamedTempFile::new_in(&folder)?;
    io::Write::write_all(&mut list.as_file(), requirement.as_bytes())?;
    pip(builder.tell)?
        .args(["download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary=:all:", "--require-hashes", "--platform", pin.wheel_platform])
        .arg("--dest")
        .arg(&folder)
        .arg("--requirement")
        .arg(list.path())
        .timeout(DOWNLOAD_TIMEOUT)
        .run()
        .context("cannot fetch Claude Code")?;
    cached(&folder, pin)?.with_context(|| format!("pip left no wheel in `{}`", folder.display()))
}

/// The binary in the wheel.
pub(super) fn binary(wheel: &Path, pin: &ClaudePin) -> anyhow::Result<Binary> {
    let mut archive = open(wheel)?;
    let size = archive.by_name(BUNDLED).context("the wheel holds no Claude Code")?.size();
    // The archive's reader borrows from the archive, so that a thread has to own both.
    let (reader, mut writer) = io::pipe().context("no pipe")?;
    thread::spawn(move || {
        if let Ok(mut entry) = archive.by_name(BUNDLED) {
            // Half a binary has another hash: whoever reads finds out.
            drop(io::copy(&mut entry, &mut writer));
        }
    });
    let source = format!("PyPI {} {}", pin.wheel, pin.wheel_version);
    Ok(Binary { source, size, contents: Box::new(reader), scratch: None })
}

fn open(wheel: &Path) -> anyhow::Result<zip::ZipArchive<File>> {
    let file = File::open(wheel).with_context(|| format!("cannot open `{}`", wheel.display()))?;
    zip::ZipArchive::new(file).with_context(|| format!("`{}` is no wheel", wheel.display()))
}

/// The wheel where it is there and whole. What is not is removed.
fn cached(folder: &Path, pin: &ClaudePin) -> anyhow::Result<Option<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(None) };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|extension| extension != "whl") {
            continue;
        }
        let (mut contents, digest) = stream::Hashing::new(File::open(&path)?);
        io::copy(&mut contents.by_ref(), &mut io::sink())?;
        if digest.hex() == pin.wheel_sha256 {
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
