//! What this service remembers of its tables, person by person.
//!
//! A person's entry is in parts, since few questions need all of it: who they are, what they hold, who holds something
//! towards them, what they keep about others. Each is loaded when a question needs it, whole or (the newest of what
//! has no bound) with the word that there is more; and changed by the writer with what a batch told, before anybody
//! is answered. What memory cannot tell truthfully, it does not tell: then the store is asked.

mod glance;
mod inbound;
mod kept;
mod load;
mod outbound;
mod person;
mod told;
mod wire;

use std::hash::BuildHasher;
use std::sync::Arc;

use shared::cache::{
    CacheSize, Commits, Flights, Gate, Keeping, Memory, Shards, Spread, Stamp, Usage, Weigh,
};
use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;

pub use glance::{Glance, Seen};
pub use inbound::{Inbound, Newest};
pub use kept::{Kept, Noted};
pub use load::{Loaded, load, load_within};
pub use outbound::Outbound;
pub use person::Person;
pub use told::{Told, Transaction};

use crate::domain::Edge;
use crate::store::pair::PairChange;

/// Which part of whose entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which.
    pub part: Part,
    /// Whose.
    pub user: UserId,
}

/// A part of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Who they are: [`Person`].
    Person,
    /// What they hold: [`Outbound`].
    Outbound,
    /// Who holds something towards them: [`Inbound`].
    Inbound,
    /// What they keep about others: [`Kept`].
    Kept,
    /// Of [`EVERYBODY`]: whether counters are being brought up to date.
    Counting,
}

/// Under whom that stands which is of nobody alone: no person has this id.
const EVERYBODY: UserId = UserId::new(0);

impl Part {
    const ALL: [Self; 5] = [Self::Person, Self::Outbound, Self::Inbound, Self::Kept, Self::Counting];
}

/// A part of an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Who they are.
    Person(Arc<Person>),
    /// What they hold.
    Outbound(Arc<Outbound>),
    /// Who holds something towards them.
    Inbound(Arc<Inbound>),
    /// What they keep about others.
    Kept(Arc<Kept>),
    /// Whether counters lag behind somebody who was hidden or came back.
    Counting(bool),
    /// Nobody has heard of them. Never kept, so that whoever asks for many strangers drives nobody out.
    Nobody,
}

impl Weigh for Entry {
    fn weight(&self) -> usize {
        // Beside each part, the two counts of its `Arc`.
        2 * size_of::<usize>()
            + match self {
                Self::Person(person) => person.weight(),
                Self::Outbound(edges) => edges.weight(),
                Self::Inbound(edges) => edges.weight(),
                Self::Kept(kept) => kept.weight(),
                Self::Counting(_) => 0,
                Self::Nobody => usize::MAX / 2,
            }
    }
}

/// The memory. Readers glance at it, commits alone change it.
pub struct Graph {
    commits: Commits<Told>,
    /// Whether other processes commit too.
    has_others: bool,
    entries: Shards<Key, Entry>,
    flights: Flights<Key>,
}

fn hash(user: UserId) -> u64 {
    Spread::default().hash_one(user)
}

impl Graph {
    /// An empty one.
    pub fn new(size: CacheSize) -> Self {
        Self {
            commits: Commits::new(size.stamps()),
            has_others: false,
            entries: Shards::new(size.entry_bytes()),
            flights: Flights::new(),
        }
    }

    /// An empty one beside other processes that commit too.
    pub fn beside_others(size: CacheSize) -> Self {
        Self { has_others: true, ..Self::new(size) }
    }

    /// Whether other processes commit too: then what is loaded may be newer than what is remembered.
    pub fn has_others(&self) -> bool {
        self.has_others
    }

