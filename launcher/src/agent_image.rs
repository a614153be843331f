//! The image an agent runs in: built once, found by the hash of what it is made from ever after.
//!
//! Where a registry and a network for builds can be had, they are used. Where not, the base comes from
//! `mmdebstrap` and Claude Code from a Python wheel, and no networked build ever runs.

mod assemble;
mod base;
mod cache;
mod claude;
mod codex;
mod context;
mod gate;
mod host_program;
mod pins;
mod roots;
mod stream;
#[cfg(test)]
mod tests;
mod wheel;

use std::path::Path;

use anyhow::Context as _;
use compose_render::ImageRef;
use compose_run::{Call, Docker};

pub(crate) use self::cache::folder as cache_folder;
pub(crate) use self::roots::system_roots;
use crate::manifest::Image;

/// Builds what is missing. `tell` is called with what is being done before anything that takes long.
#[derive(Clone, Copy)]
pub(crate) struct Builder<'a> {
    pub docker: &'a Docker,
    /// Where downloads stay: [`cache_folder`].
    pub cache: &'a Path,
    pub tell: &'a (dyn Fn(&str) + Sync),
}

impl Builder<'_> {
    /// The image for that choice, there for sure. Nothing is built where it exists: one `inspect`.
    pub(crate) fn ensure(&self, image: &Image) -> anyhow::Result<ImageRef> {
        let name = name_of(image)?;
        if self.exists(&name)? {
            return Ok(name);
        }
        if let Image::Named(_) = image {
            (self.tell)(&format!("pulling `{name}`"));
            self.docker
                .run(["pull", "--quiet", name.as_str()])
                .with_context(|| format!("there is no image `{name}`, and it cannot be pulled"))?;
            return Ok(name);
        }
        let _lock = cache::lock(self.cache, name.as_str(), self.tell)?;
        // Another start may have built it while we waited for the lock.
        if !self.exists(&name)? {
            self.build(image, &name)?;
        }
        Ok(name)
    }

    /// The base without Claude Code: Debian, git, ripgrep, curl, Python and the user `agent`.
    pub(crate) fn ensure_base(&self) -> anyhow::Result<ImageRef> {
        let name = base::name();
        if !self.exists(&name)? {
            let _lock = cache::lock(self.cache, name.as_str(), self.tell)?;
            if !self.exists(&name)? {
                base::build(self, &name)?;
            }
        }
        Ok(name)
    }

    fn build(&self, image: &Image, name: &ImageRef) -> anyhow::Result<()> {
        match image {
            Image::Standard => {
                let base = self.ensure_base()?;
                assemble::with_claude(self, &base, name)
            }
            Image::Layered { base, apt, run } => {
                assemble::layered(self, base.as_ref(), apt, run, name)
            }
            Image::Dockerfile(file) => context::build(self, file, name),
            Image::Codex => codex::build(self, name),
            Image::Named(_) => Ok(()),
        }
    }

    /// The engine's own build of an image of that name, by what comes on its stdin. A step that fails
    /// leaves no container behind, which the classic builder sees to only when it is told.
    fn docker_build<'c>(&self, name: &ImageRef, options: &[&str]) -> Call<'c> {
        let args = ["build", "--quiet", "--force-rm", "--tag", name.as_str()];
        self.docker.call(args.iter().chain(options).chain(&["-"]))
    }

    /// Whether the engine has that image.
    pub(crate) fn exists(&self, name: &ImageRef) -> anyhow::Result<bool> {
        let inspect = ["image", "inspect", "--format", "{{.Id}}", name.as_str()];
        let outcome = self.docker.call(inspect).outcome()?;
        if outcome.status.success() {
            return Ok(true);
        }
        // A daemon that does not answer must not look like an image that is missing.
        if !outcome.stderr.contains("No such image") {
            self.docker.run(inspect)?;
        }
        Ok(false)
    }
}

impl std::fmt::Debug for Builder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("cache", &self.cache).finish_non_exhaustive()
    }
}

/// The name the image for that choice has or will have. Asks no engine; reads the files of a
/// Dockerfile's folder, whose contents are in the name.
pub(crate) fn name_of(image: &Image) -> anyhow::Result<ImageRef> {
    Ok(match image {
        Image::Standard => assemble::standard_name()?,
        Image::Codex => codex::name()?,
        Image::Named(name) => name.clone(),
        Image::Layered { base, apt, run } => assemble::layered_name(base.as_ref(), apt, run)?,
        Image::Dockerfile(file) => context::name(file)?,
    })
}
