//! Images of ours: named by what they were made from, so that nothing is built twice and nothing
//! is ever pulled under our names.

use crate::{Docker, RunError, containers::is_absence, program};
use compose_render::{ImageRef, content_hash};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_mins(1);
/// A build copies what it is given; an agent's image takes the longest.
const BUILD_LIMIT: Duration = Duration::from_mins(30);
/// The label of every image of ours, with the part's name.
pub const PART_LABEL: &str = "bottle.part";

/// The folder with the static binaries that go into sidecar images.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sidecars {
    dir: PathBuf,
}

/// A file of a build's context.
#[derive(Clone, Debug)]
pub struct BuildFile {
    name: String,
    mode: u32,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Bytes(Vec<u8>),
    Path(PathBuf),
}

/// An image of ours as the engine lists it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct FoundImage {
    pub id: String,
    /// `localhost/bottle/<part>:<hash>`; `<none>` parts where it lost its name.
    pub name: String,
    /// As the engine prints it: `2026-11-29 07:00:00 +0000 UTC`.
    pub created: String,
}

/// An image that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("the sidecar binary `{name}` is not in `{}`", .dir.display())]
    NoBinary { name: String, dir: PathBuf },
    #[error("cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot build the image of `{part}`")]
    Build { part: String, source: RunError },
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Sidecars {
    /// Where they are: `BOTTLE_SIDECARS` as the caller read it, else `../lib/bottle` beside the
    /// running program. Whether they are there shows when one is asked for.
    pub fn find(chosen: Option<PathBuf>, program: &Path) -> Self {
        let beside = || program.parent().and_then(Path::parent).map(|dir| dir.join("lib/bottle"));
        Self { dir: chosen.or_else(beside).unwrap_or_else(|| PathBuf::from("/usr/lib/bottle")) }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The binary of that name, such as `pipelock-proxy`.
    pub fn binary(&self, name: &str) -> Result<PathBuf, ImageError> {
        let path = self.dir.join(name);
        if program::is_executable(&path) {
            Ok(path)
        } else {
            Err(ImageError::NoBinary { name: name.to_owned(), dir: self.dir.clone() })
        }
    }
}

impl BuildFile {
    /// A file with these bytes.
    pub fn bytes(name: impl Into<String>, mode: u32, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), mode, source: Source::Bytes(bytes.into()) }
    }

    /// A file of the host.
    pub fn path(name: impl Into<String>, mode: u32, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), mode, source: Source::Path(path.into()) }
    }

    fn digest(&self) -> Result<Vec<u8>, ImageError> {
        let mut sha = Sha256::new();
        match &self.source {
            Source::Bytes(bytes) => sha.update(bytes),
            Source::Path(path) => {
                let failed = |source| ImageError::Read { path: path.clone(), source };
                let mut file = File::open(path).map_err(failed)?;
                let mut chunk = vec![0; 1 << 20];
                loop {
                    match file.read(&mut chunk).map_err(failed)? {
                        0 => break,
                        read => sha.update(chunk.get(..read).unwrap_or_default()),
                    }
                }
            }
        }
        Ok(sha.finalize().to_vec())
    }
}

/// The name of the image that these would make: two contexts that differ in a byte differ in it.
pub fn reference(
    part: &str,
    dockerfile: &str,
    files: &[BuildFile],
) -> Result<ImageRef, ImageError> {
    let mut parts = vec![dockerfile.as_bytes().to_vec()];
    for file in files {
        parts.push(file.name.clone().into_bytes());
        parts.push(file.mode.to_be_bytes().to_vec());
        parts.push(file.digest()?);
    }
    Ok(ImageRef::local(part, &content_hash(parts.iter().map(Vec::as_slice))))
}

