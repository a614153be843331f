//! Codex CLI in an image: from the Python wheel that carries it, pinned by its SHA-256.

use anyhow::Context as _;
use compose_render::{ImageRef, content_hash};
use compose_run::containers;

use super::{Builder, base, pins, stream, wheel};

/// In the wheel, and in the image. Without the second one the newest models cannot be used.
const PROGRAMS: [(&str, &str); 2] = [
    ("codex_cli_bin/bin/codex", "usr/local/bin/codex"),
    ("codex_cli_bin/bin/codex-code-mode-host", "usr/local/bin/codex-code-mode-host"),
];

/// The base and Codex.
pub(super) fn name() -> anyhow::Result<ImageRef> {
    let (pin, base) = (pins::codex()?, base::name());
    let parts = [base.as_str(), pin.wheel.sha256];
    Ok(ImageRef::local("agent", &content_hash(parts.map(str::as_bytes))))
}

pub(super) fn build(builder: &Builder<'_>, name: &ImageRef) -> anyhow::Result<()> {
    let (pin, base) = (pins::codex()?, builder.ensure_base()?);
    let wheel = wheel::ensure(builder, &pin.wheel)?;
    (builder.tell)(&format!("putting Codex CLI {} into the agent image", pin.version));
    let docker = builder.docker;
    let build = containers::build_name();
    let create = ["create", &build, "--network", "none", base.as_str(), "true"];
    let container = docker.capture(create)?;
    let committed = put(builder, &container, &wheel, name, pin.version);
    let removed = docker.run(["rm", "--force", &container]);
    committed?;
    Ok(removed?)
}

fn put(
    builder: &Builder<'_>,
    container: &str,
    wheel: &std::path::Path,
    name: &ImageRef,
    version: &str,
) -> anyhow::Result<()> {
    for (inside, path) in PROGRAMS {
        let (size, contents) = wheel::file(wheel, inside)?;
        let archive = stream::executable(path, size, contents)?;
        let target = format!("{container}:/");
        let copied = builder.docker.call(["cp", "-", &target]).input_from(archive).run();
        copied.context("cannot copy Codex CLI")?;
    }
    let label = format!("LABEL bottle.codex.version={version}");
    let commit = builder.docker.call(["commit", "--change", &label, container, name.as_str()]);
    commit.run().context("cannot commit the agent image")?;
    Ok(())
}
