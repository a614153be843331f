//! Logins that egress renews: taken from the program that made them, kept between bottles, and in
//! one bottle at a time, since a refresh token serves once.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use compose_render::Slug;
use compose_run::{StateDir, read_plain, replace};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::sources;
use crate::trust::state_root;

/// In the state folder; the dot makes it no bottle's.
const FOLDER: &str = ".credentials";
/// More than any login.
const LIMIT: u64 = 64 * 1024;

/// Whose login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Login {
    /// Claude Code's, of a subscription.
    Claude,
}

/// A login as it stands.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Tokens {
    pub access_token: String,
    pub refresh_token: String,
    /// In seconds since 1970.
    pub expires: u64,
}

/// What is kept of a login on this host.
#[derive(Default, Deserialize, Serialize)]
struct Kept {
    /// The bottle that has it.
    owner: Option<String>,
    tokens: Option<Tokens>,
}

/// Claude Code's own file, as far as it concerns us.
#[derive(Deserialize)]
struct ClaudeFile {
    #[serde(rename = "claudeAiOauth")]
    login: ClaudeLogin,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaudeLogin {
    access_token: String,
    refresh_token: String,
    /// In milliseconds since 1970.
    expires_at: u64,
}

impl Login {
    /// The logins by the word a manifest uses.
    pub(crate) const fn words() -> [(&'static str, Self); 1] {
        [("claude", Self::Claude)]
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
        }
    }

    /// How egress renews it.
    pub(crate) fn renewal(
        self,
        variable: &str,
        expires: Option<u64>,
    ) -> anyhow::Result<egress::Renewal> {
        let Self::Claude = self;
        Ok(egress::Renewal {
            variable: variable.parse()?,
            refresh: refresh_variable(variable).parse()?,
            endpoint: "https://platform.claude.com/v1/oauth/token".parse()?,
            client_id: "9d1c250a-e61b-44d9-88ed-5944d1962f5e".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            body: egress::TokenBody::Json,
            expires,
        })
    }

    /// The file of the program that logs in.
    fn file(self, environment: &Environment) -> Option<PathBuf> {
        let Self::Claude = self;
        let folder = environment
            .path("CLAUDE_CONFIG_DIR")
            .or_else(|| Some(environment.path("HOME")?.join(".claude")))?;
        Some(folder.join(".credentials.json"))
    }

    /// Takes the login for a bottle.
    ///
    /// # Errors
    ///
    /// When nobody has logged in, and when a living bottle has the login.
    pub(crate) fn take(self, slug: &Slug, environment: &Environment) -> anyhow::Result<Tokens> {
        let root = state_root(environment)?;
        let (mut kept, _lock) = self.open(&root)?;
        if let Some(owner) = kept.owner.as_deref().filter(|owner| *owner != slug.as_str()) {
            if is_alive(&root, owner) {
                bail!(
                    "the bottle `{owner}` has this login, and one bottle at a time can: stop it, or \
                     use a long-lived token (`claude setup-token`, in CLAUDE_CODE_OAUTH_TOKEN)"
                );
            }
            let owner = owner.to_owned();
            kept.collect(&root, &owner);
        }
        let own =
            self.file(environment).and_then(|path| self.read(&path).transpose()).transpose()?;
        let later = |kept: &Tokens, own: &Tokens| own.expires > kept.expires;
        kept.tokens = match (kept.tokens.take(), own) {
            (Some(kept), Some(own)) if later(&kept, &own) => Some(own),
            (Some(kept), _) => Some(kept),
            (None, own) => own,
        };
        let Some(tokens) = kept.tokens.clone() else {
            bail!("nobody has logged in on this host: run `claude` and `/login`")
        };
        kept.owner = Some(slug.to_string());
        self.keep(&root, &kept)?;
        Ok(tokens)
    }

