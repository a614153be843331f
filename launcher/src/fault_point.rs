//! Places where a test lets a start die or fail, to see that nothing is left behind.
//!
//! `BOTTLE_FAULT=after:<step>` ends the process there as `kill -9` would: nothing is undone.
//! `BOTTLE_FAULT=fail:<step>` lets that step fail after its work was done.
//! `BOTTLE_FAULT=panic:<step>` lets it end as a mistake of ours would.

use std::str::FromStr;

use anyhow::bail;

/// The variable that names the place.
pub(crate) const VARIABLE: &str = "BOTTLE_FAULT";

/// What is to happen, and where.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum FaultPoint {
    #[default]
    Nowhere,
    DieAfter(String),
    FailAt(String),
    PanicAt(String),
}

impl FromStr for FaultPoint {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text.split_once(':') {
            Some(("after", step)) => Ok(Self::DieAfter(step.to_owned())),
            Some(("fail", step)) => Ok(Self::FailAt(step.to_owned())),
            Some(("panic", step)) => Ok(Self::PanicAt(step.to_owned())),
            _ => bail!("`{VARIABLE}` is `after:`, `fail:` or `panic:` and a step, not `{text}`"),
        }
    }
}

impl FaultPoint {
    /// Comes to the end of that piece of work: goes on, fails, or does not come back.
    #[expect(clippy::panic, clippy::panic_in_result_fn, reason = "it is asked for")]
    pub(crate) fn reached(&self, place: &str) -> anyhow::Result<()> {
        match self {
            Self::DieAfter(step) if step == place => std::process::abort(),
            Self::FailAt(step) if step == place => bail!("a fault was asked for here"),
            Self::PanicAt(step) if step == place => panic!("a fault was asked for here"),
            Self::Nowhere | Self::DieAfter(_) | Self::FailAt(_) | Self::PanicAt(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fails_where_it_was_asked_to_and_nowhere_else() {
        let point: FaultPoint = "fail:networks".parse().unwrap();
        assert!(point.reached("mint").is_ok());
        assert!(point.reached("networks").is_err());
        assert!("networks".parse::<FaultPoint>().is_err());
        assert!(FaultPoint::default().reached("networks").is_ok());
    }
}
