//! The only place that prints: talk goes to stderr, data to stdout.

#[expect(clippy::print_stderr, reason = "the one place that talks")]
pub(crate) fn say(line: impl AsRef<str>) {
    eprintln!("{}", line.as_ref());
}

#[expect(clippy::print_stdout, reason = "the one place that gives out data")]
pub(crate) fn data(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}
