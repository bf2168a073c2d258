//! Those whom a search finds, tier by tier: no more than are needed for the page that is asked for.

use std::collections::{BTreeSet, HashSet};

use shared::id::UserId;
use shared::page::Position;

use super::limits::SEARCH_RESULTS_MAX;
use super::search::{Query, Rank, Tier};

/// Somebody who may be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub id: UserId,
    /// The username.
    pub username: String,
    /// The name that people see.
    pub display_name: String,
}

/// The best so far, in their order.
#[derive(Debug)]
pub struct Ranking<'a> {
    query: &'a Query,
    found: BTreeSet<(Rank, UserId)>,
    known: HashSet<UserId>,
}

impl<'a> Ranking<'a> {
    /// Nobody yet.
    pub fn new(query: &'a Query) -> Self {
        Self { query, found: BTreeSet::new(), known: HashSet::new() }
    }

    /// Adds somebody by the username alone: they are found by it or not here.
    pub fn add_by_name(&mut self, id: UserId, username: &str) {
        if let Some(rank) = self.query.name_rest(username) {
            self.insert(rank, id);
        }
    }

    /// Adds those who belong to one tier, and returns the others whom a later one may have.
    ///
    /// Each tier is added as a whole before the next, so that every page of a search sees the same order.
    pub fn add(&mut self, tier: Tier, candidates: Vec<Candidate>) -> Vec<Candidate> {
        let mut rest = Vec::new();
        for candidate in candidates {
            match self.query.rank(&candidate.username, &candidate.display_name) {
                Some(rank) if rank.tier == tier => self.insert(rank, candidate.id),
                Some(rank) if rank.tier > tier => rest.push(candidate),
                Some(_) | None => {}
            }
        }
        rest
    }

    fn insert(&mut self, rank: Rank, id: UserId) {
        if self.known.insert(id) {
            self.found.insert((rank, id));
        }
    }

    /// Whether somebody has been found already.
    pub fn knows(&self, id: UserId) -> bool {
        self.known.contains(&id)
    }

    /// At most `wanted` people after a place, best first, and whether later tiers can add none to them.
    pub fn after(&self, place: Option<Position>, wanted: usize) -> (Vec<(Position, UserId)>, bool) {
        let position = |(rank, id): &(Rank, UserId)| (Position { key: rank.key(), id: id.get() }, *id);
        let after = |found: &(Position, UserId)| {
            place.is_none_or(|place| (found.0.key, found.0.id) > (place.key, place.id))
        };
        let page: Vec<_> =
            self.found.iter().take(SEARCH_RESULTS_MAX).map(position).filter(after).take(wanted).collect();
        let settled = page.len() == wanted || self.found.len() >= SEARCH_RESULTS_MAX;
        (page, settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: i64, username: &str, display_name: &str) -> Candidate {
        let (username, display_name) = (username.to_owned(), display_name.to_owned());
        Candidate { id: UserId::new(id), username, display_name }
    }

    fn ids(page: &[(Position, UserId)]) -> Vec<i64> {
        page.iter().map(|(_, id)| id.get()).collect()
    }

    #[test]
    fn tiers_follow_each_other_and_ids_decide_ties() {
        let query = Query::parse("anna").unwrap();
        let mut ranking = Ranking::new(&query);
        ranking.add_by_name(UserId::new(9), "annabelle");
        ranking.add_by_name(UserId::new(8), "bob");
        let people = vec![candidate(7, "x7", "Anna"), candidate(5, "x5", "Ana"), candidate(6, "x6", "Anna")];
        let rest = ranking.add(Tier::Words, [people, vec![candidate(9, "annabelle", "Anna")]].concat());
        assert_eq!(rest, [candidate(5, "x5", "Ana")]);
        assert!(ranking.add(Tier::Spelling, rest).is_empty());
        let (page, settled) = ranking.after(None, 3);
        assert_eq!((ids(&page), settled), (vec![9, 6, 7], true));
        let (page, settled) = ranking.after(Some(page[1].0), 3);
        assert_eq!((ids(&page), settled), (vec![7, 5], false));
        assert!(ranking.knows(UserId::new(5)) && !ranking.knows(UserId::new(8)));
    }

    #[test]
    fn a_search_ends_somewhere() {
        let query = Query::parse("a").unwrap();
        let mut ranking = Ranking::new(&query);
        for id in 1..=600 {
            ranking.add_by_name(UserId::new(id), &format!("a{id:03}"));
        }
        let (page, settled) = ranking.after(None, 1_000);
        assert_eq!((page.len(), settled), (SEARCH_RESULTS_MAX, true));
        assert_eq!(ranking.after(Some(page[499].0), 10), (Vec::new(), true));
    }
}
