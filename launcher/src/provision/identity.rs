//! Who commits in a bottle: the person's name and address, read from their git configuration.

use std::path::PathBuf;

use super::EMAIL;
use crate::environment::Environment;
use crate::workspace::config_value;

/// A configuration is shorter than this.
const LIMIT: u64 = 1 << 20;

/// A name and an address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    name: String,
    email: String,
}

impl Identity {
    /// Reads the person's own configuration; what it does not say is the agent's. Runs no git.
    pub(crate) fn of_person(environment: &Environment) -> Self {
        let texts: Vec<String> = files(environment)
            .into_iter()
            .filter_map(|path| {
                let size = fs_err::metadata(&path).ok()?.len();
                (size <= LIMIT).then(|| fs_err::read_to_string(&path).ok())?
            })
            .collect();
        let find = |key| texts.iter().find_map(|text| config_value(text, "user", key));
        Self {
            name: find("name").unwrap_or_else(|| "agent".to_owned()),
            email: find("email").unwrap_or_else(|| EMAIL.to_owned()),
        }
    }

    /// The configuration of the agent's git.
    pub(super) fn gitconfig(&self) -> String {
        let quoted = |text: &str| {
            let plain: String = text.chars().filter(|c| !c.is_control()).collect();
            format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
        };
        format!(
            "[user]\n\tname = {}\n\temail = {}\n[safe]\n\tdirectory = *\n[init]\n\tdefaultBranch = main\n[advice]\n\tdetachedHead = false\n",
            quoted(&self.name),
            quoted(&self.email)
        )
    }
}

fn files(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.path("HOME");
    let xdg = environment.path("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    let own = home.map(|home| home.join(".gitconfig"));
    own.into_iter().chain(xdg.map(|xdg| xdg.join("git/config"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_persons_name_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let config = "[user]\n name = A \"B\\\\\" C\n email = a@example.org\n[alias]\n x = !evil\n";
        compose_run::replace(&dir.path().join(".gitconfig"), config.as_bytes(), 0o600).unwrap();
        let home = dir.path().to_str().unwrap();
        let identity = Identity::of_person(&Environment::from([("HOME", home)]));
        assert_eq!(identity.email, "a@example.org");
        assert!(identity.gitconfig().starts_with("[user]\n\tname = \"A B\\\\ C\"\n"));
        assert!(!identity.gitconfig().contains("evil"));
    }

    #[test]
    fn without_a_configuration_the_agent_commits() {
        let identity = Identity::of_person(&Environment::from([]));
        assert_eq!(identity.name, "agent");
    }
}
