//! What kind of engine answers: its version, and what of it a bottle must know about.

use crate::{Docker, RunError};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};

/// An engine that takes longer than this to say what it is does not work.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `docker info` tells, as far as a bottle depends on it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "what an engine has or lacks, each by itself")]
pub struct Engine {
    /// The server's version, as it prints it: `20.10.24+dfsg1`.
    pub version: String,
    /// Where the client connects to: `unix:///var/run/docker.sock`.
    pub endpoint: String,
    /// Whether container root is not the host's because the daemon runs as a user.
    pub rootless: bool,
    /// Whether the daemon remaps user ids.
    pub user_namespaces: bool,
    pub selinux: bool,
    pub apparmor: bool,
    pub seccomp: bool,
    /// 1 or 2.
    pub cgroup_version: u8,
    /// Whether memory, cpu and process limits hold.
    pub limits: Limits,
    /// Names of the OCI runtimes, `runsc` among them where gVisor is installed.
    pub runtimes: Vec<String>,
    pub storage_driver: String,
    /// `linux` or `windows`.
    pub os: String,
    /// Docker Desktop, Podman and others name themselves here.
    pub operating_system: String,
    pub cpus: u32,
    pub memory: u64,
    pub warnings: Vec<String>,
}

/// Which limits the engine can hold a container to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    pub memory: bool,
    pub cpus: bool,
    pub pids: bool,
}

impl Engine {
    /// Whether the endpoint is a socket of this host, so that bind mounts mean our folders.
    pub fn is_local(&self) -> bool {
        self.endpoint.starts_with("unix://")
    }

    /// Major and minor version, where they can be read.
    pub fn major_minor(&self) -> Option<(u32, u32)> {
        let mut numbers = self.version.split('.').map(|part| part.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    server_version: String,
    #[serde(default)]
    server_errors: Option<Vec<String>>,
    #[serde(default)]
    security_options: Option<Vec<String>>,
    #[serde(default)]
    cgroup_version: String,
    #[serde(default)]
    memory_limit: bool,
    #[serde(default)]
    cpu_cfs_quota: bool,
    #[serde(default)]
    pids_limit: bool,
    #[serde(default)]
    runtimes: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    driver: String,
    #[serde(default, rename = "OSType")]
    os_type: String,
    #[serde(default)]
    operating_system: String,
    #[serde(default, rename = "NCPU")]
    cpus: u32,
    #[serde(default)]
    mem_total: u64,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

pub(super) fn ask(docker: &Docker) -> Result<Engine, RunError> {
    // The context is the client's own knowledge; both are asked at once.
    let (info, endpoint) = std::thread::scope(|scope| {
        let endpoint = scope.spawn(|| {
            let context = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
            docker.call(context).timeout(PATIENCE).text()
        });
        let info = docker.call(["info", "--format", "{{json .}}"]).timeout(PATIENCE).text();
        (info, endpoint.join())
    });
    let endpoint = endpoint.ok().and_then(Result::ok).unwrap_or_default();
    read(&info?, endpoint)
}

fn read(info: &str, endpoint: String) -> Result<Engine, RunError> {
    let answer: Answer = serde_json::from_str(info).map_err(|error| RunError::Unexpected {
        command: "docker info".to_owned(),
        detail: error.to_string(),
    })?;
    if let Some(errors) = answer.server_errors.filter(|errors| !errors.is_empty()) {
        return Err(RunError::Unreachable { stderr: errors.join("\n") });
    }
    let options = answer.security_options.unwrap_or_default();
    let has = |name: &str| {
        let named = format!("name={name}");
        options.iter().any(|option| option.split(',').any(|part| part == named))
    };
    Ok(Engine {
        version: answer.server_version,
        endpoint,
        rootless: has("rootless"),
        user_namespaces: has("userns"),
        selinux: has("selinux"),
        apparmor: has("apparmor"),
        seccomp: has("seccomp"),
        cgroup_version: answer.cgroup_version.parse().unwrap_or(1),
        limits: Limits {
            memory: answer.memory_limit,
            cpus: answer.cpu_cfs_quota,
            pids: answer.pids_limit,
        },
        runtimes: answer.runtimes.unwrap_or_default().into_keys().collect(),
        storage_driver: answer.driver,
        os: answer.os_type,
        operating_system: answer.operating_system,
        cpus: answer.cpus,
        memory: answer.mem_total,
        warnings: answer.warnings.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_an_engine_says_of_itself() {
        let info = r#"{"ServerVersion":"27.1.2","SecurityOptions":["name=seccomp,profile=builtin",
            "name=rootless","name=selinux"],"CgroupVersion":"2","MemoryLimit":true,"NCPU":2,
            "Runtimes":{"runc":{"path":"runc"},"runsc":{"path":"/usr/bin/runsc"}},"Warnings":null}"#;
        let engine = read(info, "unix:///run/user/1000/docker.sock".to_owned()).unwrap();
        assert_eq!(engine.major_minor(), Some((27, 1)));
        assert!(engine.rootless && engine.selinux && engine.seccomp && engine.is_local());
        assert!(!engine.user_namespaces && !engine.apparmor);
        assert!(engine.limits.memory && !engine.limits.pids);
        assert_eq!(
            (engine.cgroup_version, engine.runtimes),
            (2, vec!["runc".into(), "runsc".into()])
        );
    }

    #[test]
    fn a_daemon_that_does_not_answer_is_told_from_other_failures() {
        let info = r#"{"ServerErrors":["Cannot connect to the Docker daemon at tcp://x"]}"#;
        assert!(read(info, String::new()).unwrap_err().is_docker_missing());
        assert!(!read("?", String::new()).unwrap_err().is_docker_missing());
    }
}
