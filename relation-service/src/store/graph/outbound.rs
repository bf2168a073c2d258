//! What one person holds towards others, packed: 16 bytes an edge, 24 one that is followed back.

use shared::cache::Weigh;
use shared::clock::Micros;
use shared::id::UserId;

use crate::domain::Edge;

const FOLLOW: u64 = 1;
const REQUEST: u64 = 2;
const BLOCK: u64 = 3;
const STATE: u64 = 3;
const NOTIFY: u64 = 1 << 2;
const BACK: u64 = 1 << 3;
/// Microseconds take the other 60 bits, which last for 36,000 years.
const SINCE_SHIFT: u32 = 4;
/// A list that is full grows by a part of its length, and not to the double.
const GROWTH: usize = 8;

/// Kind, option, time, and whether the other follows back, in one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed(pub(super) u64);

impl Packed {
    pub(super) fn new(edge: Edge, back: bool) -> Option<Self> {
        let state = match edge {
            Edge::None => return None,
            Edge::Follow { .. } => FOLLOW,
            Edge::Request { .. } => REQUEST,
            Edge::Block { .. } => BLOCK,
        };
        let since = edge.since().unwrap_or_default().get().cast_unsigned() << SINCE_SHIFT;
        let notify = if edge.notify() { NOTIFY } else { 0 };
        Some(Self(since | state | notify | if back { BACK } else { 0 }))
    }

    pub(super) fn edge(self) -> Edge {
        let since = Micros::new((self.0 >> SINCE_SHIFT).cast_signed());
        let notify = self.0 & NOTIFY != 0;
        match self.0 & STATE {
            FOLLOW => Edge::Follow { since, notify },
            REQUEST => Edge::Request { since, notify },
            BLOCK => Edge::Block { since },
            _ => Edge::None,
        }
    }

    fn is_back(self) -> bool {
        self.0 & BACK != 0
    }
}

/// One person's edges, by target. The limits bound how many there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outbound {
    targets: Vec<i64>,
    edges: Vec<Packed>,
    /// Since when those follow back who do, in the order of the edges.
    backs: Vec<i64>,
}

impl Outbound {
    /// Bytes that so many edges take at the least.
    pub fn bytes_of(edges: usize) -> usize {
        edges * (size_of::<i64>() + size_of::<Packed>())
    }

    /// The edge towards `target`.
    pub fn edge(&self, target: UserId) -> Edge {
        self.targets.binary_search(&target.get()).map_or(Edge::None, |at| self.edges[at].edge())
    }

    /// Reads what a search begins with.
    pub(super) fn touch(&self) -> u64 {
        self.targets.get(self.targets.len() / 2).map_or(0, |target| target.cast_unsigned())
    }

    /// Every edge, with the time since when the target follows back: by target.
    pub fn iter(&self) -> impl Iterator<Item = (UserId, Edge, Option<Micros>)> {
        let mut backs = self.backs.iter();
        self.targets.iter().zip(&self.edges).map(move |(target, edge)| {
            let back = if edge.is_back() { backs.next() } else { None };
            (UserId::new(*target), edge.edge(), back.map(|since| Micros::new(*since)))
        })
    }

    /// Replaces the edge towards `target`, and since when it is a follow that is returned.
    pub fn set(&mut self, target: UserId, edge: Edge, back: Option<Micros>) {
        let back = back.filter(|_| edge.is_follow());
        let place = self.targets.binary_search(&target.get());
        let (Ok(at) | Err(at)) = place;
        let back_at = self.edges[..at].iter().filter(|edge| edge.is_back()).count();
        if place.is_ok() && self.edges[at].is_back() {
            self.backs.remove(back_at);
        }
        match (Packed::new(edge, back.is_some()), place) {
            (None, Ok(at)) => {
                self.targets.remove(at);
                self.edges.remove(at);
            }
            (None, Err(_)) => {}
            (Some(packed), Ok(at)) => self.edges[at] = packed,
            (Some(packed), Err(at)) => {
                insert(&mut self.targets, at, target.get());
                insert(&mut self.edges, at, packed);
            }
        }
        if let Some(since) = back {
            insert(&mut self.backs, back_at, since.get());
        }
    }

    /// Adds an edge after all others, as a load brings them.
    pub fn push(&mut self, target: UserId, edge: Edge, back: Option<Micros>) {
        let back = back.filter(|_| edge.is_follow());
        let Some(packed) = Packed::new(edge, back.is_some()) else { return };
        self.targets.push(target.get());
        self.edges.push(packed);
        self.backs.extend(back.map(Micros::get));
    }

    /// Gives back what a load has taken too much.
    pub fn shrink(&mut self) {
        self.targets.shrink_to_fit();
        self.edges.shrink_to_fit();
        self.backs.shrink_to_fit();
    }
}

impl Weigh for Outbound {
    /// Beside its place in a record.
    fn weight(&self) -> usize {
        let words = self.targets.capacity() + self.edges.capacity() + self.backs.capacity();
        words * size_of::<i64>()
    }
}

/// Inserts without more room than needed soon.
pub(super) fn insert<T>(list: &mut Vec<T>, at: usize, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / GROWTH + 1);
    }
    list.insert(at, item);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_is_a_map_of_edges() {
        let mut plain: BTreeMap<i64, (Edge, Option<Micros>)> = BTreeMap::new();
        let mut packed = Outbound::default();
        let mut chance = 7_u64;
        for step in 1..4_000_i64 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (target, since) = (i64::from(u8::try_from(chance >> 58).unwrap()), Micros::new(step));
            let notify = chance & (1 << 40) != 0;
            let edge = match (chance >> 50) % 5 {
                0 | 1 => Edge::Follow { since, notify },
                2 => Edge::Request { since, notify },
                3 => Edge::Block { since },
                _ => Edge::None,
            };
            let back = (chance & (1 << 41) != 0).then_some(since);
            packed.set(UserId::new(target), edge, back);
            if edge == Edge::None {
                plain.remove(&target);
            } else {
                plain.insert(target, (edge, back.filter(|_| edge.is_follow())));
            }
            assert_eq!(packed.edge(UserId::new(target)), edge);
        }
        let told: Vec<_> = packed.iter().map(|(id, edge, back)| (id.get(), (edge, back))).collect();
        assert_eq!(told, plain.into_iter().collect::<Vec<_>>());
        let mut again = Outbound::default();
        packed.iter().for_each(|(id, edge, back)| again.push(id, edge, back));
        assert_eq!(again, packed);
    }

    #[test]
    fn an_edge_takes_few_bytes() {
        let mut packed = Outbound::default();
        for target in 0..1_000 {
            let edge = Edge::Follow { since: Micros::new(target), notify: false };
            packed.set(UserId::new(target), edge, (target % 4 == 0).then_some(Micros::new(target)));
        }
        assert!(packed.weight() < 22 * 1_000, "{}", packed.weight());
        packed.shrink();
        assert!(packed.weight() < 19 * 1_000, "{}", packed.weight());
    }
}
