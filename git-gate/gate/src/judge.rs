//! Looks through every new object of a push, once: files, commits, tags and the names in trees.
//!
//! Objects and not differences: a difference leaves out what a merge brings, what counts as binary,
//! what a later commit removes, messages, tags and names.

mod links;
mod measure;
mod objects;
mod place;
mod protected;
mod scan;
mod second;
mod tree;

use std::fmt;
use std::io::Read;
use std::time::{Duration, Instant};

use dlp::Severity;
use git_gate::{FilePattern, Limits};

pub use self::measure::measure;
use self::objects::{Kind, Object};
use self::scan::{Found, Looked, Scan, Unread};
use self::second::Second;
use crate::ground::Ground;
use crate::program::Program;

/// So many findings are told of; more say nothing more.
const FINDINGS: usize = 20;
/// Files are read in pieces of this size.
const CHUNK: usize = 64 * 1024;
/// How often the person who waits is told that it goes on.
const PROGRESS: Duration = Duration::from_secs(3);

/// What looks through one push.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    /// git in the mirror, seeing the quarantine.
    pub(crate) git: Program,
    pub(crate) limits: &'a Limits,
    pub(crate) until: Instant,
    pub(crate) ground: &'a Ground,
    /// Files that run elsewhere and may be pushed all the same.
    pub(crate) granted: &'a [FilePattern],
}

/// How much was looked through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) objects: u64,
    pub(crate) bytes: u64,
}

/// A credential in a push, and where. Never its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    pub(crate) rule: String,
    /// The commit, or the tag.
    pub(crate) commit: Option<String>,
    pub(crate) place: Place,
    pub(crate) len: usize,
    pub(crate) encoding: &'static str,
}

/// What was found in a push.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Judged {
    /// Credentials: refused, unless a person said beforehand that this is none.
    pub(crate) secrets: Vec<Finding>,
    /// Whether one of the bottle's own secrets is among all that was found: nobody's yes lets these
    /// out.
    pub(crate) own: bool,
    /// What a person has to allow.
    pub(crate) held: Vec<Finding>,
}

/// What one pass over new objects saw.
#[derive(Debug, Default)]
struct Seen {
    hits: Vec<(Object, Found)>,
    /// Whether one of the bottle's own secrets was found, told of or not.
    own: bool,
    held: Vec<Finding>,
    /// What the scanner took of it, without git's part.
    scanning: Duration,
}

/// Where in a commit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    File {
        path: String,
        line: u64,
    },
    /// In a file's name, which is therefore not shown.
    Name,
    Message,
    TagMessage,
    /// A file that is itself what is found, and what is the matter with it.
    Held {
        path: String,
        why: String,
    },
}

/// A push that was not looked through to its end.
#[derive(Debug)]
pub(crate) enum Unjudged {
    /// It is beyond a limit.
    Refused(Refused),
    Failed(anyhow::Error),
}

/// A limit that a push is beyond.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refused {
    pub(crate) rule: &'static str,
    pub(crate) sentence: String,
}

impl Unjudged {
    pub(crate) fn refused(rule: &'static str, sentence: impl Into<String>) -> Self {
        Self::Refused(Refused { rule, sentence: sentence.into() })
    }
}

impl From<anyhow::Error> for Unjudged {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl Judge<'_> {
    /// Looks through everything that comes with those objects and that no ref of the mirror has.
    pub(crate) fn look(&self, news: &[&str], counted: &mut Counted) -> Result<Judged, Unjudged> {
        let mut second = Second::new(self.limits.second_opinion_bytes);
        // git compares commits while objects are looked through, and gitleaks looks beside it.
        let mut changes = protected::Changes::begin(&self.git, self.granted)?;
        let commit = |name: &str| changes.commit(name);
        let Seen { hits, own, held: unread, .. } =
            self.see(news, &["--all"], counted, &mut second, commit)?;
        let asked = if hits.is_empty() { second.begin(self.ground)? } else { None };
        // What runs elsewhere stands first: a person reads from the top, and a list is cut at its end.
        let mut held = changes.end()?;
        held.extend(unread);
        let first: Result<Vec<Finding>, _> =
            hits.iter().map(|(object, found)| place::of(&self.git, news, object, found)).collect();
        let mut secrets = first?;
        if let Some(asked) = asked {
            for opinion in asked.end(self.until)?.into_iter().take(FINDINGS) {
                secrets.push(place::of_opinion(&self.git, news, &opinion)?);
            }
        }
        Ok(Judged { secrets, own, held })
    }

