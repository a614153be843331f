//! What stands outside of a bottle in tests: one host, with a certificate of its own, in a container
//! on the bottle's uplink.

use std::path::{Path, PathBuf};

use compose_render::{Role, Slug};
use compose_run::Docker;
use compose_testkit::{eventually, sidecars};
use serde_json::{Value, json};

use crate::ground::Ground;

/// Every credential of these tests begins so: a stand-in takes no other.
pub(crate) const PREFIX: &str = "sk-ant-demo-";

/// An image that plays one host. It goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Outside {
    docker: Docker,
    pub(crate) host: String,
    pub(crate) image: String,
    authority: PathBuf,
    container: Option<String>,
}

impl Outside {
    /// Makes it in the test's own folder. `setting` is the scripted model's.
    pub(crate) fn make(ground: &Ground, host: &str, setting: &Value) -> Self {
        let folder = ground.account.here().join(format!("outside-{host}"));
        let binary = sidecars().dir().join("scripted-model");
        let said = run(&binary, &["mint", "--slug", "tests", "--host", host, "--folder"], &folder);
        assert!(said, "the certificate of {host} is not minted");
        std::fs::copy(&binary, folder.join("stand-in")).unwrap();
        let write = |name: &str, text: &str| {
            compose_run::replace(&folder.join(name), text.as_bytes(), 0o644).unwrap();
        };
        write("setting.json", &setting.to_string());
        write(
            "Dockerfile",
            "FROM scratch\nCOPY setting.json certificate.der key.der stand-in /\n\
             USER 65532:65532\nENTRYPOINT [\"/stand-in\"]\nCMD [\"run\"]\n",
        );
        let name = host.replace('.', "-");
        let image = format!("localhost/bottle-tests/outside:{}-{name}", ground.slug);
        let docker = ground.docker.clone();
        docker.run(["build", "--quiet", "--tag", &image, folder.to_str().unwrap()]).unwrap();
        let authority = folder.join("authority.pem");
        Self { docker, host: host.to_owned(), image, authority, container: None }
    }

    /// The arguments by which a bottle has it for its outside.
    pub(crate) fn stand_in(&self) -> [&str; 6] {
        let authority = self.authority.to_str().unwrap();
        let (image, host) = (self.image.as_str(), self.host.as_str());
        ["--stand-in", image, "--stand-in-ca", authority, "--stand-in-host", host]
    }

    /// The authority, for `upstream_ca`.
    pub(crate) fn authority(&self) -> &Path {
        &self.authority
    }

    /// Stands where the pipelock of a bottle that runs can reach it, on a network of its own: none
    /// of the bottle's may be dialled. It answers by its name there.
    pub(crate) fn join(&mut self, slug: &Slug) {
        let name = format!("{slug}-{}", self.host.replace('.', "-"));
        let (host, image) = (self.host.as_str(), self.image.as_str());
        self.container = Some(name.clone());
        self.docker.run(["network", "create", "--internal", &name]).unwrap();
        let run = ["run", "--detach", "--name", &name, "--network", &name];
        let run = run.into_iter().chain(["--network-alias", host, image]);
        self.docker.run(run).unwrap();
        let pipelock = Role::Pipelock.container(slug);
        self.docker.run(["network", "connect", &name, &pipelock]).unwrap();
        self.told();
    }

    /// What arrived there, once it answers.
    pub(crate) fn told(&self) -> Value {
        let container = self.container.as_deref().unwrap();
        told(&self.docker, container)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(container) = self.container.take() {
            drop(self.docker.run(["rm", "--force", "--volumes", &container]));
            // A bottle that a failed test left holds on to it.
            let out = self.docker.call(["network", "inspect", "--format"]);
            let out = out.args(["{{range .Containers}}{{.Name}} {{end}}", &container]).text();
            for other in out.unwrap_or_default().split_whitespace() {
                drop(self.docker.run(["network", "disconnect", "--force", &container, other]));
            }
            drop(self.docker.run(["network", "rm", &container]));
        }
        drop(self.docker.run(["image", "rm", "--force", &self.image]));
    }
}

/// What arrived at the scripted model in that container.
pub(crate) fn told(docker: &Docker, container: &str) -> Value {
    eventually("a report of what is outside", || {
        let said = docker.exec(container, None, false, ["/stand-in", "report"]).text();
        let said = said.map_err(|error| error.to_string())?;
        serde_json::from_str::<Value>(&said).map_err(|error| error.to_string())
    })
}

/// A host that says what arrived.
pub(crate) fn mirror(host: &str) -> Value {
    json!({"hosts": [], "scripts": {}, "mirrors": [host]})
}

/// SHA-256, as the outside tells of what it saw.
pub(crate) fn digest(text: &str) -> String {
    use std::fmt::Write as _;

    use sha2::{Digest as _, Sha256};
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the model's own program, which mints its certificate"
)]
fn run(program: &Path, arguments: &[&str], last: &Path) -> bool {
    let arguments = arguments.iter().map(std::ffi::OsString::from).chain([last.into()]);
    let output = duct::cmd(program, arguments).stdout_capture().unchecked().run().unwrap();
    output.status.success()
}
