//! `bottle init`: a commented manifest to begin with.

use std::io::ErrorKind;

use anyhow::Context as _;

use crate::cli;
use crate::exit::{self, Exit};
use crate::ui::Ui;

/// The manifest that is written. A test reads it, and every line that is commented out.
pub(crate) const TEMPLATE: &str = include_str!("init/bottle.yaml");

/// Readable by everybody, like any file of a repository: there is no secret in it.
const MODE: u32 = 0o644;

pub(crate) fn run(args: &cli::Init, ui: &Ui) -> anyhow::Result<Exit> {
    if args.print {
        ui.data(TEMPLATE)?;
        return Ok(Exit::Done);
    }
    let shown = args.file.display();
    match args.file.symlink_metadata() {
        Ok(_) if !args.force => {
            let sentence = format!("`{shown}` is there already");
            return Err(exit::advise(anyhow::anyhow!(sentence), "`--force` replaces it"));
        }
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot look at `{shown}`"));
        }
        Ok(_) | Err(_) => {}
    }
    let path = std::path::absolute(&args.file)?;
    compose_run::replace(&path, TEMPLATE.as_bytes(), MODE)
        .with_context(|| format!("cannot write `{shown}`"))?;
    ui.say(format_args!(
        "wrote `{shown}`; edit it, then `bottle trust {shown}` and `bottle start implementer`"
    ));
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Manifest, Origin};

    fn read(text: &str) -> Manifest {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["prompts/implementer.md", "skills/commit/SKILL.md", "image/Dockerfile", "ca.pem"]
        {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            compose_run::replace(&path, b"text\n", 0o644).unwrap();
        }
        let origin = Origin::File(folder.path().join("bottle.yaml"));
        Manifest::read(text, origin, None).unwrap_or_else(|faults| panic!("{faults}"))
    }

    #[test]
    fn the_template_is_a_manifest() {
        let manifest = read(TEMPLATE);
        assert!(manifest.agents.contains_key("implementer"));
        assert_eq!(manifest.bottles["default"].routes.len(), 1);
    }

    #[test]
    fn every_commented_line_is_right_as_well() {
        let uncommented: Vec<String> =
            TEMPLATE.lines().map(|line| line.replacen("#: ", "", 1)).collect();
        let manifest = read(&uncommented.join("\n"));
        let bottle = &manifest.bottles["default"];
        assert!(bottle.routes.len() > 1);
        assert!(!bottle.pipelock.allow.is_empty() && !bottle.env.is_empty());
        assert!(manifest.agents["implementer"].prompt.is_some());
    }
}
