//! A container with the test kit's binary in it.

use crate::{
    eventually,
    stack::{Stack, fail},
};
use compose_run::{Call, containers};
use std::net::{IpAddr, Ipv4Addr};

/// A container of a test: what runs in it stands where an agent, or the outside, would.
#[derive(Debug)]
pub struct Container<'a> {
    pub(crate) stack: &'a Stack,
    name: String,
}

/// What the client said of an attempt.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Said {
    /// Whether what was tried worked.
    pub ok: bool,
    pub text: String,
}

impl<'a> Container<'a> {
    pub(crate) fn run(
        stack: &'a Stack,
        name: &str,
        network: &str,
        options: &[&str],
        command: &[&str],
    ) -> Self {
        let name = format!("{}-{name}", stack.slug().project());
        let (label, image) = (stack.label(), stack.image());
        let started = stack
            .docker()
            .call(["run", "--detach", "--name", &name, "--network", network, "--label", &label])
            .args(["--cap-drop", "ALL", "--user", "65532:65532", "--init=false"])
            .args(options)
            .arg(image)
            .args(command)
            .run();
        if let Err(error) = started {
            fail(&format!("cannot run `{name}`: {error}"));
        }
        Self { stack, name }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address on that network.
    pub fn address_on(&self, network: &str) -> Ipv4Addr {
        let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
        let args = ["container", "inspect", "--format", &format, &self.name];
        let address = self.stack.docker().capture(args).unwrap_or_default();
        address.parse().unwrap_or_else(|_| fail(&format!("`{}` is not on `{network}`", self.name)))
    }

    /// Runs the test kit's client inside: `connect`, `udp`, `say`, `dns` and their arguments.
    pub fn probe(&self, command: &[&str]) -> Said {
        let call = self.stack.docker().exec(&self.name, None, false, ["/probe-client"]);
        let outcome = call.args(command).outcome();
        let outcome = outcome.unwrap_or_else(|error| fail(&format!("no exec: {error}")));
        let text = format!("{}{}", String::from_utf8_lossy(&outcome.stdout), outcome.stderr);
        Said { ok: outcome.status.success(), text: text.trim().to_owned() }
    }

    /// Whether a connection from inside comes about within two seconds.
    pub fn reaches(&self, address: impl Into<IpAddr>, port: u16) -> bool {
        let address = std::net::SocketAddr::new(address.into(), port).to_string();
        self.probe(&["connect", &address, "2000"]).ok
    }

    /// A call whose stdin and stdout are a connection from inside to that address: a test on the
    /// host speaks any protocol from where the container stands.
    pub fn pipe(&self, address: &str) -> Call<'static> {
        self.stack.docker().exec(&self.name, None, true, ["/probe-client", "pipe", address])
    }

    /// The same for one connection that arrives there.
    pub fn accept(&self, address: &str) -> Call<'static> {
        self.stack.docker().exec(&self.name, None, true, ["/probe-client", "accept", address])
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        containers::last_log_lines(self.stack.docker(), &self.name, 1000)
    }

    /// Waits until it printed that.
    ///
    /// # Panics
    ///
    /// When it never does.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        eventually(&format!("{text:?} in the log of `{}`", self.name), || {
            let log = self.log();
            if log.contains(text) { Ok(()) } else { Err(log) }
        });
    }
}
