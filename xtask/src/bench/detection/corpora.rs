//! Public text to scan: sources from crates.io and documentation from Debian, by name.

use std::path::{Path, PathBuf};

use crate::checkout::Checkout;
use crate::program::{Program, found};
use crate::ui::say;

/// A folder of public text.
pub(super) struct Corpus {
    pub(super) name: &'static str,
    pub(super) folder: PathBuf,
    pub(super) packages: Vec<&'static str>,
}

/// Their dependencies come along: about a gigabyte.
const CRATES: [&str; 26] = [
    "tokio",
    "serde",
    "syn",
    "regex",
    "clap",
    "axum",
    "reqwest",
    "rustls",
    "diesel",
    "polars",
    "arrow",
    "image",
    "egui",
    "rayon",
    "nalgebra",
    "tracing",
    "tonic",
    "prost",
    "tantivy",
    "cranelift",
    "pyo3",
    "gix",
    "aws-sdk-s3",
    "rusqlite",
    "tokenizers",
    "wgpu",
];
/// Names differ between releases of Debian: what there is none of is left out, and said.
const DOCUMENTATION: [&str; 24] = [
    "linux-doc-6.1",
    "linux-doc-6.12",
    "python3.11-doc",
    "python3.13-doc",
    "postgresql-doc-15",
    "postgresql-doc-17",
    "libstdc++-12-doc",
    "libstdc++-14-doc",
    "libboost1.74-doc",
    "libboost1.83-doc",
    "rust-doc",
    "perl-doc",
    "git-doc",
    "apache2-doc",
    "cmake-doc",
    "sqlite3-doc",
    "libssl-doc",
    "debian-reference-en",
    "libcurl4-doc",
    "python-django-doc",
    "python-sqlalchemy-doc",
    "nova-doc",
    "keystone-doc",
    "ansible",
];

/// Both, fetched where they are not there yet.
pub(super) fn fetched(checkout: &Checkout) -> anyhow::Result<Vec<Corpus>> {
    let folder = checkout.target.join("bench/detection");
    let crates = Corpus {
        name: "crate sources",
        folder: folder.join("crates/vendor"),
        packages: CRATES.to_vec(),
    };
    if !crates.folder.exists() {
        vendor(checkout, &folder.join("crates"))?;
    }
    let documentation = folder.join("documentation");
    let unpacked = documentation.join("unpacked");
    if !unpacked.exists() {
        unpack(&documentation)?;
    }
    let there = |name: &&str| documentation.join(format!("{name}.deb")).exists();
    let packages = DOCUMENTATION.into_iter().filter(there).collect();
    let documentation = Corpus { name: "Debian documentation", folder: unpacked, packages };
    Ok(vec![crates, documentation])
}

/// A package that wants all of them, whose dependencies cargo puts into one folder.
fn vendor(checkout: &Checkout, folder: &Path) -> anyhow::Result<()> {
    say("fetching crates");
    fs_err::create_dir_all(folder.join("src"))?;
    fs_err::write(folder.join("src/lib.rs"), "")?;
    let wanted = CRATES.map(|name| format!("{name} = \"*\"\n")).concat();
    let manifest = format!(
        "[package]\nname = \"corpus\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n{wanted}"
    );
    fs_err::write(folder.join("Cargo.toml"), manifest)?;
    Program::cargo(checkout).within(folder).args(["vendor", "--quiet", "vendor"]).read()?;
    Ok(())
}

/// Packages are downloaded and unpacked, none is installed.
fn unpack(folder: &Path) -> anyhow::Result<()> {
    if !found("apt-get") || !found("dpkg-deb") {
        say("no apt-get and dpkg-deb here: no documentation is scanned");
        return Ok(fs_err::create_dir_all(folder.join("unpacked"))?);
    }
    fs_err::create_dir_all(folder)?;
    let unpacked = folder.join("unpacked.new");
    for name in DOCUMENTATION {
        say(format!("fetching {name}"));
        let ran = Program::new("apt-get").within(folder).args(["download", name]).capture()?;
        let prefix = format!("{name}_");
        let package = fs_err::read_dir(folder)?.flatten().map(|entry| entry.path()).find(|path| {
            path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&prefix))
        });
        let Some(package) = package.filter(|_| ran.code == 0) else {
            say(format!("{name} is not to be had here"));
            continue;
        };
        Program::new("dpkg-deb").arg("-x").arg(&package).arg(&unpacked).run()?;
        fs_err::rename(package, folder.join(format!("{name}.deb")))?;
    }
    fs_err::create_dir_all(&unpacked)?;
    Ok(fs_err::rename(unpacked, folder.join("unpacked"))?)
}