    /// As of when it is.
    pub fn place(&self) -> Option<Micros> {
        self.commits.place()
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
    pub fn flights(&self) -> &Flights<Key> {
        &self.flights
    }

    /// The person's stamp as it is.
    pub fn note(&self, user: UserId) -> Stamp {
        self.commits.stamps.note(hash(user))
    }

    /// What was loaded as of a time that memory has come to since, if it is still true.
    pub fn still_true(&self, loaded: Loaded) -> Option<Loaded> {
        let Some(as_of) = loaded.as_of else { return Some(loaded) };
        let noted = self.commits.stamps.note_as_of(hash(loaded.key.user), as_of.get())?;
        Some(Loaded { noted, as_of: None, ..loaded })
    }

    /// Whether nothing of these people was changed since, and nothing is about to be.
    pub fn is_quiet(&self, noted: &[Stamp]) -> bool {
        noted.iter().all(|stamp| self.commits.stamps.is_quiet(*stamp))
    }

    /// Whether everything noted was true at one moment.
    pub fn holds(&self, noted: &[Stamp]) -> bool {
        self.commits.stamps.hold(noted)
    }

    /// Keeps what was loaded, if no commit went past it.
    pub fn keep(&self, loaded: &Loaded) -> Keeping {
        if matches!(loaded.entry, Entry::Nobody) {
            return Keeping::Kept;
        }
        self.entries.keep(loaded.key, loaded.entry.clone(), &self.commits.stamps, loaded.noted)
    }

    /// Whether that many edges of one person are kept.
    pub fn fits(&self, edges: i64) -> bool {
        usize::try_from(edges).is_ok_and(|edges| self.entries.fits(Outbound::bytes_of(edges)))
    }

    /// What is remembered of a part.
    pub fn look(&self, key: Key) -> Option<Entry> {
        self.entries.look(&key)
    }

    fn change(&self, told: Told) {
        match told {
            Told::Pairs(changes) => changes.iter().for_each(|change| self.apply_pair(change)),
            Told::Counts(deltas) => {
                for (user, delta) in deltas {
                    self.change_person(user, |person| person.counts += delta);
                }
            }
            Told::Facts(known) => self.change_person(known.id, |person| person.facts = known.facts),
            Told::Note((user, target), note) => self.change_kept(user, |kept| kept.set_note(target, &note)),
            Told::Rows(people) => people.into_iter().for_each(|user| self.forget(user)),
            Told::Uncounted => self.forget(EVERYBODY),
        }
    }

    fn apply_pair(&self, change: &PairChange) {
        let (one, other) = change.key;
        let sides = [
            (one, other, change.before, change.after),
            (other, one, change.before.flip(), change.after.flip()),
        ];
        for (user, target, before, after) in sides {
            if before.forward != after.forward || before.backward != after.backward {
                let back = after.backward.since().filter(|_| after.backward.is_follow());
                self.change_outbound(user, |edges| edges.set(target, after.forward, back));
            }
            if before.backward != after.backward {
                self.change_inbound(user, target, before.backward, after.backward);
            }
            if before.marks != after.marks {
                self.change_kept(user, |kept| kept.set_marks(target, after.marks));
            }
        }
    }

    fn change_person(&self, user: UserId, change: impl FnOnce(&mut Person)) {
        self.entries.change(&Key { part: Part::Person, user }, |entry| {
            let Entry::Person(person) = entry else { return false };
            change(Arc::make_mut(person));
            true
        });
    }

    fn change_outbound(&self, user: UserId, change: impl FnOnce(&mut Outbound)) {
        self.entries.change(&Key { part: Part::Outbound, user }, |entry| {
            let Entry::Outbound(edges) = entry else { return false };
            change(Arc::make_mut(edges));
            true
        });
    }

    fn change_inbound(&self, user: UserId, source: UserId, before: Edge, after: Edge) {
        self.entries.change(&Key { part: Part::Inbound, user }, |entry| {
            let Entry::Inbound(edges) = entry else { return false };
            Arc::make_mut(edges).set(source, before, after)
        });
    }

    fn change_kept(&self, user: UserId, change: impl FnOnce(&mut Kept)) {
        self.entries.change(&Key { part: Part::Kept, user }, |entry| {
            let Entry::Kept(kept) = entry else { return false };
            change(Arc::make_mut(kept));
            true
        });
    }

    fn forget(&self, user: UserId) {
        for part in Part::ALL {
            self.entries.forget(&Key { part, user });
        }
    }
}

/// A handle on the memory for those who change it.
#[derive(Clone)]
pub struct Remembering(pub Arc<Graph>);

impl Memory<Told> for Remembering {
    fn commits(&self) -> &Commits<Told> {
        &self.0.commits
    }

    fn touched(&self, told: &[Told]) -> Vec<u64> {
        told.iter().flat_map(Told::people).map(hash).collect()
    }

    fn apply(&self, told: Told) {
        self.0.change(told);
    }

    fn forget(&self, told: &[Told]) {
        told.iter().flat_map(Told::people).for_each(|user| self.0.forget(user));
    }

    fn clear(&self, _: &mut Conn) -> Result<(), StoreError> {
        self.0.entries.clear();
        Ok(())
    }
}
