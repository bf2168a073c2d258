//! What a page of user-service's feed says.

use std::collections::HashMap;

use log::error;
use shared::event::{Event, EventPage};
use shared::facts::UserFacts;
use shared::id::{SessionId, UserId};

use super::change::Learned;
use super::user_client::Failure;
use crate::store::fact::KnownUser;

/// The newest facts of each person on a page, who is gone, the sessions that ended, and what could not be read. Events
/// that were emptied tell nothing: their person is gone, as a later event says.
pub fn learned_from(page: &EventPage) -> Learned {
    let mut users: HashMap<UserId, KnownUser> = HashMap::new();
    let position_at = page.items.last().map(|event| event.at);
    let mut learned = Learned { position: Some(page.next_after), position_at, ..Learned::default() };
    for event in &page.items {
        let emptied = event.data.as_object().is_some_and(serde_json::Map::is_empty);
        let read = if event.kind == "user.deleted" {
            subject_of(event).map(|user| {
                users.remove(&user);
                learned.deleted.push((user, event.seq));
            })
        } else if emptied {
            Ok(())
        } else if event.kind == "session.revoked" {
            session_of(event).map(|session| learned.revoked.push((session, event.at)))
        } else if event.kind.starts_with("user.") {
            known_from(event).map(|known| drop(users.insert(known.id, known)))
        } else {
            Ok(())
        };
        if let Err(reason) = read {
            error!("event {} ({}) of user-service is parked: {reason}", event.seq, event.kind);
            learned.parked.push((event.seq, reason));
        }
    }
    learned.users = users.into_values().collect();
    learned
}

fn subject_of(event: &Event) -> Result<UserId, Failure> {
    event.subject_id.ok_or_else(|| "it names nobody".into())
}

fn known_from(event: &Event) -> Result<KnownUser, Failure> {
    let id = subject_of(event)?;
    // Without the parser's own words: they have parts of the data in them, and this is kept.
    let facts: Result<UserFacts, _> = serde_json::from_value(event.data.clone());
    let facts = facts.map_err(|_| "its data are not facts about a person")?;
    Ok(KnownUser { id, seq: event.seq, facts })
}

fn session_of(event: &Event) -> Result<SessionId, Failure> {
    let session = event.data.get("session_id").and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
    session.ok_or_else(|| "it names no session".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::clock::Micros;

    use super::*;

    fn event(seq: i64, kind: &str, data: serde_json::Value) -> Event {
        let subject_id = Some(UserId::new(5));
        Event { seq, kind: kind.into(), at: Micros::new(seq), actor_id: None, subject_id, cause: None, data }
    }

    fn facts(name: &str) -> serde_json::Value {
        json!({"username": name, "display_name": "", "avatar_url": null, "verified": false, "status": "active",
            "private_account": false, "show_relations": "everyone", "show_counts": true,
            "suggest_to_others": true, "messages_from": "everyone", "comments_from": "everyone",
            "mentions_from": "everyone"})
    }

    #[test]
    fn a_page_becomes_the_newest_facts_of_each_person() {
        let items = vec![
            event(1, "user.registered", facts("old")),
            event(2, "session.revoked", json!({"session_id": "77"})),
            event(3, "user.renamed", facts("new")),
            event(4, "user.updated", json!({"unreadable": true})),
            event(5, "something.else", json!({})),
        ];
        let learned = learned_from(&EventPage { items, next_after: 5, oldest: 1, newest: 5 });
        assert_eq!(learned.position_at, Some(Micros::new(5)));
        assert_eq!((learned.position, learned.deleted.as_slice()), (Some(5), &[][..]));
        assert_eq!(learned.revoked, [(SessionId::new(77), Micros::new(2))]);
        let known: Vec<(i64, &str)> =
            learned.users.iter().map(|u| (u.seq, u.facts.username.as_str())).collect();
        assert_eq!(known, [(3, "new")]);
        assert_eq!(learned.parked.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn who_is_gone_is_no_more_known_whatever_their_events_were() {
        let items = vec![
            event(1, "user.registered", json!({})),
            event(2, "session.revoked", json!({})),
            event(3, "user.updated", facts("ann")),
            event(4, "user.deleted", json!({})),
        ];
        let learned = learned_from(&EventPage { items, next_after: 4, oldest: 1, newest: 4 });
        let (position, position_at) = (Some(4), Some(Micros::new(4)));
        let deleted = vec![(UserId::new(5), 4)];
        let gone = Learned { deleted, position, position_at, ..Learned::default() };
        assert_eq!(format!("{learned:?}"), format!("{gone:?}"));
    }
}
