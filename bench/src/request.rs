//! Kinds of requests, and what their answers should say.

use serde_json::Value;

/// Which service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// user-service.
    Users,
    /// relation-service.
    Relations,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// How the viewer stands to one person.
    Check,
    /// The same to a few: as many as LinkBench asks for at once.
    CheckSome,
    /// The same to 20.
    Check20,
    /// The same to 100.
    Check100,
    /// A person's counts.
    Counts,
    /// One person.
    Card,
    /// 20 people by id.
    Cards20,
    /// The first 20 followers, with their cards.
    Followers,
    /// The first 20 followers, bare.
    FollowersBare,
    /// A later page of followers, by cursor.
    Older,
    /// A page far down in the list of somebody with many followers.
    Deep,
    /// The first 20 whom a person follows.
    Following,
    /// A person's first 20 friends.
    Friends,
    /// The first 20 of a person's followers whom the viewer follows.
    Known,
    /// 100 checks of visibility in one question of a service.
    Visibility,
    /// 100 events.
    Feed,
    /// A new follow.
    Follow,
    /// The end of one that a [`Kind::Follow`] has begun.
    Unfollow,
    /// Everybody begins or ends to follow one person.
    Celebrity,
    /// An option of a follow.
    Option,
    /// The viewer's own profile.
    ProfileEdit,
}

impl Kind {
    /// As reports name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Check => "relationship",
            Self::CheckSome => "a few relationships",
            Self::Check20 => "20 relationships",
            Self::Check100 => "100 relationships",
            Self::Counts => "counts",
            Self::Card => "user card",
            Self::Cards20 => "20 user cards",
            Self::Followers => "20 followers, with cards",
            Self::FollowersBare => "20 followers",
            Self::Older => "later page of followers",
            Self::Deep => "deep page of followers",
            Self::Following => "20 following",
            Self::Friends => "20 friends",
            Self::Known => "known followers",
            Self::Visibility => "100 visibility checks",
            Self::Feed => "100 events",
            Self::Follow => "follow",
            Self::Unfollow => "unfollow",
            Self::Celebrity => "follow or unfollow a celebrity",
            Self::Option => "option of a follow",
            Self::ProfileEdit => "profile edit",
        }
    }
}

/// A request that is under way.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Of whom.
    pub side: Side,
    /// What, as reports name it.
    pub kind: &'static str,
    /// What the answer should say.
    pub expect: Expect,
}

/// What an answer should say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Anything.
    Anything,
    /// So many items.
    Items(usize),
    /// A page: at most so many items.
    Page(usize),
    /// One item, whose relationship follows or does not.
    Follows(bool),
    /// An act that changed something: the viewer, by number, now follows that person or no longer does.
    Acted {
        /// Who acted.
        viewer: u32,
        /// Towards whom.
        target: u32,
        /// What is so now.
        following: bool,
    },
    /// A person, by place.
    Person(u32),
    /// Counts of a person, by place.
    CountsOf(u32),
}

impl Expect {
    /// Compares with an answer's body; the error says what is different.
    pub fn check(self, body: &[u8], id: impl Fn(u32) -> String) -> Result<(), String> {
        let told: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let items = || told["items"].as_array().map(Vec::len);
        let right = match self {
            Self::Anything => true,
            Self::Items(expected) => items() == Some(expected),
            Self::Page(most) => items().is_some_and(|items| items <= most),
            Self::Follows(expected) => told["items"][0]["relationship"]["following"] == expected,
            Self::Acted { following, .. } => told["following"] == following && told["changed"] == true,
            Self::Person(person) => told["id"] == id(person),
            Self::CountsOf(person) => told["user_id"] == id(person) && told["followers"].is_u64(),
        };
        let text = || String::from_utf8_lossy(body).chars().take(200).collect::<String>();
        if right { Ok(()) } else { Err(format!("expected {self:?}, was told {}", text())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_is_seen() {
        let check =
            |expect: Expect, body: &str| expect.check(body.as_bytes(), |place| format!("{place}")).is_ok();
        let follows = r#"{"items":[{"id":"1","relationship":{"following":true}}]}"#;
        assert!(check(Expect::Follows(true), follows) && !check(Expect::Follows(false), follows));
        assert!(check(Expect::Items(1), follows) && !check(Expect::Items(2), follows));
        let acted = Expect::Acted { viewer: 1, target: 2, following: true };
        assert!(check(acted, r#"{"following":true,"changed":true}"#));
        assert!(!check(acted, r#"{"following":true,"changed":false}"#));
        assert!(check(Expect::Person(7), r#"{"id":"7"}"#) && !check(Expect::Person(7), r#"{"id":"8"}"#));
        assert!(check(Expect::CountsOf(7), r#"{"user_id":"7","followers":3}"#));
        assert!(!check(Expect::CountsOf(7), r#"{"user_id":"7","followers":null}"#));
        assert!(!check(Expect::Anything, "no json"));
    }
}
