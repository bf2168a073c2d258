//! Texts that people write about themselves: one normal form, nothing invisible that deceives.

use unicode_normalization::UnicodeNormalization;

use super::field::{Refusal, code};
use super::limits::{
    AVATAR_URL_BYTES_MAX, BIO_CHARS_MAX, DEVICE_NAME_CHARS_MAX, DISPLAY_NAME_CHARS_MAX, LANGUAGE_BYTES_MAX,
    LINK_BYTES_MAX, LINKS_MAX, REASON_CHARS_MAX,
};
use super::web_address::web_address;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextProblem {
    /// More characters than allowed.
    #[error("at most {chars_max} characters are allowed")]
    TooManyChars {
        /// The bound.
        chars_max: usize,
    },
    /// More bytes (UTF-8) than allowed.
    #[error("at most {bytes_max} bytes are allowed")]
    TooManyBytes {
        /// The bound.
        bytes_max: usize,
    },
    /// Control, direction-changing, invisible or otherwise forbidden characters.
    #[error("control, invisible or otherwise forbidden characters are not allowed here")]
    InvalidCharacters,
    /// Not of the form that the field has.
    #[error("must be {form}")]
    InvalidFormat {
        /// What the form is, for people.
        form: &'static str,
    },
    /// More entries than allowed.
    #[error("at most {count_max} entries are allowed")]
    TooMany {
        /// The bound.
        count_max: usize,
    },
}

impl Refusal for TextProblem {
    fn code(&self) -> &'static str {
        match self {
            Self::TooManyChars { .. } | Self::TooManyBytes { .. } => code::TOO_LONG,
            Self::InvalidCharacters => code::INVALID_CHARACTERS,
            Self::InvalidFormat { .. } => code::INVALID_FORMAT,
            Self::TooMany { .. } => code::TOO_MANY,
        }
    }
}

/// A display name: one line. Empty means none.
pub fn display_name(raw: &str) -> Result<String, TextProblem> {
    tidy(raw, DISPLAY_NAME_CHARS_MAX, is_forbidden)
}

/// A biography: may have several lines, which end in a line feed alone. Empty means none.
pub fn bio(raw: &str) -> Result<String, TextProblem> {
    let forbidden = |c| c != '\n' && is_forbidden(c);
    tidy(&raw.replace("\r\n", "\n"), BIO_CHARS_MAX, forbidden)
}

/// What a person calls the device that they sign in on.
pub fn device_name(raw: &str) -> Result<String, TextProblem> {
    tidy(raw, DEVICE_NAME_CHARS_MAX, is_forbidden)
}

/// Why a moderator did something: may have several lines. Empty means nothing was said.
pub fn reason(raw: &str) -> Result<String, TextProblem> {
    let forbidden = |c| c != '\n' && is_forbidden(c);
    tidy(&raw.replace("\r\n", "\n"), REASON_CHARS_MAX, forbidden)
}

/// The address of a picture.
pub fn avatar_url(raw: &str) -> Result<String, TextProblem> {
    web_address(raw, AVATAR_URL_BYTES_MAX)
}

/// The links of a profile, in the order that the person gave them.
pub fn links(raw: &[String]) -> Result<Vec<String>, TextProblem> {
    if raw.len() > LINKS_MAX {
        return Err(TextProblem::TooMany { count_max: LINKS_MAX });
    }
    raw.iter().map(|link| web_address(link, LINK_BYTES_MAX)).collect()
}

/// A country or territory, in the form of ISO 3166-1 alpha-2.
pub fn region(raw: &str) -> Result<String, TextProblem> {
    let form = "two capital letters (ISO 3166-1), such as NZ";
    let right = raw.len() == 2 && raw.bytes().all(|b| b.is_ascii_uppercase());
    right.then(|| raw.to_owned()).ok_or(TextProblem::InvalidFormat { form })
}

/// A language, in the form of BCP 47: `[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*`.
pub fn language(raw: &str) -> Result<String, TextProblem> {
    if raw.len() > LANGUAGE_BYTES_MAX {
        return Err(TextProblem::TooManyBytes { bytes_max: LANGUAGE_BYTES_MAX });
    }
    let (primary, rest) = raw.split_once('-').map_or((raw, None), |(primary, rest)| (primary, Some(rest)));
    let is_subtag =
        |tag: &str| (2..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
    let right = (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && rest.is_none_or(|rest| rest.split('-').all(is_subtag));
    let form = "a language tag (BCP 47), such as en or pt-BR";
    right.then(|| raw.to_owned()).ok_or(TextProblem::InvalidFormat { form })
}

/// The one form of a text: NFC, without white space at either end, within its bound, which is one of bytes too: no
/// character has more than four.
fn tidy(raw: &str, chars_max: usize, forbidden: impl Fn(char) -> bool) -> Result<String, TextProblem> {
    let normal: String = raw.nfc().collect();
    let text = normal.trim();
    if text.chars().any(forbidden) || has_stray_format(text) {
        return Err(TextProblem::InvalidCharacters);
    }
    if text.chars().count() > chars_max {
        return Err(TextProblem::TooManyChars { chars_max });
    }
    Ok(text.to_owned())
}

/// Characters that no text needs: controls, those that change the direction of what follows, those that are
/// seen as nothing, and code points that are not characters.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}'                                  // soft hyphen, grapheme joiner
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'   // Hangul fillers
            | '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'   // invisible vowels and spaces
            | '\u{2028}'..='\u{202e}'                             // line separators, bidi embeddings and overrides
            | '\u{2060}'..='\u{206f}'                             // word joiner, bidi isolates, deprecated formats
            | '\u{2800}' | '\u{feff}'                             // blank Braille, byte order mark
            | '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{fffb}'   // not characters, interlinear annotation
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e001f}')
        || matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
}

/// Characters without a width of their own that some scripts and emoji do need.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Joins or parts its two neighbours, or marks their direction: needs a neighbour on each side.
    Between,
    /// Chooses the look of the character before it.
    After,
    /// Spells the region of the flag before it.
    Tag,
}

fn format_of(c: char) -> Option<Format> {
    match c {
        '\u{200c}' | '\u{200d}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => Some(Format::Between),
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
            Some(Format::After)
        }
        '\u{e0020}'..='\u{e007f}' => Some(Format::Tag),
        _ => None,
    }
}

/// Whether a character without width stands where it can only deceive: alone, doubled or at an edge.
fn has_stray_format(text: &str) -> bool {
    let is_base = |c: &char| !c.is_whitespace() && format_of(*c).is_none();
    let mut before: Option<char> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let follows = before.and_then(format_of);
        let after_base = before.as_ref().is_some_and(is_base);
        let fits = match format_of(c) {
            None => true,
            Some(Format::Between) => {
                (after_base || matches!(follows, Some(Format::After | Format::Tag)))
                    && rest.peek().is_some_and(is_base)
            }
            Some(Format::After) => after_base,
            Some(Format::Tag) => before == Some('\u{1f3f4}') || follows == Some(Format::Tag),
        };
        if !fits {
            return true;
        }
        before = Some(c);
    }
    false
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
