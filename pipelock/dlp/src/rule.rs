//! What a rule is: literals that must stand there, an expression that decides, a check on the value.

use std::ops::RangeInclusive;

/// How much harm a finding does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// The word that logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A check on the matched bytes that no expression can do.
pub(crate) type Check = fn(&[u8]) -> bool;
/// A check on what stands before a match and behind it.
pub(crate) type Context = fn(&[u8], &[u8]) -> bool;

/// A kind of credential. The tables in `rules/` are made of these.
pub(crate) struct Rule {
    /// Kebab-case and stable: logs, denials and settings carry it.
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
    pub(crate) trigger: Trigger,
    /// The expression from the anchor's first byte on, bounded in length.
    pub(crate) expression: &'static str,
    pub(crate) check: Option<Check>,
    pub(crate) context: Option<Context>,
    /// A byte before the match that makes it part of a longer word, and no credential.
    pub(crate) alone: bool,
    /// A byte of a word behind the match makes it none, too, and so do `+`, `/` and `=` on both
    /// sides: base64 would show it by chance.
    pub(crate) whole: bool,
}

/// A quick look at a word, before any expression is run.
pub(crate) type Look = fn(&[u8]) -> bool;

/// What must be seen before the expression is run.
pub(crate) enum Trigger {
    /// Every match begins with one of these.
    Anchors(&'static [&'static str]),
    /// Every match begins with a word of that many of `[A-Za-z0-9_-]` that passes the quick look.
    Word(RangeInclusive<usize>, Look),
    /// Every match begins where capitals, digits, spaces and dashes follow for 15 bytes or more,
    /// and that passes the quick look.
    Number(Look),
}

impl Rule {
    pub(crate) const fn new(
        id: &'static str,
        severity: Severity,
        anchors: &'static [&'static str],
        expression: &'static str,
    ) -> Self {
        let trigger = Trigger::Anchors(anchors);
        Self {
            id,
            severity,
            trigger,
            expression,
            check: None,
            context: None,
            alone: true,
            whole: false,
        }
    }

    pub(crate) const fn word(
        id: &'static str,
        severity: Severity,
        (length, look): (RangeInclusive<usize>, Look),
        expression: &'static str,
    ) -> Self {
        let trigger = Trigger::Word(length, look);
        Self {
            id,
            severity,
            trigger,
            expression,
            check: None,
            context: None,
            alone: true,
            whole: false,
        }
    }

    pub(crate) const fn number(
        id: &'static str,
        severity: Severity,
        look: Look,
        expression: &'static str,
    ) -> Self {
        Self { trigger: Trigger::Number(look), ..Self::new(id, severity, &[], expression) }
    }

    /// The match is a whole word.
    pub(crate) const fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Whether this byte before a match makes it a part of something longer.
    pub(crate) fn joins(&self, byte: u8) -> bool {
        (self.alone && byte.is_ascii_alphanumeric()) || (self.whole && b"_-+/.".contains(&byte))
    }

    /// Whether this byte behind a match does.
    pub(crate) fn goes_on(&self, byte: u8) -> bool {
        self.whole && (byte.is_ascii_alphanumeric() || b"_-+/=".contains(&byte))
    }

    pub(crate) const fn checked(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    pub(crate) const fn standing(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// The anchor may stand in the middle of a word.
    pub(crate) const fn anywhere(mut self) -> Self {
        self.alone = false;
        self
    }
}
