//! Placeholders and echoes in the messages of a `WebSocket`, as in bodies: joined over fragments.

use egress::MARK;
use http::request::Parts;
use tls_intercept::Body;
use tls_intercept::websocket::{Asked, Inspector, Kind, inspected};

use std::sync::Arc;

use crate::echo::Needles;
use crate::usage::{Account, Tally};

/// Whether a request's head asks for a `WebSocket`.
pub(crate) fn is_asked_of(parts: &Parts) -> bool {
    parts.extensions.get::<Asked>().is_some()
}

/// Ends a `WebSocket` at the first placeholder that its agent sends.
pub(crate) fn guard(body: Body) -> Body {
    let mut marks = Needles::default();
    marks.add_text(MARK);
    inspected(body, Guard(marks))
}

/// Replaces every needle in the messages; `found` is called at the first.
pub(crate) fn cleaned(
    body: Body,
    needles: Needles,
    found: impl FnOnce() + Send + Sync + Unpin + 'static,
) -> Body {
    inspected(body, Clean { needles, found: Some(found) })
}

/// Counts what the host's messages say of tokens.
pub(crate) fn counted(body: Body, tally: Tally) -> Body {
    inspected(body, Count(tally))
}

/// Ends a `WebSocket` at the agent's first message after its route's budget is used up.
pub(crate) fn within_budget(body: Body, account: Arc<Account>) -> Body {
    inspected(body, Within(account))
}

struct Count(Tally);

impl Inspector for Count {
    fn look(
        &mut self,
        kind: Kind,
        pending: &mut [u8],
        seen: usize,
        last: bool,
    ) -> Result<usize, String> {
        if matches!(kind, Kind::Text | Kind::Binary) {
            self.0.message(pending.get(seen..).unwrap_or_default(), last);
        }
        Ok(pending.len())
    }
}

struct Within(Arc<Account>);

impl Inspector for Within {
    fn look(&mut self, _: Kind, pending: &mut [u8], _: usize, _: bool) -> Result<usize, String> {
        match self.0.tokens_exhausted() {
            Some(exhausted) => Err(format!("egress: the budget is used up ({exhausted})")),
            None => Ok(pending.len()),
        }
    }
}

struct Guard(Needles);

impl Inspector for Guard {
    fn look(&mut self, _: Kind, pending: &mut [u8], _: usize, _: bool) -> Result<usize, String> {
        if self.0.replaced(pending).is_some() {
            return Err("egress: a message holds a placeholder of another host".to_owned());
        }
        Ok(pending.len() - self.0.held_back(pending))
    }
}

struct Clean<F> {
    needles: Needles,
    found: Option<F>,
}

impl<F: FnOnce() + Send + Sync + Unpin + 'static> Inspector for Clean<F> {
    fn look(&mut self, _: Kind, pending: &mut [u8], _: usize, _: bool) -> Result<usize, String> {
        if let Some(clean) = self.needles.replaced(pending) {
            // A stand-in has the length of what it replaces.
            pending.copy_from_slice(&clean);
            if let Some(found) = self.found.take() {
                found();
            }
        }
        Ok(pending.len() - self.needles.held_back(pending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g4_a_placeholder_in_a_message_ends_it_also_in_pieces() {
        let mut marks = Needles::default();
        marks.add_text(MARK);
        let mut guard = Guard(marks);
        let (one, two) = MARK.split_at(5);
        let mut pending = format!("a {one}").into_bytes();
        assert_eq!(guard.look(Kind::Text, &mut pending, 0, false), Ok(2), "the rest waits");
        let mut pending = format!("{one}{two}").into_bytes();
        guard.look(Kind::Text, &mut pending, one.len(), true).unwrap_err();
    }

    #[test]
    fn g5_an_echo_in_a_message_is_replaced_at_its_length() {
        let mut needles = Needles::default();
        needles.add_secret("canary-secret", "BottlePlaceholder");
        let mut clean = Clean { needles, found: Some(|| {}) };
        let mut pending = b"you sent canary-secret, canary-s".to_vec();
        let free = clean.look(Kind::Text, &mut pending, 0, false).unwrap();
        assert_eq!(pending, *b"you sent BottlePlaceho, canary-s");
        assert_eq!(free, pending.len() - "canary-s".len());
        assert!(clean.found.is_none());
    }
}
