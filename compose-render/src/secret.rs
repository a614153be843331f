//! A value that must not be seen.

use std::fmt;

/// A secret: no `Display`, no `Serialize`, and `Debug` shows nothing of it.
///
/// ```compile_fail
/// println!("{}", compose_render::Secret::new("s".to_owned()));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(String);

impl Secret {
    /// Takes the value in.
    pub const fn new(value: String) -> Self {
        Self(value)
    }

    /// The value itself. Every call is a place to look at in review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        let secret = Secret::new("hunter2-hunter2".to_owned());
        assert!(!format!("{secret:?} {:#?}", Some(&secret)).contains("hunter2"));
    }
}
