//! A look at memory for one answer: what it reads it notes the stamp of, what is not there it notes as well.

use std::collections::HashMap;

use shared::cache::Stamp;
use shared::clock::Micros;
use shared::id::UserId;
use shared::page::PageRequest;

use super::ahead::{AHEAD_MIN, Met, Read};
use super::{Brief, Card, EVERYBODY, Graph, Key, Loaded, Noted, Part, Person, Record};
use crate::domain::{CountDelta, Edge, Marks, Pair};
use crate::store::list;
use crate::store::mark::Muted;
use crate::store::sight::{Needs, PageOf, Sight};

/// Stamps of a usual answer.
const STAMPS_USUAL: usize = 8;

/// The look.
pub struct Glance<'g> {
    pub(super) graph: &'g Graph,
    /// What was loaded for this answer, in case that it was not kept.
    loaded: &'g HashMap<Key, Loaded>,
    pub(super) ahead: Read,
    pub(super) met: Option<Met>,
    pub(super) noted: Vec<Stamp>,
    /// Of what was loaded and not kept: these must be as quiet as they were.
    noted_loaded: Vec<Stamp>,
    gaps: Vec<Key>,
    pub(super) beyond: bool,
    pub(super) unknown: Vec<UserId>,
    /// One who keeps nothing about anybody, as nearly everybody.
    pub(super) keeps_nothing: Option<UserId>,
}

/// What came of a look.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// All that was read was true at one moment.
    True {
        /// The stamps of it.
        noted: Vec<Stamp>,
        /// Of whom nobody has heard.
        unknown: Vec<UserId>,
    },
    /// A commit went past it.
    Moved,
    /// These are to be loaded first.
    Gaps(Vec<Key>),
    /// Only the store can tell.
    Beyond,
}

impl Graph {
    /// A look for one answer.
    pub fn glance<'g>(&'g self, loaded: &'g HashMap<Key, Loaded>) -> Glance<'g> {
        Glance {
            graph: self,
            loaded,
            ahead: Read::default(),
            met: None,
            noted: Vec::with_capacity(STAMPS_USUAL),
            noted_loaded: Vec::new(),
            gaps: Vec::new(),
            beyond: false,
            unknown: Vec::new(),
            keeps_nothing: None,
        }
    }
}

impl Glance<'_> {
    /// Ends a look that found all of what it looked for, as it was at one moment; false for any other.
    pub fn is_whole(self) -> bool {
        let all = !self.beyond && self.gaps.is_empty() && self.noted_loaded.is_empty();
        let whole = all && self.unknown.is_empty() && self.graph.holds(&self.noted);
        if whole {
            self.graph.records.count(looks(self.noted.len()), 0);
        }
        whole
    }

    /// Ends the look.
    pub fn end(mut self) -> Seen {
        self.graph.records.count(looks(self.noted.len()), looks(self.gaps.len() + self.noted_loaded.len()));
        if self.beyond {
            return Seen::Beyond;
        }
        if !self.gaps.is_empty() {
            self.gaps.sort_unstable();
            self.gaps.dedup();
            return Seen::Gaps(self.gaps);
        }
        if !self.graph.holds(&self.noted) || !self.graph.is_quiet(&self.noted_loaded) {
            return Seen::Moved;
        }
        self.noted.append(&mut self.noted_loaded);
        self.unknown.sort_unstable();
        self.unknown.dedup();
        Seen::True { noted: self.noted, unknown: self.unknown }
    }

    /// What `read` makes of a part of somebody's record; nothing if that is not there, which is noted.
    pub(super) fn read<R>(
        &mut self,
        part: Part,
        user: UserId,
        read: impl Fn(&Record) -> Option<R>,
    ) -> Option<R> {
        let noted = self.graph.note(user);
        let found = self.graph.records.look(&user, |record| read(record?));
        match found {
            Some(_) => self.noted.push(noted),
            None => return self.read_loaded(Key { part, user }, read),
        }
        found
    }

    /// The same of many people, in their order; `read` is told which, and `touch` begins with what it will need.
    pub(super) fn read_each<R>(
        &mut self,
        part: Part,
        users: &[UserId],
        touch: impl Fn(&Record) -> Option<u64>,
        read: impl Fn(usize, &Record) -> Option<R>,
    ) -> Vec<Option<R>> {
        let visited = self.visit(users, touch, |number, record| read(number, record));
        let answer = |(number, (noted, found)): (usize, (Stamp, Option<R>))| match found {
            Some(_) => {
                self.noted.push(noted);
                found
            }
            None => self.read_loaded(Key { part, user: users[number] }, |record| read(number, record)),
        };
        visited.into_iter().enumerate().map(answer).collect()
    }

    /// What `read` makes of the records, with the stamps from before.
    pub(super) fn visit<R>(
        &mut self,
        users: &[UserId],
        touch: impl Fn(&Record) -> Option<u64>,
        read: impl Fn(usize, &Record) -> Option<R>,
    ) -> Vec<(Stamp, Option<R>)> {
        let mut visited: Vec<(Stamp, Option<R>)> =
            users.iter().map(|user| (self.graph.note(*user), None)).collect();
        let touch = |record: &Record| touch(record).unwrap_or_default();
        self.graph.records.look_each(users, touch, |number, record| {
            visited[number].1 = record.and_then(|record| read(number, record));
        });
        self.noted.reserve(users.len());
        visited
    }

    fn read_loaded<R>(&mut self, key: Key, read: impl Fn(&Record) -> Option<R>) -> Option<R> {
        let Some(loaded) = self.loaded.get(&key) else {
            self.gaps.push(key);
            return None;
        };
        self.noted_loaded.push(loaded.noted);
        if loaded.record.is_empty() {
            self.unknown.push(key.user);
        }
        read(&loaded.record)
    }

    fn edge(&mut self, source: UserId, target: UserId) -> Edge {
        let edge = self.read(Part::Outbound, source, |record| Some(record.outbound.as_ref()?.edge(target)));
        edge.unwrap_or_default()
    }

    fn keeps_nothing(&mut self, user: UserId) -> bool {
        if self.keeps_nothing == Some(user) {
            return true;
        }
        let nothing = self.read(Part::Kept, user, |record| Some(record.kept.as_ref()?.is_empty()));
        self.keeps_nothing = nothing.unwrap_or(true).then_some(user);
        self.keeps_nothing.is_some()
    }
}

