//! The whole chain of an error in one text: a log line that drops the causes explains nothing.

use std::error::Error;

/// Says the error and each of its causes, outermost first, joined by `: `.
///
/// A cause that its outer error already repeats at its end is not said twice.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_every_cause_once() {
        let error = anyhow::anyhow!("no such file").context("cannot read `x`").context("no config");
        assert_eq!(chain(error.as_ref()), "no config: cannot read `x`: no such file");
        let io = std::io::Error::other(std::io::Error::other("inner"));
        assert_eq!(chain(&io), "inner");
    }
}
