//! What stands for the outside: a network of a documentation range, with a sink on it. No test
//! sends anything anywhere else.

use crate::{
    container::Container,
    stack::{Stack, fail},
};
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// The ranges that RFC 5737 keeps for documentation; each is cut into sixteen networks.
const RANGES: [&str; 2] = ["203.0.113.0/24", "198.51.100.0/24"];

/// A network whose addresses count as public, and which leads nowhere.
#[derive(Debug)]
pub struct Outside<'a> {
    stack: &'a Stack,
    name: String,
    subnet: Ipv4Net,
}

/// A container on it that takes whatever comes, and tells.
#[derive(Debug)]
pub struct Sink<'a> {
    pub container: Container<'a>,
    pub address: Ipv4Addr,
}

impl<'a> Outside<'a> {
    pub(crate) fn create(stack: &'a Stack) -> Self {
        let name = format!("{}-outside", stack.slug().project());
        let label = stack.label();
        let ranges = RANGES.iter().filter_map(|range| range.parse::<Ipv4Net>().ok());
        // Other tests take theirs at the same time: the engine says which are free.
        for subnet in ranges.filter_map(|range| range.subnets(28).ok()).flatten() {
            let text = subnet.to_string();
            let args = ["network", "create", "--internal", "--subnet", &text, "--label", &label];
            match stack.docker().call(args).arg(&name).run() {
                Ok(()) => return Self { stack, name, subnet },
                Err(error) if error.stderr().contains("overlap") => {}
                Err(error) => fail(&format!("no network for the outside: {error}")),
            }
        }
        fail("every documentation network is taken")
    }

    /// The network's name, for `docker network connect`.
    pub fn network(&self) -> &str {
        &self.name
    }

    pub fn subnet(&self) -> Ipv4Net {
        self.subnet
    }

    /// The address with that number in the network, 2 to 14.
    pub fn address(&self, number: u8) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.subnet.network()) | u32::from(number & 0x0f))
    }

    /// Puts a running container on it too, at that address.
    pub fn join(&self, container: &str, address: Ipv4Addr) {
        let address = address.to_string();
        let args = ["network", "connect", "--ip", &address, &self.name, container];
        if let Err(error) = self.stack.docker().run(args) {
            fail(&format!("`{container}` cannot join the outside: {error}"));
        }
    }

    /// A sink at the address with that number, listening on those ports, TCP and UDP, and known
    /// by those names to whoever is on the network.
    pub fn sink(&self, number: u8, ports: &[u16], names: &[&str]) -> Sink<'a> {
        let ip = self.address(number).to_string();
        let mut options = vec!["--ip", &ip];
        options.extend(names.iter().flat_map(|name| ["--network-alias", name]));
        Sink::run(self.stack, &format!("sink-{number}"), &self.name, &options, ports)
    }
}

impl<'a> Sink<'a> {
    pub(crate) fn run(
        stack: &'a Stack,
        name: &str,
        network: &str,
        options: &[&str],
        ports: &[u16],
    ) -> Self {
        let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
        let command: Vec<&str> =
            std::iter::once("sink").chain(ports.iter().map(String::as_str)).collect();
        let container = Container::run(stack, name, network, options, &command);
        container.wait_for("listening");
        let address = container.address_on(network);
        Self { container, address }
    }

    /// Every arrival so far: `tcp 443 203.0.113.2`.
    pub fn arrivals(&self) -> Vec<String> {
        let log = self.container.log();
        log.lines().filter_map(|line| line.strip_prefix("arrived ")).map(str::to_owned).collect()
    }
}
