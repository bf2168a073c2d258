//! Changes of what a person shows of themselves.

use serde::Deserialize;
use utoipa::ToSchema;

use super::account::User;
use super::field::{FieldProblem, Fields};
use super::patch::{mentioned, set};
use super::text::{self, TextProblem};

/// A change of a profile as it was asked for. A field that is not mentioned stays; `null` clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawProfilePatch {
    /// At most 50 characters.
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<String>, max_length = 50)]
    pub display_name: Option<Option<String>>,
    /// At most 500 characters; may have several lines.
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub bio: Option<Option<String>>,
    /// An `https` address of at most 2,000 bytes.
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<String>, max_length = 2000)]
    pub avatar_url: Option<Option<String>>,
    /// At most 5 `https` addresses of at most 500 bytes each.
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<Vec<String>>, max_items = 5)]
    pub links: Option<Option<Vec<String>>>,
    /// ISO 3166-1 alpha-2, such as `NZ`.
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<String>, pattern = "^[A-Z]{2}$")]
    pub region: Option<Option<String>>,
    /// BCP 47, such as `pt-BR`.
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<String>, max_length = 35)]
    pub language: Option<Option<String>>,
}

/// A change of a profile in which every value is in its one form. `None` is not mentioned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfilePatch {
    /// See [`User::display_name`].
    pub display_name: Option<String>,
    /// See [`User::bio`].
    pub bio: Option<String>,
    /// See [`User::avatar_url`]; `Some(None)` clears it.
    pub avatar_url: Option<Option<String>>,
    /// See [`User::links`].
    pub links: Option<Vec<String>>,
    /// See [`User::region`]; `Some(None)` clears it.
    pub region: Option<Option<String>>,
    /// See [`User::language`]; `Some(None)` clears it.
    pub language: Option<Option<String>>,
}

impl ProfilePatch {
    /// Checks all fields and reports every refusal.
    pub fn validate(raw: RawProfilePatch) -> Result<Self, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let patch = Self {
            display_name: fields.optional("display_name", raw.display_name, or_empty(text::display_name)),
            bio: fields.optional("bio", raw.bio, or_empty(text::bio)),
            avatar_url: fields.optional("avatar_url", raw.avatar_url, or_none(text::avatar_url)),
            links: fields.optional("links", raw.links, |links| text::links(&links.unwrap_or_default())),
            region: fields.optional("region", raw.region, or_none(text::region)),
            language: fields.optional("language", raw.language, or_none(text::language)),
        };
        fields.finish(Some(patch))
    }

    /// Makes the change. True if anything is different from before; version and time are the caller's.
    pub fn apply(self, user: &mut User) -> bool {
        let changes = [
            set(&mut user.display_name, self.display_name),
            set(&mut user.bio, self.bio),
            set(&mut user.avatar_url, self.avatar_url),
            set(&mut user.links, self.links),
            set(&mut user.region, self.region),
            set(&mut user.language, self.language),
        ];
        changes.contains(&true)
    }
}

type Parse = fn(&str) -> Result<String, TextProblem>;

/// `null` is the empty text.
fn or_empty(parse: Parse) -> impl FnOnce(Option<String>) -> Result<String, TextProblem> {
    move |raw| parse(&raw.unwrap_or_default())
}

/// `null` and the empty text are no value.
fn or_none(parse: Parse) -> impl FnOnce(Option<String>) -> Result<Option<String>, TextProblem> {
    move |raw| raw.filter(|raw| !raw.is_empty()).map(|raw| parse(&raw)).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::account::alice;

    fn validate(raw: serde_json::Value) -> Result<ProfilePatch, Vec<FieldProblem>> {
        ProfilePatch::validate(serde_json::from_value(raw).unwrap())
    }

    fn check(raw: serde_json::Value, changed: bool, expect: fn(&mut User)) {
        let mut expected = alice();
        expect(&mut expected);
        let mut got = alice();
        assert_eq!(validate(raw.clone()).unwrap().apply(&mut got), changed, "{raw}");
        assert_eq!(got, expected, "{raw}");
    }

    #[test]
    fn a_patch_changes_what_it_mentions() {
        check(json!({}), false, |_| {});
        check(json!({"display_name": " Alice "}), false, |_| {});
        check(json!({"display_name": "Al"}), true, |user| user.display_name = "Al".to_owned());
        check(json!({"language": "pt-BR"}), true, |user| user.language = Some("pt-BR".to_owned()));
        check(json!({"bio": "a\r\nb"}), true, |user| user.bio = "a\nb".to_owned());
    }

    #[test]
    fn null_and_empty_clear() {
        for nothing in [json!(null), json!("")] {
            check(json!({"display_name": nothing}), true, |user| user.display_name = String::new());
            check(json!({"avatar_url": nothing}), true, |user| user.avatar_url = None);
            check(json!({"region": nothing}), true, |user| user.region = None);
            check(json!({"language": nothing}), false, |_| {});
        }
        check(json!({"links": null}), true, |user| user.links = vec![]);
        check(json!({"links": []}), true, |user| user.links = vec![]);
    }

    #[test]
    fn all_refusals_are_reported() {
        let problems = validate(json!({
            "display_name": "a\u{202e}b", "bio": "a".repeat(501), "avatar_url": "http://example.com",
            "links": vec!["https://example.com"; 6], "region": "nz", "language": "english",
        }));
        let got: Vec<_> = problems.unwrap_err().iter().map(|problem| (problem.field, problem.code)).collect();
        assert_eq!(
            got,
            [
                ("display_name", "invalid_characters"),
                ("bio", "too_long"),
                ("avatar_url", "invalid_format"),
                ("links", "too_many"),
                ("region", "invalid_format"),
                ("language", "invalid_format"),
            ]
        );
    }

    #[test]
    fn unknown_fields_are_not_read() {
        assert!(serde_json::from_value::<RawProfilePatch>(json!({"username": "bob"})).is_err());
        assert!(serde_json::from_value::<RawProfilePatch>(json!({"links": "https://example.com"})).is_err());
    }
}
