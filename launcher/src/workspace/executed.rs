//! Files that a tool on the host acts on by itself: a person should look before it does.

use std::path::{Component, Path};

/// Names, wherever they lie, and what acts on them.
const NAMES: &[(&str, &str)] = &[
    (".envrc", "direnv runs it"),
    (".mcp.json", "coding agents start what it names"),
    ("CLAUDE.md", "coding agents obey it"),
    ("AGENTS.md", "coding agents obey it"),
    (".cursorrules", "coding agents obey it"),
    ("Makefile", "make runs it"),
    ("makefile", "make runs it"),
    ("GNUmakefile", "make runs it"),
    ("justfile", "just runs it"),
    ("Justfile", "just runs it"),
    ("Taskfile.yml", "task runs it"),
    ("package.json", "npm runs its scripts"),
    (".npmrc", "npm obeys it"),
    (".yarnrc.yml", "yarn obeys it"),
    ("build.rs", "cargo runs it"),
    ("rust-toolchain.toml", "cargo fetches what it names"),
    ("setup.py", "pip runs it"),
    ("pyproject.toml", "pip runs what it names"),
    ("conftest.py", "pytest runs it"),
    ("tox.ini", "tox runs it"),
    ("noxfile.py", "nox runs it"),
    ("Rakefile", "rake runs it"),
    ("Gemfile", "bundler runs it"),
    ("CMakeLists.txt", "cmake runs it"),
    ("gradlew", "gradle's users run it"),
    ("build.gradle", "gradle runs it"),
    ("build.gradle.kts", "gradle runs it"),
    ("mvnw", "maven's users run it"),
    ("flake.nix", "nix evaluates it"),
    ("Vagrantfile", "vagrant runs it"),
    ("Dockerfile", "docker builds it"),
    ("docker-compose.yml", "docker compose starts it"),
    ("compose.yaml", "docker compose starts it"),
    (".pre-commit-config.yaml", "pre-commit runs it"),
    (".gitlab-ci.yml", "GitLab runs it"),
    (".gitattributes", "git obeys it"),
    (".gitmodules", "git fetches what it names"),
    ("mise.toml", "mise runs it"),
    (".tool-versions", "asdf obeys it"),
    (".exrc", "vim runs it"),
    (".nvimrc", "vim runs it"),
    ("bottle.yaml", "bottle asks before it counts"),
];

/// Folders, wherever they lie, and what acts on what is in them.
const FOLDERS: &[(&str, &str)] = &[
    (".vscode", "VS Code obeys it"),
    (".idea", "IntelliJ obeys it"),
    (".zed", "Zed obeys it"),
    (".claude", "Claude Code obeys it"),
    (".cursor", "Cursor obeys it"),
    (".devcontainer", "VS Code starts it"),
    (".husky", "git runs it"),
    (".githooks", "git runs it"),
    (".github", "GitHub runs it"),
    (".cargo", "cargo obeys it"),
    (".mvn", "maven obeys it"),
    (".direnv", "direnv runs it"),
];

/// What on the host acts on this file, if something does.
pub(super) fn by(path: &Path, executable: bool) -> Option<&'static str> {
    let mut parts = path.components().map(Component::as_os_str);
    if parts.clone().any(|part| part.eq_ignore_ascii_case(".git")) {
        return Some("git runs what it names");
    }
    let name = path.file_name()?;
    let named = NAMES.iter().find(|(known, _)| name == *known).map(|(_, why)| *why);
    let folder = || {
        parts.find_map(|part| FOLDERS.iter().find(|(known, _)| part == *known)).map(|(_, why)| *why)
    };
    let extension = path.extension().is_some_and(|extension| extension == "code-workspace");
    named
        .or_else(folder)
        .or(extension.then_some("VS Code obeys it"))
        .or(executable.then_some("it can be run"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i3_knows_what_the_host_acts_on() {
        for (path, why) in [
            (".vscode/tasks.json", "VS Code obeys it"),
            ("web/package.json", "npm runs its scripts"),
            (".git/config", "git runs what it names"),
            ("sub/.GIT/hooks/pre-push", "git runs what it names"),
            (".claude/settings.json", "Claude Code obeys it"),
            ("a/.envrc", "direnv runs it"),
        ] {
            assert_eq!(by(Path::new(path), false), Some(why), "{path}");
        }
        assert_eq!(by(Path::new("src/lib.rs"), false), None);
        assert_eq!(by(Path::new("src/run"), true), Some("it can be run"));
    }
}
