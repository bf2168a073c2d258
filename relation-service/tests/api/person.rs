//! A signed-in person: what they do and what they see, in the words of the contract.

use std::fmt::Display;

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::facts::{AccountStatus, Audience, ListAudience, UserFacts};
use shared::id::{SessionId, UserId};
use shared::testing::{Answer, Client};

/// A person with a client that carries their token.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    pub session: SessionId,
    pub token: String,
    pub http: Client,
}

/// Everything that one person can do to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Follow,
    Unfollow,
    Accept,
    Reject,
    RemoveFollower,
    Block,
    Unblock,
    Mute,
    Unmute,
}

impl Act {
    pub const ALL: [Self; 9] = [
        Self::Follow,
        Self::Unfollow,
        Self::Accept,
        Self::Reject,
        Self::RemoveFollower,
        Self::Block,
        Self::Unblock,
        Self::Mute,
        Self::Unmute,
    ];

    /// The word of `explain`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::Unfollow => "unfollow",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::RemoveFollower => "remove_follower",
            Self::Block => "block",
            Self::Unblock => "unblock",
            Self::Mute => "mute",
            Self::Unmute => "unmute",
        }
    }

    pub fn request(self, id: impl Display) -> (Method, String) {
        match self {
            Self::Follow => (Method::PUT, format!("/v1/me/following/{id}")),
            Self::Unfollow => (Method::DELETE, format!("/v1/me/following/{id}")),
            Self::Accept => (Method::POST, format!("/v1/me/follow-requests/{id}/accept")),
            Self::Reject => (Method::POST, format!("/v1/me/follow-requests/{id}/reject")),
            Self::RemoveFollower => (Method::DELETE, format!("/v1/me/followers/{id}")),
            Self::Block => (Method::PUT, format!("/v1/me/blocks/{id}")),
            Self::Unblock => (Method::DELETE, format!("/v1/me/blocks/{id}")),
            Self::Mute => (Method::PUT, format!("/v1/me/mutes/{id}")),
            Self::Unmute => (Method::DELETE, format!("/v1/me/mutes/{id}")),
        }
    }
}

/// What a [`Person`] has counted of them, in the order of [`Person::counts`].
pub type Counts = [i64; 5];

impl Person {
    /// Acts towards whoever has this id.
    pub async fn try_act(&self, act: Act, id: impl Display) -> Answer {
        let (method, path) = act.request(id);
        self.http.send(method, &path, &[], Vec::new()).await
    }

    /// Acts, which must be allowed; returns whether that changed anything.
    pub async fn act(&self, act: Act, other: &Person) -> bool {
        let body = self.try_act(act, other.id).await.expect(200).json();
        assert_eq!(body["user_id"], other.id.to_string());
        let mut relationship = body.clone();
        relationship.as_object_mut().unwrap().remove("changed");
        assert_eq!(relationship, self.relationship(other).await, "{act:?} answers what a read answers");
        body["changed"].as_bool().unwrap()
    }

    pub async fn follow(&self, other: &Person) -> bool {
        self.act(Act::Follow, other).await
    }

    pub async fn block(&self, other: &Person) -> bool {
        self.act(Act::Block, other).await
    }

    /// Follows with an option.
    pub async fn follow_with_notify(&self, other: &Person, notify: bool) -> Value {
        let path = format!("/v1/me/following/{}", other.id);
        self.http.json(Method::PUT, &path, &json!({"notify": notify})).await.expect(200).json()
    }

    /// How this person stands to the other; null for nobody there.
    pub async fn relationship(&self, other: &Person) -> Value {
        let answer =
            self.http.get(&format!("/v1/me/relationships?ids={}", other.id)).await.expect(200).json();
        assert_eq!(answer["items"][0]["id"], other.id.to_string());
        answer["items"][0]["relationship"].clone()
    }

    /// The words of the relationship that are true, such as `following requested_by`.
    pub async fn sees(&self, other: &Person) -> String {
        true_words(&self.relationship(other).await)
    }

    /// Followers, following, friends, requests received, requests sent.
    pub async fn counts(&self) -> Counts {
        let body = self.http.get(&format!("/v1/users/{}/counts", self.id)).await.expect(200).json();
        assert_eq!(body["user_id"], self.id.to_string());
        ["followers", "following", "friends", "requests_received", "requests_sent"]
            .map(|name| body[name].as_i64().unwrap())
    }

    /// The path of one of this person's lists, for anybody to read.
    pub fn list(&self, name: &str) -> String {
        format!("/v1/users/{}/{name}", self.id)
    }

    /// Everybody on a list, as this person sees it.
    pub async fn walk(&self, path: &str, limit: usize) -> Vec<UserId> {
        walk(&self.http, path, limit).await
    }
}

/// The words of a relationship that are true.
pub fn true_words(relationship: &Value) -> String {
    const WORDS: [&str; 11] = [
        "following",
        "followed_by",
        "friends",
        "requested",
        "requested_by",
        "blocking",
        "muting",
        "mute_notifications",
        "notify",
        "close_friend",
        "changed",
    ];
    let held = |word: &&str| relationship[*word] == true;
    WORDS.into_iter().filter(held).collect::<Vec<_>>().join(" ")
}

/// Walks a whole list, page by page along the `Link` header, which must agree with the cursor.
pub async fn walk(client: &Client, path: &str, limit: usize) -> Vec<UserId> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let mut next = Some(format!("{path}{separator}limit={limit}"));
    let mut found = Vec::new();
    while let Some(page) = next {
        let answer = client.get(&page).await.expect(200);
        let (ids, link) = page_of(&answer);
        assert!(ids.len() <= limit, "{page}");
        assert!(link.is_none() || ids.len() == limit, "a page before the last is short: {page}");
        found.extend(ids);
        next = link;
    }
    let mut distinct = found.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), found.len(), "somebody is listed twice: {path}");
    found
}

/// The people on a page, and where the next one is.
pub fn page_of(answer: &Answer) -> (Vec<UserId>, Option<String>) {
    let body = answer.json();
    let items = body["items"].as_array().unwrap();
    let ids = items.iter().map(|item| item["user_id"].as_str().unwrap().parse().unwrap()).collect();
    let link = answer.header("link");
    let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    match body["next_cursor"].as_str() {
        Some(cursor) => {
            assert!(next.is_some_and(|next| next.ends_with(&format!("cursor={cursor}"))), "{link}")
        }
        None => assert!(link.is_empty() && body["next_cursor"].is_null(), "{link}"),
    }
    (ids, next.map(str::to_owned))
}

/// The ids of people.
pub fn ids(people: &[&Person]) -> Vec<UserId> {
    people.iter().map(|person| person.id).collect()
}

/// All of an answer that does not differ by itself from one request to the next: status, headers and
/// the body's bytes with the request's id blanked.
pub fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    let request_id = answer.header("x-request-id");
    assert!(!request_id.is_empty());
    let differs = ["date", "x-request-id"];
    let headers = answer.headers.iter().filter(|(name, _)| !differs.contains(&name.as_str()));
    let mut headers: Vec<(String, String)> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status.as_u16(), headers, text.replace(request_id, "-"))
}

/// What is known about somebody who has just registered.
pub fn newcomers_facts(name: &str) -> UserFacts {
    UserFacts {
        username: name.into(),
        display_name: name.to_uppercase(),
        avatar_url: None,
        verified: false,
        status: AccountStatus::Active,
        private_account: false,
        show_relations: ListAudience::Everyone,
        show_counts: true,
        suggest_to_others: true,
        messages_from: Audience::Everyone,
        comments_from: Audience::Everyone,
        mentions_from: Audience::Everyone,
    }
}
