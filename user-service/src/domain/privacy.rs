//! Who may see and do what: the settings of one person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use shared::facts::{Audience, ListAudience};
use shared::word::Word;

use super::field::{FieldProblem, Fields};
use super::patch::{mentioned, set};

/// The privacy settings of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Privacy {
    /// Following needs the person's consent, and content is for accepted followers.
    pub private_account: bool,
    /// Who sees the lists of followers, following and friends.
    pub show_relations: ListAudience,
    /// Whether others see the numbers of followers, following and friends.
    pub show_counts: bool,
    /// Whether others are told that they may know the person.
    pub suggest_to_others: bool,
    /// Who may send messages.
    pub messages_from: Audience,
    /// Who may comment.
    pub comments_from: Audience,
    /// Who may mention.
    pub mentions_from: Audience,
}

impl Default for Privacy {
    /// A public account, open to everybody.
    fn default() -> Self {
        Self {
            private_account: false,
            show_relations: ListAudience::Everyone,
            show_counts: true,
            suggest_to_others: true,
            messages_from: Audience::Everyone,
            comments_from: Audience::Everyone,
            mentions_from: Audience::Everyone,
        }
    }
}

/// A change of privacy settings as it was asked for. A field that is not mentioned stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PrivacyPatch)]
pub struct RawPrivacyPatch {
    /// See [`Privacy::private_account`].
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(nullable = false)]
    pub private_account: Option<bool>,
    /// See [`Privacy::show_relations`].
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<ListAudience>, nullable = false)]
    pub show_relations: Option<Word<ListAudience>>,
    /// See [`Privacy::show_counts`].
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(nullable = false)]
    pub show_counts: Option<bool>,
    /// See [`Privacy::suggest_to_others`].
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(nullable = false)]
    pub suggest_to_others: Option<bool>,
    /// See [`Privacy::messages_from`].
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<Audience>, nullable = false)]
    pub messages_from: Option<Word<Audience>>,
    /// See [`Privacy::comments_from`].
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<Audience>, nullable = false)]
    pub comments_from: Option<Word<Audience>>,
    /// See [`Privacy::mentions_from`].
    #[serde(default, deserialize_with = "mentioned")]
    #[schema(value_type = Option<Audience>, nullable = false)]
    pub mentions_from: Option<Word<Audience>>,
}

/// A change of privacy settings. `None` is not mentioned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PrivacyPatch {
    /// See [`Privacy::private_account`].
    pub private_account: Option<bool>,
    /// See [`Privacy::show_relations`].
    pub show_relations: Option<ListAudience>,
    /// See [`Privacy::show_counts`].
    pub show_counts: Option<bool>,
    /// See [`Privacy::suggest_to_others`].
    pub suggest_to_others: Option<bool>,
    /// See [`Privacy::messages_from`].
    pub messages_from: Option<Audience>,
    /// See [`Privacy::comments_from`].
    pub comments_from: Option<Audience>,
    /// See [`Privacy::mentions_from`].
    pub mentions_from: Option<Audience>,
}

impl PrivacyPatch {
    /// Checks all fields and reports every refusal.
    pub fn validate(raw: RawPrivacyPatch) -> Result<Self, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let patch = Self {
            private_account: raw.private_account,
            show_relations: fields.optional("show_relations", raw.show_relations, Word::read),
            show_counts: raw.show_counts,
            suggest_to_others: raw.suggest_to_others,
            messages_from: fields.optional("messages_from", raw.messages_from, Word::read),
            comments_from: fields.optional("comments_from", raw.comments_from, Word::read),
            mentions_from: fields.optional("mentions_from", raw.mentions_from, Word::read),
        };
        fields.finish(Some(patch))
    }

    /// Makes the change. True if any setting is different from before.
    pub fn apply(self, privacy: &mut Privacy) -> bool {
        let changes = [
            set(&mut privacy.private_account, self.private_account),
            set(&mut privacy.show_relations, self.show_relations),
            set(&mut privacy.show_counts, self.show_counts),
            set(&mut privacy.suggest_to_others, self.suggest_to_others),
            set(&mut privacy.messages_from, self.messages_from),
            set(&mut privacy.comments_from, self.comments_from),
            set(&mut privacy.mentions_from, self.mentions_from),
        ];
        changes.contains(&true)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_new_account_is_public() {
        let expected = json!({
            "private_account": false, "show_relations": "everyone", "show_counts": true, "suggest_to_others": true,
            "messages_from": "everyone", "comments_from": "everyone", "mentions_from": "everyone",
        });
        assert_eq!(serde_json::to_value(Privacy::default()).unwrap(), expected);
    }

    fn check(patch: serde_json::Value, expected: Option<(bool, Privacy)>) {
        let raw: Option<RawPrivacyPatch> = serde_json::from_value(patch).ok();
        let applied = raw.map(|raw| {
            let patch = PrivacyPatch::validate(raw).unwrap();
            let mut privacy = Privacy::default();
            (patch.apply(&mut privacy), privacy)
        });
        assert_eq!(applied, expected);
    }

    #[test]
    fn a_patch_changes_what_it_mentions() {
        let public = Privacy::default();
        check(json!({}), Some((false, public)));
        check(json!({"private_account": false, "show_relations": "everyone"}), Some((false, public)));
        check(json!({"private_account": true}), Some((true, Privacy { private_account: true, ..public })));
        check(
            json!({"show_relations": "only_me", "show_counts": false, "messages_from": "nobody"}),
            Some((
                true,
                Privacy {
                    show_relations: ListAudience::OnlyMe,
                    show_counts: false,
                    messages_from: Audience::Nobody,
                    ..public
                },
            )),
        );
    }

    #[test]
    fn a_patch_of_the_wrong_shape_is_not_read() {
        check(json!({"private": true}), None);
        check(json!({"private_account": null}), None);
        check(json!({"private_account": "true"}), None);
        check(json!({"show_relations": 1}), None);
        check(json!({"messages_from": null}), None);
    }

    #[test]
    fn all_words_that_are_none_are_reported() {
        let raw = json!({
            "show_relations": "friends", "messages_from": "only_me", "comments_from": "everyone", "mentions_from": "",
        });
        let problems = PrivacyPatch::validate(serde_json::from_value(raw).unwrap()).unwrap_err();
        let got: Vec<_> = problems.iter().map(|problem| (problem.field, problem.code)).collect();
        assert_eq!(
            got,
            [
                ("show_relations", "invalid_format"),
                ("messages_from", "invalid_format"),
                ("mentions_from", "invalid_format"),
            ]
        );
    }
}
