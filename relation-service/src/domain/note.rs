//! A person's private note about another.

use super::facts::TargetFacts;
use super::refusal::Refusal;

/// Why a text is no note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// More characters than this.
    #[error("A note has at most {0} characters.")]
    TooLong(usize),
    /// A control character other than a tab or a line break.
    #[error("A note has no control characters beside tabs and line breaks.")]
    Forbidden,
}

impl BadNote {
    /// The stable code of the refused field.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong(_) => "too_long",
            Self::Forbidden => "invalid_characters",
        }
    }
}

/// A text that can be kept as a note. Empty is no note.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Note(String);

impl Note {
    /// Takes a text of at most `chars_max` characters as it is.
    pub fn parse(text: String, chars_max: usize) -> Result<Self, BadNote> {
        if text.chars().nth(chars_max).is_some() {
            return Err(BadNote::TooLong(chars_max));
        }
        let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        if text.contains(forbidden) { Err(BadNote::Forbidden) } else { Ok(Self(text)) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a note about this person may be kept. Who blocks the writer looks like any stranger, so a
    /// note about them is kept as well; and a note can be cleared whoever is hidden.
    pub fn check(&self, target: TargetFacts) -> Result<(), Refusal> {
        if target.visible || self.0.is_empty() { Ok(()) } else { Err(Refusal::UserNotFound) }
    }
}
