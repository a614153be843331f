//! A repository's configuration without what runs programs, holds tokens or reaches other files.
//!
//! By list of what is kept: git learns new keys that run programs faster than a list of those could.

use std::fmt::Write as _;

/// Keys of sections without a name of their own.
const KEPT: &[&str] = &[
    "core.repositoryformatversion",
    "core.filemode",
    "core.ignorecase",
    "core.precomposeunicode",
    "core.symlinks",
    "core.autocrlf",
    "core.eol",
    "core.safecrlf",
    "core.logallrefupdates",
    "core.sparsecheckout",
    "core.sparsecheckoutcone",
    "core.quotepath",
    "extensions.objectformat",
    "extensions.refstorage",
    "user.name",
    "user.email",
    "init.defaultbranch",
    "pull.rebase",
    "pull.ff",
    "push.default",
    "push.autosetupremote",
    "push.followtags",
    "merge.conflictstyle",
    "merge.ff",
    "diff.algorithm",
    "diff.renames",
    "rerere.enabled",
    "commit.gpgsign",
    "lfs.repositoryformatversion",
];

/// Keys of sections with a name, by section.
const KEPT_IN_NAMED: &[(&str, &[&str])] = &[
    ("remote", &["url", "pushurl", "fetch", "tagopt", "prune"]),
    ("branch", &["remote", "merge", "rebase", "pushremote"]),
    ("submodule", &["url", "active", "branch"]),
];

/// Values that are addresses.
const ADDRESSES: &[&str] = &["url", "pushurl"];

/// The configuration as the bottle gets it.
pub(super) fn cleaned(text: &str) -> String {
    let mut out = String::new();
    let mut written = None;
    for Setting { section, name, key, value } in settings(text) {
        let Some(value) = kept(&section, name.as_deref(), &key, value) else { continue };
        let header = (section, name);
        if written.as_ref() != Some(&header) {
            push_header(&mut out, &header.0, header.1.as_deref());
            written = Some(header);
        }
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        writeln!(out, "\t{key} = \"{value}\"").ok();
    }
    out
}

/// The last value of a key in a section without a name.
pub(crate) fn value(text: &str, section: &str, key: &str) -> Option<String> {
    let is_it = |s: &Setting| s.section == section && s.name.is_none() && s.key == key;
    settings(text).into_iter().rfind(is_it).map(|setting| setting.value)
}

struct Setting {
    section: String,
    name: Option<String>,
    key: String,
    value: String,
}

/// Every setting of a configuration, in its order. What cannot be read is passed over.
fn settings(text: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut header = (String::new(), None);
    for line in logical_lines(text) {
        let line = line.trim();
        let rest = match line.strip_prefix('[') {
            Some(text) => {
                let Some((head, rest)) = split_header(text) else { continue };
                header = head;
                rest.trim()
            }
            None => line,
        };
        if let Some((key, value)) = assignment(rest) {
            let (section, name) = header.clone();
            settings.push(Setting { section, name, key, value });
        }
    }
    settings
}

fn push_header(out: &mut String, section: &str, name: Option<&str>) {
    // Writing to a `String` does not fail.
    if let Some(name) = name {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        writeln!(out, "[{section} \"{name}\"]").ok();
    } else {
        writeln!(out, "[{section}]").ok();
    }
}

fn kept(section: &str, name: Option<&str>, key: &str, value: String) -> Option<String> {
    if name.is_none() {
        let full = format!("{section}.{key}");
        // A signature needs a program and a key, neither of which is in the bottle.
        let value = if full == "commit.gpgsign" { "false".to_owned() } else { value };
        return KEPT.contains(&full.as_str()).then_some(value);
    }
    let (_, keys) = KEPT_IN_NAMED.iter().find(|(kept, _)| *kept == section)?;
    keys.contains(&key).then_some(())?;
    if ADDRESSES.contains(&key) { without_credentials(&value) } else { Some(value) }
}

/// The address without user, password, query and fragment; `None` where it names a program.
fn without_credentials(url: &str) -> Option<String> {
    // `ext::sh -c …` and its like run what follows.
    if url.contains("::") {
        return None;
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        // `git@host:path` or a path of the host.
        return Some(url.to_owned());
    };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(a, p)| (a, Some(p)));
    let host = match authority.rsplit_once('@') {
        None => authority.to_owned(),
        // ssh needs its user; its password, and all of what HTTP would send, goes.
        Some((user, host)) if scheme.ends_with("ssh") => {
            format!("{}@{host}", user.split(':').next().unwrap_or_default())
        }
        Some((_, host)) => host.to_owned(),
    };
    let path = path.and_then(|path| path.split(['?', '#']).next());
    Some(match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    })
}

