//! What an engine must be so that a bottle holds on it, and what weakens it: for a start, which
//! refuses, and for `doctor`, which tells all.

use compose_run::Engine;
use serde::Serialize;

/// The oldest engine on which what a bottle needs was tried.
const OLDEST: (u32, u32) = (20, 10);

/// How bad something is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Weight {
    Good,
    /// A start works, and something of it holds less.
    Weakens,
    /// A start does not work.
    Fails,
}

/// Something that was looked at.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// A stable name for scripts.
    pub check: &'static str,
    pub weight: Weight,
    #[serde(rename = "finding")]
    pub what: String,
    pub remedy: Option<String>,
}

impl Finding {
    /// All is well with it.
    pub(crate) fn good(check: &'static str, finding: impl Into<String>) -> Self {
        Self { check, weight: Weight::Good, what: finding.into(), remedy: None }
    }

    /// It is not as it should be.
    pub(crate) fn bad(
        check: &'static str,
        weight: Weight,
        finding: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, weight, what: finding.into(), remedy: Some(remedy.into()) }
    }
}

/// Judges an engine.
pub(crate) fn judge(engine: &Engine) -> Vec<Finding> {
    let mut findings = vec![version(engine), place(engine), users(engine), labels(engine)];
    findings.push(if engine.seccomp {
        Finding::good("seccomp", "the engine filters system calls")
    } else {
        Finding::bad(
            "seccomp",
            Weight::Fails,
            "the engine cannot filter system calls, and io_uring and vsock would be open",
            "use a kernel and an engine with seccomp",
        )
    });
    findings.push(limits(engine));
    findings
}

/// What makes a start on it pointless, the first of it.
pub(crate) fn refusal(engine: &Engine) -> Option<Finding> {
    judge(engine).into_iter().find(|finding| finding.weight == Weight::Fails)
}

fn version(engine: &Engine) -> Finding {
    let shown = format!("Docker Engine {} on {}", engine.version, engine.operating_system);
    if engine.os != "linux" {
        let remedy = "switch it to Linux containers";
        return Finding::bad("engine", Weight::Fails, format!("{shown} runs no Linux"), remedy);
    }
    match engine.major_minor() {
        Some(version) if version < OLDEST => Finding::bad(
            "engine",
            Weight::Fails,
            format!("{shown} is older than {}.{}", OLDEST.0, OLDEST.1),
            "install a newer Docker Engine",
        ),
        Some(_) => Finding::good("engine", shown),
        None => Finding::bad(
            "engine",
            Weight::Weakens,
            format!("{shown} is of a version nobody knows"),
            "use Docker Engine 20.10 or newer",
        ),
    }
}

fn place(engine: &Engine) -> Finding {
    if !engine.is_local() {
        return Finding::bad(
            "place",
            Weight::Fails,
            format!(
                "the engine is elsewhere (`{}`): a bottle's configs are folders of this host",
                engine.endpoint
            ),
            "`docker context use default`, and unset `DOCKER_HOST`",
        );
    }
    if engine.operating_system.contains("Docker Desktop") {
        return Finding::bad(
            "place",
            Weight::Weakens,
            "Docker Desktop runs containers in a machine of its own: the probe cannot look from there \
             to here",
            "use Docker Engine on Linux for work that matters",
        );
    }
    Finding::good("place", format!("the engine is on this host (`{}`)", engine.endpoint))
}

fn users(engine: &Engine) -> Finding {
    let remedy = "use an engine that runs as root without `userns-remap`";
    let what = if engine.rootless {
        "the engine is rootless"
    } else if engine.user_namespaces {
        "the engine remaps user ids"
    } else {
        return Finding::good("users", "a user id in a container is the same outside");
    };
    let finding = format!("{what}: the sidecars could not read their configs, which are 0600");
    Finding::bad("users", Weight::Fails, finding, remedy)
}

fn labels(engine: &Engine) -> Finding {
    if engine.selinux {
        return Finding::bad(
            "selinux",
            Weight::Fails,
            "the engine labels containers by SELinux: they could not read the folders mounted for them",
            "set `\"selinux-enabled\": false` in the daemon's configuration",
        );
    }
    Finding::good("selinux", "no labels stand between a container and its folders")
}

fn limits(engine: &Engine) -> Finding {
    let limits = [
        ("memory", engine.limits.memory),
        ("cpu", engine.limits.cpus),
        ("process", engine.limits.pids),
    ];
    let missing: Vec<_> = limits.iter().filter(|(_, held)| !held).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        let finding =
            format!("memory, cpu and process limits hold (cgroup v{})", engine.cgroup_version);
        return Finding::good("limits", finding);
    }
    Finding::bad(
        "limits",
        Weight::Weakens,
        format!("the engine holds no {} limit: an agent can take all of it", missing.join(", no ")),
        "enable the cgroup controllers: `cgroup_enable=memory` on the kernel's command line",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_run::Limits;

    fn engine() -> Engine {
        Engine {
            version: "20.10.24+dfsg1".to_owned(),
            endpoint: "unix:///var/run/docker.sock".to_owned(),
            rootless: false,
            user_namespaces: false,
            selinux: false,
            apparmor: true,
            seccomp: true,
            cgroup_version: 2,
            limits: Limits { memory: true, cpus: true, pids: true },
            runtimes: vec!["runc".to_owned()],
            storage_driver: "overlay2".to_owned(),
            os: "linux".to_owned(),
            operating_system: "Debian GNU/Linux 12".to_owned(),
            cpus: 2,
            memory: 4 << 30,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn an_engine_as_it_should_be_is_good_in_everything() {
        assert!(judge(&engine()).iter().all(|finding| finding.weight == Weight::Good));
        assert_eq!(refusal(&engine()), None);
    }

    #[test]
    fn what_a_bottle_cannot_hold_on_is_refused_with_a_remedy() {
        let bad = [
            Engine { version: "19.3.1".to_owned(), ..engine() },
            Engine { os: "windows".to_owned(), ..engine() },
            Engine { endpoint: "ssh://other".to_owned(), ..engine() },
            Engine { endpoint: "tcp://127.0.0.1:2375".to_owned(), ..engine() },
            Engine { rootless: true, ..engine() },
            Engine { user_namespaces: true, ..engine() },
            Engine { selinux: true, ..engine() },
            Engine { seccomp: false, ..engine() },
        ];
        for engine in bad {
            let finding = refusal(&engine).unwrap_or_else(|| panic!("{engine:?}"));
            assert!(finding.remedy.is_some(), "{finding:?}");
        }
    }

    #[test]
    fn a_missing_limit_weakens_and_refuses_nothing() {
        let limits = Limits { memory: true, cpus: true, pids: false };
        let engine = Engine { limits, ..engine() };
        assert_eq!(refusal(&engine), None);
        let worst = judge(&engine).into_iter().max_by_key(|finding| finding.weight).unwrap();
        assert_eq!((worst.check, worst.weight), ("limits", Weight::Weakens));
    }
}
