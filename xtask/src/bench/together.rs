//! Bottles that are started at once, live beside each other and are stopped at once.

use std::thread;
use std::time::Instant;

use anyhow::{anyhow, ensure};
use serde_json::{Value, json};

use super::figures::Figures;
use super::ground::Ground;
use super::life::{since, timed};
use crate::ui::{data, say};

/// What they took.
#[derive(Debug)]
pub(super) struct Together {
    count: usize,
    each: Figures,
    up: f64,
    down: f64,
}

/// Starts so many at once, sees all of them run, and stops them.
pub(super) fn measure(ground: &Ground, first: usize, count: usize) -> anyhow::Result<Together> {
    say(format!("{count} at once"));
    let names: Vec<String> = (first..first + count).map(|number| ground.name(number)).collect();
    let began = Instant::now();
    let started: Vec<anyhow::Result<f64>> = thread::scope(|scope| {
        let starts: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(|| timed(&ground.start(name, &["--detach"]))))
            .collect();
        let ended = starts.into_iter().map(thread::ScopedJoinHandle::join);
        ended.map(|ended| ended.unwrap_or_else(|_| Err(anyhow!("a start panicked")))).collect()
    });
    let up = since(began);
    let running = running(ground);
    let down = stop(ground, &names);
    let mut each = Figures::default();
    for ms in started {
        each.push(ms?);
    }
    let running = running?;
    ensure!(running == count, "{running} of {count} run");
    Ok(Together { count, each, up, down: down? })
}

/// Stops them all by one command; how long that took.
pub(super) fn stop(ground: &Ground, names: &[String]) -> anyhow::Result<f64> {
    timed(&ground.bottle(&["--quiet", "stop"]).args(names))
}

/// How many bottles of this stage run.
pub(super) fn running(ground: &Ground) -> anyhow::Result<usize> {
    let listed: Value = serde_json::from_str(&ground.bottle(&["list", "--json"]).read()?)?;
    let bottles = listed.as_array().into_iter().flatten();
    Ok(bottles.filter(|bottle| bottle["condition"] == "running").count())
}

impl Together {
    pub(super) fn print(&self) {
        let of = |name: &str| format!("{} at once, {name}", self.count);
        data(self.each.row(&of("each start")));
        data(Figures::of([self.up]).row(&of("until all were up")));
        data(Figures::of([self.down]).row(&of("until all were gone")));
    }

    pub(super) fn json(&self) -> Value {
        json!({"bottles": self.count, "start": self.each.json(), "up": self.up, "down": self.down})
    }
}
