//! What a person's yes opens, closes again, and leaves behind: against a bottle that runs and a host
//! that streams.

use std::thread;

use compose_render::{Network, Role};
use compose_run::Metadata;
use compose_testkit::{eventually, record};
use serde_json::{Value, json};
use supervise::{Ask, CredentialUse, Manager, Package, Proposal, Requests};

use crate::ground::Ground;
use crate::program::Said;

/// A host that sends a line twenty times a second, for fifty seconds.
const SERVER: &str = include_str!("deciding/server.py");

/// Reads until it is cut off, and says how.
const CLIENT: &str = include_str!("deciding/client.py");

const MANIFEST: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    resources: {cpus: 1, memory: 256m, pids: 128}
    # Where the hosts of these tests stand.
    pipelock: {allow: [], ssrf: {allow: [192.0.2.0/24]}}
    supervise: {enabled: true}
";

const WITH_CREDENTIAL: &str = "\
version: 1
agents: {worker: {bottle: b, command: [sh]}}
bottles:
  b:
    resources: {cpus: 1, memory: 256m, pids: 128}
    egress:
      routes:
        - {host: '*.routed.example', credential: {env: CANARY_TOKEN, scheme: bearer}}
    # Where the hosts of these tests stand.
    pipelock: {allow: [], ssrf: {allow: [192.0.2.0/24]}}
    supervise: {enabled: true}
";

const CANARY: &str = "canary-91f0c3de77ab4c52";

struct Deciding {
    ground: Ground,
    servers: Vec<String>,
    network: Option<String>,
}

