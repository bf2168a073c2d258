//! What a look has read before it was asked: of many people, memory answers best when it is asked of all at once.

use shared::cache::Stamp;
use shared::id::UserId;

use super::{Brief, Card, Glance, Kept, Part, Person, Record};
use crate::domain::{Edge, Pair};
use crate::store::pair::Key;
use crate::store::sight::Needs;

/// Of fewer it is not worth it.
pub(super) const AHEAD_MIN: usize = 4;

/// Answers in the order in which they will be asked for.
pub(super) struct Ahead<K, V> {
    answers: Vec<(K, Option<V>)>,
    next: usize,
}

impl<K, V> Default for Ahead<K, V> {
    fn default() -> Self {
        Self { answers: Vec::new(), next: 0 }
    }
}

impl<K: Copy + PartialEq, V> Ahead<K, V> {
    fn new(keys: &[K], answers: Vec<Option<V>>) -> Self {
        Self { answers: keys.iter().copied().zip(answers).collect(), next: 0 }
    }

    /// The answer, if it is among those to come; otherwise whoever asks looks for themselves. Those before it are not asked for.
    pub(super) fn take(&mut self, key: K) -> Option<Option<V>> {
        let rest = self.answers.get_mut(self.next..)?;
        let at = rest.iter().position(|(next, _)| *next == key)?;
        self.next += at + 1;
        Some(rest[at].1.take())
    }
}

/// All that is read ahead.
#[derive(Default)]
pub(super) struct Read {
    pub(super) people: Ahead<UserId, Brief>,
    pub(super) cards: Ahead<UserId, Card>,
    pub(super) pairs: Ahead<Key, Pair>,
    pub(super) meetings: Meetings,
}

/// A pair that is being asked about, and its people.
pub(super) struct Met {
    pub(super) key: Key,
    source: Option<Brief>,
    target: Brief,
    pub(super) pair: Pair,
}

impl Met {
    /// One of the two, if it is known here.
    pub(super) fn brief(&self, user: UserId) -> Option<Brief> {
        let (source, target) = self.key;
        if user == target { Some(self.target) } else { self.source.filter(|_| user == source) }
    }
}

/// What one person of a pair is, and holds towards the other, with the stamp from before.
type Side = (Stamp, Option<(Brief, Edge)>);

/// Pairs in the order in which they will be asked about.
#[derive(Default)]
pub(super) struct Meetings {
    keys: Vec<Key>,
    /// Two for each: the source's, the target's.
    sides: Vec<Side>,
    next: usize,
}

impl Meetings {
    /// The sides of a pair, if it is among those to come. Those before it are not asked about.
    fn take(&mut self, key: Key) -> Option<[Side; 2]> {
        let at = self.next + self.keys.get(self.next..)?.iter().position(|next| *next == key)?;
        self.next = at + 1;
        self.sides.get(2 * at..)?.first_chunk().copied()
    }
}

