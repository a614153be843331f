//! From an agent's call to a person's screen, and from a person's yes to the agent's first request
//! that passes, and from a yes taken back to the first that does not.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::bench::figures::{Figures, heading};
use crate::bench::ground::{Built, Ground};
use crate::bench::life::timed;
use crate::checkout::Checkout;
use crate::program::Program;
use crate::ui::{data, say};

/// How often each is done: as often as an agent may ask in a minute.
const ROUNDS: usize = 10;
/// Starts with and without a supervisor, pair by pair.
const PAIRS: usize = 6;
/// Longer than anything measured here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// One call of a tool; prints when it began, and what came of it.
const CALL: &str = "
import json, sys, time, urllib.request
body = json.dumps({'jsonrpc': '2.0', 'id': 1, 'method': 'tools/call',
                   'params': {'name': sys.argv[1], 'arguments': json.loads(sys.argv[2])}}).encode()
request = urllib.request.Request('http://supervise:8765/mcp', body, {
    'content-type': 'application/json', 'accept': 'application/json, text/event-stream'})
begun = time.time()
answer = urllib.request.urlopen(request, timeout=60).read().decode()
print(json.dumps({'begun': begun, 'answer': answer}))
";

/// Asks again and again until the answer is another one; prints when that one came.
const ASK: &str = "
import sys, time, urllib.request, urllib.error
url, until = sys.argv[1], sys.argv[2]
while True:
    try: urllib.request.urlopen(url, timeout=10).read(); code = 200
    except urllib.error.HTTPError as error:
        denied = error.headers.get('x-bottle-denied'); code = 403 if denied else error.code
    except Exception: code = 0
    if (code == 403) == (until == 'denied') and code: break
    time.sleep(0.002)
print(time.time())
";

const MANIFEST: &str = "\
version: 1
agents:
  bench: {bottle: default, command: [printf, x]}
bottles:
  default:
    workspace: copy
    resources: {memory: 512m}
    egress:
      routes:
        - host: api.anthropic.com
          methods: [POST]
          paths: [\"/v1/**\"]
          credential: {env: ANTHROPIC_API_KEY, header: x-api-key}
    supervise: {enabled: true}
";

/// Measures all of it.
pub(super) fn measure(checkout: &Checkout) -> anyhow::Result<Value> {
    let ground = Ground::set(checkout, "approvals", Built::Optimised)?;
    let with = ground.stage.folder.join("with.yaml");
    let without = ground.stage.folder.join("without.yaml");
    fs_err::write(&with, MANIFEST)?;
    fs_err::write(&without, MANIFEST.replace("enabled: true", "enabled: false"))?;
    let slug = ground.stage.slug.clone();
    say("starting one bottle with a supervisor");
    let manifest = with.display().to_string();
    ground.start(&slug, &["--detach", "--manifest", &manifest]).run()?;
    let measured = rounds(&ground, &slug);
    let memory = memory(&format!("bottle-{slug}-supervise"));
    ground.bottle(&["--quiet", "stop", &slug]).run()?;
    let (visible, allowed, revoked) = measured?;
    data(heading("milliseconds"));
    data(visible.row("proposed, until it is on the host"));
    data(allowed.row("approved, until a request passes"));
    data(revoked.row("revoked, until one is refused"));
    say("starting bottles with and without a supervisor");
    let mut starts = [Figures::default(), Figures::default()];
    for pair in 0..PAIRS {
        for (which, (figures, manifest)) in starts.iter_mut().zip([&with, &without]).enumerate() {
            // A name that was stopped holds work, and is not given again.
            let name = ground.name(2 * pair + which);
            let manifest = manifest.display().to_string();
            let start = ground.start(&name, &["--detach", "--manifest", &manifest]);
            figures.push(timed(&start).context("a start failed")?);
            ground.bottle(&["--quiet", "stop", &name]).run()?;
        }
    }
    let [with, without] = starts;
    let more = Figures::of(with.minus(&without));
    data(with.row("start with a supervisor"));
    data(without.row("start without"));
    data(more.row("how much more, pair by pair"));
    data(format!("supervise holds {memory} of memory"));
    Ok(json!({
        "unit": "ms", "rounds": ROUNDS, "visible": visible.json(), "allowed": allowed.json(),
        "revoked": revoked.json(), "start_with": with.json(), "start_without": without.json(),
        "start_more": more.json(),
        "supervise_memory": memory,
    }))
}

fn rounds(ground: &Ground, slug: &str) -> anyhow::Result<(Figures, Figures, Figures)> {
    let mut figures = (Figures::default(), Figures::default(), Figures::default());
    for round in 0..ROUNDS {
        let path = format!("/wanted/{round}");
        let arguments = json!({
            "host": "api.anthropic.com", "methods": ["GET"], "paths": [path],
            "reason": "a measurement",
        });
        let asks = agent(slug, CALL, &["propose_egress", &arguments.to_string()]);
        let asking = asks.expression().stdout_capture().start()?;
        // A person's list, as often as it comes back.
        let wanted = format!("\"{path}\"");
        let limit = Instant::now() + PATIENCE;
        let (seen, listed) = loop {
            let listed = ground.bottle(&["proposals", slug, "--json"]).read()?;
            if listed.contains(&wanted) {
                break (now(), listed);
            }
            if Instant::now() > limit {
                bail!("the proposal never came to the host");
            }
        };
        let output = asking.into_output()?;
        let said: Value = serde_json::from_slice(&output.stdout)?;
        figures.0.push(1000.0 * (seen - said["begun"].as_f64().context("no time")?));

        let listed: Value = serde_json::from_str(&listed)?;
        let one = listed.as_array().and_then(|all| all.iter().find(|one| one["state"] == "open"));
        let one = one.context("no proposal is open")?;
        let text = |key: &str| one[key].as_str().map(str::to_owned).context("a field is missing");
        let (id, change) = (text("id")?, text("change")?);
        let url = format!("https://api.anthropic.com{path}");
        let approve = ["--quiet", "approve", &id, "--change", &change];
        figures.1.push(until(ground, slug, [&url, "allowed"], &approve)?);
        let revoke = ["--quiet", "revoke", &id];
        figures.2.push(until(ground, slug, [&url, "denied"], &revoke)?);
    }
    Ok(figures)
}

/// From the beginning of that command until the agent, which asks all the while, gets that answer.
#[expect(clippy::disallowed_methods, reason = "time is what is measured here")]
fn until(ground: &Ground, slug: &str, asked: [&str; 2], command: &[&str]) -> anyhow::Result<f64> {
    let asking = agent(slug, ASK, &asked).expression().stdout_capture().start()?;
    // Python has begun by then.
    std::thread::sleep(Duration::from_millis(400));
    let begun = now();
    ground.bottle(command).run()?;
    let output = asking.into_output()?;
    let came: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().context("no time")?;
    Ok(1000.0 * (came - begun))
}

fn agent(slug: &str, code: &str, words: &[&str]) -> Program {
    let container = format!("bottle-{slug}-agent");
    Program::docker().args(["exec", &container, "python3", "-c", code]).args(words.iter().copied())
}

fn memory(container: &str) -> String {
    let format = "{{.MemUsage}}";
    let said = Program::docker().args(["stats", "--no-stream", "--format", format, container]);
    let said = said.read().unwrap_or_default();
    said.split('/').next().unwrap_or_default().trim().to_owned()
}

/// Seconds since 1970, as the container's clock has them.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
