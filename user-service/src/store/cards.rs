//! What this service remembers of people: whole records by id, dropped by the writer when they change.

use std::hash::BuildHasher;
use std::sync::Arc;

use shared::cache::{CacheSize, Commits, Flights, Gate, Marks, Shards, Spread, Stamp, Usage, Weigh};
use shared::db::log::Head;
use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::writer::Memory;

use super::user;
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

/// The memory. Readers look into it, the writer alone changes it.
pub struct Cards {
    commits: Commits,
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

/// The memory, as the writer tells it.
#[derive(Clone)]
pub struct Remembering(pub Arc<Cards>);

impl Memory<UserId> for Remembering {
    fn head_taken(&self, head: Head) {
        self.0.commits.resolve(head.at, || self.0.entries.clear());
    }

    fn committing(&self, told: &[UserId]) -> Marks {
        self.0.commits.begin(told.iter().map(|user| hash(*user)))
    }

    fn committed(&self, told: Vec<UserId>, marks: &Marks, head: Head) {
        self.0.commits.end(marks, head.at, || told.iter().for_each(|user| self.0.entries.forget(user)));
    }

    fn in_doubt(&self, told: Vec<UserId>, marks: Marks) {
        let cards = self.0.clone();
        // At once, since readers ask no stamp; and once more in the end, though nothing is kept until then.
        told.iter().for_each(|user| cards.entries.forget(user));
        self.0.commits.doubt(marks, move || told.iter().for_each(|user| cards.entries.forget(user)));
    }
}
