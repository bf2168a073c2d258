//! What one service tells the other about a person: carried whole in every `user.*` event and in the
//! answer to a direct question, so that a consumer only ever replaces what it knows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::UserId;

/// The state of an account. The numbers are what databases store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// In use.
    Active,
    /// Hidden by a moderator.
    Suspended,
    /// Hidden by its owner.
    Deactivated,
    /// Gone.
    Deleted,
}

/// Who may see a person's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListAudience {
    /// Anybody.
    #[default]
    Everyone,
    /// Those whom the person has accepted.
    Followers,
    /// The person alone.
    OnlyMe,
}

/// Who may address a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Anybody.
    #[default]
    Everyone,
    /// Those whom the person has accepted.
    Followers,
    /// Those who are accepted both ways.
    Friends,
    /// Nobody.
    Nobody,
}

/// Gives an enum stable numbers for the database, in the order of its variants.
macro_rules! stored {
    ($name:ident { $($variant:ident = $code:literal),+ $(,)? }) => {
        impl $name {
            /// The number that databases store.
            pub const fn to_code(self) -> i16 {
                match self { $(Self::$variant => $code),+ }
            }

            /// The variant of a stored number.
            pub const fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

stored!(AccountStatus { Active = 0, Suspended = 1, Deactivated = 2, Deleted = 3 });
stored!(ListAudience { Everyone = 0, Followers = 1, OnlyMe = 2 });
stored!(Audience { Everyone = 0, Followers = 1, Friends = 2, Nobody = 3 });

/// A person as other services need to know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserFacts {
    /// The name, in lower case.
    pub username: String,
    /// The name for people.
    pub display_name: String,
    /// The picture.
    pub avatar_url: Option<String>,
    /// The badge.
    pub verified: bool,
    /// Hidden unless active.
    pub status: AccountStatus,
    /// Only those whom the person accepts see more than the profile.
    pub private_account: bool,
    /// Who sees the person's lists.
    pub show_relations: ListAudience,
    /// Whether others see the counts.
    pub show_counts: bool,
    /// Whether the person is suggested to others.
    pub suggest_to_others: bool,
    /// Who may write to them.
    pub messages_from: Audience,
    /// Who may comment.
    pub comments_from: Audience,
    /// Who may mention them.
    pub mentions_from: Audience,
}

/// What of the facts decides who may see and address a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Hidden unless active.
    pub status: AccountStatus,
    /// Only those whom the person accepts see more than the profile.
    pub private_account: bool,
    /// Who sees the person's lists.
    pub show_relations: ListAudience,
    /// Whether others see the counts.
    pub show_counts: bool,
    /// Who may write to them.
    pub messages_from: Audience,
    /// Who may comment.
    pub comments_from: Audience,
    /// Who may mention them.
    pub mentions_from: Audience,
}

impl UserFacts {
    /// Who may see and address the person.
    pub const fn access(&self) -> Access {
        Access {
            status: self.status,
            private_account: self.private_account,
            show_relations: self.show_relations,
            show_counts: self.show_counts,
            messages_from: self.messages_from,
            comments_from: self.comments_from,
            mentions_from: self.mentions_from,
        }
    }

    /// What is left to know of somebody who is gone: nothing, and nobody may do anything.
    pub fn of_nobody() -> Self {
        Self {
            username: String::new(),
            display_name: String::new(),
            avatar_url: None,
            verified: false,
            status: AccountStatus::Deleted,
            private_account: true,
            show_relations: ListAudience::OnlyMe,
            show_counts: false,
            suggest_to_others: false,
            messages_from: Audience::Nobody,
            comments_from: Audience::Nobody,
            mentions_from: Audience::Nobody,
        }
    }
}

/// One answer to a direct question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserFactsItem {
    /// Who was asked for.
    pub id: UserId,
    /// What is known; null for an id that never was a person's.
    pub facts: Option<UserFacts>,
}

/// Who a name leads to, and what is known about them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedFacts {
    /// Who.
    pub id: UserId,
    /// What is known; they may go by another name by now.
    pub facts: UserFacts,
}

/// One answer to a question by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedFactsItem {
    /// The name that was asked for.
    pub username: String,
    /// Whom it leads to; null for nobody.
    pub found: Option<NamedFacts>,
}

/// The answer to a question by name, as true as the log was at `seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedFactsPage {
    /// In the order of the question.
    pub items: Vec<NamedFactsItem>,
    /// The newest event that the facts include.
    pub seq: i64,
}

/// The answer to a direct question, as true as the log was at `seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserFactsPage {
    /// In the order of the question.
    pub items: Vec<UserFactsItem>,
    /// The newest event that the facts include.
    pub seq: i64,
}
