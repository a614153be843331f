//! What the agent's container and the sidecars may not do, and how much they may use.

use std::io::Write;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use compose_render::{Network, Role, contract};
use compose_testkit::record;
use serde_json::{Value, json};

use super::attacker::{ATTACK, Attacked, UntilDropped};

const ROLES: [Role; 4] = [Role::Agent, Role::Pipelock, Role::Egress, Role::Supervise];

/// A busy machine forks slowly.
const PATIENCE: Duration = Duration::from_mins(2);

/// What no container of ours has, whatever its image says.
const NO_CAPABILITY: &str = "0000000000000000";

#[test]
fn a11_no_socket_of_the_host_is_there() {
    let attacked = Attacked::shared();
    let found = attacked.attack(&["surroundings"]);
    record("A11", "every unix socket on the disk", &found["sockets"]);
    record("A11", "every mount", &found["mounts"]);
    let sockets = found["sockets"].as_array().unwrap();
    // The session's own socket is the agent's.
    assert!(
        sockets.iter().all(|path| path.as_str().unwrap().starts_with("/tmp/.bottle")),
        "{found}"
    );
    assert_eq!(found["blocks"], json!([]), "a disk of the host");
    for variable in found["variables"].as_array().unwrap() {
        let variable = variable.as_str().unwrap();
        let pointing = ["SSH_AUTH_SOCK", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"];
        assert!(!pointing.contains(&variable) && !variable.starts_with("DOCKER"), "{variable}");
    }
    // Of the host there is what the engine puts in every container, and our folder.
    let ours = ["/etc/bottle", "/etc/ssl/certs"];
    let engines = ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts", "/"];
    for mount in found["mounts"].as_array().unwrap() {
        let mount = mount.as_str().unwrap();
        let kernels = ["/proc", "/sys", "/dev"].iter().any(|top| mount.starts_with(top));
        let init = mount.ends_with("/docker-init");
        let known = ours.contains(&mount) || engines.contains(&mount) || init;
        assert!(kernels || known, "`{mount}` is in the agent's container");
    }
    let agent = attacked.container(Role::Agent);
    for folder in ["/etc/bottle", "/etc/ssl/certs"] {
        let touch = ["touch", &format!("{folder}/x")].map(str::to_owned);
        let written = attacked.ground.docker.exec(&agent, Some("0"), false, touch).run();
        assert!(written.unwrap_err().stderr().contains("Read-only"), "{folder}");
    }
}

#[test]
fn a11_an_abstract_socket_of_the_host_does_not_answer() {
    use std::os::linux::net::SocketAddrExt as _;
    let attacked = Attacked::shared();
    let name = format!("bottle-a11-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let tried = attacked.attack(&["abstract", &name]);
    record("A11", format_args!("connect to @{name}"), &tried[&name]);
    assert_eq!(tried[&name], "ECONNREFUSED");
    let control = attacked.control(&["--network", "host"], &["abstract", &name]);
    assert_eq!(control[&name], "ok");
}

#[test]
fn a12_the_agent_has_no_capability_and_cannot_get_one() {
    let attacked = Attacked::shared();
    for user in [None, Some("0")] {
        let status = attacked.attack_as(user, &["status"]);
        record("A12", format_args!("/proc/self/status as {user:?}"), &status);
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status[set], NO_CAPABILITY, "{set} as {user:?}");
        }
        assert_eq!((&status["NoNewPrivs"], &status["Seccomp"]), (&json!("1"), &json!("2")));
        assert_eq!(status["core"], "(0, 0)");
    }
    let status = attacked.attack(&["status"]);
    assert_eq!(status["Uid"], "1000\t1000\t1000\t1000");

    let control = attacked.control(&["--network", "none"], &["status"]);
    assert_ne!(control["CapBnd"], NO_CAPABILITY);
    assert_eq!(control["NoNewPrivs"], "0");
}

