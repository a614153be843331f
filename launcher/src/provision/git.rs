//! git's configuration in the agent's container: the URLs that people know lead to the gate.

use git_gate::Repository;

/// The image's own configuration of the system, which this one takes the place of.
const OWN: &str = "/etc/gitconfig";

/// The text of the file. Names and hosts are plain: no manifest can put a line in.
pub(super) fn config(repositories: &[Repository]) -> String {
    let sections = repositories.iter().map(|repository| {
        let spellings = repository.url.spellings();
        let spellings: String =
            spellings.iter().map(|spelling| format!("\tinsteadOf = {spelling}\n")).collect();
        format!("[url \"http://git-gate/{}\"]\n{spellings}", repository.url.name())
    });
    let sections: String = sections.collect();
    format!("# Written by bottle.\n[include]\n\tpath = {OWN}\n{sections}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_leads_to_the_gate() {
        let repository = Repository {
            url: "git@github.com:acme/widgets.git".parse().unwrap(),
            key: None,
            known_hosts: None,
            credential: None,
            push: Vec::new(),
        };
        let text = config(&[repository]);
        assert!(text.contains("[url \"http://git-gate/github.com/acme/widgets\"]\n"), "{text}");
        assert!(text.contains("\tinsteadOf = git@github.com:acme/widgets\n"), "{text}");
    }
}
