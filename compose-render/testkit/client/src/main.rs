//! What stands in the test kit's containers: a client that tries one thing and says what came of
//! it, and a sink that tells what arrived. The standard library alone, so it builds in a second.

mod client;
mod dns;
mod pipe;
mod sink;

use std::{io, process::ExitCode, time::Duration};

const USAGE: &str = "usage: probe-client idle
       probe-client connect ADDRESS MILLISECONDS
       probe-client udp ADDRESS TEXT MILLISECONDS
       probe-client dns SERVER NAME TYPE
       probe-client say ADDRESS TEXT MILLISECONDS   (escapes: \\r \\n)
       probe-client pipe ADDRESS
       probe-client accept ADDRESS
       probe-client sink PORT...";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> io::Result<()> {
    match *words {
        ["idle"] => idle(),
        ["connect", address, limit] => client::connect(address, milliseconds(limit)?),
        ["udp", address, text, limit] => client::udp(address, text, milliseconds(limit)?),
        ["say", address, text, limit] => client::talk(address, text, milliseconds(limit)?),
        ["dns", server, name, kind] => dns::query(server, name, kind),
        ["pipe", address] => pipe::connect(address),
        ["accept", address] => pipe::accept(address),
        ["sink", ref ports @ ..] if !ports.is_empty() => sink::listen(ports),
        _ => Err(io::Error::other(USAGE)),
    }
}

fn idle() -> ! {
    loop {
        std::thread::park();
    }
}

fn milliseconds(text: &str) -> io::Result<Duration> {
    text.parse().map(Duration::from_millis).map_err(io::Error::other)
}

/// Says something on stdout, the one place that does.
#[expect(clippy::print_stdout, reason = "what it says is what it is for")]
fn say(line: &str) {
    println!("{line}");
}