/// Lines, those that end in a backslash joined with the next.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = String::new();
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            open.push_str(line.strip_suffix('\\').unwrap_or(line));
            continue;
        }
        open.push_str(line);
        lines.push(std::mem::take(&mut open));
    }
    lines.push(open);
    lines
}

type Header = (String, Option<String>);

/// `section]`, `section "name"]` or `section.name]`, and what stands behind it.
fn split_header(text: &str) -> Option<(Header, &str)> {
    let Some((section, rest)) = text.split_once('"').filter(|(before, _)| !before.contains(']'))
    else {
        let (section, rest) = text.split_once(']')?;
        let (section, name) = match section.split_once('.') {
            Some((section, name)) => (section, Some(name.to_ascii_lowercase())),
            None => (section, None),
        };
        return Some(((section.trim().to_ascii_lowercase(), name), rest));
    };
    let mut name = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            '"' => {
                let (_, rest) = rest.split_at_checked(at + 1)?;
                let rest = rest.trim_start().strip_prefix(']')?;
                return Some(((section.trim().to_ascii_lowercase(), Some(name)), rest));
            }
            _ => name.push(c),
        }
    }
    None
}

/// `key = value`; a key alone is `true`.
fn assignment(text: &str) -> Option<(String, String)> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, unquoted(value)?),
        None => (text, "true".to_owned()),
    };
    let key = key.trim().to_ascii_lowercase();
    let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (plain && !key.is_empty()).then_some((key, value))
}

/// A value without quotes, escapes and comment. `None` where a quote does not end.
fn unquoted(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut kept = 0;
    let mut quoted = false;
    let mut chars = text.trim_start().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '#' | ';' if !quoted => break,
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            _ => value.push(c),
        }
        if quoted || !c.is_whitespace() {
            kept = value.len();
        }
    }
    value.truncate(kept);
    (!quoted).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h6_keeps_what_describes_and_drops_what_runs() {
        let config = r#"
[core]
	repositoryformatversion = 0
	fsmonitor = /tmp/evil
	hooksPath = /tmp/hooks
	sshCommand = sh -c evil
	pager = evil
	worktree = /somewhere/else
[credential]
	helper = store
[credential "https://example.org"]
	helper = !evil
[http "https://example.org"]
	extraHeader = Authorization: Bearer token
[include]
	path = ../evil
[filter "lfs"]
	clean = evil
[alias]
	st = !evil
[commit]
	gpgSign = true
[remote "origin"]
	url = https://user:t0ken@example.org/a/b.git?private_token=x
	fetch = +refs/heads/*:refs/remotes/origin/*
	uploadpack = evil
	receivepack = evil
[remote "evil"]
	url = ext::sh -c evil
[branch "main"] remote = origin
	merge = refs/heads/main
[diff "x"]
	textconv = evil
[url "https://t0ken@example.org/"]
	insteadOf = https://example.org/
"#;
        insta::assert_snapshot!(cleaned(config), @r#"
        [core]
        	repositoryformatversion = "0"
        [commit]
        	gpgsign = "false"
        [remote "origin"]
        	url = "https://example.org/a/b.git"
        	fetch = "+refs/heads/*:refs/remotes/origin/*"
        [branch "main"]
        	remote = "origin"
        	merge = "refs/heads/main"
        "#);
    }

    #[test]
    fn a_value_cannot_break_out_of_its_line() {
        let config = "[user]\n\tname = \"a\\n[core]\\nfsmonitor = evil\"\n";
        assert_eq!(cleaned(config), "[user]\n\tname = \"a\\n[core]\\nfsmonitor = evil\"\n");
        let joined = "[user]\n\tname = a\\\n[core]\n\temail = b # c\n";
        assert_eq!(cleaned(joined), "[user]\n\tname = \"a[core]\"\n\temail = \"b\"\n");
    }

    #[test]
    fn addresses_lose_what_must_not_travel() {
        let cleaned = |url| without_credentials(url);
        assert_eq!(cleaned("ssh://git:pw@h/x").as_deref(), Some("ssh://git@h/x"));
        assert_eq!(cleaned("git@h:a/b.git").as_deref(), Some("git@h:a/b.git"));
        assert_eq!(cleaned("https://t@h").as_deref(), Some("https://h"));
        assert_eq!(cleaned("https://h/a@b/c").as_deref(), Some("https://h/a@b/c"));
        assert_eq!(cleaned("fd::17"), None);
    }
}
