//! Logins are taken, handed back and kept: one bottle at a time, nothing lost.

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
        self.take_of(Login::Claude, "TOKEN", slug)
    }

    fn take_of(&self, login: Login, variable: &str, slug: &str) -> anyhow::Result<Tokens> {
        let home = self.folder.path().to_str().unwrap().to_owned();
        let root = self.root().to_str().unwrap().to_owned();
        let environment = Environment::from([("HOME", &*home), ("BOTTLE_STATE_DIR", &*root)]);
        login.take(variable, &slug.parse().unwrap(), &environment)
    }

    fn hand_back(&self, slug: &str, refresh: &str) {
        self.hand_back_of("TOKEN", slug, refresh);
    }

    fn hand_back_of(&self, variable: &str, slug: &str, refresh: &str) {
        let outbox = self.root().join(slug).join("egress/outbox");
        fs::create_dir_all(&outbox).unwrap();
        let text = format!(
            r#"{{"access_token":"canary-new","refresh_token":"{refresh}","expires":1900000000}}"#
        );
        let file = outbox.join(format!("login-{variable}.json"));
        replace(&file, text.as_bytes(), 0o600).unwrap();
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
fn two_logins_of_one_bottle_stay_apart_and_an_account_keeps_its_name() {
    let host = Host::new();
    let folder = host.folder.path().join(".codex");
    fs::create_dir_all(&folder).unwrap();
    let access = egress::jwt::unsigned(&serde_json::json!({"exp": 1_850_000_000}), "canary");
    let file = serde_json::json!({"tokens": {"access_token": access,
        "refresh_token": "canary-codex-1", "account_id": "an-account"}});
    replace(&folder.join("auth.json"), file.to_string().as_bytes(), 0o600).unwrap();
    host.take("first").unwrap();
    let own = host.take_of(Login::Codex, "CHATGPT", "first").unwrap();
    assert_eq!((own.account.as_deref(), own.expires), (Some("an-account"), 1_850_000_000));
    host.hand_back("first", "canary-2");
    host.hand_back_of("CHATGPT", "first", "canary-codex-2");
    release(&host.root(), &"first".parse().unwrap()).unwrap();
    let own = host.take_of(Login::Codex, "CHATGPT", "second").unwrap();
    let told = (&*own.refresh_token, own.account.as_deref());
    assert_eq!(told, ("canary-codex-2", Some("an-account")));
    // That the one is another bottle's is nothing to whoever has the other alone.
    assert_eq!(host.take("third").unwrap().refresh_token, "canary-2");
    let third = "third".parse().unwrap();
    confirm(&host.root(), &third, &[Login::Claude.renewal("TOKEN", None).unwrap()]).unwrap();
    confirm(&host.root(), &third, &[Login::Codex.renewal("CHATGPT", None).unwrap()]).unwrap_err();
}

#[test]
fn what_is_kept_serves_whatever_became_of_the_programs_own_file() {
    let host = Host::new();
    host.take("first").unwrap();
    // It was killed, and the person has logged out, or made the file everybody's.
    host.hand_back("first", "canary-2");
    let path = host.folder.path().join(".claude/.credentials.json");
    replace(&path, FILE.as_bytes(), 0o644).unwrap();
    assert_eq!(host.take("second").unwrap().refresh_token, "canary-2");
    replace(&path, b"{}", 0o600).unwrap();
    assert_eq!(host.take("third").unwrap().refresh_token, "canary-2");
}

#[test]
fn what_was_renewed_stays_where_it_is_until_it_is_kept() {
    let host = Host::new();
    host.take("first").unwrap();
    host.hand_back("first", "canary-2");
    let outbox = host.root().join("first/egress/outbox/login-TOKEN.json");
    // A folder in its place: what is kept cannot be written.
    let kept = host.root().join(FOLDER).join("claude.json");
    let text = fs::read(&kept).unwrap();
    let (slug, login) = ("first".parse().unwrap(), Login::Claude);
    let (mut known, lock) = login.open(&host.root()).unwrap();
    fs::remove_file(&kept).unwrap();
    fs::create_dir(&kept).unwrap();
    login.take_back(&host.root(), &mut known, "first").unwrap_err();
    assert!(outbox.exists(), "the only copy is gone");
    fs::remove_dir(&kept).unwrap();
    replace(&kept, &text, 0o600).unwrap();
    drop(lock);
    release(&host.root(), &slug).unwrap();
    assert!(!outbox.exists());
    assert_eq!(host.take("second").unwrap().refresh_token, "canary-2");
}

#[test]
fn a_living_bottles_login_is_not_taken_under_its_own_name() {
    let host = Host::new();
    host.take("first").unwrap();
    let claim = StateDir::open(host.root()).unwrap().claim(&"first".parse().unwrap()).unwrap();
    let refused = host.take_of(Login::Claude, "OTHER", "first").map(|_| ()).unwrap_err();
    assert!(refused.to_string().contains("`first`"));
    drop(claim);
    // Renewed under the name that it had there.
    host.hand_back("first", "canary-2");
    assert_eq!(host.take_of(Login::Claude, "OTHER", "first").unwrap().refresh_token, "canary-2");
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
