//! The dashboard: from what is known of bottles to a screen, and from a key to what it asks for.
//!
//! It reads no file, asks no engine and decides nothing: whoever has a [`Model`] shows it on a
//! [`Screen`], and does what the person then [wishes](Wish). Every text is taken to be hostile and
//! made plain where it is drawn.

mod draw;
mod model;
mod plain;
mod screen;
mod stage;

pub use self::model::{Bottle, Denial, Log, Model, Proposal, Route, Service, State};
pub use self::plain::plain;
pub use self::screen::{Screen, View, Wish};
pub use self::stage::{Key, Stage};
