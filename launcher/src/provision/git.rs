//! git's configuration in the agent's container: the URLs that people know lead to the gate.

use compose_render::Slug;
use git_gate::{Repository, Rules};

/// The image's own configuration of the system, which this one takes the place of.
const OWN: &str = "/etc/gitconfig";

/// The text of the file. Names and hosts are plain: no manifest can put a line in.
pub(super) fn config(repositories: &[Repository]) -> String {
    let sections = repositories.iter().map(|repository| {
        let spellings = repository.url.spellings();
        let spellings = spellings.join("\n\tinsteadOf = ");
        format!("[url \"http://git-gate/{}\"]\n\tinsteadOf = {spellings}\n", repository.url.name())
    });
    let sections: Vec<_> = sections.collect();
    format!("# Written by bottle.\n[include]\n\tpath = {OWN}\n{}", sections.concat())
}

/// What the agent is told before it begins, in a paragraph.
pub(super) fn told(slug: &Slug, repositories: &[Repository]) -> String {
    let lines = repositories.iter().map(|repository| {
        let rules = Rules::new(slug.clone(), repository.push.clone());
        let patterns: Vec<_> = rules.patterns().collect();
        let push = if patterns.is_empty() {
            "read only".to_owned()
        } else {
            format!("push to {}", patterns.join(", "))
        };
        format!("- {}: {push}", repository.url)
    });
    let lines: Vec<_> = lines.collect();
    format!(
        "git reaches these repositories, by their usual URLs, and no others:\n{}\nEvery new object of \
         a push is searched for credentials, also in commits that a later one undoes; a push with a \
         finding is refused as a whole and says where. A push that changes {} waits for a person, then is \
         refused with the id of a proposal; once it was allowed, the same commit pushed to the same ref \
         passes, once. `curl http://git-gate/policy` shows all rules.",
        lines.join("\n"),
        git_gate::PROTECTED,
    )
}

/// The same as a skill, with what to do.
pub(super) fn skill(slug: &Slug, repositories: &[Repository]) -> String {
    let example = repositories
        .iter()
        .find_map(|repository| Rules::new(slug.clone(), repository.push.clone()).example());
    let example = example.map_or_else(String::new, |branch| {
        format!("\nTo push: `git switch -c {branch}`, commit, `git push -u origin HEAD`.\n")
    });
    format!(
        "---\nname: git-gate\ndescription: Cloning, fetching and pushing from this bottle, and what to do \
         when a push is refused\n---\n\n{}\n{example}\nA refused push names a rule. For a credential, \
         take it out of every commit (`git commit --amend`, `git rebase -i`); removing it in a later \
         commit is not enough. For a ref, push to a branch that is allowed. For a file that runs \
         elsewhere, leave it out of every commit, or push, let a person answer, and push the same commit to \
         the same ref again: never amend it meanwhile. Never encode a secret to get it through.\n",
        told(slug, repositories)
    )
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
            protected: Vec::new(),
        };
        let slug = "b".parse().unwrap();
        let told = told(&slug, std::slice::from_ref(&repository));
        assert!(told.contains("git@github.com:acme/widgets.git: read only"), "{told}");
        let text = config(&[repository]);
        assert!(text.contains("[url \"http://git-gate/github.com/acme/widgets\"]\n"), "{text}");
        assert!(text.contains("\tinsteadOf = git@github.com:acme/widgets\n"), "{text}");
    }
}
