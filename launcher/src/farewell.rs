//! What is said of the agent's work once its bottle is gone.

use compose_run::BottleDir;

use crate::command::diff;
use crate::ui::Ui;
use crate::workspace::{self, Record};

/// Says that there is work, how to look at it, and which files of it the host would act on.
///
/// That it cannot be looked at is no reason to call the teardown a failure.
pub(crate) fn say(dir: &BottleDir, ui: &Ui) {
    let tar = dir.workspace_tar();
    if !tar.exists() {
        return;
    }
    match workspace::pushed(dir) {
        Ok(pushed) => {
            for (name, text) in pushed.iter().flat_map(workspace::Pushed::lines) {
                ui.say(format_args!("{name}: {text}"));
            }
        }
        Err(error) => ui.warn(format_args!("what was pushed cannot be told: {error:#}")),
    }
    let changes =
        Record::load(dir.path()).and_then(|record| workspace::changes(&tar, &record, None));
    let slug = dir.slug();
    match changes {
        Ok(changes) if changes.is_empty() => {}
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
}