#[test]
fn a12_the_sidecars_have_no_capability_and_show_their_memory_to_nobody() {
    let attacked = Attacked::shared();
    for role in [Role::Pipelock, Role::Egress, Role::Supervise] {
        let pid = attacked.pid(role);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:\t")));
            line.unwrap_or_default().trim().to_owned()
        };
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(field(set), NO_CAPABILITY, "{role}: {set}");
        }
        assert_eq!((field("NoNewPrivs"), field("Seccomp")), ("1".into(), "2".into()), "{role}");
        assert!(!field("Uid").split_whitespace().any(|uid| uid == "0"), "{role} is root");
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{role}: {core}");
        // What is not dumpable belongs to root, and not to the process's own user.
        let memory = std::fs::metadata(format!("/proc/{pid}/environ")).unwrap();
        assert_eq!(memory.uid(), 0, "{role} is dumpable");
        record("A12", format_args!("/proc/PID/status of {role}"), "no capability, not dumpable");
    }
}

#[test]
fn a12_the_engine_was_told_every_limit() {
    let attacked = Attacked::shared();
    for role in ROLES {
        let told = attacked.inspect(role);
        let host = &told["HostConfig"];
        assert_eq!(host["Privileged"], false, "{role}");
        assert_eq!(host["CapDrop"], json!(["ALL"]), "{role}");
        assert!(host["CapAdd"].is_null(), "{role}: {}", host["CapAdd"]);
        assert!(host["Memory"].as_u64().unwrap() > 0, "{role}");
        assert_eq!(host["Memory"], host["MemorySwap"], "{role}: swap comes on top");
        assert!(host["PidsLimit"].as_u64().unwrap() > 0, "{role}");
        assert!(host["NanoCpus"].as_u64().unwrap() > 0, "{role}");
        assert_eq!(host["ReadonlyRootfs"], role != Role::Agent, "{role}");
        assert!(host["Devices"].as_array().is_none_or(Vec::is_empty), "{role}");
        assert_eq!(host["PublishAllPorts"], false, "{role}");
        assert!(host["PortBindings"].as_object().is_none_or(serde_json::Map::is_empty), "{role}");
        for space in ["PidMode", "UTSMode", "UsernsMode"] {
            assert_eq!(host[space], "", "{role}: {space}");
        }
        assert_eq!(host["IpcMode"], "private", "{role}");
        let options = host["SecurityOpt"].to_string();
        assert!(options.contains("no-new-privileges:true"), "{role}: {options}");
        assert!(options.contains("SCMP_ACT_ERRNO"), "{role}: {options}");
        assert_eq!(host["LogConfig"]["Config"]["max-size"], "8m", "{role}");
        let networks: Vec<_> =
            told["NetworkSettings"]["Networks"].as_object().unwrap().keys().collect();
        let internal = attacked.network(Network::Internal);
        let expected = if role == Role::Pipelock {
            vec![internal, attacked.network(Network::Uplink)]
        } else {
            vec![internal]
        };
        assert_eq!(networks, expected.iter().collect::<Vec<_>>(), "{role}");
        record("A12", format_args!("docker inspect of {role}"), "every limit is set");
    }
}

#[test]
fn a12_the_internal_network_leads_nowhere_by_the_engines_own_word() {
    let attacked = Attacked::shared();
    let name = attacked.network(Network::Internal);
    let told = attacked.ground.docker.capture(["network", "inspect", &name]).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let network = &told[0];
    record("A12", format_args!("docker network inspect {name}"), &network["Options"]);
    assert_eq!((&network["Internal"], &network["EnableIPv6"]), (&json!(true), &json!(false)));
    assert_eq!(network["Options"]["com.docker.network.bridge.inhibit_ipv4"], "true");
}

