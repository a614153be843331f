//! Sets the stage of one demo: a folder of its own, a copy of the sample, a key that opens nothing,
//! the model's image, and a listener that stands for the host.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::json;
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use super::host::Host;
use super::script;
use crate::checkout::Checkout;
use crate::git_host::GitHost;
use crate::program::Program;
use crate::sidecars;
use crate::ui::say;

/// The name of the model that the agent believes it talks to.
pub(crate) const MODEL_HOST: &str = "api.anthropic.com";
/// The git host's name, and the repository that the agent works in.
pub(crate) const GIT_HOST: &str = "git.example.com";
pub(crate) const REPOSITORY: &str = "/home/git/acme/basket.git";
/// What the bottle may: the model's API, and one repository behind git-gate. Everything outside is on
/// networks of this host here, which pipelock would not dial otherwise.
const MANIFEST: &str = "\
version: 1
agents:
  implementer:
    bottle: default
    command: [claude, --permission-mode, bypassPermissions]
bottles:
  default:
    workspace: clone
    egress:
      routes:
        - preset: anthropic-api-key
    git:
      upstreams:
        - {url: \"git@git.example.com:acme/basket.git\", key: key, known_hosts: known_hosts}
    pipelock: {ssrf: {allow: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]}, upstream_ca: [docs/authority.pem]}
    supervise: {enabled: true}
";
/// Every demo's image carries it, so that the next demo finds what a killed one left.
const LABEL: &str = "bottle.demo";
/// `bottle` gives a stand-in no credential that begins otherwise.
const KEY_PREFIX: &str = "sk-ant-demo-";

/// Everything that stands before the curtain rises. Dropping it removes the image.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) folder: PathBuf,
    /// `bottle` itself.
    pub(crate) program: PathBuf,
    pub(crate) slug: String,
    /// Marks what this run sends, so that nothing else is taken for it.
    pub(crate) nonce: String,
    /// The credential that only egress and the model may ever see.
    pub(crate) key: String,
    pub(crate) image: String,
    pub(crate) host: Host,
    /// Where the agent's clone comes from; absent on stages that only measure.
    pub(crate) git: Option<GitHost>,
    _lock: std::fs::File,
}

impl Stage {
    pub(crate) fn set(
        checkout: &Checkout,
        sidecars: &Path,
        folder: PathBuf,
    ) -> anyhow::Result<Self> {
        let lock = alone(&folder)?;
        sweep()?;
        if folder.exists() {
            fs_err::remove_dir_all(&folder)?;
        }
        fs_err::create_dir_all(folder.join("config"))?;
        let nonce = random_hex(8)?;
        let slug = format!("demo-{}", nonce.chars().take(6).collect::<String>());
        let stage = Self {
            key: format!("{KEY_PREFIX}{}", random_hex(24)?),
            image: format!("localhost/bottle-demo/model:{slug}"),
            host: Host::listen(&nonce)?,
            git: None,
            _lock: lock,
            folder,
            program: checkout.bottle(),
            slug,
            nonce,
        };
        copy(&checkout.root.join("xtask/sample"), &stage.workspace())?;
        stage.build_model(sidecars)?;
        stage.mint(sidecars, script::WANTED_HOST, "docs")?;
        Ok(stage)
    }

    /// Brings up a git host with the sample in it, and writes the manifest that names it.
    pub(crate) fn with_git_host(mut self) -> anyhow::Result<Self> {
        let git = GitHost::start(&self.slug)?;
        let seed = "/tmp/seed";
        Program::docker()
            .arg("cp")
            .arg(self.workspace())
            .arg(format!("{}:{seed}", git.container))
            .read()?;
        git.shell(&format!(
            "cd {seed} && git init --quiet && git add --all && git commit --quiet --message 'A basket' \
             && git init --quiet --bare {REPOSITORY} && git push --quiet {REPOSITORY} HEAD:main \
             && chown -R git:git {REPOSITORY}"
        ))?;
        fs_err::write(self.manifest(), MANIFEST)?;
        fs_err::write(self.folder.join("known_hosts"), git.known_hosts(GIT_HOST)?)?;
        fs_err::write(self.folder.join("key"), git.key()?)?;
        self.git = Some(git);
        Ok(self)
    }

