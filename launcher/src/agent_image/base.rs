//! The base: Debian with the tools an agent needs and the user `agent`.

use std::time::Duration;

use anyhow::Context as _;
use compose_render::{ImageRef, content_hash, contract};
use compose_run::program;

use super::{Builder, cache, pins};

/// What is done to a fresh Debian, as one shell script that runs inside it: the user, the workspace,
/// and no program that runs as somebody else.
///
/// Some images already have a user 1000, who becomes `agent`.
const SETUP: &str = r#"set -eu
old="$(getent passwd 1000 | cut -d: -f1)"
if [ -z "$old" ]; then useradd --create-home --uid 1000 --user-group --shell /bin/bash agent; fi
if [ -n "$old" ] && [ "$old" != agent ]; then usermod --login agent --home /home/agent --move-home "$old"; fi
mkdir -p /workspace
chown 1000:1000 /workspace
chmod 0755 /home/agent
find / -xdev -type f -perm /6000 -exec chmod a-s {} +
"#;

/// Files of the building host that would otherwise be in the image.
const OF_THE_HOST: &str = r#"rm -f "$1/etc/hostname" "$1/etc/resolv.conf" "$1/etc/hosts""#;

/// Nobody reads manuals in a bottle, and they are a fifth of it.
const LEFT_OUT: [&str; 4] = [
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/locale/*",
];

/// The time in the built files, so that the same packages give the same bytes.
const EPOCH: &str = "1767225600";

/// A registry that does not answer must not hold up a start for long.
const PULL_TIMEOUT: Duration = Duration::from_mins(3);
const BUILD_TIMEOUT: Duration = Duration::from_mins(15);

/// The base's name: the hash of its recipe.
pub(super) fn name() -> ImageRef {
    let pin = &pins::pins().base;
    let packages = pin.packages.join(" ");
    let parts = [pin.image.as_str(), &pin.suite, &packages, SETUP, OF_THE_HOST, &LEFT_OUT.concat()];
    ImageRef::local("base", &content_hash(parts.map(str::as_bytes)))
}

/// Builds it from the pulled image, else from Debian's packages.
pub(super) fn build(builder: &Builder<'_>, name: &ImageRef) -> anyhow::Result<()> {
    if from_registry(builder, name) {
        return Ok(());
    }
    (builder.tell)(
        "no registry can be reached: building the base from Debian's packages (25 s, once)",
    );
    from_packages(builder, name)
}

/// The Dockerfile instructions that turn an image of Debian's kind into our base.
pub(super) fn instructions(packages: &[String]) -> String {
    let script = SETUP.trim_end().replace('\n', " && ");
    format!(
        "USER root\nENV DEBIAN_FRONTEND=noninteractive\nRUN apt-get update \
         && apt-get install --yes --no-install-recommends {} && rm -rf /var/lib/apt/lists/* && {script}\n\
         ENV DEBIAN_FRONTEND= {}\nWORKDIR {}\nUSER agent\nENTRYPOINT []\nCMD [\"bash\"]\n",
        packages.join(" "),
        environment().join(" "),
        contract::WORKSPACE_DIR,
    )
}

fn from_registry(builder: &Builder<'_>, name: &ImageRef) -> bool {
    on_pulled(builder, name, &instructions(&pins::pins().base.packages))
}

/// Builds by those instructions on Debian's image, where a registry and a network for builds are.
pub(super) fn on_pulled(builder: &Builder<'_>, name: &ImageRef, instructions: &str) -> bool {
    let pin = &pins::pins().base;
    let pull = builder.docker.call(["pull", "--quiet", &pin.image]).timeout(PULL_TIMEOUT);
    if pull.run().is_err() {
        return false;
    }
    (builder.tell)("building on Debian's image (once)");
    let dockerfile = format!("FROM {}\n{instructions}", pin.image);
    // Without a network in builds this fails at once, and the other way is there.
    builder.docker_build(name, &[]).input(dockerfile).timeout(BUILD_TIMEOUT).run().is_ok()
}

fn from_packages(builder: &Builder<'_>, name: &ImageRef) -> anyhow::Result<()> {
    let changes = [
        "USER agent".to_owned(),
        format!("WORKDIR {}", contract::WORKSPACE_DIR),
        format!("ENV {}", environment().join(" ")),
        "CMD [\"bash\"]".to_owned(),
    ];
    let packages: Vec<&str> = pins::pins().base.packages.iter().map(String::as_str).collect();
    bootstrapped(builder, name, &Debian { packages: &packages, setup: SETUP, changes: &changes })
}

/// A Debian made of packages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Debian<'a> {
    pub packages: &'a [&'a str],
    /// A shell script that runs inside, once it is there.
    pub setup: &'a str,
    /// What the engine notes of the image.
    pub changes: &'a [String],
}

/// Makes it an image of that name.
pub(super) fn bootstrapped(
    builder: &Builder<'_>,
    name: &ImageRef,
    debian: &Debian<'_>,
) -> anyhow::Result<()> {
    ensure_mmdebstrap(builder.tell)?;
    cache::make(builder.cache)?;
    let scratch = tempfile::tempdir_in(builder.cache).context("cannot use the cache folder")?;
    let archive = scratch.path().join("base.tar");
    bootstrap(&archive, debian).context("cannot build an image from Debian's packages")?;
    let mut import = builder.docker.call(["import"]);
    let label = format!("LABEL bottle.base=mmdebstrap-{}", pins::pins().base.suite);
    for change in debian.changes.iter().chain([&label]) {
        import = import.args(["--change", change]);
    }
    import.arg(&archive).arg(name.as_str()).run().context("cannot import the base")
}

fn bootstrap(archive: &std::path::Path, debian: &Debian<'_>) -> anyhow::Result<()> {
    let suite = &pins::pins().base.suite;
    let setup = format!("chroot \"$1\" sh -c '{}'", debian.setup);
    let mut call = program::call("mmdebstrap")
        .env("SOURCE_DATE_EPOCH", EPOCH)
        .args(["--quiet", "--variant=minbase"])
        .arg(format!("--include={}", debian.packages.join(",")));
    for option in LEFT_OUT {
        call = call.arg(format!("--dpkgopt={option}"));
    }
    // No mirror is named: mmdebstrap takes Debian's own, with updates and security.
    call = call
        .arg(format!("--customize-hook={setup}"))
        .arg(format!("--customize-hook={OF_THE_HOST}"))
        .arg(suite)
        .arg(archive);
    Ok(call.timeout(BUILD_TIMEOUT).run()?)
}

fn environment() -> [String; 3] {
    [
        format!("HOME={}", contract::AGENT_HOME),
        "LANG=C.UTF-8".to_owned(),
        "PATH=/home/agent/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            .to_owned(),
    ]
}

/// Debian's keys, by which apt knows its packages. An Ubuntu has them only with this package.
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

fn ensure_mmdebstrap(tell: &dyn Fn(&str)) -> anyhow::Result<()> {
    super::host_program::ensure("mmdebstrap", &["mmdebstrap", "debian-archive-keyring"], tell)?;
    if KEYRINGS.iter().any(|path| std::path::Path::new(path).is_file()) {
        return Ok(());
    }
    super::host_program::install("debian-archive-keyring", &["debian-archive-keyring"], tell)
}
