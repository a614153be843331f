//! Every bound of this program, so that the documentation can be held to them.

use crate::{content, dial, door, names, resolve, rules};
use tls_intercept::Bound;

/// All of them, by the names of `docs/limits.md`.
pub fn bounds() -> Vec<Bound> {
    let bytes = |of, is: u64| Bound::bytes(of, usize::try_from(is).unwrap_or(usize::MAX));
    let mut bounds = tls_intercept::bounds();
    bounds.extend(content::bounds());
    bounds.extend([
        bytes("request's body read whole before anything is dialled", door::WHOLE),
        Bound::count("addresses of a name that are tried", dial::TRIED),
        Bound::time("connection to one address", dial::CONNECT),
        Bound::time("question to the engine's resolver", resolve::DEADLINE),
        Bound::time("answer believed", resolve::BELIEVED),
        bytes_or_count("answers remembered", resolve::CACHED),
        Bound::bytes("question of DNS", names::QUESTION_LIMIT),
        Bound::count("DNS connections at once", names::CONNECTIONS),
        Bound::count("questions of one DNS connection", names::QUESTIONS),
        Bound::time("question on a DNS connection", names::PATIENCE),
        bytes("each file of the policy", rules::FILE_LIMIT),
    ]);
    bounds
}

fn bytes_or_count(of: &'static str, is: u64) -> Bound {
    Bound::count(of, usize::try_from(is).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/limits.md");

    /// The first two columns of the document's tables.
    fn rows() -> Vec<(String, String)> {
        let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| "));
        let cells = rows.filter_map(|row| {
            let mut cells = row.split(" | ");
            Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
        });
        cells.filter(|(of, _)| of != "bound" && !of.starts_with("---")).collect()
    }

    #[test]
    fn the_document_holds_every_bound_as_it_is_and_no_other() {
        let shown = rows();
        for Bound { of, is } in bounds() {
            let row = shown.iter().find(|(name, _)| name == of);
            assert_eq!(row.map(|(_, value)| value.as_str()), Some(is.as_str()), "{of}");
        }
        for (name, value) in &shown {
            assert!(
                bounds().iter().any(|bound| bound.of == name),
                "`{name}` ({value}) is no bound"
            );
        }
    }
}
