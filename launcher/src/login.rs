//! Logins that egress renews: taken from the program that made them, kept between bottles, and in
//! one bottle at a time, since a refresh token serves once.

mod known;

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use compose_render::Slug;
use compose_run::{StateDir, read_plain, replace};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

pub(crate) use self::known::{Login, client_variable};
use crate::environment::Environment;
use crate::trust::state_root;

/// In the state folder; the dot makes it no bottle's.
const FOLDER: &str = ".credentials";
/// More than any login.
const LIMIT: u64 = 64 * 1024;

/// A login as it stands.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
    /// In seconds since 1970; 0 where it is not known.
    pub expires: u64,
    /// Whose it is, where requests have to say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What the account may do, in its service's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// What is kept of a login on this host.
#[derive(Default, Deserialize, Serialize)]
struct Kept {
    /// The bottle that has it.
    owner: Option<String>,
    /// The credential's variable there.
    #[serde(default)]
    variable: Option<String>,
    tokens: Option<Tokens>,
}

impl Login {
    /// Takes the login for a bottle.
    ///
    /// # Errors
    ///
    /// When nobody has logged in, and when a living bottle has the login.
    pub(crate) fn take(
        self,
        variable: &str,
        slug: &Slug,
        environment: &Environment,
    ) -> anyhow::Result<Tokens> {
        let root = state_root(environment)?;
        let (mut kept, _lock) = self.open(&root)?;
        if let Some(owner) = kept.owner.clone() {
            // Its own name as well: whoever takes it anew has not claimed it yet.
            if is_alive(&root, &owner) {
                bail!(
                    "the bottle `{owner}` has this login, and one bottle at a time can: stop it, or \
                     use {}",
                    self.instead()
                );
            }
            self.take_back(&root, &mut kept, &owner)?;
        }
        let own = self.file(environment).and_then(|path| self.read(&path).transpose()).transpose();
        // Where one is kept, it serves whatever became of the program's own file.
        let own = if kept.tokens.is_some() { own.unwrap_or_default() } else { own? };
        let later = |kept: &Tokens, own: &Tokens| own.expires > kept.expires;
        kept.tokens = match (kept.tokens.take(), own) {
            (Some(kept), Some(own)) if later(&kept, &own) => Some(own),
            (Some(kept), _) => Some(kept),
            (None, own) => own,
        };
        let Some(tokens) = kept.tokens.clone() else {
            bail!("nobody has logged in on this host: {}", self.how())
        };
        kept.owner = Some(slug.to_string());
        kept.variable = Some(variable.to_owned());
        self.keep(&root, &kept)?;
        Ok(tokens)
    }

    /// What is kept, and the lock under which it may be changed.
    fn open(self, root: &Path) -> anyhow::Result<(Kept, Flock<File>)> {
        let folder = root.join(FOLDER);
        let cannot = || format!("cannot use `{}`", folder.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).with_context(cannot)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(format!("{}.lock", self.name())))
            .with_context(cannot)?;
        let lock = Flock::lock(lock, FlockArg::LockExclusive)
            .map_err(|(_, error)| error)
            .with_context(cannot)?;
        let path = folder.join(format!("{}.json", self.name()));
        let mut text = String::new();
        match File::open(&path) {
            Ok(file) => {
                file.take(LIMIT).read_to_string(&mut text).with_context(cannot)?;
                let kept = serde_json::from_str(&text);
                let kept = kept.map_err(|_| anyhow::anyhow!("`{}` is damaged", path.display()))?;
                Ok((kept, lock))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok((Kept::default(), lock))
            }
            Err(error) => Err(error).with_context(cannot),
        }
    }

    /// Takes back what a bottle's egress renewed, and leaves none of it in the bottle's folder: a
    /// refresh token serves once, so what lies there is removed when it is kept here.
    fn take_back(self, root: &Path, kept: &mut Kept, owner: &str) -> anyhow::Result<()> {
        let renewed = kept.collect(root, owner);
        self.keep(root, kept)?;
        // What cannot be removed goes with the bottle.
        if let Some(file) = renewed {
            drop(fs::remove_file(file));
        }
        Ok(())
    }

    fn keep(self, root: &Path, kept: &Kept) -> anyhow::Result<()> {
        let path = root.join(FOLDER).join(format!("{}.json", self.name()));
        replace(&path, &serde_json::to_vec(kept)?, 0o600)?;
        Ok(())
    }
}

impl Kept {
    /// Reads what a bottle's egress renewed of it, and says where that lies.
    fn collect(&mut self, root: &Path, owner: &str) -> Option<PathBuf> {
        let outbox = root.join(owner).join("egress").join("outbox");
        self.owner = None;
        let variable = self.variable.take()?;
        let name = format!("{}{variable}.json", egress::LOGIN_FILE_PREFIX);
        let bytes = read_plain(&outbox, Path::new(&name), LIMIT).ok()?;
        let tokens = serde_json::from_slice::<Tokens>(&bytes).ok();
        let kept = self.tokens.take();
        let newer = |new: &Tokens| kept.as_ref().is_none_or(|kept| new.expires >= kept.expires);
        self.tokens = match tokens.filter(newer) {
            // Whose it is egress is not told.
            Some(new) => {
                let (account, plan) =
                    kept.map(|kept| (kept.account, kept.plan)).unwrap_or_default();
                Some(Tokens { account, plan, ..new })
            }
            None => kept,
        };
        Some(outbox.join(name))
    }
}

/// The name of the refresh token's value, of which the agent has no placeholder.
pub(crate) fn refresh_variable(variable: &str) -> String {
    format!("{variable}_REFRESH")
}

/// The name of the account's value.
pub(crate) fn account_variable(variable: &str) -> String {
    format!("{variable}_ACCOUNT")
}

/// Sees that a bottle that is locked now has the logins it took: another start may have been faster.
pub(crate) fn confirm(
    root: &Path,
    slug: &Slug,
    renewals: &[egress::Renewal],
) -> anyhow::Result<()> {
    let own = |login: &Login| renewals.iter().any(|renewal| login.is_of(renewal));
    for login in Login::words().into_iter().map(|(_, login)| login).filter(own) {
        let (kept, _lock) = login.open(root)?;
        if let Some(owner) = kept.owner.filter(|owner| owner != slug.as_str()) {
            bail!("the bottle `{owner}` took the same login just now");
        }
    }
    Ok(())
}

/// Takes back the logins of a bottle that is gone.
pub(crate) fn release(root: &Path, slug: &Slug) -> anyhow::Result<()> {
    if !root.join(FOLDER).exists() {
        return Ok(());
    }
    for (_, login) in Login::words() {
        let (mut kept, _lock) = login.open(root)?;
        if kept.owner.as_deref() == Some(slug.as_str()) {
            login.take_back(root, &mut kept, slug.as_str())?;
        }
    }
    Ok(())
}

fn is_alive(root: &Path, owner: &str) -> bool {
    let Ok(slug) = owner.parse::<Slug>() else { return false };
    StateDir::open(root).is_ok_and(|state| {
        let dir = state.bottle(&slug);
        let left = matches!(dir.metadata(), Ok(Some(metadata)) if metadata.detached
            && metadata.phase != compose_run::Phase::Stopped);
        dir.is_locked() || left
    })
}

#[cfg(test)]
mod tests;
