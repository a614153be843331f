//! `bottle presets`: the routes of known services, and what each is for.

use std::fmt::Write as _;

use serde_json::json;

use crate::cli;
use crate::exit::Exit;
use crate::manifest::Preset;
use crate::policy_view::RouteView;
use crate::ui::{Ui, plain};

pub(crate) fn run(args: &cli::Presets, ui: &Ui) -> anyhow::Result<Exit> {
    let presets = Preset::words().into_iter().map(|(word, preset)| {
        let routes: Vec<_> =
            preset.routes(&preset.credentials()).iter().map(RouteView::of).collect();
        (word, preset.about(), preset.known_by(), routes)
    });
    if args.json {
        let presets = presets.map(
            |(word, about, known_by, routes)| {
                json!({ "preset": word, "about": about, "known_by": known_by, "routes": routes })
            },
        );
        ui.json(&presets.collect::<Vec<_>>())?;
    } else {
        let mut text = String::new();
        for (word, about, known_by, routes) in presets {
            writeln!(text, "{word}: {about}")?;
            writeln!(text, "  from {known_by}")?;
            for route in routes {
                writeln!(text, "  {}", route.text())?;
            }
        }
        ui.data(plain(&text))?;
    }
    Ok(Exit::Done)
}
