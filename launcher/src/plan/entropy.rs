//! What must not be guessed: drawn once for a bottle, or fixed where a plan is only shown.

use compose_render::{Secret, Slug};

use crate::hex::hex;

/// A bottle's unguessable values.
#[derive(Clone, Debug)]
pub(crate) struct Entropy {
    /// By which pipelock knows egress.
    pub hop_secret: Secret,
    /// From which placeholders are made: no two bottles share one.
    pub seed: Vec<u8>,
}

impl Entropy {
    /// Draws them from the system.
    pub(crate) fn draw() -> Self {
        let bytes: [u8; 32] = rand::random();
        let seed: [u8; 16] = rand::random();
        Self { hop_secret: Secret::new(hex(&bytes)), seed: seed.to_vec() }
    }

    /// Fixed ones, for a plan that is shown and never run: the same text every time.
    pub(crate) fn for_show(slug: &Slug) -> Self {
        let hop_secret = Secret::new("drawn-at-the-start".to_owned());
        Self { hop_secret, seed: slug.as_str().as_bytes().to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_bottles_share_a_secret() {
        let (one, two) = (Entropy::draw(), Entropy::draw());
        assert_ne!(one.hop_secret, two.hop_secret);
        assert_ne!(one.seed, two.seed);
        assert_eq!(one.hop_secret.expose().len(), 64);
    }
}
