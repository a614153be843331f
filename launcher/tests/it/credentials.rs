//! Credentials in real bottles: from each source, in each form, by each protocol; renewed, changed
//! while the bottle runs, and found nowhere but in egress.

mod ask;
mod forms;
mod login;
mod nowhere;
mod rotation;
