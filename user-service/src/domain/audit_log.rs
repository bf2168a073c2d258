//! What moderators, admins and operators did, as the audit log keeps it.

use serde_json::Value;
use shared::clock::Micros;
use shared::id::UserId;
use shared::typed_id;

typed_id! {
    /// One entry of the audit log; ordered by time.
    EntryId
}

/// On whose authority something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doer {
    /// A moderator or an admin.
    Person(UserId),
    /// Whoever runs the service, by a command.
    Operator,
    /// Nobody: it ended by itself.
    Time,
}

impl Doer {
    /// The person, if it was one.
    pub fn person(self) -> Option<UserId> {
        match self {
            Self::Person(user) => Some(user),
            Self::Operator | Self::Time => None,
        }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// An account was closed, or why or until when was changed.
    Suspend,
    /// It was opened again.
    Unsuspend,
    /// A badge was given.
    Verify,
    /// A badge was taken.
    Unverify,
    /// A role was given or taken.
    SetRole,
    /// The operator made an account.
    CreateUser,
    /// The operator made a service token.
    CreateServiceToken,
    /// The operator ended a service token.
    RevokeServiceToken,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 8] = [
        Self::Suspend,
        Self::Unsuspend,
        Self::Verify,
        Self::Unverify,
        Self::SetRole,
        Self::CreateUser,
        Self::CreateServiceToken,
        Self::RevokeServiceToken,
    ];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Unsuspend => "unsuspend",
            Self::Verify => "verify",
            Self::Unverify => "unverify",
            Self::SetRole => "set_role",
            Self::CreateUser => "create_user",
            Self::CreateServiceToken => "create_service_token",
            Self::RevokeServiceToken => "revoke_service_token",
        }
    }

    /// The action of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

/// One act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// When.
    pub at: Micros,
    /// On whose authority.
    pub by: Doer,
    /// What.
    pub action: Action,
    /// To whom.
    pub subject: Option<UserId>,
    /// Why, if that was said.
    pub reason: Option<String>,
    /// What the act changed, as it was; null if there was nothing.
    pub before: Value,
    /// As it is after it; null if there is nothing.
    pub after: Value,
}

/// Which entries are asked for; every one if nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EntryFilter {
    /// Of this person or of the operator.
    pub by: Option<Doer>,
    /// About this person.
    pub subject: Option<UserId>,
    /// Of this kind.
    pub action: Option<Action>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_stable_and_lead_back() {
        let words: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        let known = "suspend unsuspend verify unverify set_role create_user create_service_token \
                     revoke_service_token";
        assert_eq!(words.join(" "), known);
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(action));
        }
        assert_eq!(Action::parse("Suspend"), None);
    }
}