/// Whether the engine has that image.
pub fn exists(docker: &Docker, image: &ImageRef) -> Result<bool, RunError> {
    let args = ["image", "inspect", "--format", "{{.Id}}", image.as_str()];
    match docker.call(args).timeout(PATIENCE).run() {
        Ok(()) => Ok(true),
        Err(error) if is_absence(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Builds the image of a part where it is not there yet, from a context streamed to the engine.
/// `building` is called before a build begins.
pub fn ensure(
    docker: &Docker,
    part: &str,
    dockerfile: &str,
    files: &[BuildFile],
    building: impl FnOnce(),
) -> Result<ImageRef, ImageError> {
    let image = reference(part, dockerfile, files)?;
    if !exists(docker, &image)? {
        building();
        build(docker, part, &image, dockerfile, files)?;
    }
    Ok(image)
}

fn build(
    docker: &Docker,
    part: &str,
    image: &ImageRef,
    dockerfile: &str,
    files: &[BuildFile],
) -> Result<(), ImageError> {
    let failed = |source| ImageError::Build { part: part.to_owned(), source };
    let label = format!("{PART_LABEL}={part}");
    let (reader, writer) = io::pipe().map_err(|source| {
        failed(RunError::Stream { command: "docker build".to_owned(), source })
    })?;
    let args = ["build", "--quiet", "--force-rm", "--label", &label, "--tag", image.as_str(), "-"];
    // The classic builder is in every engine; buildx may be absent.
    let call = docker.call(args).env("DOCKER_BUILDKIT", "0").input_from(reader);
    std::thread::scope(|scope| {
        let packed = scope.spawn(|| pack(writer, dockerfile, files));
        let built = call.timeout(BUILD_LIMIT).run().map_err(failed);
        let packed = packed.join().unwrap_or(Ok(()));
        // A file that cannot be read is the cause of whatever the engine then says.
        match packed {
            Err(error @ ImageError::Read { .. }) => Err(error),
            Ok(()) | Err(_) => built,
        }
    })
}

/// Writes the context as a tar that is the same for the same files.
fn pack(to: impl Write, dockerfile: &str, files: &[BuildFile]) -> Result<(), ImageError> {
    let lost =
        |source| ImageError::Run(RunError::Stream { command: "docker build".to_owned(), source });
    let mut tar = tar::Builder::new(to);
    let mut append = |name: &str, mode, size, bytes: &mut dyn Read| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(0);
        header.set_entry_type(tar::EntryType::Regular);
        tar.append_data(&mut header, name, bytes)
    };
    append("Dockerfile", 0o644, dockerfile.len() as u64, &mut dockerfile.as_bytes())
        .map_err(lost)?;
    for file in files {
        match &file.source {
            Source::Bytes(bytes) => {
                append(&file.name, file.mode, bytes.len() as u64, &mut bytes.as_slice())
                    .map_err(lost)?;
            }
            Source::Path(path) => {
                let failed = |source| ImageError::Read { path: path.clone(), source };
                let mut content = File::open(path).map_err(failed)?;
                let size = content.metadata().map_err(failed)?.len();
                append(&file.name, file.mode, size, &mut content).map_err(lost)?;
            }
        }
    }
    tar.finish().map_err(lost)
}

/// Every image of ours.
pub fn list(docker: &Docker) -> Result<Vec<FoundImage>, RunError> {
    let filter = format!("label={PART_LABEL}");
    let format = "{{.ID}}\t{{.Repository}}:{{.Tag}}\t{{.CreatedAt}}";
    let args = ["image", "ls", "--no-trunc", "--filter", &filter, "--format", format];
    let text = docker.call(args).timeout(PATIENCE).text()?;
    let read = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(FoundImage { id: fields.next()?, name: fields.next()?, created: fields.next()? })
    };
    Ok(text.lines().filter_map(read).collect())
}

/// Removes an image by name or id. Absent is well; one that a container uses is an error.
pub fn remove(docker: &Docker, image: &str) -> Result<(), RunError> {
    match docker.call(["image", "rm", image]).timeout(PATIENCE).run() {
        Err(error) if is_absence(&error) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_mode_is_in_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("binary");
        crate::replace(&path, b"ELF", 0o755).unwrap();
        let name = |dockerfile: &str, file| reference("toy", dockerfile, &[file]).unwrap();
        let base = name("FROM scratch\n", BuildFile::path("toy", 0o755, &path));
        assert!(base.as_str().starts_with("localhost/bottle/toy:"));
        assert_eq!(base, name("FROM scratch\n", BuildFile::bytes("toy", 0o755, b"ELF")));
        assert_ne!(base, name("FROM scratch\n", BuildFile::bytes("toy", 0o755, b"ELG")));
        assert_ne!(base, name("FROM scratch\n", BuildFile::bytes("toy", 0o644, b"ELF")));
        assert_ne!(base, name("FROM scratch\n", BuildFile::bytes("boy", 0o755, b"ELF")));
        assert_ne!(base, name("FROM scratch\n#", BuildFile::path("toy", 0o755, &path)));
    }

    #[test]
    fn a_missing_binary_is_named_with_its_folder() {
        let sidecars = Sidecars::find(None, Path::new("/opt/x/bin/bottle"));
        let error = sidecars.binary("egress-proxy").unwrap_err();
        let expected = "the sidecar binary `egress-proxy` is not in `/opt/x/lib/bottle`";
        assert_eq!(error.to_string(), expected);
    }
}
