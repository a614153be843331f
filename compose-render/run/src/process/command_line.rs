//! A command as an error names it.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

/// Longer commands are cut: the beginning says what it was.
const LIMIT: usize = 240;

pub(super) fn show(program: &OsStr, args: &[OsString]) -> String {
    let name = Path::new(program).file_name().unwrap_or(program);
    let mut line = name.to_string_lossy().into_owned();
    for arg in args {
        line.push(' ');
        line.push_str(&quoted(&arg.to_string_lossy()));
    }
    if line.chars().count() > LIMIT {
        line = line.chars().take(LIMIT).chain(['…']).collect();
    }
    line
}

fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%{}".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.escape_debug().to_string().replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_program_and_cuts_what_grows_long() {
        let args: Vec<OsString> = ["run", "a b", ""].into_iter().map(Into::into).collect();
        assert_eq!(show(OsStr::new("/usr/bin/docker"), &args), "docker run 'a b' ''");
        let long = vec![OsString::from("x".repeat(1000))];
        assert_eq!(show(OsStr::new("docker"), &long).chars().count(), LIMIT + 1);
    }
}
