//! What this service remembers of its tables, person by person.
//!
//! A person's record is in parts, since few questions need all of it: who they are, what they hold, who holds something
//! towards them, what they keep about others. Each is loaded when a question needs it, whole or (the newest of what
//! has no bound) with the word that there is more; and changed by the writer with what a batch told, before anybody
//! is answered. What memory cannot tell truthfully, it does not tell: then the store is asked.

mod ahead;
mod glance;
mod inbound;
mod kept;
mod load;
mod outbound;
mod pages;
mod person;
mod record;
mod told;
mod wire;

use std::hash::BuildHasher;
use std::sync::Arc;

use shared::cache::{CacheSize, Commits, Flights, Gate, Keeping, Memory, Shards, Spread, Stamp, Usage};
use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;

pub use glance::{Glance, Seen};
pub use inbound::{Inbound, Newest};
pub use kept::{Kept, Noted};
pub use load::{Loaded, load, load_within};
pub use outbound::Outbound;
pub use person::{Brief, Card, Person};
pub use record::Record;
pub use told::{Told, Transaction};

use crate::domain::Pair;
use crate::store::fact::KnownUser;
use crate::store::pair::PairChange;

/// Which part of whose record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which.
    pub part: Part,
    /// Whose.
    pub user: UserId,
}

/// A part of a record.
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

/// The memory. Readers glance at it, commits alone change it.
pub struct Graph {
    commits: Commits<Told>,
    /// Whether other processes commit too.
    has_others: bool,
    records: Shards<UserId, Record>,
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
            records: Shards::new(size.entry_bytes()),
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
        self.records.usage()
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

    /// Keeps what was loaded, if no commit went past it. Of whom nobody has heard nothing is kept, so that whoever asks
    /// for many strangers drives nobody out.
    pub fn keep(&self, loaded: &Loaded) -> Keeping {
        if loaded.record.is_empty() {
            return Keeping::Kept;
        }
        self.records.keep(loaded.key.user, loaded.record.clone(), &self.commits.stamps, loaded.noted)
    }

    /// Whether that many edges of one person are kept.
    pub fn fits(&self, edges: i64) -> bool {
        usize::try_from(edges).is_ok_and(|edges| self.records.fits(Outbound::bytes_of(edges)))
    }

    /// A copy of a part, if it is remembered.
    pub fn part(&self, key: Key) -> Option<Record> {
        self.records.look(&key.user, |record| record?.only(key.part))
    }

    fn change(&self, told: Told) {
        match told {
            Told::Pairs(changes) => changes.iter().for_each(|change| self.apply_pair(change)),
            Told::Counts(deltas) => {
                for (user, delta) in deltas {
                    self.change_part(user, |record| &mut record.person, |person| person.count(delta));
                }
            }
            Told::Facts(KnownUser { id, facts, .. }) => {
                self.change_part(id, |record| &mut record.person, |person| person.learn(&facts));
            }
            Told::Note((user, target), note) => {
                self.change_part(user, |record| &mut record.kept, |kept| kept.set_note(target, &note));
            }
            Told::Rows(people) => people.iter().for_each(|user| self.records.forget(user)),
            Told::Uncounted => self.records.forget(&EVERYBODY),
        }
    }

    fn apply_pair(&self, change: &PairChange) {
        let (one, other) = change.key;
        let sides = [
            (one, other, change.before, change.after),
            (other, one, change.before.flip(), change.after.flip()),
        ];
        for (user, target, before, after) in sides {
            self.records.change(&user, |record| {
                apply_side(record, target, before, after);
                !record.is_empty()
            });
        }
    }

    fn change_part<P>(
        &self,
        user: UserId,
        part: impl FnOnce(&mut Record) -> &mut Option<P>,
        change: impl FnOnce(&mut P),
    ) {
        self.records.change(&user, |record| {
            if let Some(part) = part(record) {
                change(part);
            }
            true
        });
    }
}

/// What one side of a pair changes: `before` and `after` are as that side sees them.
fn apply_side(record: &mut Record, target: UserId, before: Pair, after: Pair) {
    if let Some(edges) = &mut record.outbound
        && (before.forward != after.forward || before.backward != after.backward)
    {
        let back = after.backward.since().filter(|_| after.backward.is_follow());
        edges.set(target, after.forward, back);
    }
    if let Some(edges) = &mut record.inbound
        && before.backward != after.backward
        && !edges.set(target, before.backward, after.backward)
    {
        record.inbound = None;
    }
    if let Some(kept) = &mut record.kept
        && before.marks != after.marks
    {
        kept.set_marks(target, after.marks);
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
        told.iter().flat_map(Told::people).for_each(|user| self.0.records.forget(&user));
    }

    fn clear(&self, _: &mut Conn) -> Result<(), StoreError> {
        self.0.records.clear();
        Ok(())
    }
}
