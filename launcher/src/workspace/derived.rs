//! The image that holds the user's folder, for `workspace: image`: one tree, many bottles.

use std::io::{self, Write};
use std::thread;

use anyhow::{Context as _, anyhow};
use compose_render::{ImageRef, content_hash};
use compose_run::{Docker, RunError, containers};
use sha2::{Digest as _, Sha256};

use super::{Record, Selection};
use crate::agent_image::Builder;

/// The image `on` with the selection in its workspace, by the hash of both, and the record of it.
///
/// Copied into a container that never ran and committed, which the engine does in half the time of
/// a build that copies.
pub(crate) fn derived(
    builder: &Builder<'_>,
    on: &ImageRef,
    selection: &Selection,
) -> anyhow::Result<(ImageRef, Record)> {
    let mut sha = Digest(Sha256::new());
    let record = stream(selection, &mut sha)?;
    let digest = sha.0.finalize();
    let name =
        ImageRef::local("workspace", &content_hash([on.as_str().as_bytes(), digest.as_slice()]));
    if builder.exists(&name)? {
        return Ok((name, record));
    }
    (builder.tell)("putting the workspace into an image");
    let docker = builder.docker;
    let container = docker.capture([
        "create",
        &containers::build_name(),
        "--network",
        "none",
        on.as_str(),
        "true",
    ])?;
    let committed = put(docker, &container, selection, &name);
    let removed = docker.run(["rm", "--force", &container]);
    committed?;
    removed?;
    Ok((name, record))
}

/// Removes it. One that another bottle still runs stays, and so does none that is gone already.
pub(crate) fn remove_derived(docker: &Docker, image: &ImageRef) -> Result<(), RunError> {
    match docker.run(["image", "rm", image.as_str()]) {
        Err(error)
            if error.stderr().contains("No such image")
                || error.stderr().contains("is being used") =>
        {
            Ok(())
        }
        other => other,
    }
}

fn put(
    docker: &Docker,
    container: &str,
    selection: &Selection,
    name: &ImageRef,
) -> anyhow::Result<()> {
    let (reader, writer) = io::pipe().context("no pipe")?;
    thread::scope(|scope| {
        let packing = scope.spawn(move || stream(selection, writer));
        let copied = docker.call(["cp", "-", &format!("{container}:/")]).input_from(reader).run();
        let packed = packing.join().unwrap_or_else(|_| Err(anyhow!("packing panicked")));
        copied.context("cannot copy the workspace")?;
        packed.map(drop)
    })?;
    docker.run(["commit", container, name.as_str()]).context("cannot commit the image")
}

fn stream(selection: &Selection, out: impl Write) -> anyhow::Result<Record> {
    let mut builder = tar::Builder::new(io::BufWriter::with_capacity(256 << 10, out));
    let record = selection.write("workspace", &mut builder)?;
    builder.into_inner()?.flush().context("cannot pack the workspace")?;
    Ok(record)
}

struct Digest(Sha256);

impl Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
