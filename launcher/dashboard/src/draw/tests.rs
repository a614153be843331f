//! Pictures of every view, which are also those of the documentation, and what holds in each.

mod example;
mod svg;

use std::path::{Path, PathBuf};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::model::Model;
use crate::screen::Screen;
use crate::stage::Key;

/// Set, the pictures of the documentation are written instead of compared.
const WRITE: &str = "BOTTLE_WRITE_PICTURES";

fn picture(keys: &[Key], colour: bool, model: &Model, size: (u16, u16)) -> Buffer {
    let mut screen = Screen::new(colour);
    for key in keys {
        screen.key(*key, model);
    }
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| screen.draw(model, frame)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    let row = |cells: &[ratatui::buffer::Cell]| {
        cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
    };
    rows.map(row).collect::<Vec<_>>().join("\n")
}

/// The views by the keys that lead there.
const VIEWS: [(&str, &[Key]); 5] = [
    ("bottles", &[]),
    ("bottle", &[Key::Enter]),
    ("proposals", &[Key::Char('p')]),
    ("approve", &[Key::Char('p'), Key::Char('a')]),
    ("logs", &[Key::Char('l'), Key::Right]),
];

fn documented(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/dashboard-{name}.svg"))
}

#[test]
fn the_pictures_of_the_documentation_are_what_is_drawn() {
    for (name, keys) in VIEWS {
        let drawn = svg::of(&picture(keys, true, &example::model(), (80, 24)), name);
        let path = documented(name);
        if std::env::var_os(WRITE).is_some() {
            write(&path, &drawn);
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(there == drawn, "docs/dashboard-{name}.svg is old: run this test with {WRITE}=1");
    }
}

#[test]
fn every_view_fits_a_small_window_and_names_its_keys() {
    for (name, keys) in VIEWS {
        let drawn = text(&picture(keys, true, &example::model(), (80, 24)));
        let last = drawn.lines().last().unwrap();
        let says = if name == "approve" { "y yes" } else { "q quit" };
        assert!(last.contains(says), "{name}: {last}");
        assert!(drawn.lines().count() == 24, "{name}");
    }
    let bottles = text(&picture(&[], false, &example::model(), (80, 24)));
    for wanted in ["fix-login", "running", "Proposals (2)", "host-not-allowed", "REQ/S"] {
        assert!(bottles.contains(wanted), "{wanted} in\n{bottles}");
    }
    let proposal = text(&picture(&[Key::Char('p')], false, &example::model(), (80, 24)));
    for wanted in ["+ route docs.example.org", "| I need", "change    3f9a"] {
        assert!(proposal.contains(wanted), "{wanted} in\n{proposal}");
    }
}

#[test]
fn without_colour_everything_is_said_and_nothing_is_coloured() {
    for (name, keys) in VIEWS {
        let with = picture(keys, true, &example::model(), (80, 24));
        let without = picture(keys, false, &example::model(), (80, 24));
        assert_eq!(text(&with), text(&without), "{name}");
        for cell in &without.content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{name}: {cell:?}");
        }
        let reversed =
            without.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED));
        assert!(reversed, "{name}: what is chosen stands out");
    }
}

#[test]
fn no_window_is_too_small_and_no_list_too_long() {
    let full = example::many();
    for model in [&full, &Model::default(), &example::model()] {
        for width in [1, 2, 7, 39, 40, 41, 80, 200] {
            for height in [1, 2, 3, 7, 8, 9, 24, 60] {
                for (_, keys) in VIEWS {
                    picture(keys, true, model, (width, height));
                }
                picture(&[Key::Down; 45], true, model, (width, height));
                let deny = [Key::Char('p'), Key::Char('d'), Key::Char('x')];
                picture(&deny, true, model, (width, height));
                picture(
                    &[Key::Char('p'), Key::PageDown, Key::PageDown],
                    true,
                    model,
                    (width, height),
                );
            }
        }
    }
    // The chosen row is in sight.
    let drawn = text(&picture(&[Key::Down; 45], true, &full, (80, 24)));
    assert!(drawn.contains("bottle-45"), "{drawn}");
}

#[test]
fn j2_what_an_agent_wrote_steers_nothing_in_any_view() {
    let hostile = "x\u{1b}[2J\u{202e}\u{200b}\u{7}\u{9b}31m\r\ny\u{e0041}";
    let model = example::filled_with(hostile);
    for (name, keys) in VIEWS {
        let drawn = text(&picture(keys, true, &model, (120, 30)));
        assert!(drawn.contains('\u{fffd}'), "{name}: {drawn}");
        let steers = |c: &char| c.is_control() && *c != '\n';
        assert_eq!(drawn.chars().find(steers), None, "{name}");
        for hidden in ['\u{202e}', '\u{200b}', '\u{e0041}', '\u{9b}'] {
            assert!(!drawn.contains(hidden), "{name}: {hidden:?}");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a picture of the documentation, written on purpose")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}