fn looks(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl Sight for Glance<'_> {
    fn needs_words(&self, items: usize) -> bool {
        items >= AHEAD_MIN
    }

    fn prepare(&mut self, needs: Needs<'_>) {
        self.read_ahead(needs);
    }

    fn meet(&mut self, source: UserId, target: UserId) {
        self.begin((source, target));
    }

    fn counts(&mut self, _: UserId, person: Brief) -> CountDelta {
        if let Some(true) = self.read(Part::Counting, EVERYBODY, |record| record.counting) {
            self.beyond = true;
        }
        person.counts
    }

    fn person(&mut self, user: UserId) -> Option<Brief> {
        if let Some(brief) = self.met.as_ref().and_then(|met| met.brief(user)) {
            return Some(brief);
        }
        let ahead = self.ahead.people.take(user);
        ahead.unwrap_or_else(|| {
            self.read(Part::Person, user, |record| record.person.as_ref().map(Person::brief))
        })
    }

    fn card(&mut self, user: UserId) -> Option<Card> {
        let ahead = self.ahead.cards.take(user);
        ahead.unwrap_or_else(|| {
            self.read(Part::Person, user, |record| Some(record.person.as_ref()?.card().clone()))
        })
    }

    fn pair(&mut self, source: UserId, target: UserId) -> Pair {
        if let Some(met) = self.met.as_ref().filter(|met| met.key == (source, target)) {
            return met.pair;
        }
        let ahead = self.ahead.pairs.take((source, target));
        ahead.map_or_else(
            || Pair {
                forward: self.edge(source, target),
                backward: self.edge(target, source),
                ..Pair::default()
            },
            Option::unwrap_or_default,
        )
    }

    fn marks(&mut self, source: UserId, target: UserId) -> Marks {
        if self.keeps_nothing(source) {
            return Marks::default();
        }
        let marks = self.read(Part::Kept, source, |record| Some(record.kept.as_ref()?.marks(target)));
        marks.unwrap_or_default()
    }

    fn note(&mut self, source: UserId, target: UserId) -> String {
        if self.keeps_nothing(source) {
            return String::new();
        }
        let note = self.read(Part::Kept, source, |record| {
            Some(match record.kept.as_ref()?.note(target) {
                Noted::Text(text) => Some(text.to_owned()),
                Noted::Long => None,
            })
        });
        self.beyond |= matches!(note, Some(None));
        note.flatten().unwrap_or_default()
    }

    fn starts(&mut self, _: UserId, _: Micros) -> Vec<Micros> {
        self.beyond = true;
        Vec::new()
    }

    fn page(&mut self, wanted: PageOf) -> Vec<list::Entry> {
        self.page_of(wanted)
    }

    fn close_friends(&mut self, owner: UserId, page: PageRequest) -> Vec<list::Entry> {
        self.close_friends_of(owner, page)
    }

    fn mutes(&mut self, owner: UserId, now: Micros, page: PageRequest) -> Vec<Muted> {
        self.mutes_of(owner, now, page)
    }
}