impl Glance<'_> {
    pub(super) fn read_ahead(&mut self, needs: Needs<'_>) {
        let Needs { people, cards, pairs, meetings, .. } = needs;
        let mut known = Vec::new();
        if people.len() >= AHEAD_MIN {
            let briefs = self.people_each(
                people,
                |person| person.brief().counts.followers.cast_unsigned(),
                Person::brief,
            );
            known = briefs.iter().map(Option::is_some).collect();
            self.ahead.people = Ahead::new(people, briefs);
        }
        if cards.len() >= AHEAD_MIN {
            let read = self.people_each(cards, Person::touch, |person| person.card().clone());
            self.ahead.cards = Ahead::new(cards, read);
        }
        if pairs.len() >= AHEAD_MIN {
            let edges = self.pairs_each(pairs, &known);
            self.ahead.pairs = Ahead::new(pairs, edges);
        }
        if meetings.len() >= AHEAD_MIN {
            self.meetings_each(meetings);
        }
    }

    /// Begins with a pair: the one that was read ahead, or else with one look at each of the two. What is not there is looked
    /// for when it is asked for.
    pub(super) fn begin(&mut self, key: Key) {
        if self.met.as_ref().is_some_and(|met| met.key == key) {
            return;
        }
        self.met = match self.ahead.meetings.take(key) {
            Some(sides) => self.met_ahead(key, sides),
            None => self.look_at(key),
        };
    }

    fn met_ahead(&mut self, key: Key, [own, other]: [Side; 2]) -> Option<Met> {
        let ((own_brief, forward), (brief, backward)) = own.1.zip(other.1)?;
        self.noted.extend([own.0, other.0]);
        let pair = Pair { forward, backward, ..Pair::default() };
        Some(Met { key, source: Some(own_brief), target: brief, pair })
    }

    fn look_at(&mut self, key: Key) -> Option<Met> {
        let (source, target) = key;
        let noted = [self.graph.note(source), self.graph.note(target)];
        let (met, keeps_nothing) = self.graph.records.look_two([&source, &target], |[own, other]| {
            let (own, other) = (own?, other?);
            let (forward, backward) =
                (own.outbound.as_ref()?.edge(target), other.outbound.as_ref()?.edge(source));
            let pair = Pair { forward, backward, ..Pair::default() };
            let target = other.person.as_ref()?.brief();
            let met = Met { key, source: own.person.as_ref().map(Person::brief), target, pair };
            Some((met, own.kept.as_ref().is_some_and(Kept::is_empty)))
        })?;
        self.noted.extend(noted);
        if keeps_nothing {
            self.keeps_nothing = Some(source);
        }
        Some(met)
    }

    /// Both people of each pair, and what is between them, with one look at each person. What is not there is looked for
    /// when it is asked for.
    fn meetings_each(&mut self, meetings: &[Key]) {
        // The source, then the target.
        let users: Vec<UserId> = meetings.iter().flat_map(|&(source, target)| [source, target]).collect();
        let touch = |record: &Record| Some(record.outbound.as_ref()?.touch());
        let side = |number: usize, record: &Record| {
            let other = users[number ^ 1];
            Some((record.person.as_ref()?.brief(), record.outbound.as_ref()?.edge(other)))
        };
        let sides = self.visit(&users, touch, side);
        self.ahead.meetings = Meetings { keys: meetings.to_vec(), sides, next: 0 };
    }

    fn people_each<R>(
        &mut self,
        users: &[UserId],
        touch: impl Fn(&Person) -> u64,
        read: impl Fn(&Person) -> R,
    ) -> Vec<Option<R>> {
        let touch = |record: &Record| record.person.as_ref().map(&touch);
        self.read_each(Part::Person, users, touch, |_, record| record.person.as_ref().map(&read))
    }

    /// `known` tells, where it is as long, of which targets anything is: of others nothing is loaded.
    fn pairs_each(&mut self, pairs: &[Key], known: &[bool]) -> Vec<Option<Pair>> {
        let source = pairs.first().map(|(source, _)| *source);
        let source = source.filter(|first| pairs.iter().all(|(source, _)| source == first));
        let (forward, backward) = match source {
            Some(source) => (self.forward_of_one(source, pairs), self.backward_of_one(source, pairs, known)),
            None => {
                let backward: Vec<Key> = pairs.iter().map(|&(source, target)| (target, source)).collect();
                (self.edges_each(pairs), self.edges_each(&backward))
            }
        };
        let pair = |(forward, backward): (Option<Edge>, Option<Edge>)| {
            Some(Pair { forward: forward?, backward: backward?, ..Pair::default() })
        };
        forward.into_iter().zip(backward).map(pair).collect()
    }

    /// What each source holds towards its target.
    fn edges_each(&mut self, pairs: &[Key]) -> Vec<Option<Edge>> {
        let sources: Vec<UserId> = pairs.iter().map(|(source, _)| *source).collect();
        let touch = |record: &Record| Some(record.outbound.as_ref()?.touch());
        self.read_each(Part::Outbound, &sources, touch, |number, record| {
            Some(record.outbound.as_ref()?.edge(pairs[number].1))
        })
    }

    /// What one person holds towards many others.
    fn forward_of_one(&mut self, source: UserId, pairs: &[Key]) -> Vec<Option<Edge>> {
        let edges = self.read(Part::Outbound, source, |record| {
            let outbound = record.outbound.as_ref()?;
            Some(pairs.iter().map(|(_, target)| Some(outbound.edge(*target))).collect())
        });
        edges.unwrap_or_else(|| vec![None; pairs.len()])
    }

    /// What many hold towards one person: what is known of the one mostly tells, so that nothing is loaded of each of those.
    fn backward_of_one(&mut self, source: UserId, pairs: &[Key], known: &[bool]) -> Vec<Option<Edge>> {
        let told = self.read(Part::Inbound, source, |record| {
            let inbound = record.inbound.as_ref()?;
            Some(pairs.iter().map(|(_, target)| inbound.edge(*target)).collect::<Vec<_>>())
        });
        // It is loaded first.
        let Some(mut told) = told else { return vec![None; pairs.len()] };
        let is_known = |number: usize| known.len() != pairs.len() || known[number];
        let untold: Vec<usize> =
            (0..pairs.len()).filter(|&number| told[number].is_none() && is_known(number)).collect();
        let backward: Vec<Key> = untold.iter().map(|number| (pairs[*number].1, source)).collect();
        for (number, edge) in untold.into_iter().zip(self.edges_each(&backward)) {
            told[number] = edge;
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_that_comes_again_holds_up_none_of_those_behind_it() {
        let id = UserId::new;
        let keys = vec![(id(1), id(2)), (id(1), id(2)), (id(2), id(1)), (id(3), id(4))];
        let graph = crate::store::graph::Graph::new(shared::cache::CacheSize::of_mib(1).unwrap());
        let side = |user: i64| (graph.note(id(user)), None);
        let sides = [1, 2, 1, 2, 2, 1, 3, 4].map(side).to_vec();
        let mut meetings = Meetings { keys, sides: sides.clone(), next: 0 };
        assert_eq!(meetings.take((id(1), id(2))), Some([sides[0], sides[1]]));
        // The next is passed over.
        assert_eq!(meetings.take((id(2), id(1))), Some([sides[4], sides[5]]));
        assert_eq!(meetings.take((id(1), id(2))), None);
        assert_eq!(meetings.take((id(3), id(4))), Some([sides[6], sides[7]]));
        assert_eq!(meetings.take((id(3), id(4))), None);
    }

    #[test]
    fn what_nobody_asks_for_is_passed_over() {
        let mut ahead = Ahead::new(&[1, 2, 3, 3], vec![Some('a'), None, Some('c'), Some('d')]);
        assert_eq!(ahead.take(1), Some(Some('a')));
        assert_eq!(ahead.take(3), Some(Some('c')));
        assert_eq!(ahead.take(2), None);
        assert_eq!(ahead.take(3), Some(Some('d')));
        assert_eq!(ahead.take(3), None);
    }
}
