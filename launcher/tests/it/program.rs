//! The program under test, with a state folder, a home and a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A person's account: nothing of the one who runs the tests is in it.
#[derive(Debug)]
pub(crate) struct Account {
    folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    /// The program itself.
    bottle: PathBuf,
    /// A process whose networks, processes and mounts the program sees instead of ours.
    beside: Option<String>,
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Account {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "here"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let variables = BTreeMap::from([
            ("PATH".to_owned(), path.to_string_lossy().into_owned()),
            ("HOME".to_owned(), folder.path().join("home").display().to_string()),
        ]);
        let bottle = PathBuf::from(env!("CARGO_BIN_EXE_bottle"));
        Self { folder, variables, bottle, beside: None }
    }

    /// With a variable set for every later call.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Every later call sees what that process sees.
    pub(crate) fn enter(&mut self, process: &str) {
        self.beside = Some(process.to_owned());
    }

    /// Every later call runs a copy of the program in that folder.
    pub(crate) fn install(&mut self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        self.bottle = folder.join("bottle");
        std::fs::copy(env!("CARGO_BIN_EXE_bottle"), &self.bottle).unwrap();
    }

    /// Forgets a variable for every later call.
    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Sets a variable for every later call.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Sets a variable and returns what it was.
    pub(crate) fn replaced(&mut self, name: &str, value: &str) -> String {
        self.variables.insert(name.to_owned(), value.to_owned()).unwrap_or_default()
    }

    /// With what a start needs: the sidecars' binaries, and the images' cache of whoever runs
    /// the tests, so that nothing is fetched twice.
    pub(crate) fn in_a_bottle(self) -> Self {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(home?.join(".cache"))).unwrap();
        let sidecars = compose_testkit::sidecars().dir().display().to_string();
        self.with("BOTTLE_SIDECARS", &sidecars).with("XDG_CACHE_HOME", cache.to_str().unwrap())
    }

    /// A file in the folder one is in.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.here().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        compose_run::replace(&path, text.as_bytes(), 0o644).unwrap();
        path
    }

    /// The folder one is in.
    pub(crate) fn here(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    /// Whatever was made in the state folder.
    pub(crate) fn made(&self) -> Vec<PathBuf> {
        let state = self.folder.path().join("home/.local/state/bottle");
        let Ok(entries) = std::fs::read_dir(state) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// `bottle`, with no terminal and nothing of our own environment.
    #[expect(clippy::disallowed_methods, reason = "the program under test, not one of the host")]
    fn program(&self, args: &[&str]) -> duct::Expression {
        let bottle = self.bottle.to_str().unwrap();
        let here = self.here();
        let Some(process) = &self.beside else {
            return duct::cmd(bottle, args).dir(here).full_env(&self.variables).stdin_null();
        };
        let here = here.display().to_string();
        let entered = ["--target", process, "--net", "--pid", "--mount"];
        let shell = ["sh", "-c", "cd \"$0\" && exec \"$@\"", &here, bottle];
        let all = entered.iter().chain(&shell).chain(args).copied();
        duct::cmd("nsenter", all).full_env(&self.variables).stdin_null()
    }

    /// Starts `bottle` and does not wait for it. What it prints goes to the two files.
    pub(crate) fn spawn(&self, args: &[&str], out: &Path, err: &Path) -> duct::Handle {
        self.program(args).stdout_path(out).stderr_path(err).unchecked().start().unwrap()
    }

    /// Runs `bottle` where no file may grow beyond 4 KiB, and what would is an error as on a full
    /// disk.
    #[expect(clippy::disallowed_methods, reason = "the program under test, not one of the host")]
    pub(crate) fn bottle_with_small_files(&self, args: &[&str]) -> Said {
        let shell = ["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""];
        let program = env!("CARGO_BIN_EXE_bottle");
        let all = shell.iter().chain([&program]).chain(args).copied();
        let output = duct::cmd("sh", all)
            .dir(self.here())
            .full_env(&self.variables)
            .stdin_null()
            .stdout_capture()
            .stderr_capture()
            .unchecked()
            .run()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Starts `bottle`, to be read from.
    pub(crate) fn piped(&self, args: &[&str]) -> duct::ReaderHandle {
        self.program(args).reader().unwrap()
    }

    /// Starts `bottle` on a terminal.
    #[expect(clippy::disallowed_methods, reason = "the program under test, not one of the host")]
    pub(crate) fn on_terminal(&self, args: &[&str], terminal: &std::fs::File) -> duct::Handle {
        let end = || terminal.try_clone().unwrap();
        duct::cmd(Path::new(env!("CARGO_BIN_EXE_bottle")), args)
            .dir(self.here())
            .full_env(&self.variables)
            .env("TERM", "xterm")
            .stdin_file(end())
            .stdout_file(end())
            .stderr_file(end())
            .unchecked()
            .start()
            .unwrap()
    }

    /// Runs `bottle` to its end.
    pub(crate) fn bottle(&self, args: &[&str]) -> Said {
        let program = self.program(args).stdout_capture().stderr_capture().unchecked();
        let output = program.run().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}