impl Deciding {
    fn start(test: &str, manifest: &str, more: &[&str]) -> Self {
        let mut ground = Ground::new(test);
        ground.account.set("CANARY_TOKEN", CANARY);
        ground.account.write("m.yaml", manifest);
        let said = ground.start(&[&["--detach"], more].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        Self { ground, servers: Vec::new(), network: None }
    }

    fn metadata(&self) -> Metadata {
        let text = std::fs::read_to_string(self.ground.state("metadata.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// A host of that name where pipelock alone reaches it: in a range kept for documentation, which
    /// the manifest exempts and which leads nowhere.
    fn serve(&mut self, name: &str) {
        let network = format!("{}-outside", self.ground.slug);
        let create = ["network", "create", "--internal", "--subnet"];
        let made = (0..16).any(|nth| {
            let subnet = format!("192.0.2.{}/28", 16 * nth);
            self.ground.docker.run(create.into_iter().chain([&*subnet, &*network])).is_ok()
        });
        assert!(made, "every documentation network is taken");
        self.network = Some(network.clone());
        let pipelock = Role::Pipelock.container(&self.ground.slug);
        self.ground.docker.run(["network", "connect", &network, &pipelock]).unwrap();
        self.run(&["--network", &network, "--network-alias", name]);
    }

    /// A host of that name on the bottle's own uplink, at an address that is never dialled.
    fn serve_inside(&mut self, name: &str) {
        let subnet = self.metadata().addresses.unwrap().subnet(Network::Uplink);
        // The stand-in's place.
        let ip = std::net::Ipv4Addr::from(u32::from(subnet.network()) + 4).to_string();
        let network = Network::Uplink.name(&self.ground.slug);
        self.run(&["--network", &network, "--ip", &ip, "--network-alias", name]);
    }

    fn run(&mut self, place: &[&str]) {
        let container = format!("{}-server-{}", self.ground.slug, self.servers.len());
        let image = self.metadata().images[&Role::Agent].to_string();
        let run = ["run", "--detach", "--name", &container, "--entrypoint", "python3"];
        let run = run.iter().chain(place).copied().chain([&*image, "-c", SERVER]);
        self.ground.docker.run(run).unwrap();
        self.servers.push(container);
    }

    fn agent(&self, code: &str, words: &[&str]) -> String {
        let agent = Role::Agent.container(&self.ground.slug);
        let call = self.ground.docker.exec(&agent, None, false, ["python3", "-c", code]);
        let outcome = call.args(words).outcome().unwrap();
        String::from_utf8_lossy(&outcome.stdout).into_owned() + &outcome.stderr
    }

    /// What the agent gets of that address, to the end.
    fn gets(&self, url: &str) -> String {
        self.agent(CLIENT, &[url])
    }

    fn resolves(&self, name: &str) -> bool {
        let code = "import socket,sys; socket.gethostbyname(sys.argv[1]); print('found')";
        self.agent(code, &[name]).starts_with("found")
    }

    /// As the supervisor writes it down.
    fn asks(&self, ask: Ask, attempt: u32) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let proposal = Proposal::new(ask, "to try".to_owned(), attempt, now.as_secs()).unwrap();
        let name = format!("supervise/outbox/{}", proposal.id.proposal_file());
        compose_run::replace(&self.ground.state(&name), proposal.to_json().as_bytes(), 0o644)
            .unwrap();
        proposal.id.to_string()
    }

    fn host(&self, host: &str, attempt: u32) -> String {
        let host = host.parse().unwrap();
        self.asks(Ask::Egress(Requests { host, methods: vec![], paths: vec![] }), attempt)
    }

    fn seen(&self, id: &str) -> Value {
        let said = self.ground.bottle(&["proposals", "--json", "--all"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let all: Value = serde_json::from_str(&said.out).unwrap();
        all.as_array().unwrap().iter().find(|one| one["id"] == id).cloned().unwrap()
    }

    #[track_caller]
    fn approve(&self, id: &str, more: &[&str]) -> Said {
        let change = self.seen(id)["change"].as_str().unwrap().to_owned();
        let said = self.ground.bottle(&[&["approve", id, "--change", &change], more].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.ground.state(name)).unwrap()
    }

    /// The audit's events, once it was found whole.
    #[track_caller]
    fn events(&self) -> Vec<String> {
        let said = self.ground.bottle(&["audit", self.ground.slug.as_str(), "--verify"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let event = |line: &str| serde_json::from_str::<Value>(line).unwrap()["event"].clone();
        let text = self.text("audit.jsonl");
        text.lines().map(|line| event(line).as_str().unwrap().to_owned()).collect()
    }

    fn stop(mut self) {
        self.leave();
        let said = self.ground.bottle(&["stop", self.ground.slug.as_str()]);
        assert_eq!(said.code, Some(0), "{said:?}");
        self.ground.assert_gone();
    }

    fn leave(&mut self) {
        for server in self.servers.drain(..) {
            drop(self.ground.docker.run(["rm", "--force", "--volumes", &server]));
        }
        if let Some(network) = self.network.take() {
            let pipelock = Role::Pipelock.container(&self.ground.slug);
            drop(self.ground.docker.run(["network", "disconnect", "--force", &network, &pipelock]));
            drop(self.ground.docker.run(["network", "rm", &network]));
        }
    }
}

impl Drop for Deciding {
    fn drop(&mut self) {
        self.leave();
    }
}

#[test]
fn j7_a_grant_that_is_taken_back_or_over_closes_what_is_open_under_it() {
    let mut deciding = Deciding::start("revoke", MANIFEST, &[]);
    let host = "stream.wanted.example";
    let url = format!("http://{host}/");
    deciding.serve(host);
    assert!(deciding.gets(&url).starts_with("refused 403"), "{}", deciding.gets(&url));

    let id = deciding.host(host, 0);
    deciding.approve(&id, &[]);
    assert!(deciding.gets(&format!("{url}once")).contains("line 0\nended after 1"));
    let policy = deciding.ground.bottle(&["policy", deciding.ground.slug.as_str()]);
    assert!(policy.out.contains(&format!("grant  {id}")), "{policy:?}");
    thread::scope(|scope| {
        let open = scope.spawn(|| deciding.gets(&url));
        // Its bytes flow: the connection is one of the policy's.
        eventually("the stream", || {
            let agent = Role::Agent.container(&deciding.ground.slug);
            let argv = ["sh", "-c", "grep -c ':22B8 01' /proc/net/tcp"];
            let found = deciding.ground.docker.exec(&agent, None, false, argv).text();
            if found.is_ok() { Ok(()) } else { Err(format!("{found:?}")) }
        });
        let revoked = deciding.ground.bottle(&["revoke", &id, "--reason", "enough"]);
        assert_eq!(revoked.code, Some(0), "{revoked:?}");
        assert!(revoked.out.contains(&format!("- allow {host}")), "{revoked:?}");
        let came = open.join().unwrap();
        record("J7", "a stream that is open while its grant is taken back", &came);
        assert!(came.contains("line 0") || came.contains("refused 403"), "{came}");
        assert!(!came.contains("ended after 1000"), "{came}");
    });
    assert!(!deciding.resolves(host));
    assert_eq!(deciding.seen(&id)["state"], "revoked");
    let again = deciding.ground.bottle(&["revoke", &id]);
    assert_eq!(again.code, Some(1), "{again:?}");

    // For a short time: pipelock ends it by its own clock, whatever becomes of us.
    let id = deciding.host(host, 1);
    deciding.approve(&id, &["--scope", "once", "--for", "6"]);
    let came = deciding.gets(&url);
    record("J7", "a stream under a grant of six seconds", &came);
    assert!(came.starts_with("line 0") && !came.contains("ended after 1000"), "{came}");
    eventually("its end", || {
        if deciding.resolves(host) { Err("it resolves".to_owned()) } else { Ok(()) }
    });
    let policy = deciding.ground.bottle(&["policy", deciding.ground.slug.as_str()]);
    assert!(policy.out.contains(", ended "), "{policy:?}");

    // J5: everything of it is written down, in a chain.
    let events = deciding.events();
    let wanted = ["start", "proposal", "approve", "apply", "revoke", "apply", "proposal"];
    assert_eq!(events[..wanted.len()], wanted, "{events:?}");
    let name = deciding.ground.slug.to_string();
    let head = deciding.ground.bottle(&["audit", &name, "--verify"]).out.trim().to_owned();
    let whole = deciding.text("audit.jsonl");
    let lines: Vec<&str> = whole.lines().collect();
    let put = |text: String| {
        compose_run::replace(&deciding.ground.state("audit.jsonl"), text.as_bytes(), 0o600)
            .unwrap();
    };
    let verify =
        |more: &[&str]| deciding.ground.bottle(&[&["audit", &name, "--verify"], more].concat());
    put(lines[..lines.len() - 1].join("\n") + "\n");
    assert_eq!(verify(&[]).code, Some(0), "a chain alone does not show a cut");
    let cut = verify(&["--head", &head]);
    assert_eq!(cut.code, Some(1), "{cut:?}");
    record("J5", "the audit's last line cut off", &cut.err);
    put([&lines[..2], &lines[3..]].concat().join("\n") + "\n");
    let removed = verify(&[]);
    assert_eq!(removed.code, Some(1), "{removed:?}");
    assert!(removed.err.contains("line 3"), "{removed:?}");
    put(whole.replace("\"approve\"", "\"deny\""));
    assert_eq!(verify(&[]).code, Some(1));
    put(whole);
    assert_eq!(verify(&["--head", &head]).code, Some(0));
    deciding.stop();
}

#[test]
fn j4_a_credential_and_a_package_are_granted_as_they_are_shown() {
    let deciding = Deciding::start("grants", WITH_CREDENTIAL, &[]);
    let of = |credential: &str, host: &str| {
        Ask::CredentialUse(CredentialUse {
            credential: credential.to_owned(),
            host: host.parse().unwrap(),
            methods: vec!["GET".to_owned()],
            paths: vec!["/v1/**".to_owned()],
        })
    };
    let unknown = deciding.asks(of("OTHER_TOKEN", "api.other.example"), 0);
    assert!(deciding.seen(&unknown)["impossible"].is_string());
    let id = deciding.asks(of("CANARY_TOKEN", "api.other.example"), 0);
    let seen = deciding.seen(&id);
    record("J4", "the use of a credential on another host", &seen);
    assert_eq!(
        seen["new"],
        json!(["route api.other.example: GET, /v1/**, with CANARY_TOKEN as bearer"])
    );
    assert!(seen["risks"].to_string().contains("credential-reach-expansion"), "{seen}");
    deciding.approve(&id, &[]);
    let routes = egress::RoutesFile::parse(&deciding.text("egress/routes.yaml")).unwrap().routes;
    assert!(routes.has_credential_for("api.other.example"));
    let upstream = deciding.text("pipelock/pipelock.yaml");
    let policy = pipelock::Policy::read(&upstream, &deciding.text("pipelock/bottle.yaml")).unwrap();
    let named = |known: &&pipelock::KnownSecret| known.names.contains(&"CANARY_TOKEN".to_owned());
    let known = policy.policy.secrets.iter().find(named).unwrap();
    assert!(known.hosts.iter().any(|host| host.to_string() == "api.other.example"), "{known:?}");

    let package = Ask::Package(Package {
        manager: Manager::Pip,
        package: "left-pad".to_owned(),
        hosts: vec!["index.example.org".parse().unwrap(), "files.example.org".parse().unwrap()],
    });
    let id = deciding.asks(package, 0);
    assert_eq!(deciding.seen(&id)["risks"], json!([]));
    deciding.approve(&id, &[]);
    let routes = egress::RoutesFile::parse(&deciding.text("egress/routes.yaml")).unwrap().routes;
    for host in ["index.example.org", "files.example.org"] {
        let judged = |method: &str| routes.judge(host, 443, method, "/x");
        assert!(matches!(judged("GET"), egress::Verdict::Covered { .. }), "{host}");
        assert_eq!(judged("POST"), egress::Verdict::Method, "{host}");
    }

    // What a person makes of it: less than was asked for, and the agent is told.
    let id = deciding.host("docs.wanted.example", 0);
    let edit = |change: &str| {
        let words = ["edit", &id, "--method", "GET", "--path", "/x/**", "--change", change];
        deciding.ground.bottle(&words)
    };
    let shown = edit("0123456789abcdef");
    assert_eq!(shown.code, Some(4), "{shown:?}");
    assert!(shown.out.contains("instead   docs.wanted.example: GET, /x/**"), "{shown:?}");
    let change = shown.err.split("--change ").nth(1).unwrap().split('`').next().unwrap();
    let edited = edit(change);
    assert_eq!(edited.code, Some(0), "{edited:?}");
    let answer = deciding.text(&format!("supervise/inbox/answer-{id}.json"));
    assert!(answer.contains("allowed instead"), "{answer}");

    // An edit of the manifest leaves what people granted; a rollback takes the version whole.
    let name = deciding.ground.slug.to_string();
    let wider = WITH_CREDENTIAL.replace("    egress:", "    env: {A: b}\n    egress:");
    let wider = wider.replace("allow: [], ssrf", "allow: [more.example], ssrf");
    deciding.ground.account.write("m.yaml", &wider);
    let applied = deciding.ground.bottle(&["apply", &name, "--manifest", "m.yaml"]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(!applied.out.contains("- route"), "{applied:?}");
    let policy = deciding.ground.bottle(&["policy", &name, "--diff", "0"]);
    assert!(policy.out.contains("+ allow more.example"), "{policy:?}");
    assert!(policy.out.contains("+ route index.example.org"), "{policy:?}");
    let back = deciding.ground.bottle(&["rollback", &name, "0"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    let none = deciding.ground.bottle(&["policy", &name]);
    assert!(!none.out.contains("grant  "), "{none:?}");
    deciding.stop();
}

#[test]
fn j1_a_grant_for_later_bottles_is_shown_as_a_diff_first() {
    let deciding = Deciding::start("manifest", MANIFEST, &[]);
    let id = deciding.host("docs.wanted.example", 0);
    let unasked = deciding.ground.bottle(&["approve", &id, "--scope", "manifest"]);
    assert_eq!(unasked.code, Some(2), "{unasked:?}");
    assert!(unasked.out.contains("+    pipelock: {allow: [docs.wanted.example],"), "{unasked:?}");
    let file = deciding.ground.account.here().join("m.yaml");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), MANIFEST);
    let change = unasked.err.split("--change ").nth(1).unwrap().split('`').next().unwrap();
    // A yes to the grant is no yes to the edit.
    let plain = deciding.seen(&id)["change"].as_str().unwrap().to_owned();
    let approve = |change: &str| {
        deciding.ground.bottle(&["approve", &id, "--scope", "manifest", "--change", change])
    };
    assert_eq!(approve(&plain).code, Some(4));
    let said = approve(change);
    assert_eq!(said.code, Some(0), "{said:?}");
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, MANIFEST.replace("allow: [],", "allow: [docs.wanted.example],"));
    assert!(deciding.resolves("docs.wanted.example"));
    assert!(deciding.events().contains(&"manifest".to_owned()));
    deciding.stop();
}

#[test]
fn j9_an_agents_words_reach_a_persons_command_on_its_stdin_alone() {
    let mut ground = Ground::new("notices");
    let heard = ground.account.here().join("heard");
    let script = format!(
        "#!/bin/sh\n{{ echo \"args: $#\"; cat; }} > {0}.new && mv {0}.new {0}\n",
        heard.display()
    );
    let program = ground.account.write("notify", &script);
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    ground.account.set("BOTTLE_NOTIFY", program.to_str().unwrap());
    ground.account.write("m.yaml", MANIFEST);
    // Somebody stays with it: its keeper.
    let said = ground.start(&["--detach", "--", "-c", "sleep 600"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let deciding = Deciding { ground, servers: Vec::new(), network: None };
    let id = deciding.host("docs.wanted.example", 0);
    eventually("the command", || {
        let text = std::fs::read_to_string(&heard).unwrap_or_default();
        if text.contains(&id) && text.contains("| to try") { Ok(()) } else { Err(text) }
    });
    let text = std::fs::read_to_string(&heard).unwrap();
    record("J9", "a proposal, to a person's own command", &text);
    assert!(text.starts_with("args: 0\n"), "{text}");
    deciding.stop();
}

#[test]
fn observation_writes_down_what_no_rule_allows_ends_itself_and_opens_nothing_else() {
    let mut deciding = Deciding::start("observe", WITH_CREDENTIAL, &["--observe", "90s"]);
    let name = deciding.ground.slug.to_string();
    deciding.serve("new.found.example");
    deciding.serve_inside("inside.found.example");
    let came = deciding.gets("http://new.found.example/once");
    assert!(came.contains("line 0\nended"), "{came}");
    let told = deciding.text("pipelock/outbox/decisions.jsonl");
    assert!(told.contains("\"rule\":\"observed\""), "{told}");
    for (what, sent, reason) in [
        ("an address that is never dialled", vec!["http://inside.found.example/"], "403"),
        ("its own secret", vec!["http://new.found.example/", CANARY], "403"),
        (
            "a side door",
            vec!["http://new.found.example/a/b.git/info/refs?service=git-receive-pack"],
            "403",
        ),
        ("a name of the network one is in", vec!["http://host.found.local/"], "403"),
    ] {
        let came = deciding.agent(CLIENT, &sent);
        record("J7", format_args!("observed: {what}"), &came);
        assert!(came.starts_with(&format!("refused {reason}")), "{what}: {came}");
    }
    // Marked wherever the bottle is.
    for words in [vec!["list"], vec!["show", &name], vec!["audit", &name]] {
        let said = deciding.ground.bottle(&words);
        assert!(said.out.contains("OBSERVED"), "{said:?}");
    }
    let learnt = deciding.ground.bottle(&["learn", &name]);
    assert_eq!(learnt.code, Some(0), "{learnt:?}");
    assert!(learnt.out.contains("+    pipelock:") && learnt.out.contains("new.found.example"));
    assert!(!learnt.out.contains("+        - {host: inside"), "{learnt:?}");
    assert_eq!(deciding.events()[..2], ["start", "observe"]);
    eventually("its end", || {
        let came = deciding.gets("http://new.found.example/once");
        if came.starts_with("refused 403") { Ok(()) } else { Err(came) }
    });
    assert!(deciding.ground.bottle(&["show", &name]).out.contains("ended"));
    deciding.stop();
}

#[test]
fn k5_a_terminal_is_asked_on_and_an_interrupt_there_changes_nothing() {
    use std::io::{Read as _, Write as _};
    use std::sync::{Arc, Mutex};
    let deciding = Deciding::start("prompt", MANIFEST, &[]);
    let id = deciding.host("docs.wanted.example", 0);
    let ask = |answer: Option<&[u8]>| {
        let pty = nix::pty::openpty(None, None).unwrap();
        let terminal = std::fs::File::from(pty.slave);
        let mut keys = std::fs::File::from(pty.master);
        let bottle = deciding.ground.account.on_terminal(&["approve", &id], &terminal);
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut from, to) = (keys.try_clone().unwrap(), Arc::clone(&shown));
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut chunk) {
                to.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..read]));
            }
        });
        eventually("the question", || {
            let text = shown.lock().unwrap().clone();
            if text.contains("[y/N]") { Ok(()) } else { Err(text) }
        });
        if let Some(answer) = answer {
            keys.write_all(answer).unwrap();
        } else {
            let pid = nix::unistd::Pid::from_raw(bottle.pids()[0].try_into().unwrap());
            // Not SIGINT: whoever runs the tests in the background ignores that for all of them.
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        }
        let code = bottle.wait().unwrap().status.code();
        let flags = nix::sys::termios::tcgetattr(&terminal).unwrap().local_flags;
        assert!(flags.contains(nix::sys::termios::LocalFlags::ICANON));
        code
    };
    assert_ne!(ask(None), Some(0));
    assert_eq!(ask(Some(b"\n")), Some(1), "nothing is no yes");
    assert!(!deciding.resolves("docs.wanted.example"));
    assert_eq!(deciding.seen(&id)["state"], "open");
    assert_eq!(ask(Some(b"y\n")), Some(0));
    assert!(deciding.resolves("docs.wanted.example"));
    record("K5", "an interrupt at the question, and a yes", "nothing changed; then it did");
    deciding.stop();
}
