//! The accounts of all routes, and the file by which they outlive this process.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use compose_render::HostPattern;
use egress::{Budget, Route, USAGE_FILE, Usage, UsageFile, UsageLine};
use sidecar::{Line, Log, Shutdown, Status, replace};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// More than every account of a bottle.
const FILE_LIMIT: u64 = 1024 * 1024;
/// The file is written no more often: what is lost to a kill is no older.
const PAUSE: Duration = Duration::from_millis(100);

/// Every account there ever was in this bottle.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: PathBuf,
    accounts: Mutex<BTreeMap<String, Arc<Account>>>,
    changed: Arc<Notify>,
}

/// What the routes of one name used.
#[derive(Debug)]
pub(crate) struct Account {
    host: HostPattern,
    port: u16,
    budget: Mutex<Budget>,
    requests: AtomicU64,
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
    changed: Arc<Notify>,
}

impl Ledger {
    /// Goes on with what an earlier process wrote.
    ///
    /// # Errors
    ///
    /// A file that cannot be read: beginning anew would lift every budget.
    pub(crate) fn open(outbox: &Path) -> anyhow::Result<Self> {
        let file = outbox.join(USAGE_FILE);
        let changed = Arc::new(Notify::new());
        let cannot = || format!("cannot go on with `{}`", file.display());
        let kept = match std::fs::File::open(&file) {
            Ok(open) => {
                let mut text = String::new();
                open.take(FILE_LIMIT).read_to_string(&mut text).with_context(cannot)?;
                serde_json::from_str(&text).with_context(cannot)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => UsageFile::default(),
            Err(error) => return Err(error).with_context(cannot),
        };
        let account = |line: UsageLine| {
            let account = Account {
                host: line.host,
                port: line.port,
                budget: Mutex::new(line.budget.unwrap_or_default()),
                requests: AtomicU64::new(line.used.requests),
                input_tokens: AtomicU64::new(line.used.input_tokens),
                output_tokens: AtomicU64::new(line.used.output_tokens),
                changed: Arc::clone(&changed),
            };
            (line.route, Arc::new(account))
        };
        let accounts = Mutex::new(kept.routes.into_iter().map(account).collect());
        Ok(Self { file, accounts, changed })
    }

    /// The account of a route, with the budget that it has now.
    pub(crate) fn account(&self, route: &Route) -> Arc<Account> {
        let mut accounts = lock(&self.accounts);
        let account = accounts.entry(route.account()).or_insert_with(|| {
            Arc::new(Account {
                host: route.host.clone(),
                port: route.port,
                budget: Mutex::default(),
                requests: AtomicU64::new(0),
                input_tokens: AtomicU64::new(0),
                output_tokens: AtomicU64::new(0),
                changed: Arc::clone(&self.changed),
            })
        });
        *lock(&account.budget) = route.budget;
        Arc::clone(account)
    }

    /// Writes down what changes, until the shutdown is requested.
    pub(crate) async fn keep(&self, status: &Status, log: &Log, shutdown: Shutdown) {
        let mut told = false;
        loop {
            self.show(status);
            tokio::select! {
                () = self.changed.notified() => {}
                () = shutdown.requested() => return,
            }
            if let Err(error) = self.save().await {
                if !told {
                    let name = self.file.display();
                    log.write(Line::failure(format!("`{name}` cannot be written: {error}")));
                }
                told = true;
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = shutdown.requested() => {}
            }
        }
    }

    /// Writes the file, whole or not at all. A disk that is slow holds up no request meanwhile.
    pub(crate) async fn save(&self) -> io::Result<()> {
        let (file, text) = (self.file.clone(), serde_json::to_vec(&self.contents())?);
        spawn_blocking(move || replace(&file, &text, 0o600)).await?
    }

    /// Tells the status, by which metrics are read.
    fn show(&self, status: &Status) {
        for line in self.contents().routes {
            let Usage { requests, input_tokens, output_tokens } = line.used;
            let figures = [
                ("requests", requests),
                ("input_tokens", input_tokens),
                ("output_tokens", output_tokens),
            ];
            status.set_figures(&line.route, figures);
        }
    }

    fn contents(&self) -> UsageFile {
        let accounts = lock(&self.accounts);
        let line = |(name, account): (&String, &Arc<Account>)| {
            let budget = *lock(&account.budget);
            UsageLine {
                route: name.clone(),
                host: account.host.clone(),
                port: account.port,
                used: account.used(),
                budget: (!budget.is_unbounded()).then_some(budget),
            }
        };
        UsageFile { routes: accounts.iter().map(line).collect() }
    }
}

impl Account {
    pub(crate) fn used(&self) -> Usage {
        Usage {
            requests: self.requests.load(Ordering::Relaxed),
            input_tokens: self.input_tokens.load(Ordering::Relaxed),
            output_tokens: self.output_tokens.load(Ordering::Relaxed),
        }
    }

