//! git-gate, the control half: which repositories a bottle reads and pushes to, by which rules and
//! keys, and how the sidecar that judges every push is described.
//!
//! Pure: the launcher reads keys and writes files; the data plane reads the same types.

mod approval;
mod config;
mod gate_file;
mod key;
mod own_secrets;
mod protected;
mod push_ref;
mod rules;
mod settings;
mod upstream;

pub use self::approval::{PushAnswer, PushProposal, Pushed};
pub use self::config::{Git, Token, Upstream};
pub use self::gate_file::{GateFile, Gated, InvalidGate, Limits, NAME as GATE_FILE};
pub use self::key::{InvalidKey, check_key};
pub use self::own_secrets::{OWN_SECRETS, fingerprints, hex, read_fingerprints};
pub use self::protected::{FilePattern, InvalidFilePattern, PROTECTED, Protected, is_protected};
pub use self::push_ref::{InvalidPushRef, PushRef};
pub use self::rules::{Change, RefDenial, RefRule, RefUpdate, Rules};
pub use self::settings::{BINARY, GitGate, KEYS_DIR, MIRRORS_DIR, RUN_DIR, Repository, Settings};
pub use self::upstream::{InvalidUpstreamUrl, Transport, UpstreamUrl};
