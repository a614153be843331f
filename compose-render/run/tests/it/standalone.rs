//! One sidecar alone, under whichever Compose is there, and under both where there are two.

use anyhow::bail;
use compose_render::{Network, RenderedFile, Role, Secret, ServiceSpec, Sidecar};
use compose_run::{
    Compose, ComposeError, Flavour, Secrets, StateError, containers,
    images::BuildFile,
    networks::{self, Uplink},
    standalone::{self, Host, KeepState, Recipe, Site},
};
use compose_testkit::{Stack, compose_v2, probe_client};
use std::fs;

/// A sidecar whose program is the test kit's sink; it stands where pipelock would.
struct Toy {
    site: Site,
    command: &'static [&'static str],
}

impl Sidecar for Toy {
    fn role(&self) -> Role {
        Role::Pipelock
    }

    fn service(&self) -> ServiceSpec {
        let at = self.site.addresses;
        ServiceSpec::hardened(Role::Pipelock, self.site.image.clone())
            .command(self.command.iter().copied())
            .init()
            .user(self.site.owner.uid, self.site.owner.gid)
            .network(Network::Internal, at.internal(Role::Pipelock))
            .dns(at.internal(Role::Pipelock))
            .mount_read_only(&self.site.dirs.config, "/config")
            .mount_writable(&self.site.dirs.outbox, "/outbox")
            .seccomp(&self.site.seccomp)
            .secret_environment("TOY_SECRET")
    }

    fn files(&self) -> Vec<RenderedFile> {
        vec![RenderedFile::secret("key.pem", Secret::new("key-in-a-file".to_owned()))]
    }

    fn healthcheck(&self) -> Vec<String> {
        ["/probe-client", "connect", "127.0.0.1:8888", "1000"].map(str::to_owned).to_vec()
    }
}

fn recipe() -> Recipe {
    let dockerfile =
        "FROM scratch\nCOPY probe-client /probe-client\nENTRYPOINT [\"/probe-client\"]\n";
    Recipe {
        part: "toy-sidecar".to_owned(),
        dockerfile: dockerfile.to_owned(),
        files: vec![BuildFile::path("probe-client", 0o755, probe_client())],
    }
}

fn secrets() -> Secrets {
    let mut secrets = Secrets::new();
    secrets.set("TOY_SECRET", Secret::new("hunter2-hunter2".to_owned()));
    secrets
}

/// That nothing of the stack's bottle is left.
fn assert_gone(stack: &Stack) {
    assert_eq!(containers::list(stack.docker(), Some(stack.slug())).unwrap(), []);
    let networks = networks::list(stack.docker()).unwrap();
    assert!(networks.iter().all(|network| network.slug != *stack.slug()), "{networks:?}");
}

fn starts_serves_and_leaves_nothing(stack: &Stack, host: &Host<'_>) {
    let slug = stack.slug();
    let command = &["sink", "8888"];
    let describe = |site: &Site| Ok(Toy { site: site.clone(), command });
    let standing =
        standalone::start(host, slug, Role::Pipelock, &recipe(), &secrets(), describe).unwrap();
    let address = standing.site.addresses.internal(Role::Pipelock);

    let client = stack.client("agent", Network::Internal);
    let said = client.probe(&["say", &format!("{address}:8888"), "GET / HTTP/1.1", "5000"]);
    assert!(said.ok && said.text.ends_with("sink"), "{said:?}");
    drop(client);

    let dir = stack.state().bottle(slug);
    let compose_file = fs::read_to_string(dir.compose_file()).unwrap();
    assert!(compose_file.contains("TOY_SECRET") && !compose_file.contains("hunter2"));
    let inspected = stack.docker().capture(["inspect", &standing.container]).unwrap();
    assert!(inspected.contains("TOY_SECRET=hunter2-hunter2"), "the secret reaches the container");

    let again = standalone::start(host, slug, Role::Pipelock, &recipe(), &secrets(), describe);
    assert!(again.unwrap_err().to_string().contains("already"), "a name is taken once");

    stack.docker().run(["rm", "--force", &format!("{}-agent", slug.project())]).unwrap();
    standalone::stop(host, slug, KeepState::Yes).unwrap();
    assert_gone(stack);
    let log = fs::read_to_string(dir.compose_log()).unwrap();
    assert!(log.contains("said tcp 8888") && log.contains("pipelock"), "{log}");
    standalone::stop(host, slug, KeepState::No).unwrap();
    let error = standalone::stop(host, slug, KeepState::No).unwrap_err();
    let absent = error.downcast_ref::<StateError>();
    assert!(matches!(absent, Some(StateError::NoSuchBottle(_))), "{error:?}");
}

#[test]
fn a_sidecar_alone_starts_serves_and_leaves_nothing() {
    let stack = Stack::new("alone");
    starts_serves_and_leaves_nothing(&stack, &stack.host(Uplink::Sealed));
}

#[test]
fn a_sidecar_alone_does_the_same_under_the_other_compose() {
    let stack = Stack::new("alone-too");
    let found = match stack.compose().flavour() {
        Flavour::V1 => Compose::find(stack.docker(), compose_v2().to_str()),
        Flavour::V2 => Compose::find(stack.docker(), Some("v1")),
    };
    let compose = match (found, stack.compose().flavour()) {
        (Ok(compose), _) => compose,
        // Newer systems have no 1.29 any more, and nothing of ours then meets it.
        (Err(ComposeError::Absent), Flavour::V2) => return,
        (Err(error), _) => panic!("{error}"),
    };
    assert_ne!(compose.flavour(), stack.compose().flavour());
    let host = Host { compose: &compose, ..stack.host(Uplink::Sealed) };
    starts_serves_and_leaves_nothing(&stack, &host);
}

#[test]
fn a_start_that_fails_is_undone_and_tells_the_last_log_lines() {
    let stack = Stack::new("alone-bad");
    let host = stack.host(Uplink::Sealed);
    let start = |command: &'static [&'static str]| {
        let describe = move |site: &Site| {
            if command.is_empty() {
                bail!("this sidecar cannot be described");
            }
            Ok(Toy { site: site.clone(), command })
        };
        let started =
            standalone::start(&host, stack.slug(), Role::Pipelock, &recipe(), &secrets(), describe);
        format!("{:#}", started.unwrap_err())
    };
    let told = start(&["no-such-word"]);
    assert!(told.contains("cannot start `pipelock` alone") && told.contains("usage:"), "{told}");
    assert_gone(&stack);
    let log = fs::read_to_string(stack.state().bottle(stack.slug()).compose_log()).unwrap();
    assert!(log.contains("usage:"), "{log}");
    assert!(start(&[]).contains("cannot be described"));
    assert_gone(&stack);
}