    fn read(self, path: &Path) -> anyhow::Result<Option<Tokens>> {
        if !path.exists() {
            return Ok(None);
        }
        let Self::Claude = self;
        let text = sources::of_file(path)?;
        // serde's own message may quote what it did not expect, which may be a token.
        let file: ClaudeFile = serde_json::from_str(&text).map_err(|_| {
            anyhow::anyhow!("`{}` holds no login of a subscription", path.display())
        })?;
        Ok(Some(Tokens {
            access_token: file.login.access_token,
            refresh_token: file.login.refresh_token,
            expires: file.login.expires_at / 1000,
        }))
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

    fn keep(self, root: &Path, kept: &Kept) -> anyhow::Result<()> {
        let path = root.join(FOLDER).join(format!("{}.json", self.name()));
        replace(&path, &serde_json::to_vec(kept)?, 0o600)?;
        Ok(())
    }
}

impl Kept {
    /// Takes back what a bottle's egress renewed, and leaves none of it in the bottle's folder.
    fn collect(&mut self, root: &Path, owner: &str) {
        let outbox = root.join(owner).join("egress").join("outbox");
        self.owner = None;
        let Ok(entries) = fs::read_dir(&outbox) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let own = name.to_str().is_some_and(|name| name.starts_with(egress::LOGIN_FILE_PREFIX));
            if !own {
                continue;
            }
            let bytes = read_plain(&outbox, Path::new(&name), LIMIT);
            let tokens = bytes.ok().and_then(|bytes| serde_json::from_slice::<Tokens>(&bytes).ok());
            let newer =
                |new: &Tokens| self.tokens.as_ref().is_none_or(|kept| new.expires >= kept.expires);
            if let Some(tokens) = tokens.filter(newer) {
                self.tokens = Some(tokens);
            }
            // What is removed was read; what cannot be removed goes with the bottle.
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// The name of the refresh token's value, of which the agent has no placeholder.
pub(crate) fn refresh_variable(variable: &str) -> String {
    format!("{variable}_REFRESH")
}

/// Sees that a bottle that is locked now has the logins it took: another start may have been faster.
pub(crate) fn confirm(
    root: &Path,
    slug: &Slug,
    renewals: &[egress::Renewal],
) -> anyhow::Result<()> {
    if renewals.is_empty() {
        return Ok(());
    }
    for (_, login) in Login::words() {
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
            kept.collect(root, slug.as_str());
            login.keep(root, &kept)?;
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
mod tests {
    use super::*;

    const FILE: &str = r#"{"claudeAiOauth":{"accessToken":"canary-access","refreshToken":"canary-1",
        "expiresAt":1800000000000,"scopes":["user:inference"],"subscriptionType":"max"}}"#;

    struct Host {
        folder: tempfile::TempDir,
    }

    impl Host {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join(".claude")).unwrap();
            let host = Self { folder };
            replace(&host.folder.path().join(".claude/.credentials.json"), FILE.as_bytes(), 0o600)
                .unwrap();
            host
        }

        fn root(&self) -> PathBuf {
            self.folder.path().join("state")
        }

        fn take(&self, slug: &str) -> anyhow::Result<Tokens> {
            let home = self.folder.path().to_str().unwrap().to_owned();
            let root = self.root().to_str().unwrap().to_owned();
            let environment = Environment::from([("HOME", &*home), ("BOTTLE_STATE_DIR", &*root)]);
            Login::Claude.take(&slug.parse().unwrap(), &environment)
        }

        fn hand_back(&self, slug: &str, refresh: &str) {
            let outbox = self.root().join(slug).join("egress/outbox");
            fs::create_dir_all(&outbox).unwrap();
            let text = format!(
                r#"{{"access_token":"canary-new","refresh_token":"{refresh}","expires":1900000000}}"#
            );
            replace(&outbox.join("login-TOKEN.json"), text.as_bytes(), 0o600).unwrap();
        }
    }

    #[test]
    fn a_login_is_in_one_bottle_at_a_time_and_comes_back_renewed() {
        use std::os::unix::fs::PermissionsExt as _;
        let host = Host::new();
        let first = host.take("first").unwrap();
        assert_eq!((&*first.refresh_token, first.expires), ("canary-1", 1_800_000_000));
        let kept = host.root().join(FOLDER).join("claude.json");
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);

        let claim = StateDir::open(host.root()).unwrap().claim(&"first".parse().unwrap()).unwrap();
        let refused = host.take("second").map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("`first`") && refused.contains("setup-token"), "{refused}");
        assert!(!refused.contains("canary"));

        // It ends; what it renewed is what the next one gets, and stays in no other file.
        host.hand_back("first", "canary-2");
        release(&host.root(), &"first".parse().unwrap()).unwrap();
        drop(claim);
        assert!(!host.root().join("first/egress/outbox/login-TOKEN.json").exists());
        assert_eq!(host.take("second").unwrap().refresh_token, "canary-2");
        // It was killed, and nobody released it.
        host.hand_back("second", "canary-3");
        assert_eq!(host.take("third").unwrap().refresh_token, "canary-3");
        let renewal = Login::Claude.renewal("TOKEN", None).unwrap();
        confirm(&host.root(), &"third".parse().unwrap(), std::slice::from_ref(&renewal)).unwrap();
        confirm(&host.root(), &"second".parse().unwrap(), &[renewal]).unwrap_err();
    }

    #[test]
    fn g7_a_login_that_others_can_read_is_refused() {
        let host = Host::new();
        let path = host.folder.path().join(".claude/.credentials.json");
        replace(&path, FILE.as_bytes(), 0o644).unwrap();
        assert!(host.take("first").map(|_| ()).unwrap_err().to_string().contains("chmod 600"));
        fs::remove_file(&path).unwrap();
        assert!(host.take("first").map(|_| ()).unwrap_err().to_string().contains("logged in"));
    }
}
