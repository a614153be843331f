//! supervise, the control half: what an agent may ask for, how a proposal and its answer are written
//! down, and how the service that takes proposals looks.
//!
//! Pure. The queue is one file for each proposal in the sidecar's outbox and one for each answer in
//! its inbox, which the container sees read-only: who sits in the container can ask, never answer.

mod answer;
mod ask;
mod clean;
mod policy;
mod proposal;
mod settings;

pub use self::answer::{Answer, AnswerVerdict, InvalidAnswer};
pub use self::ask::{Ask, CredentialUse, InvalidAsk, Manager, Package, Push, Requests};
pub use self::clean::{Cleaned, clean};
pub use self::policy::{POLICY_FILE, Policy};
pub use self::proposal::{Proposal, ProposalId};
pub use self::settings::{BINARY, DOCKERFILE, Settings, Supervisor, WATCHED_DIR};

/// Larger than any file of the queue: what is larger was not written by us.
pub const FILE_LIMIT: u64 = 64 * 1024;
/// The most files of a queue that are looked at.
pub const FILES: usize = 200;
/// The most proposals that may wait for a person at once.
pub const OPEN: usize = 20;
/// How long a proposal waits: seven days, in seconds.
pub const LIFETIME: u64 = 7 * 24 * 60 * 60;
