//! A workspace that is a clone from git-gate: the agent begins on a branch of its bottle, and at the
//! end it can be told what of it was pushed.
//!
//! git runs in the agent's container, before the agent does; on the host none ever runs.

use std::path::Path;

use anyhow::Context as _;
use compose_render::{Slug, contract};
use compose_run::{Docker, read_plain, replace};
use git_gate::Repository;
use serde::{Deserialize, Serialize};

use super::{Record, SAVE_LIMIT, SAVE_PATIENCE, save};
use crate::exit::{self, Hint as _};

/// The word of the manifest, and of `--workspace`.
pub(crate) const WORD: &str = "clone";
/// The file, in a bottle's folder, that says what the workspace is a clone of.
pub(super) const FILE: &str = "clone.json";
/// Larger than what we write into it.
const LIMIT: u64 = 64 << 10;
/// What is made of it for the record, and goes at once.
const FIRST: &str = "clone.tar";

/// What a workspace is a clone of.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Cloned {
    /// The upstream's URL, as the manifest has it.
    pub upstream: String,
    /// The branch of the bottle that the agent begins on.
    pub branch: String,
    /// The commit it began at; nothing in an empty repository.
    pub base: Option<String>,
}

impl Cloned {
    pub(crate) fn save(&self, bottle: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec(self).context("cannot describe the clone")?;
        let path = bottle.join(FILE);
        replace(&path, &text, 0o600).with_context(|| format!("cannot write `{}`", path.display()))
    }

    /// `None` where the workspace is no clone.
    pub(crate) fn load(bottle: &Path) -> anyhow::Result<Option<Self>> {
        match read_plain(bottle, Path::new(FILE), LIMIT) {
            Ok(bytes) => {
                let read = serde_json::from_slice(&bytes);
                read.map(Some).with_context(|| format!("cannot read `{FILE}`"))
            }
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The branch the agent begins on: one that it may push, where it may push any.
pub(crate) fn branch(slug: &Slug, repository: &Repository) -> String {
    let rules = git_gate::Rules::new(slug.clone(), repository.push.clone());
    let own = || format!("agent/{slug}/work");
    rules.example().map_or_else(own, |example| example.replace("my-change", "work"))
}

/// Clones the first of a bottle's upstreams into its workspace, and writes down what it began as.
pub(crate) fn clone(
    docker: &Docker,
    agent: &str,
    slug: &Slug,
    repositories: &[Repository],
    bottle: &Path,
) -> anyhow::Result<()> {
    let repository = repositories.first().context("a clone needs an upstream")?;
    let url = repository.url.as_str();
    let git = |args: &[&str]| {
        let call = docker.exec(agent, None, false, ["git", "-C", contract::WORKSPACE_DIR]);
        call.args(args).text()
    };
    let hint = "`git-gate` says why above; an image of your own needs git in it";
    // Without the samples of hooks that a git brings along: whoever looks at what changed reads past them.
    git(&["clone", "--quiet", "--template=", "--", url, "."])
        .with_context(|| format!("cannot clone `{url}` into the workspace"))
        .hint(hint)?;
    let branch = branch(slug, repository);
    git(&["switch", "--quiet", "--create", &branch])
        .with_context(|| format!("cannot begin the branch `{branch}`"))?;
    let base = git(&["rev-parse", "--quiet", "--verify", "HEAD"]).ok();
    let base = base.map(|text| text.trim().to_owned()).filter(|text| is_object(text));
    Cloned { upstream: url.to_owned(), branch, base }.save(bottle)?;
    let first = bottle.join(FIRST);
    save(docker, agent, &first, SAVE_LIMIT, SAVE_PATIENCE)?;
    let record = Record::of_saved(&first);
    fs_err::remove_file(&first)?;
    record?.save(bottle)
}

/// A name of an object, in full.
pub(super) fn is_object(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A clone is of an upstream of the bottle's.
pub(crate) fn check(repositories: &[Repository]) -> anyhow::Result<()> {
    if repositories.is_empty() {
        let sentence = "`--workspace clone` needs a `git` upstream in the manifest";
        return Err(exit::refused(sentence))
            .hint("name one under `git: upstreams:`, or a folder: `--workspace DIR`");
    }
    Ok(())
}
