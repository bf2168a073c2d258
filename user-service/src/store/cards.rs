//! What this service remembers: people, as whole records by id, which go when they change; and the sessions that ended
//! before their time, by which their tokens are refused.

use std::hash::BuildHasher;
use std::sync::Arc;

use shared::cache::{CacheSize, Commits, Flights, Gate, Memory, Shards, Spread, Stamp, Usage, Weigh};
use shared::clock::{Clock, Micros};
use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::token::{ACCESS_TOKEN_LIFE, Revoked};

use super::told::Told;
use super::{session, user};
use crate::domain::account::User;
use crate::domain::email::Email;

/// A remembered record.
#[derive(Debug, Clone)]
struct Card(Arc<User>);

impl Weigh for Card {
    fn weight(&self) -> usize {
        let user = &self.0;
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        let links: usize = user.links.iter().map(|link| size_of::<String>() + link.capacity()).sum();
        let email = user.email.as_ref().map_or(0, |email: &Email| email.as_str().len());
        let own = user.username.as_str().len() + user.display_name.capacity() + user.bio.capacity();
        let optional = text(&user.avatar_url) + text(&user.region) + text(&user.language);
        2 * size_of::<usize>() + size_of::<User>() + own + optional + links + email
    }
}

/// The memory of people. Readers look into it, commits alone change it.
pub struct Cards {
    commits: Commits<Told>,
    entries: Shards<UserId, Card>,
    flights: Flights<UserId>,
}

fn hash(user: UserId) -> u64 {
    Spread::default().hash_one(user)
}

impl Cards {
    /// An empty one.
    pub fn new(size: CacheSize) -> Self {
        Self {
            commits: Commits::new(size.stamps()),
            entries: Shards::new(size.entry_bytes()),
            flights: Flights::new(),
        }
    }

    /// What was read, found and held so far.
    pub fn usage(&self) -> Usage {
        self.entries.usage()
    }

    /// For those who read the database beside it.
    pub fn gate(&self) -> Gate {
        self.commits.gate()
    }

    /// What is being loaded.
    pub fn flights(&self) -> &Flights<UserId> {
        &self.flights
    }

    /// The person, whatever became of them, if they are remembered. A record is one entry, so no stamp is asked.
    pub fn get(&self, user: UserId) -> Option<Arc<User>> {
        self.entries.get(&user).map(|card| card.0)
    }

    /// Loads these people and remembers those who are there.
    pub fn load(&self, conn: &mut Conn, users: &[UserId]) -> Result<Vec<Arc<User>>, StoreError> {
        let noted: Vec<Stamp> = users.iter().map(|user| self.commits.stamps.note(hash(*user))).collect();
        let mut found = user::users(conn, users)?;
        let loaded = users.iter().zip(noted).filter_map(|(id, noted)| {
            let user = Arc::new(found.remove(id)?);
            self.entries.keep(*id, Card(user.clone()), &self.commits.stamps, noted);
            Some(user)
        });
        Ok(loaded.collect())
    }
}

/// The memory, for those who change it.
#[derive(Clone)]
pub struct Remembering {
    /// People; without room where none are to be remembered.
    pub cards: Arc<Cards>,
    /// The sessions whose tokens are refused.
    pub revoked: Revoked,
    /// The time.
    pub clock: Clock,
}

impl Memory<Told> for Remembering {
    fn commits(&self) -> &Commits<Told> {
        &self.cards.commits
    }

    fn touched(&self, told: &[Told]) -> Vec<u64> {
        let person = |told: &Told| match told {
            Told::Person(user) => Some(hash(*user)),
            Told::Ended(_) => None,
        };
        told.iter().filter_map(person).collect()
    }

    fn apply(&self, told: Told) {
        match told {
            Told::Person(user) => self.cards.entries.forget(&user),
            Told::Ended(session) => self.revoked.add(session, self.clock.now()),
        }
    }

    fn forget(&self, told: &[Told]) {
        for told in told {
            match told {
                Told::Person(user) => self.cards.entries.forget(user),
                // If it has ended, whoever ends it again finds that it has, and refuses its tokens.
                Told::Ended(_) => {}
            }
        }
    }

    fn clear(&self, conn: &mut Conn) -> Result<(), StoreError> {
        self.cards.entries.clear();
        recall_revoked(conn, &self.revoked, self.clock.now())
    }
}

/// Has the tokens refused of all sessions that ended before their tokens expire.
pub fn recall_revoked(conn: &mut Conn, revoked: &Revoked, now: Micros) -> Result<(), StoreError> {
    for (session, at) in session::revoked_since(conn, now.before(ACCESS_TOKEN_LIFE))? {
        revoked.add(session, at);
    }
    Ok(())
}
