//! What a rule is, and what it found.

/// An expression over the plain form of a text.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Kebab-case and stable: logs and headers carry it.
    pub(crate) id: &'static str,
    pub(crate) strength: Strength,
    /// `{W}` stands for what separates words, `{G3}` for up to three words of any kind.
    pub(crate) expression: &'static str,
}

/// How sure a match alone makes it that somebody speaks to the agent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Strength {
    /// Nobody writes this but to an agent, or about such texts.
    Strong,
    /// It may stand in an ordinary text.
    Weak,
}

/// A match. Never its text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The rule's stable name.
    pub rule: &'static str,
    /// Where it begins, in bytes from the start of the stream.
    pub offset: u64,
    /// How many bytes of the stream it covers.
    pub len: usize,
    /// How much it counts: 10 is enough to refuse a response. What is quoted counts nothing.
    pub weight: u32,
}

impl Finding {
    /// What findings must come to for a response to be refused.
    pub const ENOUGH: u32 = 10;
}

pub(crate) const fn strong(id: &'static str, expression: &'static str) -> Rule {
    Rule { id, strength: Strength::Strong, expression }
}

pub(crate) const fn weak(id: &'static str, expression: &'static str) -> Rule {
    Rule { id, strength: Strength::Weak, expression }
}