#[test]
fn a12_bombs_of_memory_processes_and_shared_memory_are_contained() {
    let attacked = Attacked::start("a12");
    let internal = attacked.network(Network::Internal);
    let answers = || {
        let ask = "GET http://denied.example/ HTTP/1.1\\r\\nhost: denied.example\\r\\n\\r\\n";
        let proxies = [
            attacked.at(Role::Egress, contract::EGRESS_PORT),
            attacked.at(Role::Pipelock, contract::PIPELOCK_PORT),
        ];
        for proxy in proxies {
            let said = attacked.control(&["--network", &internal], &["tunnel", &proxy, ask]);
            assert!(said[ask].as_str().unwrap().contains(" 403 "), "{proxy}: {said}");
        }
    };
    let agent = attacked.container(Role::Agent);
    let docker = &attacked.ground.docker;
    let plant = docker.exec(&agent, None, true, ["sh", "-c", "cat > /tmp/attack.py"]);
    plant.input(ATTACK).run().unwrap();
    answers();

    // More than its 256 MiB: whoever asks for them dies, and nobody else.
    let memory =
        docker.exec(&agent, None, false, ["python3", "/tmp/attack.py", "allocate", "1024"]);
    let memory = memory.outcome().unwrap();
    record("A12", "1 GiB in a container of 256 MiB", memory.status);
    assert_eq!(memory.status.code(), Some(137), "{memory:?}");
    answers();

    // What the kernel holds it to, in either version of cgroups; a bomb that stops earlier was stopped by
    // its memory.
    let limit = "cat /sys/fs/cgroup/pids.max || cat /sys/fs/cgroup/pids/pids.max";
    let limit = docker.exec(&agent, None, false, ["sh", "-c", limit]).text().unwrap();
    assert_eq!(limit.trim(), "128");
    let (letting_go, held) = mpsc::channel();
    let (telling, told) = mpsc::channel();
    thread::scope(|scope| {
        let bomb = docker.exec(&agent, None, true, ["python3", "/tmp/attack.py", "fork", "600"]);
        let bomb = bomb.input_from(UntilDropped(held));
        let bomb = scope.spawn(move || bomb.stream(&mut Lines { telling, line: Vec::new() }));
        // Where nothing held the bomb, it may have died of its own weight without a word.
        let forked = told.recv_timeout(PATIENCE).expect("the bomb tells how far it came");
        let forked: Value = serde_json::from_str(&forked).unwrap();
        record("A12", "600 processes in a container of 128", &forked);
        assert_eq!(forked["refused"], "EAGAIN");
        assert!(forked["children"].as_u64().unwrap() < 128, "{forked}");
        answers();
        drop(letting_go);
        bomb.join().unwrap().unwrap();
    });

    let full = docker.exec(
        &agent,
        None,
        false,
        ["python3", "/tmp/attack.py", "fill", "/dev/shm/x", "200"],
    );
    let full: Value = serde_json::from_str(&full.text().unwrap()).unwrap();
    record("A12", "200 MiB of shared memory", &full);
    assert_eq!(full["result"], "ENOSPC");
    answers();
    assert_eq!(attacked.inspect(Role::Agent)["State"]["Running"], true);

    let roomy = attacked.control(&["--network", "none", "--memory", "1g"], &["allocate", "300"]);
    assert_eq!(roomy["allocated"], 300, "the test can fail");
}

#[test]
fn a14_a_setuid_program_makes_nobody_root() {
    let attacked = Attacked::start("a14");
    let none = attacked.attack(&["setuid"]);
    record("A14", "setuid and setgid programs of the image", &none["found"]);
    assert_eq!(none["found"], json!([]));
    // One that root of the container put there.
    let planted = attacked.attack_as(Some("0"), &["plant", "/usr/local/bin/suid-python"]);
    assert_eq!(planted["mode"], "0o104755");
    let ran = attacked.attack(&["elevated", "/usr/local/bin/suid-python"]);
    record("A14", "a program of root's with its setuid bit", &ran["euid"]);
    assert_eq!(ran["euid"], "1000");

    let options = ["--network", "none", "--user", "0"];
    let control = attacked.control(&options, &["elevate-as-root", "1000"]);
    assert_eq!(control["euid"], "0", "the test can fail");
}

/// Passes on each line as it comes.
struct Lines {
    telling: mpsc::Sender<String>,
    line: Vec<u8>,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for &byte in bytes {
            if byte == b'\n' {
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
                // Nobody listens to the last ones.
                self.telling.send(line).ok();
            } else {
                self.line.push(byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