    /// The bottle's network that leads out.
    pub(crate) fn uplink(&self) -> String {
        format!("bottle-{}-uplink", self.slug)
    }

    /// Takes the git host off the bottle's network, so that it can go.
    pub(crate) fn leave(&self) {
        if let Some(git) = &self.git {
            git.leave(&self.uplink());
        }
    }

    /// There once a git host is.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.folder.join("bottle.yaml")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.join("basket")
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("model").join("authority.pem")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// The state of this demo's bottle.
    pub(crate) fn bottle(&self) -> PathBuf {
        self.state().join(&self.slug)
    }

    /// The container of a service.
    pub(crate) fn container(&self, service: &str) -> String {
        format!("bottle-{}-{service}", self.slug)
    }

    /// A certificate for that host, and the authority that vouches for it, in a folder of that name.
    fn mint(&self, sidecars: &Path, host: &str, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(name);
        let slug: &str = &self.slug;
        Program::new(sidecars.join(sidecars::MODEL))
            .args(["mint", "--slug", slug, "--host", host, "--folder"])
            .arg(&folder)
            .read()?;
        Ok(folder)
    }

    fn build_model(&self, sidecars: &Path) -> anyhow::Result<()> {
        let binary = sidecars.join(sidecars::MODEL);
        let folder = self.mint(sidecars, MODEL_HOST, "model")?;
        // The authority is for pipelock; its key was never written.
        let context = self.folder.join("image");
        fs_err::create_dir_all(&context)?;
        for file in ["certificate.der", "key.der"] {
            fs_err::rename(folder.join(file), context.join(file))?;
        }
        fs_err::copy(&binary, context.join("stand-in"))?;
        let setting = json!({
            "hosts": [MODEL_HOST],
            "credential": {"header": "x-api-key", "sha256": digest(self.key.as_bytes())},
            "sinks": [script::SINK],
            "scripts": {script::NAME: script::write(self.host.port(), &self.nonce)},
        });
        fs_err::write(context.join("setting.json"), setting.to_string())?;
        fs_err::write(context.join("Dockerfile"), dockerfile())?;
        Program::docker()
            .args(["build", "--quiet", "--tag", &self.image])
            .arg(&context)
            .read()
            .context("cannot build the model's image")?;
        Ok(fs_err::remove_dir_all(&context)?)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The next demo sweeps what stays.
        drop(Program::docker().args(["image", "rm", "--force", &self.image]).capture());
    }
}

fn dockerfile() -> String {
    format!(
        "FROM scratch\nLABEL {LABEL}=model\nCOPY setting.json certificate.der key.der stand-in /\n\
         USER 65532:65532\nENTRYPOINT [\"/stand-in\"]\nCMD [\"run\"]\n"
    )
}

/// Removes the images of demos that were killed, not those of demos that run.
fn sweep() -> anyhow::Result<()> {
    let filter = format!("label={LABEL}=model");
    Program::docker()
        .args(["image", "prune", "--all", "--force", "--filter", &filter])
        .args(["--filter", "until=6h"])
        .read()?;
    Ok(())
}

/// Two demos of one checkout would take each other's folder away.
fn alone(folder: &Path) -> anyhow::Result<std::fs::File> {
    let parent = folder.parent().context("the folder of a demo lies in a folder")?;
    fs_err::create_dir_all(parent)?;
    let lock = fs_err::File::create(folder.with_extension("lock"))?.into_parts().0;
    if lock.try_lock().is_err() {
        say("another demo of this checkout runs: waiting for its end");
        lock.lock()?;
    }
    Ok(lock)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in WalkDir::new(from) {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from)?);
        if entry.file_type().is_dir() {
            fs_err::create_dir_all(&target)?;
        } else {
            fs_err::copy(entry.path(), &target)?;
        }
    }
    ensure!(to.join("basket.py").is_file(), "the sample is not where it belongs");
    Ok(())
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn random_hex(bytes: usize) -> anyhow::Result<String> {
    let mut random = vec![0; bytes];
    fs_err::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(hex(&random))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(letter).collect()
}

fn letter(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_sixty_four_letters() {
        assert!(digest(b"abc").starts_with("ba7816bf8f01cfea"));
        assert_eq!(digest(b"").len(), 64);
    }
}
