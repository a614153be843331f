//! Who may depend on whom.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, PackageId};

/// A package of ours and the packages of ours that it may depend on, tests apart.
const ALLOWED: [(&str, &[&str]); 23] = [
    ("compose-render", &[]),
    ("compose-run", &["compose-render"]),
    ("sidecar", &["compose-render"]),
    ("compose-testkit", &["compose-render", "compose-run"]),
    ("probe-client", &[]),
    ("ca", &["compose-render"]),
    ("tls-intercept", &["ca", "compose-render", "sidecar"]),
    ("pipelock", &["ca", "compose-render", "compose-run"]),
    ("dlp", &[]),
    ("injection", &[]),
    ("egress", &["ca", "compose-render", "compose-run"]),
    ("git-gate", &["compose-render", "compose-run", "dlp"]),
    ("supervise", &["compose-render"]),
    ("supervise-server", &["compose-render", "sidecar", "supervise"]),
    (
        "pipelock-proxy",
        &["ca", "compose-render", "dlp", "injection", "pipelock", "sidecar", "tls-intercept"],
    ),
    ("egress-proxy", &["ca", "compose-render", "egress", "sidecar", "tls-intercept"]),
    ("git-gate-server", &["compose-render", "dlp", "git-gate", "sidecar"]),
    (
        "launcher",
        &[
            "ca",
            "compose-render",
            "compose-run",
            "dashboard",
            "dlp",
            "egress",
            "git-gate",
            "pipelock",
            "supervise",
        ],
    ),
    ("dashboard", &[]),
    ("bottle-guest", &[]),
    ("scripted-model", &["ca", "compose-render"]),
    ("bench-load", &["ca", "compose-render"]),
    ("xtask", &[]),
];

/// What tests may depend on besides: never a sidecar of another kind, never the launcher.
const ALLOWED_IN_TESTS: [&str; 5] =
    ["ca", "compose-render", "compose-run", "compose-testkit", "scripted-model"];

/// What the host tool must not link, however far away: it runs no event loop and no TLS.
const NOT_IN_LAUNCHER: [&str; 3] = ["tokio", "hyper", "rustls"];

/// Crates with one home.
const HOMES: [(&str, &[&str]); 2] =
    [("rcgen", &["ca"]), ("duct", &["compose-run", "launcher", "xtask"])];

/// Reads the whole graph and names each edge that is not allowed.
pub(super) fn faults(metadata: &Metadata) -> Vec<String> {
    let graph = Graph::of(metadata);
    let mut faults = Vec::new();
    for (package, dependencies) in &graph.normal {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| name == package) else {
            if graph.ours.contains(package) {
                faults.push(format!("`{package}` is in no row of the table of edges"));
            }
            continue;
        };
        for dependency in dependencies.intersection(&graph.ours) {
            if !allowed.contains(&dependency.as_str()) {
                faults.push(format!("`{package}` may not depend on `{dependency}`"));
            }
        }
        for dependency in graph.tests.get(package).into_iter().flatten() {
            let known = allowed.iter().chain(&ALLOWED_IN_TESTS).any(|name| name == dependency);
            if graph.ours.contains(dependency) && !known {
                faults.push(format!("the tests of `{package}` may not depend on `{dependency}`"));
            }
        }
        for (name, homes) in HOMES {
            if dependencies.contains(name) && !homes.contains(&package.as_str()) {
                faults.push(format!("`{package}` may not use `{name}`, whose home is {homes:?}"));
            }
        }
    }
    let linked = graph.reached("launcher");
    for name in NOT_IN_LAUNCHER {
        if linked.contains(name) {
            faults.push(format!("`bottle` links `{name}`"));
        }
    }
    faults
}

/// Dependencies by name.
#[derive(Debug, Default)]
struct Graph {
    ours: BTreeSet<String>,
    normal: BTreeMap<String, BTreeSet<String>>,
    tests: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn of(metadata: &Metadata) -> Self {
        let name = |id: &PackageId| metadata[id].name.to_string();
        let mut graph =
            Self { ours: metadata.workspace_members.iter().map(name).collect(), ..Self::default() };
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            let package = name(&node.id);
            graph.normal.entry(package.clone()).or_default();
            for dependency in &node.deps {
                for kind in &dependency.dep_kinds {
                    let table = match kind.kind {
                        DependencyKind::Normal => &mut graph.normal,
                        DependencyKind::Development => &mut graph.tests,
                        _ => continue,
                    };
                    table.entry(package.clone()).or_default().insert(name(&dependency.pkg));
                }
            }
        }
        graph
    }

    fn reached(&self, from: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut left = vec![from.to_owned()];
        while let Some(package) = left.pop() {
            for dependency in self.normal.get(&package).into_iter().flatten() {
                if reached.insert(dependency.clone()) {
                    left.push(dependency.clone());
                }
            }
        }
        reached
    }
}
