//! Sets the agent up: whom it trusts, what it knows, and its folder, in one mount and one command.

mod claude;
mod codex;
mod gemini;
mod git;
mod identity;
mod java;
mod skills;

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;

use anyhow::{Context as _, anyhow};
use compose_render::{Role, contract};
use compose_run::{Docker, replace};
use time::OffsetDateTime;

pub(crate) use self::identity::Identity;
use crate::exit;
use crate::manifest::{Image, WorkspaceMode};
use crate::plan::{Plan, guest};
use crate::policy_view::clock;
use crate::workspace::{self, Record, Selection};

/// A prompt longer than this would not fit into an argument.
const PROMPT_LIMIT: u64 = 100 << 10;

/// The agent's address, where a program wants one: no mail goes there.
const EMAIL: &str = "agent@bottle.invalid";

/// Where an agent asks supervise.
fn supervise_url() -> String {
    format!("http://{}:{}/mcp", Role::Supervise, contract::SUPERVISE_PORT)
}

/// What the read-only mount holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contents<'a> {
    /// The image's own roots, PEM.
    pub roots: &'a str,
    /// The bottle's authorities, PEM.
    pub authorities: &'a [&'a str],
    /// The guest binary on the host.
    pub guest: &'a Path,
    /// The repositories behind the gate.
    pub git: &'a [git_gate::Repository],
}

/// Writes the folder that is mounted into the agent. No secret is in it, and everybody can read it:
/// the agent's uid is not ours.
pub(crate) fn write(folder: &Path, contents: &Contents<'_>) -> anyhow::Result<()> {
    let cannot = || format!("cannot write `{}`", folder.display());
    fs_err::create_dir_all(folder)?;
    fs_err::set_permissions(folder, Permissions::from_mode(0o755))?;
    let authorities = joined(contents.authorities);
    let bundle = joined(&[contents.roots, &authorities]);
    replace(&folder.join(name(guest::AUTHORITIES)), authorities.as_bytes(), 0o644)
        .with_context(cannot)?;
    let certs = folder.join(guest::CERTS);
    for folder in [&certs, &certs.join("java")] {
        fs_err::create_dir_all(folder)?;
        fs_err::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    replace(&certs.join(name(guest::TRUST_BUNDLE)), bundle.as_bytes(), 0o644)
        .with_context(cannot)?;
    let store = java::trust_store(&bundle).context("cannot make a trust store for Java")?;
    replace(&certs.join("java").join(name(guest::JAVA_TRUST_STORE)), &store, 0o644)
        .with_context(cannot)?;
    if !contents.git.is_empty() {
        let text = git::config(contents.git);
        replace(&folder.join(name(guest::GIT_CONFIG)), text.as_bytes(), 0o644)
            .with_context(cannot)?;
    }
    let binary = fs_err::read(contents.guest)?;
    replace(&folder.join(name(guest::BINARY)), &binary, 0o755).with_context(cannot)
}

/// What goes into an agent that just came up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub plan: &'a Plan,
    /// Who commits in there.
    pub identity: &'a Identity,
    /// There for `workspace: copy`.
    pub selection: Option<&'a Selection>,
    /// A saved workspace, which takes the selection's place and brings its conversation.
    pub resume: Option<&'a Path>,
}

/// Refuses prompts and skills that cannot be provisioned, before anything is created.
pub(crate) fn check(plan: &Plan) -> anyhow::Result<()> {
    command(plan)?;
    if plan.agent.is_codex && plan.image == Image::Standard {
        return Err(exit::advise(
            anyhow!("the agent's command is `codex`, and its image holds Claude Code"),
            "say `image: {agent: codex}` in the manifest",
        ));
    }
    skills::read(&plan.agent.skills).map(drop)
}

/// Brings everything in by one stream and one command. Returns the record of what the workspace was
/// to begin with, for the bottle's folder; `None` where no workspace was brought in.
pub(crate) fn bring(
    docker: &Docker,
    container: &str,
    arrival: &Arrival<'_>,
) -> anyhow::Result<Option<Record>> {
    settle(docker, container, arrival.plan)?;
    let (reader, writer) = io::pipe().context("no pipe")?;
    thread::scope(|scope| {
        let packing = scope.spawn(move || pack(arrival, writer));
        let unpacked =
            docker.exec(container, None, true, [guest::BINARY, "unpack"]).input_from(reader).run();
        let packed = packing.join().unwrap_or_else(|_| Err(anyhow!("packing panicked")));
        unpacked.context("cannot set the agent up")?;
        packed
    })
}

/// Makes room for the agent where the image has none for it: an image of somebody else's, or a
/// mounted folder's owner.
fn settle(docker: &Docker, container: &str, plan: &Plan) -> anyhow::Result<()> {
    let foreign = match plan.image {
        Image::Named(_) | Image::Dockerfile(_) => true,
        Image::Standard | Image::Codex | Image::Layered { .. } => false,
    };
    let (uid, gid) = match plan.workspace.mode {
        WorkspaceMode::Mount => workspace::mount_owner(&plan.workspace.source)?,
        WorkspaceMode::Copy | WorkspaceMode::Image | WorkspaceMode::Clone => {
            (contract::AGENT_UID, contract::AGENT_UID)
        }
    };
    if !foreign && uid == contract::AGENT_UID {
        return Ok(());
    }
    let (uid, gid) = (uid.to_string(), gid.to_string());
    let folders = [contract::AGENT_HOME, contract::WORKSPACE_DIR];
    // As root, which owns what is to be changed, and has no capability in this container.
    let call = docker.exec(container, Some("0:0"), false, [guest::BINARY, "settle", &uid, &gid]);
    call.args(folders).run().context("cannot settle the agent in its image")
}

