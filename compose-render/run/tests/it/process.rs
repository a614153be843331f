//! Child processes, with programs every Linux has.

use compose_run::{RunError, program};
use std::{io::Read, time::Duration};

#[test]
fn passes_streams_and_returns_what_was_said() {
    let text = program::call("cat").input("a line\n").text().unwrap();
    assert_eq!(text, "a line");
    let large = vec![7; 3 << 20];
    let echoed = program::call("cat").input_from(large.as_slice()).bytes().unwrap();
    assert_eq!(echoed.len(), large.len());
    let both = program::call("sh").args(["-c", "echo out; echo err >&2"]).merge_stderr();
    assert_eq!(both.text().unwrap(), "out\nerr");
}

#[test]
fn a_failure_names_the_command_and_the_end_of_its_stderr() {
    let script = "for i in $(seq 100); do echo \"line $i\" >&2; done; exit 3";
    let error = program::call("sh").args(["-c", script]).run().unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with("`sh -c") && told.contains("exit status: 3"), "{told}");
    assert!(told.contains("line 100") && !told.contains("line 80\n"), "{told}");
}

#[test]
fn g7_a_secret_in_the_environment_is_in_no_error() {
    let call = program::call("sh").args(["-c", "exit 1"]).env("SECRET", "hunter2-hunter2");
    assert!(!format!("{call:?}").contains("hunter2"));
    let error = call.run().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[test]
fn an_absent_program_is_told_from_one_that_fails() {
    let error = program::call("no-such-program-here").run().unwrap_err();
    assert!(matches!(error, RunError::Absent { .. }), "{error}");
    assert!(!error.is_docker_missing());
    let docker = compose_run::Docker::at("/nonexistent/docker");
    assert!(docker.run(["ps"]).unwrap_err().is_docker_missing());
}

#[test]
fn what_takes_too_long_is_ended_with_its_children() {
    let script = "sleep 1000 & echo $!; wait";
    let mut pid = Vec::new();
    let call = program::call("sh").args(["-c", script]).timeout(Duration::from_millis(300));
    let error = call.stream(&mut pid).unwrap_err();
    assert!(matches!(error, RunError::TimedOut { .. }), "{error}");
    let status = format!("/proc/{}/status", String::from_utf8(pid).unwrap().trim());
    compose_testkit::eventually("the child's end", || {
        // A zombie whose parent is gone is gone for us.
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        if status.is_empty() || status.contains("State:\tZ") { Ok(()) } else { Err(status) }
    });
}

#[test]
fn an_input_that_breaks_off_is_an_error_although_the_program_is_content() {
    struct Breaks(bool);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(std::io::Error::other("the disk is gone"));
            }
            buffer[0] = b'x';
            Ok(1)
        }
    }
    let error = program::call("cat").input_from(Breaks(false)).run().unwrap_err();
    assert!(matches!(error, RunError::Stream { .. }), "{error}");
}
