//! The person's terminal while the dashboard is on it: given back however that ends.

use std::io;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind, KeyModifiers};

pub use ratatui::crossterm::event::KeyCode as Key;

use crate::{Model, Screen};

/// The terminal, taken over. It is given back when this is dropped, and before a panic is told.
#[derive(Debug)]
pub struct Stage {
    terminal: DefaultTerminal,
}

impl Stage {
    /// Takes the terminal over.
    ///
    /// # Errors
    ///
    /// One that cannot be.
    pub fn enter() -> io::Result<Self> {
        Ok(Self { terminal: ratatui::try_init()? })
    }

    /// Shows what is known now.
    ///
    /// # Errors
    ///
    /// A terminal that is gone.
    pub fn show(&mut self, screen: &Screen, model: &Model) -> io::Result<()> {
        self.terminal.draw(|frame| screen.draw(model, frame)).map(drop)
    }

    /// The next key, if one comes in that time. Ctrl-C is the key that leaves.
    ///
    /// # Errors
    ///
    /// A terminal that is gone.
    pub fn key(&mut self, patience: Duration) -> io::Result<Option<Key>> {
        if !event::poll(patience)? {
            return Ok(None);
        }
        Ok(match event::read()? {
            Event::Key(key) if key.kind == KeyEventKind::Release => None,
            Event::Key(key) if key.modifiers.contains(KeyModifiers::CONTROL) => {
                matches!(key.code, Key::Char('c')).then_some(Key::Null)
            }
            Event::Key(key) => Some(key.code),
            // A size is asked for at each picture.
            _ => None,
        })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A terminal that is gone needs no rest.
        drop(self.terminal.show_cursor());
        drop(ratatui::try_restore());
    }
}