    /// What of the budget is used up, if anything.
    pub(crate) fn exhausted(&self) -> Option<String> {
        lock(&self.budget).exhausted(&self.used())
    }

    /// The same of tokens alone: a `WebSocket` that is open is no further request.
    pub(crate) fn tokens_exhausted(&self) -> Option<String> {
        let budget = Budget { requests: None, ..*lock(&self.budget) };
        budget.exhausted(&self.used())
    }

    /// Counts a request that is sent now.
    ///
    /// # Errors
    ///
    /// What of the budget is used up: of two that come at once, the last permitted is sent alone.
    pub(crate) fn enter(&self) -> Result<(), String> {
        let budget = lock(&self.budget);
        if let Some(exhausted) = budget.exhausted(&self.used()) {
            return Err(exhausted);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        drop(budget);
        self.changed.notify_one();
        Ok(())
    }

    pub(crate) fn add(&self, input: u64, output: u64) {
        if input == 0 && output == 0 {
            return;
        }
        self.input_tokens.fetch_add(input, Ordering::Relaxed);
        self.output_tokens.fetch_add(output, Ordering::Relaxed);
        self.changed.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(output_tokens: u64) -> Route {
        Route {
            budget: Budget { output_tokens: Some(output_tokens), ..Budget::default() },
            ..Route::to("api.test".parse().unwrap())
        }
    }

    fn blocking<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(future)
    }

    #[test]
    fn a_disk_that_takes_its_time_holds_up_nobody() {
        let folder = tempfile::tempdir().unwrap();
        // Whoever opens it waits until somebody reads: a disk that does not answer.
        let staged = folder.path().join(USAGE_FILE).with_extension("new");
        let mode = nix::sys::stat::Mode::from_bits_truncate(0o600);
        nix::unistd::mkfifo(&staged, mode).unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let served = std::thread::spawn(move || {
            blocking(async {
                let others = async {
                    tokio::task::yield_now().await;
                    tell.send(()).unwrap();
                };
                tokio::join!(ledger.save(), others).0
            })
        });
        told.recv_timeout(Duration::from_secs(20)).expect("the runtime's one thread is free");
        drop(std::fs::File::open(&staged).unwrap());
        // A pipe is nothing that can be synced.
        served.join().unwrap().unwrap_err();
    }

    #[test]
    fn g12_what_was_used_outlives_the_process_and_a_damaged_file_lifts_no_budget() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        let account = ledger.account(&route(100));
        account.enter().unwrap();
        account.add(7, 100);
        account.enter().unwrap_err();
        blocking(ledger.save()).unwrap();

        let after = Ledger::open(folder.path()).unwrap();
        let account = after.account(&route(100));
        assert_eq!(account.used(), Usage { requests: 1, input_tokens: 7, output_tokens: 100 });
        assert_eq!(account.enter().unwrap_err(), "100 of 100 output tokens");
        // A person raises it.
        after.account(&route(200)).enter().unwrap();

        compose_run::replace(&folder.path().join(USAGE_FILE), b"{", 0o600).unwrap();
        assert!(Ledger::open(folder.path()).is_err());
    }
}
