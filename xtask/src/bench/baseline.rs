//! The same containers on the same networks, started by Docker alone.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use serde_json::Value;
use walkdir::WalkDir;

use super::ground::Ground;
use crate::checkout::Checkout;
use crate::program::Program;
use crate::tools;

/// A bottle's compose file and folders, kept from one that was stopped.
#[derive(Debug)]
pub(super) struct Baseline {
    compose: PathBuf,
    project: String,
    folder: PathBuf,
    networks: Vec<Network>,
    secrets: Vec<String>,
}

#[derive(Debug)]
struct Network {
    name: String,
    options: Vec<String>,
}

impl Baseline {
    /// Starts one bottle, keeps what Compose was given, and stops it.
    pub(super) fn of(ground: &Ground, checkout: &Checkout) -> anyhow::Result<Self> {
        let slug = &ground.stage.slug;
        ground.start(slug, &["--detach"]).run()?;
        let state = ground.stage.bottle();
        let kept = ground.stage.folder.join("kept");
        copy(&state, &kept)?;
        let project = format!("bottle-{slug}");
        let networks =
            ["internal", "uplink"].map(|which| Network::read(&format!("{project}-{which}")));
        let networks = networks.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        ground.bottle(&["--quiet", "stop", slug]).run()?;
        copy(&kept, &state)?;
        let file = fs_err::read_to_string(state.join("docker-compose.yml"))?;
        Ok(Self {
            compose: tools::compose_v2(checkout)?,
            project,
            folder: state,
            networks,
            secrets: secrets(&file),
        })
    }

    /// Milliseconds until everything is up. What it took down is not counted.
    pub(super) fn once(&self) -> anyhow::Result<f64> {
        let began = Instant::now();
        for network in &self.networks {
            Program::docker().args(["network", "create"]).args(&network.options).read()?;
        }
        let up = self.compose(&["up", "-d", "--no-build"]).read();
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        self.compose(&["down", "--timeout", "0"]).read()?;
        for network in &self.networks {
            Program::docker().args(["network", "rm", &network.name]).read()?;
        }
        up.map(|_| ms)
    }

    fn compose(&self, arguments: &[&str]) -> Program {
        let program = Program::new(&self.compose)
            .args(["-p", &self.project, "-f", "docker-compose.yml"])
            .args(arguments.iter().copied())
            .within(&self.folder);
        // Nobody uses them: only their being there is measured.
        self.secrets.iter().fold(program, |program, name| program.env(name, "none"))
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        drop(self.compose(&["down", "--timeout", "0"]).capture());
        for network in &self.networks {
            drop(Program::docker().args(["network", "rm", &network.name]).capture());
        }
    }
}

impl Network {
    /// What `docker network create` must be told to make the same once more.
    fn read(name: &str) -> anyhow::Result<Self> {
        let text = Program::docker().args(["network", "inspect", name]).read()?;
        let inspected: Value = serde_json::from_str(&text)?;
        let network = &inspected[0];
        let mut options = Vec::new();
        if network["Internal"] == true {
            options.push("--internal".to_owned());
        }
        for range in network["IPAM"]["Config"].as_array().into_iter().flatten() {
            let subnet = range["Subnet"].as_str().context("a network without a subnet")?;
            options.extend(["--subnet".to_owned(), subnet.to_owned()]);
            if let Some(gateway) = range["Gateway"].as_str() {
                options.extend(["--gateway".to_owned(), gateway.to_owned()]);
            }
        }
        options.extend(pairs("--opt", &network["Options"]));
        options.extend(pairs("--label", &network["Labels"]));
        options.push(name.to_owned());
        Ok(Self { name: name.to_owned(), options })
    }
}

fn pairs(flag: &str, values: &Value) -> Vec<String> {
    let fields = values.as_object().into_iter().flatten();
    fields
        .flat_map(|(name, value)| {
            [flag.to_owned(), format!("{name}={}", value.as_str().unwrap_or_default())]
        })
        .collect()
}

/// Variables that the file names without a value: Compose takes them from its environment.
fn secrets(file: &str) -> Vec<String> {
    let name = |text: &str| {
        text.chars().all(|letter| letter.is_ascii_uppercase() || "_0123456789".contains(letter))
    };
    file.lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .map(|value| value.trim_matches(['"', '\'']))
        .filter(|value| !value.is_empty() && name(value))
        .map(str::to_owned)
        .collect()
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    for entry in WalkDir::new(from) {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from)?);
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            fs_err::create_dir_all(&target)?;
        } else if metadata.is_file() {
            fs_err::copy(entry.path(), &target)?;
        } else {
            continue;
        }
        fs_err::set_permissions(&target, metadata.permissions())?;
        std::os::unix::fs::chown(&target, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_variables_that_have_no_value() {
        let file = "services:\n  x:\n    environment:\n      - \"NAME=value\"\n      - \"BOTTLE_HOP_SECRET\"\n    cap_drop:\n      - \"all\"\n";
        assert_eq!(secrets(file), ["BOTTLE_HOP_SECRET"]);
    }
}
