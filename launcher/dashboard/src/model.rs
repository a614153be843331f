//! What is known, as it is shown. Texts may come from an agent.

/// All that is known at one moment.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// By name.
    pub bottles: Vec<Bottle>,
    /// The newest first, of every bottle.
    pub denials: Vec<Denial>,
    /// Those that wait for an answer, the oldest first.
    pub proposals: Vec<Proposal>,
    /// The log that was asked for last.
    pub log: Log,
    /// The time of day.
    pub clock: String,
    /// Why the engine tells nothing.
    pub engine: Option<String>,
}

/// How a bottle is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    Starting,
    Running,
    Stopping,
    #[default]
    Stopped,
    Broken,
}

/// One bottle.
#[derive(Clone, Debug, Default)]
pub struct Bottle {
    pub name: String,
    pub agent: String,
    pub state: State,
    /// When it was made.
    pub since: String,
    /// What a person should know above all: that it is observed, or that a file is not to be trusted.
    pub warning: Option<String>,
    pub services: Vec<Service>,
    /// Requests a second, over the last seconds.
    pub rate: f64,
    /// Requests that were allowed and denied since the dashboard looks.
    pub allowed: u64,
    pub denied: u64,
    pub routes: Vec<Route>,
}

/// One container of it.
#[derive(Clone, Debug, Default)]
pub struct Service {
    pub name: String,
    /// In the engine's words.
    pub is: String,
    /// Whether it does what it is for.
    pub good: bool,
}

/// What was spent on a route.
#[derive(Clone, Debug, Default)]
pub struct Route {
    pub name: String,
    pub requests: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// What is left, or that nothing bounds it.
    pub budget: String,
}

/// Something that was refused.
#[derive(Clone, Debug, Default)]
pub struct Denial {
    pub bottle: String,
    /// The time of day.
    pub time: String,
    pub service: String,
    pub what: String,
    pub why: String,
}

/// Something an agent asks for.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// `BOTTLE/ID`.
    pub name: String,
    pub bottle: String,
    /// How long ago.
    pub asked: String,
    /// In a line.
    pub wish: String,
    /// The whole of it for a person: what it comes to, the risks, the agent's words, quoted.
    pub text: Vec<String>,
    /// The digest of exactly this change; none where it cannot be granted.
    pub change: Option<String>,
}

/// The end of one service's log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    pub bottle: String,
    pub service: String,
    pub lines: Vec<String>,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Broken => "broken",
        }
    }
}

impl Bottle {
    /// Its health in a word or two: the first service that is not well, by name.
    pub fn health(&self) -> String {
        match (self.state, self.services.iter().find(|service| !service.good)) {
            (State::Stopped, _) => "-".to_owned(),
            (_, Some(bad)) => format!("{}: {}", bad.name, bad.is),
            (_, None) if self.services.is_empty() => "unknown".to_owned(),
            (_, None) => "healthy".to_owned(),
        }
    }

    /// Whether all is well with it.
    pub fn is_well(&self) -> bool {
        let broken = matches!(self.state, State::Broken);
        !broken && self.warning.is_none() && self.services.iter().all(|service| service.good)
    }
}

impl Model {
    /// How many proposals of that bottle wait.
    pub fn waiting(&self, bottle: &str) -> usize {
        self.proposals.iter().filter(|proposal| proposal.bottle == bottle).count()
    }

    /// The bottle of that name.
    pub fn bottle(&self, name: &str) -> Option<&Bottle> {
        self.bottles.iter().find(|bottle| bottle.name == name)
    }
}
