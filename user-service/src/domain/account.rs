//! A person's account: the full record, as its owner has it.

use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::facts::UserFacts;
use shared::id::UserId;
use utoipa::ToSchema;

use super::email::Email;
use super::privacy::Privacy;
use super::username::Username;

pub use shared::facts::AccountStatus as Status;

/// What a person may do to others' accounts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Nothing.
    #[default]
    User,
    /// Suspend and verify.
    Moderator,
    /// All that a moderator may, and give roles.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::User, Self::Moderator, Self::Admin];

    /// The number that stands for the role in the database.
    pub const fn to_code(self) -> i16 {
        match self {
            Self::User => 0,
            Self::Moderator => 1,
            Self::Admin => 2,
        }
    }

    /// The role that `code` stands for in the database.
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            0 => Some(Self::User),
            1 => Some(Self::Moderator),
            2 => Some(Self::Admin),
            _ => None,
        }
    }

    /// The role of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// The role as answers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }
}

/// One person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Never changes and is never given to anybody else.
    pub id: UserId,
    /// The name by which people find the person.
    pub username: Username,
    /// The name that people see; empty if none was given.
    pub display_name: String,
    /// What the person says of themselves; empty if nothing.
    pub bio: String,
    /// The address of a picture.
    pub avatar_url: Option<String>,
    /// Web addresses, in the person's order.
    pub links: Vec<String>,
    /// ISO 3166-1 alpha-2.
    pub region: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// Imported people have none.
    pub email: Option<Email>,
    /// Whether a mail to the address was answered.
    pub email_verified: bool,
    /// Who may see and do what.
    pub privacy: Privacy,
    /// What the person may do to others' accounts.
    pub role: Role,
    /// What became of the account.
    pub status: Status,
    /// Whether a moderator vouches that the person is who they say.
    pub verified: bool,
    /// When the person registered.
    pub created_at: Micros,
    /// When anything here last changed.
    pub updated_at: Micros,
    /// Counts the changes; the `ETag` of the record.
    pub version: i64,
}

impl User {
    /// Whether others see the account at all.
    pub fn is_visible(&self) -> bool {
        self.status == Status::Active
    }

    /// Whether the owner may sign in: a login also ends a deactivation.
    pub fn may_sign_in(&self) -> bool {
        match self.status {
            Status::Active | Status::Deactivated => true,
            Status::Suspended | Status::Deleted => false,
        }
    }

    /// What other services need to know about the person.
    pub fn facts(&self) -> UserFacts {
        UserFacts {
            username: self.username.as_str().to_owned(),
            display_name: self.display_name.clone(),
            avatar_url: self.avatar_url.clone(),
            verified: self.verified,
            status: self.status,
            private_account: self.privacy.private_account,
            show_relations: self.privacy.show_relations,
            show_counts: self.privacy.show_counts,
            suggest_to_others: self.privacy.suggest_to_others,
            messages_from: self.privacy.messages_from,
            comments_from: self.privacy.comments_from,
            mentions_from: self.privacy.mentions_from,
        }
    }
}

/// An account for tests to start from.
#[cfg(test)]
pub(super) fn alice() -> User {
    User {
        id: UserId::new(7),
        username: Username::from_stored("alice".to_owned()),
        display_name: "Alice".to_owned(),
        bio: String::new(),
        avatar_url: Some("https://example.com/a.png".to_owned()),
        links: vec!["https://example.com/".to_owned()],
        region: Some("NZ".to_owned()),
        language: None,
        email: None,
        email_verified: false,
        privacy: Privacy::default(),
        role: Role::User,
        status: Status::Active,
        verified: false,
        created_at: Micros::new(1),
        updated_at: Micros::new(1),
        version: 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::privacy::Audience;

    #[test]
    fn codes_and_words_are_stable() {
        let roles = Role::ALL.map(|role| (role.to_code(), role.as_str()));
        assert_eq!(roles, [(0, "user"), (1, "moderator"), (2, "admin")]);
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.to_code()), Some(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        assert_eq!(Role::from_code(3), None);
    }

    #[test]
    fn only_active_accounts_are_visible_and_only_their_owners_hide_them_until_a_login() {
        for (status, visible, may_sign_in) in [
            (Status::Active, true, true),
            (Status::Suspended, false, false),
            (Status::Deactivated, false, true),
            (Status::Deleted, false, false),
        ] {
            let user = User { status, ..alice() };
            assert_eq!((user.is_visible(), user.may_sign_in()), (visible, may_sign_in), "{status:?}");
        }
    }

    #[test]
    fn other_services_learn_what_they_need_and_no_more() {
        let mut user = alice();
        user.email = Some(Email::parse("ann@example.com").unwrap());
        user.privacy.messages_from = Audience::Friends;
        let expected = json!({
            "username": "alice", "display_name": "Alice", "avatar_url": "https://example.com/a.png",
            "verified": false, "status": "active", "private_account": false, "show_relations": "everyone",
            "show_counts": true, "suggest_to_others": true, "messages_from": "friends",
            "comments_from": "everyone", "mentions_from": "everyone",
        });
        assert_eq!(serde_json::to_value(user.facts()).unwrap(), expected);
    }
}
