//! One bottle, as its files tell.

use std::path::Path;
use std::time::{Instant, SystemTime};

use compose_run::{BottleDir, Metadata};
use dashboard::{Denial, Proposal, Route};
use egress::UsageLine;

use super::rate::Rate;
use crate::decide::{self, Outlook};
use crate::decisions::{self, Decision};
use crate::proposals::{ASK, Asked};
use crate::tail::Tail;

/// What is read of each file at first: some hundred decisions.
const AT_FIRST: u64 = 32 * 1024;

/// What was seen of a bottle.
#[derive(Debug)]
pub(super) struct Seen {
    pub metadata: Option<Metadata>,
    tail: Tail,
    rate: Rate,
    counts: [u64; 2],
    /// What was there already is no request of these seconds.
    looked: bool,
    fault: Option<String>,
    asked: Vec<Asked>,
    odd: usize,
    /// When the folders that proposals and answers lie in were changed last.
    folders: Vec<Option<SystemTime>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            metadata: None,
            tail: Tail::of_the_last(AT_FIRST),
            rate: Rate::default(),
            counts: [0; 2],
            looked: false,
            fault: None,
            asked: Vec::new(),
            odd: 0,
            folders: Vec::new(),
        }
    }
}

impl Seen {
    /// What was denied since the last look, each by its full time.
    pub(super) fn look(&mut self, dir: &BottleDir, now: Instant) -> Vec<(String, Denial)> {
        let new = self.tail.look(dir.path());
        let new = new.unwrap_or_else(|error| {
            self.fault = Some(format!("do not trust it: {error:#}"));
            Vec::new()
        });
        let counted = std::mem::replace(&mut self.looked, true);
        let mut requests = 0;
        for decision in new.iter().filter(|_| counted) {
            let repeats = decision.repeats();
            match decision.text("event") {
                Some("allowed" | "redacted") => {
                    self.counts[0] += repeats;
                    requests += repeats;
                }
                Some("denied") => {
                    self.counts[1] += repeats;
                    requests += repeats;
                }
                _ => {}
            }
        }
        self.rate.add(requests, now);
        self.look_for_proposals(dir);
        let slug = dir.slug().as_str();
        new.iter().filter(|decision| decision.is_denied()).map(|one| denial(slug, one)).collect()
    }

    /// Reads proposals where a file came or went.
    fn look_for_proposals(&mut self, dir: &BottleDir) {
        let changed = |path: &Path| path.symlink_metadata().and_then(|there| there.modified()).ok();
        let folders: Vec<_> = ASK
            .into_iter()
            .map(|role| dir.service(role))
            .flat_map(|dirs| [changed(&dirs.outbox), changed(&dirs.inbox)])
            .collect();
        if folders == self.folders {
            return;
        }
        match decide::proposals_of(dir) {
            Ok(found) => {
                (self.odd, self.asked) = (found.odd, found.asked);
                self.folders = folders;
            }
            Err(error) => self.fault = Some(format!("do not trust it: {error:#}")),
        }
    }

    pub(super) fn warning(&self) -> Option<String> {
        let odd = (self.odd > 0).then(|| format!("{} files are no proposals", self.odd));
        self.fault.clone().or(odd)
    }

    pub(super) fn rate(&self, now: Instant) -> f64 {
        self.rate.per_second(now)
    }

    pub(super) const fn allowed(&self) -> u64 {
        self.counts[0]
    }

    pub(super) const fn denied(&self) -> u64 {
        self.counts[1]
    }

    /// Those that wait, in a line each.
    pub(super) fn proposals(&self) -> impl Iterator<Item = Proposal> {
        self.asked.iter().filter(|asked| asked.is_open()).map(|asked| Proposal {
            name: asked.name().to_string(),
            bottle: asked.slug.to_string(),
            asked: decide::ago(asked),
            wish: asked.wish(),
            ..Proposal::default()
        })
    }

    /// The whole of the one of that name: what it comes to on the policy as it is now.
    pub(super) fn whole(&self, dir: &BottleDir, name: &str) -> Option<Proposal> {
        let asked = self.asked.iter().find(|asked| asked.name().to_string() == name)?;
        let outlook = Outlook::of(dir, asked, None);
        let text = decide::text(asked, outlook.as_ref().map_err(|error| format!("{error:#}")));
        Some(Proposal {
            name: name.to_owned(),
            bottle: asked.slug.to_string(),
            asked: decide::ago(asked),
            wish: asked.wish(),
            // Its first line is the row that is chosen.
            text: text.lines().skip(1).map(str::to_owned).collect(),
            change: outlook.ok().map(|outlook| outlook.change),
        })
    }
}

/// One for the list, beside its full time: of that the list shows the time of day alone.
fn denial(bottle: &str, decision: &Decision) -> (String, Denial) {
    let field = |name| decision.text(name).unwrap_or_default().to_owned();
    let time = field("time");
    let clock = time.split_once('T').map_or(time.as_str(), |(_, clock)| clock);
    let denial = Denial {
        bottle: bottle.to_owned(),
        time: clock.chars().take(8).collect(),
        service: field("service"),
        what: decision.what(),
        why: decision
            .text("rule")
            .filter(|_| decision.text("event") == Some("push"))
            .map_or_else(|| field("reason"), str::to_owned),
    };
    (time, denial)
}

/// What was spent on the routes of a bottle.
pub(super) fn routes(dir: &BottleDir) -> Vec<Route> {
    decisions::usage(dir).into_iter().map(route).collect()
}

fn route(line: UsageLine) -> Route {
    let UsageLine { route, used, budget, .. } = line;
    Route {
        name: route,
        requests: used.requests,
        input_tokens: used.input_tokens,
        output_tokens: used.output_tokens,
        budget: match budget {
            None => "none".to_owned(),
            Some(budget) => match budget.exhausted(&used) {
                Some(_) => format!("used up: {budget}"),
                None => budget.to_string(),
            },
        },
    }
}
