//! How things look: with colour, and as clear without.

use ratatui::style::{Color, Modifier, Style as Look};

/// Whether colours may be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub colour: bool,
}

impl Style {
    #[expect(clippy::unused_self, reason = "every look is asked for in one way")]
    pub(super) fn plain(self) -> Look {
        Look::new()
    }

    /// A heading.
    pub(super) fn heading(self) -> Look {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    #[expect(clippy::unused_self, reason = "every look is asked for in one way")]
    pub(super) fn faint(self) -> Look {
        Look::new().add_modifier(Modifier::DIM)
    }

    /// The row that is chosen, and the bars.
    #[expect(clippy::unused_self, reason = "every look is asked for in one way")]
    pub(super) fn chosen(self) -> Look {
        Look::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn good(self) -> Look {
        self.coloured(Color::Green)
    }

    /// What a person should look at.
    pub(super) fn bad(self) -> Look {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What waits for a person.
    pub(super) fn waiting(self) -> Look {
        self.coloured(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    fn coloured(self, colour: Color) -> Look {
        if self.colour { Look::new().fg(colour) } else { Look::new() }
    }
}