fn pack(arrival: &Arrival<'_>, out: impl Write) -> anyhow::Result<Option<Record>> {
    let failed = "cannot bring the workspace in";
    let mut out = io::BufWriter::with_capacity(256 << 10, out);
    if let Some(saved) = arrival.resume {
        // An archive of its own: the guest reads on past its end.
        let mut saved = fs_err::File::open(saved)?;
        io::copy(&mut saved, &mut out).context(failed)?;
    }
    let mut out = tar::Builder::new(out);
    let record = match (arrival.resume, arrival.selection) {
        // What it was to begin with, before the bottle that is gone on with.
        (Some(saved), _) => saved.parent().map(Record::load).transpose()?,
        (None, Some(selection)) => {
            Some(selection.write(relative(contract::WORKSPACE_DIR), &mut out)?)
        }
        (None, None) => None,
    };
    // After what was saved: the key's placeholder is a new one, and the settings are ours.
    for seed in seeds(arrival)? {
        seed.write(&mut out)?;
    }
    out.into_inner()?.flush().context(failed)?;
    Ok(record)
}

fn seeds(arrival: &Arrival<'_>) -> anyhow::Result<Vec<Seed>> {
    let agent = &arrival.plan.agent;
    let mut seeds = vec![Seed::file(".gitconfig", arrival.identity.gitconfig())];
    if agent.is_claude {
        seeds.extend(claude::seeds(agent.approved_key.as_deref(), arrival.plan.supervise)?);
    }
    if agent.is_claude && arrival.plan.has_git_gate() {
        let text = git::skill(&arrival.plan.slug, &arrival.plan.git);
        seeds.push(Seed::file(".claude/skills/git-gate/SKILL.md", text));
    }
    if agent.is_codex {
        let told = told(arrival.plan)?;
        let now = OffsetDateTime::now_utc();
        let login = agent.codex.as_ref().map(|login| codex::login(login, now)).transpose()?;
        seeds.extend(codex::seeds(login, told.as_deref(), arrival.plan.supervise));
    }
    if agent.is_gemini {
        seeds.extend(gemini::seeds(agent.gemini_token.as_deref(), arrival.plan.supervise)?);
    }
    seeds.extend(skills::read(&agent.skills)?);
    Ok(seeds)
}

/// The agent's command, its prompt included.
pub(crate) fn command(plan: &Plan) -> anyhow::Result<Vec<String>> {
    let mut command = plan.agent.command.clone();
    if !plan.agent.is_claude {
        if plan.agent.prompt.is_some() && !plan.agent.is_codex {
            anyhow::bail!("`prompt` is known for Claude Code and Codex: write it into the command");
        }
        return Ok(command);
    }
    if let Some(text) = told(plan)? {
        // Before the arguments a person typed: those may end in `-p PROMPT`.
        let at = command.len().min(1);
        command.splice(at..at, ["--append-system-prompt".to_owned(), text]);
    }
    Ok(command)
}

/// What stands before everything that the agent is asked: the manifest's prompt, and how git works here.
fn told(plan: &Plan) -> anyhow::Result<Option<String>> {
    let prompt = plan.agent.prompt.as_deref();
    let prompt = prompt.map(|path| skills::read_text(path, PROMPT_LIMIT)).transpose()?;
    let git = plan.has_git_gate().then(|| git::told(&plan.slug, &plan.git));
    let observed = plan.observe.as_ref().map(|observe| {
        format!(
            "This bottle is observed until {}: hosts that are not allowed can be reached, and every \
             request to one is written down for a person.",
            clock(observe.until)
        )
    });
    let parts: Vec<String> = [prompt, git, observed].into_iter().flatten().collect();
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}

/// A file or a link in the agent's home.
#[derive(Debug)]
struct Seed {
    /// Relative to the home.
    name: String,
    mode: u32,
    contents: Vec<u8>,
}

impl Seed {
    fn file(name: impl Into<String>, contents: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), mode: 0o600, contents: contents.into() }
    }

    fn write(&self, out: &mut tar::Builder<impl Write>) -> anyhow::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_mode(self.mode);
        header.set_size(self.contents.len() as u64);
        let path = Path::new(relative(contract::AGENT_HOME)).join(&self.name);
        out.append_data(&mut header, path, self.contents.as_slice())
            .with_context(|| format!("cannot pack `{}`", self.name))
    }
}

fn name(guest_path: &str) -> &str {
    guest_path.rsplit('/').next().unwrap_or(guest_path)
}

fn relative(guest_path: &str) -> &str {
    guest_path.strip_prefix('/').unwrap_or(guest_path)
}

/// PEM texts in one file, each beginning on a line of its own.
fn joined(texts: &[&str]) -> String {
    let lines = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    lines.flat_map(|text| [text, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_holds_roots_and_authorities_and_the_other_file_these_alone() {
        let dir = tempfile::tempdir().unwrap();
        let guest = dir.path().join("guest");
        replace(&guest, b"binary", 0o755).unwrap();
        let folder = dir.path().join("provision");
        let authorities = ["CA1", "CA2\n"];
        let contents =
            Contents { roots: "ROOT\n\n", authorities: &authorities, guest: &guest, git: &[] };
        write(&folder, &contents).unwrap();
        let read = |name: &str| fs_err::read_to_string(folder.join(name)).unwrap();
        assert_eq!(read("certs/ca-certificates.crt"), "ROOT\nCA1\nCA2\n");
        assert_eq!(read("authorities.pem"), "CA1\nCA2\n");
        assert_eq!(read("bottle-guest"), "binary");
    }
}
