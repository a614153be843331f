//! Where the gate's files lie, and what it lays out when it begins.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use compose_render::contract;
use dlp::Rules;
use git_gate::{GateFile, KEYS_DIR, OWN_SECRETS, read_fingerprints};

use crate::hook::HOOK;

/// The most of a gate file that is read.
const FILE_LIMIT: u64 = 1024 * 1024 + 1;
/// A push needs its pack, and git some room beside it.
const LEAST_ROOM: u64 = 64 << 20;
/// Further certificates, beside the gate file.
const UPSTREAM_CA: &str = "upstream-ca.pem";
/// The image's public roots.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The gate file, the mirrors, and a folder in memory for what is forgotten at the end.
#[derive(Clone, Debug)]
pub struct Ground {
    pub config: PathBuf,
    pub mirrors: PathBuf,
    pub run: PathBuf,
    /// What the host writes: a person's answers.
    pub inbox: PathBuf,
    /// What the host reads: pushes that wait for a person.
    pub outbox: PathBuf,
}

impl Ground {
    pub fn new(config: PathBuf, mirrors: PathBuf, run: PathBuf) -> Self {
        let (inbox, outbox) = (contract::INBOX_DIR.into(), contract::OUTBOX_DIR.into());
        Self { config, mirrors, run, inbox, outbox }
    }

    /// The same with its queue elsewhere.
    #[must_use]
    pub fn with_queue(self, inbox: PathBuf, outbox: PathBuf) -> Self {
        Self { inbox, outbox, ..self }
    }

    /// Where git finds its hooks: ours alone, whatever a mirror holds.
    pub fn hooks(&self) -> PathBuf {
        self.run.join("hooks")
    }

    /// Whether so little room is left that no push is begun. What cannot be asked counts as room: git
    /// says it soon enough.
    pub(crate) fn is_full(&self) -> bool {
        nix::sys::statvfs::statvfs(&self.mirrors).is_ok_and(|disk| {
            disk.blocks_available().saturating_mul(disk.fragment_size()) < LEAST_ROOM
        })
    }

    /// The folder of the gate file.
    pub fn folder(&self) -> &Path {
        self.config.parent().unwrap_or(Path::new("."))
    }

    /// What is looked for in every object: the rules, and the bottle's own secrets.
    ///
    /// # Errors
    ///
    /// A file of fingerprints that cannot be read: without it less would be found.
    pub fn rules(&self) -> anyhow::Result<Rules> {
        let path = self.folder().join(KEYS_DIR).join(OWN_SECRETS);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let own = read_fingerprints(&text);
                Ok(Rules::with(own.context("the fingerprints are not in their form")?))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Rules::builtin().clone())
            }
            Err(error) => Err(error).context("cannot read the fingerprints"),
        }
    }

    /// The roots of https upstreams where there are more than the public ones.
    pub fn roots(&self) -> Option<PathBuf> {
        Some(self.run.join("roots.pem")).filter(|path| path.exists())
    }

    /// Where the text of the policy in force lies: a file that was replaced by a bad one must not be
    /// what a push is judged by.
    fn in_force(&self) -> PathBuf {
        self.run.join("gate.yaml")
    }

    /// Lays down the text that hooks read.
    ///
    /// # Errors
    ///
    /// What cannot be written.
    pub fn keep(&self, text: &str) -> anyhow::Result<()> {
        let path = self.in_force();
        sidecar::replace(&path, text.as_bytes(), 0o600)
            .with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// The policy in force, as a hook reads it.
    ///
    /// # Errors
    ///
    /// What is wrong with it: the gate took it, so nothing should be.
    pub fn read_in_force(&self) -> anyhow::Result<GateFile> {
        let path = self.in_force();
        let text = text_of(&path)?;
        GateFile::parse(&text).with_context(|| format!("`{}` is refused", path.display()))
    }

    /// The text of the gate file.
    ///
    /// # Errors
    ///
    /// What cannot be read.
    pub fn text(&self) -> anyhow::Result<String> {
        text_of(&self.config)
    }

    /// What a text of the gate file says.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(&self, text: &str) -> anyhow::Result<GateFile> {
        GateFile::parse(text).with_context(|| format!("`{}` is refused", self.config.display()))
    }

    /// Lays out the hooks, which are `program` under the hook's name, and the roots.
    ///
    /// # Errors
    ///
    /// What cannot be written.
    pub fn lay_out(&self, program: &Path) -> anyhow::Result<()> {
        let hooks = self.hooks();
        let cannot = || format!("cannot write `{}`", self.run.display());
        std::fs::create_dir_all(&hooks).with_context(cannot)?;
        let hook = hooks.join(HOOK);
        // Left by a process that was killed: the memory outlives it.
        drop(std::fs::remove_file(&hook));
        std::os::unix::fs::symlink(program, &hook).with_context(cannot)?;
        if let Ok(more) = std::fs::read_to_string(self.folder().join(UPSTREAM_CA)) {
            let own = std::fs::read_to_string(SYSTEM_ROOTS).unwrap_or_default();
            put(&self.run.join("roots.pem"), format!("{own}\n{more}").as_bytes())
                .with_context(cannot)?;
        }
        Ok(())
    }
}

fn text_of(path: &Path) -> anyhow::Result<String> {
    let cannot = || format!("cannot read `{}`", path.display());
    let mut text = String::new();
    let open = std::fs::File::open(path).with_context(cannot)?;
    open.take(FILE_LIMIT).read_to_string(&mut text).with_context(cannot)?;
    Ok(text)
}

/// Writes a file of the gate's own that nobody reads meanwhile.
pub(crate) fn put(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).truncate(true).write(true).open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}
