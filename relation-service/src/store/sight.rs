//! What questions about people may ask, and of whom: the store, statement by statement, or what is remembered of it.
//! A question is one function of a [`Sight`], so memory and the store cannot answer it by different rules.

use std::collections::HashMap;

use shared::clock::Micros;
use shared::db::{Conn, StoreError, distinct};
use shared::id::UserId;
use shared::page::PageRequest;

use super::graph::{Brief, Card, Person};
use super::list::{self, Entry, List, Order};
use super::mark::{self, Muted};
use super::pair::Key;
use super::{count, fact, follow_start, note, pair};
use crate::domain::{CountDelta, Marks, Pair};

/// What a question is about to ask: the store fetches it with a few statements, memory with looks that do not wait for
/// each other. Anybody may be named more than once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs<'a> {
    /// Of whom the facts.
    pub people: &'a [UserId],
    /// Of whom the facts as lists show them.
    pub cards: &'a [UserId],
    /// Of whom the counters; they are among the people.
    pub counts: &'a [UserId],
    /// Of whom the counters as they are shown.
    pub shown: &'a [UserId],
    /// Which pairs' edges, both ways.
    pub pairs: &'a [Key],
    /// The same, with the facts of both people: of the target, then of the source.
    pub meetings: &'a [Key],
    /// Which marks.
    pub marks: &'a [Key],
    /// Which notes.
    pub notes: &'a [Key],
    /// Who began to follow others, and when, as far back as this.
    pub starts: Option<(&'a [UserId], Micros)>,
}

/// Which page of which list.
#[derive(Debug, Clone, Copy)]
pub struct PageOf {
    /// Which list.
    pub list: List,
    /// Whose.
    pub owner: UserId,
    /// In which order.
    pub order: Order,
    /// Which page.
    pub page: PageRequest,
    /// Without whom this person blocks, and who blocks them.
    pub filter_for: Option<UserId>,
}

/// What is there to be seen. What cannot be seen is answered with nothing, and then the whole answer does not count:
/// whoever made the sight finds that out at the end.
pub trait Sight {
    /// Whether it is of use to say what is asked next, of so many.
    fn needs_words(&self, items: usize) -> bool;

    /// Says what is asked next, in the order in which it will be.
    fn prepare(&mut self, needs: Needs<'_>);

    /// Says that two people are asked about next, together: of use where their records are read in their places.
    fn meet(&mut self, _source: UserId, _target: UserId) {}

    /// A person; nothing if nobody has heard of them.
    fn person(&mut self, user: UserId) -> Option<Brief>;

    /// A person as lists show them; nothing if nobody has heard of them.
    fn card(&mut self, user: UserId) -> Option<Card>;

    /// The counters of a person, as if everybody who was hidden or came back had been counted out or in at once.
    fn counts(&mut self, user: UserId, person: Brief) -> CountDelta;

    /// The edges of a pair.
    fn pair(&mut self, source: UserId, target: UserId) -> Pair;

    /// The source's marks on the target.
    fn marks(&mut self, source: UserId, target: UserId) -> Marks;

    /// The source's note about the target.
    fn note(&mut self, source: UserId, target: UserId) -> String;

    /// When somebody began to follow others, since a time.
    fn starts(&mut self, user: UserId, from: Micros) -> Vec<Micros>;

    /// The rows of a page, without hidden people: one more than it holds, if there is another.
    fn page(&mut self, wanted: PageOf) -> Vec<Entry>;

    /// The rows of a page of close friends, likewise.
    fn close_friends(&mut self, owner: UserId, page: PageRequest) -> Vec<Entry>;

    /// The rows of a page of mutes that hold, likewise.
    fn mutes(&mut self, owner: UserId, now: Micros, page: PageRequest) -> Vec<Muted>;
}

/// The store.
pub struct Statements<'c> {
    conn: &'c mut Conn,
    people: HashMap<UserId, Person>,
    shown: HashMap<UserId, CountDelta>,
    pairs: HashMap<Key, Pair>,
    marks: HashMap<Key, Marks>,
    notes: HashMap<Key, String>,
    starts: HashMap<UserId, Vec<Micros>>,
    unknown: Vec<UserId>,
    failure: Option<StoreError>,
}

