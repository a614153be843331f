//! The image of git-gate: stock git, ssh and gitleaks, and our binary. Built only for bottles that
//! have git upstreams.

use compose_render::{ImageRef, content_hash};
use compose_run::images::{self, BuildFile};
use compose_run::standalone;

use super::base::{self, Debian};
use super::{Builder, cache, pins};

/// What the gate runs. gitleaks is the second opinion on a push.
const PACKAGES: [&str; 4] = ["ca-certificates", "git", "gitleaks", "openssh-client"];

/// No program that runs as somebody else.
const SETUP: &str = "set -eu\nfind / -xdev -type f -perm /6000 -exec chmod a-s {} +\n";

/// The image's name and what it is made of beside its base.
struct Recipe {
    dockerfile: String,
    files: Vec<BuildFile>,
}

/// The name the image has or will have for that binary and that user.
pub(crate) fn name(binary: &std::path::Path, uid: u32) -> anyhow::Result<ImageRef> {
    let Recipe { dockerfile, files } = recipe(binary, uid);
    Ok(images::reference(PART, &dockerfile, &files)?)
}

const PART: &str = "git-gate";

impl Builder<'_> {
    /// git-gate's image, there for sure. Nothing is built where it exists: one `inspect`.
    pub(crate) fn ensure_gate(
        &self,
        binary: &std::path::Path,
        uid: u32,
    ) -> anyhow::Result<ImageRef> {
        let name = name(binary, uid)?;
        if self.exists(&name)? {
            return Ok(name);
        }
        let _lock = cache::lock(self.cache, name.as_str(), self.tell)?;
        let base = base_name();
        if !self.exists(&base)? {
            build_base(self, &base)?;
        }
        let Recipe { dockerfile, files } = recipe(binary, uid);
        let building = || (self.tell)("building the image of `git-gate`");
        Ok(images::ensure(self.docker, PART, &dockerfile, &files, building)?)
    }
}

impl Builder<'_> {
    /// What the image is made from, for the gate alone. Its base, and so the image, is there then.
    pub(crate) fn gate_recipe(
        &self,
        binary: &std::path::Path,
        uid: u32,
    ) -> anyhow::Result<standalone::Recipe> {
        self.ensure_gate(binary, uid)?;
        let Recipe { dockerfile, files } = recipe(binary, uid);
        Ok(standalone::Recipe { part: PART.to_owned(), dockerfile, files })
    }
}

/// ssh stops under a uid that has no line in the list of users.
fn recipe(binary: &std::path::Path, uid: u32) -> Recipe {
    let passwd = format!(
        "root:x:0:0:root:/root:/usr/sbin/nologin\n\
         gate:x:{uid}:{uid}:git-gate:/run/git-gate:/usr/sbin/nologin\n"
    );
    let dockerfile = format!(
        "FROM {}\nCOPY passwd /etc/passwd\nCOPY {} /git-gate\nENTRYPOINT [\"/git-gate\"]\n",
        base_name(),
        git_gate::BINARY,
    );
    let files = vec![
        BuildFile::bytes("passwd", 0o644, passwd),
        BuildFile::path(git_gate::BINARY, 0o755, binary),
    ];
    Recipe { dockerfile, files }
}

/// The base's name: the hash of its recipe.
fn base_name() -> ImageRef {
    let pin = &pins::pins().base;
    let packages = PACKAGES.join(" ");
    let parts = [pin.image.as_str(), &pin.suite, &packages, SETUP];
    ImageRef::local("git-gate-base", &content_hash(parts.map(str::as_bytes)))
}

fn build_base(builder: &Builder<'_>, name: &ImageRef) -> anyhow::Result<()> {
    let lines: Vec<_> = SETUP.lines().collect();
    let script = lines.join(" && ");
    let instructions = format!(
        "RUN apt-get update && apt-get install --yes --no-install-recommends {} \
         && rm -rf /var/lib/apt/lists/* && {script}\n",
        PACKAGES.join(" "),
    );
    if base::on_pulled(builder, name, &instructions) {
        return Ok(());
    }
    (builder.tell)("building git-gate's base from Debian's packages (20 s, once)");
    let debian = Debian { packages: &PACKAGES, setup: SETUP, changes: &[] };
    base::bootstrapped(builder, name, &debian)
}
