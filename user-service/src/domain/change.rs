//! What can happen to an account, in the words of the event feed.

/// The types of events that this service writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Somebody became a member.
    Registered,
    /// The profile, the role or the verification changed.
    Updated,
    /// The username changed.
    Renamed,
    /// A privacy setting changed.
    PrivacyChanged,
    /// The owner closed the account until the next login.
    Deactivated,
    /// A login opened it again.
    Reactivated,
    /// A moderator closed the account.
    Suspended,
    /// The suspension ended.
    Unsuspended,
    /// The owner gave up the account.
    Deleted,
    /// A session ended before its time.
    SessionRevoked,
}

impl Change {
    /// Every type.
    pub const ALL: &'static [Self] = &[
        Self::Registered,
        Self::Updated,
        Self::Renamed,
        Self::PrivacyChanged,
        Self::Deactivated,
        Self::Reactivated,
        Self::Suspended,
        Self::Unsuspended,
        Self::Deleted,
        Self::SessionRevoked,
    ];

    /// The type as the feed has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "user.registered",
            Self::Updated => "user.updated",
            Self::Renamed => "user.renamed",
            Self::PrivacyChanged => "user.privacy_changed",
            Self::Deactivated => "user.deactivated",
            Self::Reactivated => "user.reactivated",
            Self::Suspended => "user.suspended",
            Self::Unsuspended => "user.unsuspended",
            Self::Deleted => "user.deleted",
            Self::SessionRevoked => "session.revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_feed_are_stable() {
        let words: Vec<_> = Change::ALL.iter().map(|change| change.as_str()).collect();
        let contract = "user.registered user.updated user.renamed user.privacy_changed user.deactivated \
                        user.reactivated user.suspended user.unsuspended user.deleted session.revoked";
        assert_eq!(words.join(" "), contract);
    }
}
