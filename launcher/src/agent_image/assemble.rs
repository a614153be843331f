//! Puts Claude Code into an image: copied into a container that never ran, which is then committed.
//!
//! A classic builder takes 16 s to copy 381 MB (it walks the whole tree); this takes 7 s, shares the
//! base's layers and needs no network.

use anyhow::Context as _;
use compose_render::{ImageRef, content_hash};
use compose_run::containers;

use super::{Builder, base, claude, pins, stream};

const GUEST_PATH: &str = "usr/local/bin/claude";

/// The agent image of ours: the base and Claude Code.
pub(super) fn standard_name() -> anyhow::Result<ImageRef> {
    let pin = pins::claude()?;
    let base = base::name();
    Ok(ImageRef::local(
        "agent",
        &content_hash([base.as_str(), pin.binary_sha256].map(str::as_bytes)),
    ))
}

/// The name of the standard image on another base, or with more in it.
pub(super) fn layered_name(
    on: Option<&ImageRef>,
    apt: &[String],
    run: &[String],
) -> anyhow::Result<ImageRef> {
    let standard = standard_name()?;
    let text = dockerfile(on.unwrap_or(&standard), on.is_some(), apt, run);
    let pin = pins::claude()?;
    Ok(ImageRef::local("agent", &content_hash([text.as_bytes(), pin.binary_sha256.as_bytes()])))
}

/// Builds `name` from `from` and Claude Code.
pub(super) fn with_claude(
    builder: &Builder<'_>,
    from: &ImageRef,
    name: &ImageRef,
) -> anyhow::Result<()> {
    let pin = pins::claude()?;
    claude::fetch(builder, &pin, |binary| {
        (builder.tell)(&format!("putting Claude Code {} into the agent image", pin.version));
        let docker = builder.docker;
        let container = docker.capture([
            "create",
            &containers::build_name(),
            "--network",
            "none",
            from.as_str(),
            "true",
        ])?;
        let committed = put(builder, &container, binary, name, &pin);
        let removed = docker.run(["rm", "--force", &container]);
        let committed = committed?;
        removed?;
        Ok(committed)
    })
}

/// Copies and commits. `false`, and no image, where the binary is not the pinned one.
fn put(
    builder: &Builder<'_>,
    container: &str,
    binary: claude::Binary,
    name: &ImageRef,
    pin: &pins::ClaudePin,
) -> anyhow::Result<bool> {
    let (contents, digest) = stream::Hashing::new(binary.contents);
    let archive = stream::executable(GUEST_PATH, binary.size, contents)?;
    let target = format!("{container}:/");
    let copied = builder.docker.call(["cp", "-", &target]).input_from(archive).run();
    drop(binary.scratch);
    copied.context("cannot copy Claude Code")?;
    if digest.hex() != pin.binary_sha256 {
        return Ok(false);
    }
    let labels = [
        format!("LABEL bottle.claude.version={}", pin.version),
        format!("LABEL bottle.claude.sha256={}", pin.binary_sha256),
        format!("LABEL bottle.claude.source=\"{}\"", binary.source),
    ];
    let mut commit = builder.docker.call(["commit"]);
    for label in &labels {
        commit = commit.args(["--change", label]);
    }
    commit.args([container, name.as_str()]).run().context("cannot commit the agent image")?;
    Ok(true)
}

/// Builds the standard image on another base, or with more in it. Needs a network in builds.
pub(super) fn layered(
    builder: &Builder<'_>,
    on: Option<&ImageRef>,
    apt: &[String],
    run: &[String],
    name: &ImageRef,
) -> anyhow::Result<()> {
    let from = match on {
        Some(base) => base.clone(),
        None => builder.ensure(&crate::manifest::Image::Standard)?,
    };
    (builder.tell)(&format!("building `{name}` (`apt` and `run` need a network in builds)"));
    let text = dockerfile(&from, on.is_some(), apt, run);
    let stage = match on {
        // The base of somebody else gets its Claude Code after its packages.
        Some(_) => ImageRef::local("stage", &content_hash([text.as_bytes()])),
        None => name.clone(),
    };
    builder.docker_build(&stage, &[]).input(text).run().with_context(|| {
        format!("cannot build on `{from}`; `apt` and `run` need a network for builds on the engine's default bridge")
    })?;
    if on.is_some() {
        with_claude(builder, &stage, name)?;
        // Its layers stay with the image that was made of it.
        builder.docker.run(["image", "rm", "--no-prune", stage.as_str()])?;
    }
    Ok(())
}

/// What a networked build is asked for.
fn dockerfile(from: &ImageRef, foreign: bool, apt: &[String], run: &[String]) -> String {
    let mut text = format!("FROM {from}\n");
    let mut packages = apt.to_vec();
    if foreign {
        packages.splice(0..0, pins::pins().base.packages.iter().cloned());
        text.push_str(&base::instructions(&packages));
    } else if !packages.is_empty() {
        let packages = packages.join(" ");
        text.push_str(
            "USER root\nRUN apt-get update && apt-get install --yes --no-install-recommends ",
        );
        text.push_str(&packages);
        text.push_str(" && rm -rf /var/lib/apt/lists/*\n");
    }
    if !run.is_empty() {
        text.push_str("USER root\n");
    }
    for command in run {
        // The exec form: one command stays one command, whatever it holds.
        let json = serde_json::json!(["/bin/sh", "-euc", command]);
        text.extend(["RUN ", &json.to_string(), "\n"]);
    }
    text.push_str("USER agent\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_package_is_another_image() {
        let name = |apt: &[&str]| {
            let apt: Vec<_> = apt.iter().map(|&package| package.to_owned()).collect();
            layered_name(None, &apt, &[]).unwrap()
        };
        assert_ne!(name(&["jq"]), name(&["gcc"]));
        assert_eq!(name(&["jq"]), name(&["jq"]));
        assert_ne!(name(&[]), standard_name().unwrap());
    }

    #[test]
    fn a_command_cannot_become_another_instruction() {
        let from = ImageRef::local("agent", "0");
        let text = dockerfile(&from, false, &[], &["true\nUSER root".to_owned()]);
        assert_eq!(text.lines().last(), Some("USER agent"));
        assert!(text.contains(r#"RUN ["/bin/sh","-euc","true\nUSER root"]"#), "{text}");
    }
}
