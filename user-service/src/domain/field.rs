//! Refusals of fields: collected, so that a caller learns of all of them at once.

use std::fmt::Display;

use shared::word::NotAWord;

/// The codes of refused fields. Clients match on them: they never change.
pub mod code {
    /// The field is missing.
    pub const REQUIRED: &str = "required";
    /// Fewer characters than allowed.
    pub const TOO_SHORT: &str = "too_short";
    /// More characters or bytes than allowed.
    pub const TOO_LONG: &str = "too_long";
    /// More entries than allowed.
    pub const TOO_MANY: &str = "too_many";
    /// Not of the form that the field has.
    pub const INVALID_FORMAT: &str = "invalid_format";
    /// Of the right form, but with characters that are not allowed.
    pub const INVALID_CHARACTERS: &str = "invalid_characters";
    /// Below or above what is possible.
    pub const OUT_OF_RANGE: &str = "out_of_range";
    /// A name that the service keeps for itself.
    pub const RESERVED: &str = "reserved";
    /// A password that is guessed quickly.
    pub const TOO_COMMON: &str = "too_common";
    /// A password that contains the name of its owner.
    pub const CONTAINS_NAME: &str = "contains_name";
}

/// Why a value is refused: a code for programs and, by [`Display`], a sentence for people.
pub trait Refusal: Display {
    /// One of [`code`].
    fn code(&self) -> &'static str;
}

impl Refusal for NotAWord {
    fn code(&self) -> &'static str {
        code::INVALID_FORMAT
    }
}

/// One refused field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field's name on the wire.
    pub field: &'static str,
    /// One of [`code`].
    pub code: &'static str,
    /// What is wrong, for people. Never repeats the value.
    pub detail: String,
}

impl FieldProblem {
    /// The refusal of `field`.
    pub fn new(field: &'static str, refusal: &impl Refusal) -> Self {
        Self { field, code: refusal.code(), detail: refusal.to_string() }
    }

    /// `field` is missing.
    pub fn required(field: &'static str) -> Self {
        Self { field, code: code::REQUIRED, detail: format!("{field} is required") }
    }
}

/// Goes through the fields of a request and remembers every refusal.
#[derive(Debug, Default)]
pub struct Fields {
    problems: Vec<FieldProblem>,
}

impl Fields {
    /// Nothing checked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The accepted value; a refusal is remembered.
    pub fn check<T, R: Refusal>(&mut self, field: &'static str, checked: Result<T, R>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.problems.push(FieldProblem::new(field, &refusal));
                None
            }
        }
    }

    /// A field that must be there, and be accepted by `parse`.
    pub fn required<I, T, R: Refusal>(
        &mut self,
        field: &'static str,
        raw: Option<I>,
        parse: impl FnOnce(I) -> Result<T, R>,
    ) -> Option<T> {
        match raw {
            Some(raw) => self.check(field, parse(raw)),
            None => {
                self.problems.push(FieldProblem::required(field));
                None
            }
        }
    }

    /// A field that may be missing, but must be accepted by `parse` if it is there.
    pub fn optional<I, T, R: Refusal>(
        &mut self,
        field: &'static str,
        raw: Option<I>,
        parse: impl FnOnce(I) -> Result<T, R>,
    ) -> Option<T> {
        raw.and_then(|raw| self.check(field, parse(raw)))
    }

    /// The whole, if every field was accepted; else all refusals, in the order of the checks.
    pub fn finish<T>(self, whole: Option<T>) -> Result<T, Vec<FieldProblem>> {
        match whole {
            Some(whole) if self.problems.is_empty() => Ok(whole),
            Some(_) | None => Err(self.problems),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("must be even")]
    struct Odd;

    impl Refusal for Odd {
        fn code(&self) -> &'static str {
            code::INVALID_FORMAT
        }
    }

    fn even(number: u32) -> Result<u32, Odd> {
        if number.is_multiple_of(2) { Ok(number) } else { Err(Odd) }
    }

    type Whole = (u32, u32, Option<u32>);

    fn check(raw: [Option<u32>; 3], expected: Result<Whole, &[(&str, &str)]>) {
        let [first, second, third] = raw;
        let mut fields = Fields::new();
        let first = fields.required("first", first, even);
        let second = fields.required("second", second, even);
        let third = fields.optional("third", third, even);
        let whole = first.zip(second).map(|(first, second)| (first, second, third));
        match (fields.finish(whole), expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected),
            (Err(got), Err(expected)) => {
                let got: Vec<_> = got.iter().map(|problem| (problem.field, problem.code)).collect();
                assert_eq!(got, expected);
            }
            (got, expected) => panic!("{got:?} is not {expected:?}"),
        }
    }

    #[test]
    fn all_fields_are_reported_at_once() {
        check([Some(2), Some(4), Some(6)], Ok((2, 4, Some(6))));
        check([Some(2), Some(4), None], Ok((2, 4, None)));
        check([Some(2), Some(4), Some(1)], Err(&[("third", "invalid_format")]));
        check(
            [None, Some(3), Some(5)],
            Err(&[("first", "required"), ("second", "invalid_format"), ("third", "invalid_format")]),
        );
    }
}
