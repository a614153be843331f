//! The control: the same attempts from a container that has no bottle around it must arrive.
//! Without it, a sink that nobody could reach would prove nothing.

use std::net::Ipv4Addr;

use anyhow::Context;

use super::script;
use super::stage::Stage;
use crate::program::Program;

/// Runs a container on the uplink, where the outside stands, and lets it try everything.
pub(super) fn run(stage: &Stage) -> anyhow::Result<String> {
    let agent = stage.container("agent");
    let image = Program::docker().args(["inspect", "--format", "{{.Image}}", &agent]).read()?;
    let model = address(&stage.container("stand-in"))?;
    let gateway = gateway(&format!("bottle-{}-uplink", stage.slug))?;
    let (nonce, host) = (&stage.nonce, script::DENIED_HOST);
    let curl = "curl --silent --show-error --insecure --noproxy '*' --max-time 20";
    let attempts = [
        format!("{curl} https://{host}/{nonce}/control"),
        format!("{curl} http://{model}:{}/{nonce}/control", script::SINK),
        format!("{curl} http://{gateway}:{}/{nonce}/control", stage.host.port()),
    ];
    Program::docker()
        .args(["run", "--rm", "--name", &stage.container("control")])
        .args(["--label", &format!("bottle.slug={}", stage.slug)])
        .args(["--network", &format!("bottle-{}-uplink", stage.slug)])
        .args(["--add-host", &format!("{host}:{model}")])
        .args(["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"])
        .args(["--entrypoint", "sh", image.trim(), "-c", &attempts.join("; ")])
        .read()
        .context("the control container failed")
}

fn address(container: &str) -> anyhow::Result<String> {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    Program::docker().args(["inspect", "--format", format, container]).read()
}

/// The first address of the subnet. Some engines do not tell one that nobody asked for.
fn gateway(network: &str) -> anyhow::Result<Ipv4Addr> {
    let format = "{{range .IPAM.Config}}{{.Subnet}}{{end}}";
    let subnet =
        Program::docker().args(["network", "inspect", "--format", format, network]).read()?;
    let (first, _) = subnet.split_once('/').context("a network without a subnet")?;
    let first: Ipv4Addr = first.parse().with_context(|| format!("`{subnet}` is no subnet"))?;
    Ok(Ipv4Addr::from(u32::from(first) + 1))
}