impl<'c> Statements<'c> {
    /// On a connection.
    pub fn new(conn: &'c mut Conn) -> Self {
        Self {
            conn,
            people: HashMap::new(),
            shown: HashMap::new(),
            pairs: HashMap::new(),
            marks: HashMap::new(),
            notes: HashMap::new(),
            starts: HashMap::new(),
            unknown: Vec::new(),
            failure: None,
        }
    }

    /// Of whom nobody has heard among those who were asked for; or why the answer does not count.
    pub fn end(self) -> Result<Vec<UserId>, StoreError> {
        let Self { mut unknown, failure, .. } = self;
        unknown.sort_unstable();
        unknown.dedup();
        failure.map_or(Ok(unknown), Err)
    }

    fn fetch(&mut self, needs: Needs<'_>) -> Result<(), StoreError> {
        let met = needs.meetings.iter().flat_map(|(source, target)| [source, target]);
        let people = distinct(needs.people.iter().chain(needs.cards).chain(met).copied());
        if !people.is_empty() {
            let counts = count::counts(self.conn, &distinct(needs.counts.iter().copied()))?;
            let person = |(user, known): (UserId, fact::KnownUser)| {
                (user, Person::new(&known.facts, counts.get(&user).copied().unwrap_or_default()))
            };
            self.people.extend(fact::known(self.conn, &people)?.into_iter().map(person));
        }
        self.shown.extend(count::shown(self.conn, needs.shown)?);
        self.pairs
            .extend(pair::pairs(self.conn, &distinct(needs.pairs.iter().chain(needs.meetings).copied()))?);
        self.marks.extend(mark::marks(self.conn, needs.marks)?);
        self.notes.extend(note::notes(self.conn, needs.notes)?);
        if let Some((users, from)) = needs.starts {
            self.starts.extend(follow_start::starts(self.conn, users, from)?);
        }
        Ok(())
    }

    fn known(&mut self, user: UserId) -> Option<&Person> {
        let found = self.people.get(&user);
        if found.is_none() {
            self.unknown.push(user);
        }
        found
    }

    /// What a statement says; nothing from the first failure on.
    fn ask<T>(&mut self, ask: impl FnOnce(&mut Conn) -> Result<Vec<T>, StoreError>) -> Vec<T> {
        if self.failure.is_some() {
            return Vec::new();
        }
        ask(self.conn).unwrap_or_else(|failure| {
            self.failure = Some(failure);
            Vec::new()
        })
    }
}

impl Sight for Statements<'_> {
    fn needs_words(&self, _: usize) -> bool {
        true
    }

    fn prepare(&mut self, needs: Needs<'_>) {
        if self.failure.is_none() {
            self.failure = self.fetch(needs).err();
        }
    }

    fn person(&mut self, user: UserId) -> Option<Brief> {
        self.known(user).map(Person::brief)
    }

    fn card(&mut self, user: UserId) -> Option<Card> {
        self.known(user).map(|person| person.card().clone())
    }

    fn counts(&mut self, user: UserId, _: Brief) -> CountDelta {
        self.shown.get(&user).copied().unwrap_or_default()
    }

    fn pair(&mut self, source: UserId, target: UserId) -> Pair {
        self.pairs.get(&(source, target)).copied().unwrap_or_default()
    }

    fn marks(&mut self, source: UserId, target: UserId) -> Marks {
        self.marks.get(&(source, target)).copied().unwrap_or_default()
    }

    fn note(&mut self, source: UserId, target: UserId) -> String {
        self.notes.get(&(source, target)).cloned().unwrap_or_default()
    }

    fn starts(&mut self, user: UserId, _: Micros) -> Vec<Micros> {
        self.starts.get(&user).cloned().unwrap_or_default()
    }

    fn page(&mut self, wanted: PageOf) -> Vec<Entry> {
        let PageOf { list, owner, order, page, filter_for } = wanted;
        self.ask(|conn| list::page(conn, list, owner, order, page, filter_for))
    }

    fn close_friends(&mut self, owner: UserId, page: PageRequest) -> Vec<Entry> {
        self.ask(|conn| mark::close_friends(conn, owner, page))
    }

    fn mutes(&mut self, owner: UserId, now: Micros, page: PageRequest) -> Vec<Muted> {
        self.ask(|conn| mark::mutes(conn, owner, now, page))
    }
}

/// What a person who would follow holds, if nobody has heard of them.
pub fn counts_of(person: Option<Brief>) -> CountDelta {
    person.map(|person| person.counts).unwrap_or_default()
}
