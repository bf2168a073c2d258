//! Fields of a body that take one of a few words, or a moment: a string is of the right type whatever it says, so a
//! wrong one is a refusal of its field among the others, and not of the whole body.

use std::convert::Infallible;
use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, Deserializer, IntoDeserializer};

use crate::text::read_text;

/// A string that was sent for a `T`. In OpenAPI it is described as `T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<T>(Result<T, NotAWord>);

impl<T> Word<T> {
    /// What it says.
    pub fn read(self) -> Result<T, NotAWord> {
        self.0
    }
}

impl<T> From<T> for Word<T> {
    fn from(value: T) -> Self {
        Self(Ok(value))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, |text| {
            let said: StrDeserializer<'_, NotAWord> = text.into_deserializer();
            Ok::<_, Infallible>(Self(T::deserialize(said)))
        })
    }
}

/// A string that says nothing that its field takes. It does not repeat the string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAWord {
    /// What it might have said; nothing where that is no list.
    choice: &'static [&'static str],
}

impl fmt::Display for NotAWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.choice {
            [] => f.write_str("must be of the form that the API description gives"),
            choice => write!(f, "must be one of {}", choice.join(", ")),
        }
    }
}

impl std::error::Error for NotAWord {}

impl de::Error for NotAWord {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self { choice: &[] }
    }

    fn unknown_variant(_: &str, choice: &'static [&'static str]) -> Self {
        Self { choice }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Micros;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Sample {
        First,
        SecondOne,
    }

    fn read<T: DeserializeOwned>(sent: serde_json::Value) -> Option<Result<T, String>> {
        let word: Word<T> = serde_json::from_value(sent).ok()?;
        Some(word.read().map_err(|error| error.to_string()))
    }

    #[test]
    fn a_wrong_word_is_read_and_says_what_it_might_have_been() {
        assert_eq!(read(json!("first")), Some(Ok(Sample::First)));
        let refused = "must be one of first, second_one".to_owned();
        assert_eq!(read::<Sample>(json!("aliens")), Some(Err(refused)));
        assert_eq!(read(json!("1970-01-01T00:00:01Z")), Some(Ok(Micros::new(1_000_000))));
        let refused = "must be of the form that the API description gives".to_owned();
        assert_eq!(read::<Micros>(json!("tomorrow")), Some(Err(refused)));
    }

    #[test]
    fn what_is_no_string_is_not_read() {
        for sent in [json!(null), json!(1), json!(true), json!(["first"]), json!({"first": null})] {
            assert_eq!(read::<Sample>(sent.clone()), None, "{sent}");
            assert_eq!(read::<Micros>(sent.clone()), None, "{sent}");
        }
    }
}
