//! Who holds something towards one person: the newest of each kind, since there is no bound to how many there are.

use shared::cache::Weigh;
use shared::clock::Micros;
use shared::id::UserId;

use super::outbound::insert;
use crate::domain::Edge;

/// Rows of a kind that are remembered: more than the largest page shows.
pub const ROWS_MAX: usize = 128;
/// Rows that are left of more when others end, before all are loaded anew.
const ROWS_MIN: usize = 64;
/// People who block one person, before only the store is asked.
pub const BLOCKERS_MAX: usize = 1_000;

/// The newest edges of a kind towards a person, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Newest {
    /// Negated times with their sources: in the order of the store.
    rows: Vec<(i64, i64)>,
    /// Whether these are all.
    whole: bool,
}

impl Newest {
    /// Of rows in order, at most one more than are remembered.
    pub fn new(mut rows: Vec<(i64, i64)>) -> Self {
        let whole = rows.len() <= ROWS_MAX;
        rows.truncate(ROWS_MAX);
        rows.shrink_to_fit();
        Self { rows, whole }
    }

    /// Negated times with their sources, the newest first.
    pub fn rows(&self) -> &[(i64, i64)] {
        &self.rows
    }

    /// Whether there are no others.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Since when `source` is among them.
    fn since(&self, source: UserId) -> Option<Micros> {
        let row = self.rows.iter().find(|(_, held)| *held == source.get())?;
        Some(Micros::new(-row.0))
    }

    /// The rows after a change; false if too few are left to be of use.
    fn set(&mut self, source: UserId, before: Option<Micros>, after: Option<Micros>) -> bool {
        if before == after {
            return true;
        }
        if let Some(at) = before.and_then(|since| self.place(source, since).ok()) {
            self.rows.remove(at);
        }
        if let Some(since) = after
            && let Err(at) = self.place(source, since)
            // What is older than all that are remembered belongs to the rest.
            && (self.whole || at < self.rows.len())
        {
            insert(&mut self.rows, at, (-since.get(), source.get()));
            if self.rows.len() > ROWS_MAX {
                self.rows.truncate(ROWS_MAX);
                self.whole = false;
            }
        }
        self.whole || self.rows.len() >= ROWS_MIN
    }

    fn place(&self, source: UserId, since: Micros) -> Result<usize, usize> {
        self.rows.binary_search(&(-since.get(), source.get()))
    }
}

/// Everything towards one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbound {
    /// Who follows.
    pub followers: Newest,
    /// Who asks to.
    pub requests: Newest,
    /// Who blocks, by id; `None` for more than are remembered.
    pub blockers: Option<Vec<i64>>,
}

impl Inbound {
    /// What `source` holds, if that can be told; not of the option of a follow or a request, which is theirs alone.
    pub fn edge(&self, source: UserId) -> Option<Edge> {
        let notify = false;
        if let Some(since) = self.followers.since(source) {
            return Some(Edge::Follow { since, notify });
        }
        if let Some(since) = self.requests.since(source) {
            return Some(Edge::Request { since, notify });
        }
        let blocked = self.blockers.as_ref()?.binary_search(&source.get()).is_ok();
        // When it began to block is not remembered.
        (self.followers.whole && self.requests.whole && !blocked).then_some(Edge::None)
    }

    /// Takes over what `source` holds now, in place of what they held. False if this is to be loaded anew.
    pub fn set(&mut self, source: UserId, before: Edge, after: Edge) -> bool {
        let follow = |edge: Edge| edge.since().filter(|_| edge.is_follow());
        let request = |edge: Edge| edge.since().filter(|_| edge.is_request());
        let followers = self.followers.set(source, follow(before), follow(after));
        let requests = self.requests.set(source, request(before), request(after));
        followers && requests && self.set_blocker(source, after.is_block())
    }

    fn set_blocker(&mut self, source: UserId, blocks: bool) -> bool {
        let Some(blockers) = &mut self.blockers else { return true };
        match blockers.binary_search(&source.get()) {
            Ok(at) if !blocks => drop(blockers.remove(at)),
            Err(at) if blocks => insert(blockers, at, source.get()),
            Ok(_) | Err(_) => {}
        }
        blockers.len() <= BLOCKERS_MAX
    }
}

impl Weigh for Inbound {
    fn weight(&self) -> usize {
        let rows = self.followers.rows.capacity() + self.requests.rows.capacity();
        let blockers = self.blockers.as_ref().map_or(0, Vec::capacity);
        size_of::<Self>() + rows * size_of::<(i64, i64)>() + blockers * size_of::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: i64) -> (i64, i64) {
        (-number, number)
    }

    fn since(number: i64) -> Option<Micros> {
        Some(Micros::new(number))
    }

    #[test]
    fn the_newest_stay_the_newest() {
        let all: Vec<(i64, i64)> = (1..=200).rev().map(row).collect();
        let mut newest = Newest::new(all[..=ROWS_MAX].to_vec());
        assert_eq!((newest.rows().len(), newest.is_whole()), (ROWS_MAX, false));
        assert!(newest.set(UserId::new(201), None, since(201)));
        assert_eq!(newest.rows()[..2], [row(201), row(200)]);
        assert_eq!(newest.rows().len(), ROWS_MAX);
        // One that nobody remembers, and one that is too old to be remembered.
        assert!(newest.set(UserId::new(1), since(1), None));
        assert!(newest.set(UserId::new(300), None, since(2)));
        assert_eq!(newest.rows().len(), ROWS_MAX);
        let kept = (0..).find(|gone| !newest.set(UserId::new(201 - gone), since(201 - gone), None));
        assert_eq!(kept, Some(64));
    }

    #[test]
    fn few_are_all_there_are() {
        let mut newest = Newest::new(vec![row(3)]);
        assert!(newest.is_whole());
        assert!(newest.set(UserId::new(1), None, since(1)));
        assert!(newest.set(UserId::new(3), since(3), None));
        assert_eq!(newest.rows(), [row(1)]);
        for number in 4..200 {
            assert!(newest.set(UserId::new(number), None, since(number)));
        }
        assert!(!newest.is_whole());
        assert_eq!(newest.rows()[0], row(199));
    }

    #[test]
    fn an_edge_moves_from_kind_to_kind() {
        let mut inbound = Inbound {
            followers: Newest::new(Vec::new()),
            requests: Newest::new(Vec::new()),
            blockers: Some(Vec::new()),
        };
        let (source, at) = (UserId::new(7), |number| Micros::new(number));
        let request = Edge::Request { since: at(1), notify: false };
        let follow = Edge::Follow { since: at(2), notify: true };
        let block = Edge::Block { since: at(3) };
        assert!(inbound.set(source, Edge::None, request));
        assert_eq!(inbound.requests.rows(), [(-1, 7)]);
        assert!(inbound.set(source, request, follow));
        assert_eq!((inbound.requests.rows(), inbound.followers.rows()), (&[][..], &[(-2, 7)][..]));
        assert!(inbound.set(source, follow, block));
        assert_eq!((inbound.followers.rows(), inbound.blockers.clone()), (&[][..], Some(vec![7])));
        assert!(inbound.set(source, block, Edge::None));
        assert_eq!(inbound.blockers, Some(Vec::new()));
    }
}
