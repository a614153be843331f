//! The environment of this process, read once: the only place that asks for it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the environment held when we looked. Tests make one of their own.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Takes this process's environment.
    pub(crate) fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// The variable's value; an empty one counts as unset, and so does one that is not UTF-8.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(std::ffi::OsStr::new(name))?.to_str()?;
        (!value.is_empty()).then_some(value)
    }

    /// The same with one more value in it.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The variable's value as a path; an empty one counts as unset.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.0.get(std::ffi::OsStr::new(name))?;
        (!value.is_empty()).then(|| PathBuf::from(value))
    }

    /// The user's configuration folder of ours.
    pub(crate) fn config_folder(&self) -> Option<PathBuf> {
        let base = self.path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        Some(base.or_else(|| Some(self.path("HOME")?.join(".config")))?.join("bottle"))
    }
}

/// Names without values: an environment holds secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_names_and_no_value() {
        let environment = Environment::from([("TOKEN", "secret-value"), ("EMPTY", "")]);
        assert_eq!(environment.get("TOKEN"), Some("secret-value"));
        assert_eq!(environment.get("EMPTY"), None);
        assert!(!format!("{environment:?}").contains("secret-value"));
    }
}