    /// Looks once through what those reach and the known ones do not.
    fn see(
        &self,
        news: &[&str],
        known: &[&str],
        counted: &mut Counted,
        second: &mut Second,
        mut commit: impl FnMut(&str) -> anyhow::Result<()>,
    ) -> Result<Seen, Unjudged> {
        let mut seen = Seen::default();
        let rules = self.ground.rules()?;
        let mut told = Instant::now();
        objects::each(&self.git, news, known, |object, content| {
            counted.objects += 1;
            counted.bytes += object.size;
            self.within_limits(counted)?;
            if object.kind == Kind::Commit {
                commit(&object.name)?;
            }
            if told.elapsed() > PROGRESS {
                told = Instant::now();
                crate::hook::progress(counted.objects, counted.bytes);
            }
            let scan = Scan::new(&rules, self.limits.unpacked_bytes);
            let looked = through(object, content, scan, second)?;
            seen.scanning += looked.took;
            for found in looked.looked.found.into_iter().filter(is_denied) {
                // The first of the bottle's own is told of in any case: it is what cannot be allowed.
                let first_own = found.own && !seen.own;
                seen.own |= found.own;
                if first_own || seen.hits.len() < FINDINGS {
                    seen.hits.push((object.clone(), found));
                }
            }
            let room = FINDINGS.saturating_sub(seen.held.len());
            seen.held.extend(self.holds(object, looked.looked.unread).take(room));
            Ok(())
        })?;
        Ok(seen)
    }

    /// Why a person has to look at a file first: it is large, or cannot be looked into here.
    fn holds(&self, object: &Object, unread: Option<Unread>) -> impl Iterator<Item = Finding> {
        let limit = self.limits.file_bytes;
        let large = (object.size > limit).then(|| {
            let (size, limit) = (object.size >> 20, limit >> 20);
            ("file-too-large", format!("it has {size} MiB, and a file may have {limit} MiB"))
        });
        let unread = unread.map(Unread::told).map(|(rule, why)| (rule, why.to_owned()));
        let granted = |path: &String| self.granted.iter().any(|pattern| pattern.matches(path));
        let granted = object.path.as_ref().is_some_and(granted);
        let reasons = large.into_iter().chain(unread).filter(move |_| !granted);
        let reasons: Vec<_> = reasons.map(|(rule, why)| Finding::held(object, rule, why)).collect();
        reasons.into_iter()
    }

    fn within_limits(&self, counted: &Counted) -> Result<(), Unjudged> {
        let limits = self.limits;
        if Instant::now() > self.until {
            return Err(Unjudged::refused("took-too-long", "judging it took too long"));
        }
        if counted.objects > limits.objects || counted.bytes > limits.object_bytes {
            let sentence = "it brings more objects than are judged at once";
            return Err(Unjudged::refused("push-too-large", sentence));
        }
        Ok(())
    }
}

/// One object, looked through.
struct Through {
    looked: Looked,
    /// What the scanner took of it, without git's reading.
    took: Duration,
}

fn through(
    object: &Object,
    content: &mut dyn Read,
    mut scan: Scan<'_>,
    second: &mut Second,
) -> Result<Through, Unjudged> {
    if object.kind == Kind::Tree {
        let entries = tree::names(content, object.name_length())?;
        let begun = Instant::now();
        scan.push(&entries);
        let looked = Looked { found: scan.finish().found, unread: None };
        return Ok(Through { looked, took: begun.elapsed() });
    }
    let mut kept = second.wants(object).then(Vec::new);
    if kept.is_none() {
        second.give_up();
    }
    let mut took = Duration::ZERO;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = content.read(&mut chunk).map_err(anyhow::Error::from)?;
        if read == 0 {
            break;
        }
        let bytes = chunk.get(..read).unwrap_or_default();
        let begun = Instant::now();
        scan.push(bytes);
        took += begun.elapsed();
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(bytes);
        }
    }
    if let Some(kept) = kept {
        second.keep(object, kept);
    }
    let begun = Instant::now();
    let looked = scan.finish();
    Ok(Through { looked, took: took + begun.elapsed() })
}

/// What a push is refused for: what opens something. A card number in a test's data does not.
fn is_denied(found: &Found) -> bool {
    found.severity >= Severity::High
}

impl Finding {
    fn held(object: &Object, rule: &str, why: String) -> Self {
        let path = object.path.clone().unwrap_or_else(|| "a file that no tree names".to_owned());
        let place = Place::Held { path, why };
        Self { rule: rule.to_owned(), commit: None, place, len: 0, encoding: "plain" }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 12;
        if let Place::Held { path, why } = &self.place {
            return write!(f, "`{}`: {why} ({})", path.escape_debug(), self.rule);
        }
        write!(f, "{} in ", self.rule)?;
        let what = if self.place == Place::TagMessage { "tag" } else { "commit" };
        match self.commit.as_ref().and_then(|commit| commit.get(..SHOWN)) {
            Some(commit) => write!(f, "{what} {commit}, ")?,
            None => write!(f, "a {what}, ")?,
        }
        match &self.place {
            Place::File { path, line } => write!(f, "`{}` line {line}", path.escape_debug())?,
            Place::Name => f.write_str("the name of a file")?,
            Place::Message => f.write_str("its message or its author")?,
            Place::TagMessage | Place::Held { .. } => f.write_str("its message")?,
        }
        let encoded = if self.encoding == "plain" { "" } else { ", encoded" };
        match self.len {
            0 => f.write_str(" (masked)"),
            len => write!(f, " ({len} bytes, masked{encoded})"),
        }
    }
}
