//! What changes the policy of a bottle that runs, and answers its agent.

use clap::Args;
use compose_render::{HostPattern, Slug};

use super::ManifestChoice;
use crate::proposals::Name;

#[derive(Args, Debug)]
pub(crate) struct Apply {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    #[command(flatten)]
    pub manifest: ManifestChoice,

    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Rollback {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    /// The version [default: the one before]
    #[arg(value_name = "N")]
    pub number: Option<u64>,
}

#[derive(Args, Debug)]
pub(crate) struct Proposals {
    /// Of one bottle alone
    #[arg(value_name = "BOTTLE")]
    pub bottle: Option<Slug>,

    /// Also those that were answered
    #[arg(long)]
    pub all: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Approve {
    #[command(flatten)]
    pub deciding: Deciding,
}

#[derive(Args, Debug)]
pub(crate) struct Edit {
    #[command(flatten)]
    pub deciding: Deciding,

    /// Another host
    #[arg(long, value_name = "HOST")]
    pub host: Option<HostPattern>,

    /// These methods alone
    #[arg(long = "method", value_name = "METHOD")]
    pub methods: Vec<String>,

    /// These paths alone
    #[arg(long = "path", value_name = "GLOB")]
    pub paths: Vec<String>,
}

/// A yes, to what and how far.
#[derive(Args, Debug)]
pub(crate) struct Deciding {
    /// As `bottle proposals` names it; ID alone does where one bottle asks for it
    #[arg(value_name = "[BOTTLE/]ID")]
    pub proposal: Name,

    /// The digest of the change that was shown: says yes to it and to nothing else, without asking
    #[arg(long, value_name = "DIGEST")]
    pub change: Option<String>,

    /// How far the grant goes
    #[arg(long, value_enum, default_value = "bottle")]
    pub scope: Scope,

    /// How long `--scope once` lasts
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
}

/// How far a grant goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Scope {
    /// For a few minutes, and then it ends by itself
    Once,
    /// Until the bottle ends, or it is taken back
    Bottle,
    /// The same, and for every later bottle as well: written into the manifest, which is shown first
    Manifest,
}

#[derive(Args, Debug)]
pub(crate) struct Deny {
    /// As `bottle proposals` names it; ID alone does where one bottle asks for it
    #[arg(value_name = "[BOTTLE/]ID")]
    pub proposal: Name,

    /// What the agent is told
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
}

#[derive(Args, Debug)]
pub(crate) struct Revoke {
    /// As `bottle proposals --all` and `bottle policy` name it
    #[arg(value_name = "[BOTTLE/]ID")]
    pub proposal: Name,

    /// What the agent is told
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
}

#[derive(Args, Debug)]
pub(crate) struct Learn {
    /// The bottle, by its name
    #[arg(value_name = "BOTTLE")]
    pub bottle: Slug,

    /// A host whose denied requests are learnt as well
    #[arg(long, value_name = "HOST")]
    pub mark: Vec<HostPattern>,
}

/// The longest that a bottle is observed: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// Seconds, from a text such as `90s`, `30m` or `2h`.
pub(super) fn duration(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{}` is no duration such as `90s`, `30m` or `2h`", text.escape_debug());
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match number.checked_mul(unit) {
        Some(seconds @ 1..=LONGEST) => Ok(seconds),
        Some(_) | None => Err("it is at least a second and at most 24h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_duration_has_a_unit_and_an_end() {
        assert_eq!(duration("90s"), Ok(90));
        assert_eq!(duration("30m"), Ok(1800));
        assert_eq!(duration("24h"), Ok(86_400));
        for wrong in ["", "30", "m", "0s", "25h", "1d", "-1m", "99999999999999999999h", "1 m"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
