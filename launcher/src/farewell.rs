//! What is said of the agent's work once its bottle is gone.

use std::path::Path;

use compose_run::{BottleDir, Metadata};

use crate::command::diff;
use crate::ui::Ui;
use crate::workspace::{self, Record, Watched};

/// Says that there is work, how to look at it and to go on with it, and which files of it the host
/// would act on.
///
/// That it cannot be looked at is no reason to call the teardown a failure.
pub(crate) fn say(dir: &BottleDir, ui: &Ui) {
    let metadata = dir.metadata().ok().flatten();
    if let Some(folder) = metadata.as_ref().and_then(mounted) {
        return say_of_mounted(dir, folder, ui);
    }
    let tar = dir.workspace_tar();
    if !tar.exists() {
        return;
    }
    match workspace::pushed(dir) {
        Ok(pushed) => {
            for (name, text) in pushed.iter().flat_map(workspace::CloneReport::lines) {
                ui.say(format_args!("{name}: {text}"));
            }
        }
        Err(error) => ui.warn(format_args!("what was pushed cannot be told: {error:#}")),
    }
    let changes =
        Record::load(dir.path()).and_then(|record| workspace::changes(&tar, &record, None));
    let slug = dir.slug();
    match changes {
        Ok(changes) if changes.is_empty() => ui.say("the workspace is as it was"),
        Ok(changes) => {
            diff::warn(ui, &changes);
            let files = if changes.len() == 1 {
                "1 file".to_owned()
            } else {
                format!("{} files", changes.len())
            };
            ui.say(format_args!(
                "{files} of the workspace changed: `bottle diff {slug}` shows how, `bottle export \
                 {slug} DIR` takes them out"
            ));
        }
        Err(error) => ui.warn(format_args!("the saved workspace cannot be looked at: {error:#}")),
    }
    if let Some(agent) = metadata.map(|metadata| metadata.agent).filter(|name| !name.is_empty()) {
        ui.say(format_args!(
            "`bottle start {agent} --resume {slug}` goes on with it, `bottle logs {slug}` shows \
             its log"
        ));
    }
}

/// The folder that an agent worked on itself.
fn mounted(metadata: &Metadata) -> Option<&Path> {
    let mounted = metadata.workspace.as_deref() == Some("mount");
    metadata.workspace_dir.as_deref().filter(|_| mounted).map(Path::new)
}

fn say_of_mounted(dir: &BottleDir, folder: &Path, ui: &Ui) {
    match Watched::load(dir.path()) {
        Ok(None) => {}
        Ok(Some(before)) => {
            let now = Watched::look(folder);
            let altered = before.altered(&now);
            diff::warn_of(ui, altered.iter().map(|at| (at.path.as_path(), at.why.as_str())));
            if !(before.is_whole() && now.is_whole()) {
                ui.warn(format_args!(
                    "`{}` holds too many files: not all that the host acts on were looked at",
                    folder.display()
                ));
            }
        }
        Err(error) => ui.warn(format_args!("what changed cannot be told: {error:#}")),
    }
}
