//! The system calls by which a program would leave its container, each tried in a child of its own.

use compose_testkit::record;

use super::attacker::Attacked;

/// What programs need: a profile that refused everything would prove nothing.
const HARMLESS: [&str; 3] = ["getpid", "memfd_create", "thread"];

/// What an ordinary container without a profile lets through to the kernel on every machine.
const LET_THROUGH: [&str; 8] =
    ["mount", "umount2", "setns", "bpf", "keyctl", "userfaultfd", "perf_event_open", "personality"];

#[test]
fn a13_no_dangerous_call_reaches_the_kernel() {
    let attacked = Attacked::shared();
    for user in [None, Some("0")] {
        let answers = attacked.attack_as(user, &["syscalls"]);
        for (call, came) in answers.as_object().unwrap() {
            let came = came.as_str().unwrap();
            record("A13", format_args!("{call} as {}", user.unwrap_or("the agent")), came);
            let expected: &[&str] = match call.as_str() {
                call if HARMLESS.contains(&call) => &["ok"],
                // Callers fall back where the kernel has them not.
                "clone3" | "io_uring_setup" | "io_uring_enter" | "io_uring_register" => &["ENOSYS"],
                // Another machine's entry: the kernel ends whoever uses it, or has none.
                "int 0x80" => &["SIGSYS", "SIGSEGV"],
                "x32" => &["SIGSYS", "ENOSYS", "EPERM"],
                _ => &["EPERM"],
            };
            assert!(expected.contains(&came), "{call} as {user:?}: {came}");
        }
    }
    let options = ["--network", "none", "--security-opt", "seccomp=unconfined"];
    let control = attacked.control(&options, &["syscalls"]);
    for call in LET_THROUGH {
        let came = control[call].as_str().unwrap();
        record("A13", format_args!("control: {call} without a profile"), came);
        assert!(!["EPERM", "ENOSYS"].contains(&came), "control: {call}: {came}");
    }
}

#[test]
fn a13_another_process_cannot_be_traced_beyond_the_agents_own() {
    let attacked = Attacked::shared();
    // Of its own user there is nobody but itself: the processes it sees are all in its container.
    let agent = attacked.container(compose_render::Role::Agent);
    let names = ["sh", "-c", "cat /proc/[0-9]*/comm"];
    let seen = attacked.ground.docker.exec(&agent, None, false, names).text().unwrap();
    record("A13", "every process that can be seen", seen.replace('\n', " "));
    for of_the_host in ["dockerd", "containerd", "pipelock", "egress", "systemd", "kthreadd"] {
        assert!(!seen.lines().any(|name| name == of_the_host), "{seen}");
    }
}
