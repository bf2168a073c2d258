//! Searching for people.

use std::collections::HashSet;

use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::page::{PageRequest, Position};

use super::{UserError, UserHandle};
use crate::actors::relation_client::ASKED_MAX;
use crate::domain::account::User;
use crate::domain::limits::{SEARCH_PAIRED_SPELLINGS_MAX, SEARCH_RESULTS_MAX, SEARCH_SPELLINGS_MAX};
use crate::domain::ranking::{Candidate, Ranking};
use crate::domain::search::{Query, TermKind, Tier, pair};
use crate::domain::spelling::{keys_around, nearness};
use crate::store;

impl UserHandle {
    /// A page of the people whom others may see and whom `query` finds, best first, and one more if there is one;
    /// each with the place in the list. Nobody between whom and the viewer there is a block.
    pub async fn search(
        &self,
        viewer: Option<UserId>,
        query: Query,
        page: PageRequest,
    ) -> Result<Vec<Found>, UserError> {
        let Some(viewer) = viewer.filter(|_| self.relations.are_known()) else {
            return self.found(&query, page).await;
        };
        let wanted = usize::try_from(page.rows_to_load()).unwrap_or(SEARCH_RESULTS_MAX);
        let (mut shown, mut next) = (Vec::new(), page);
        loop {
            let found = self.found(&query, next).await?;
            let is_last = found.len() < usize::try_from(next.rows_to_load()).unwrap_or(usize::MAX);
            let reached = found.last().map(|(place, _)| *place);
            shown.extend(self.not_blocked(viewer, found).await?);
            if shown.len() >= wanted || is_last {
                shown.truncate(wanted);
                return Ok(shown);
            }
            // More than the page, so that few questions go through all whom a search finds, however many are left out.
            next = PageRequest { limit: ASKED_MAX - 1, after: reached };
        }
    }

    async fn found(&self, query: &Query, page: PageRequest) -> Result<Vec<Found>, UserError> {
        let query = query.clone();
        // Of one moment: who is found is there.
        let read = move |conn: &mut Conn| store::snapshot(conn, |conn| found(conn, &query, page));
        Ok(self.reads.run(read).await?.0)
    }

    async fn not_blocked(&self, viewer: UserId, found: Vec<Found>) -> Result<Vec<Found>, UserError> {
        let others: Vec<UserId> = found.iter().map(|(_, user)| user.id).filter(|id| *id != viewer).collect();
        let seen = self.relations.not_blocked(viewer, &others).await.map_err(UserError::RelationsAway)?;
        let shown = |(_, user): &Found| user.id == viewer || seen.contains(&user.id);
        Ok(found.into_iter().filter(shown).collect())
    }
}

/// Somebody, with the place in the list.
type Found = (Position, User);

fn found(conn: &mut Conn, query: &Query, page: PageRequest) -> Result<Vec<(Position, User)>, StoreError> {
    let places = places(conn, query, page)?;
    let ids: Vec<UserId> = places.iter().map(|(_, id)| *id).collect();
    let mut people = store::user::users(conn, &ids)?;
    Ok(places.into_iter().filter_map(|(place, id)| Some((place, people.remove(&id)?))).collect())
}

/// Goes from tier to tier until the page is full. What it costs is bounded by the limits of the domain, not by how
/// many people match.
fn places(conn: &mut Conn, query: &Query, page: PageRequest) -> Result<Vec<(Position, UserId)>, StoreError> {
    let wanted = usize::try_from(page.rows_to_load()).unwrap_or(SEARCH_RESULTS_MAX);
    let mut ranking = Ranking::new(query);
    if !query.name.is_empty() {
        for (name, id) in store::search::beginning(conn, TermKind::Name, &query.name)? {
            ranking.add_by_name(id, &name);
        }
    }
    let (places, settled) = ranking.after(page.after, wanted);
    if settled || query.words.is_empty() {
        return Ok(places);
    }
    let candidates = by_words(conn, query, &ranking)?;
    let rest = ranking.add(Tier::Words, candidates);
    let (places, settled) = ranking.after(page.after, wanted);
    if settled {
        return Ok(places);
    }
    let candidates = by_spelling(conn, query, &ranking)?;
    ranking.add(Tier::Spelling, [rest, candidates].concat());
    Ok(ranking.after(page.after, wanted).0)
}

fn by_words(conn: &mut Conn, query: &Query, known: &Ranking<'_>) -> Result<Vec<Candidate>, StoreError> {
    let mut ids: Vec<UserId> = Vec::new();
    let mut read = |kind, text: &str| -> Result<(), StoreError> {
        ids.extend(store::search::beginning(conn, kind, text)?.into_iter().map(|(_, id)| id));
        Ok(())
    };
    read(TermKind::Word, &query.joined)?;
    if let [one, other, ..] = query.words.as_slice() {
        read(TermKind::Pair, &pair(one, other))?;
    }
    // Words of which one is in the username and another in the display name: as far as the longest is rare.
    let longest = query.words.iter().max_by_key(|word| word.chars().count());
    if let Some(longest) = longest.filter(|word| **word != query.joined) {
        read(TermKind::Word, longest)?;
    }
    unknown(conn, ids, known)
}

fn by_spelling(conn: &mut Conn, query: &Query, known: &Ranking<'_>) -> Result<Vec<Candidate>, StoreError> {
    let whole = spellings(conn, &query.joined, SEARCH_SPELLINGS_MAX)?;
    let mut ids = store::search::holders(conn, TermKind::Word, &whole)?;
    if let [one, other, ..] = query.words.as_slice() {
        let ones = spellings(conn, one, SEARCH_PAIRED_SPELLINGS_MAX)?;
        let others = spellings(conn, other, SEARCH_PAIRED_SPELLINGS_MAX)?;
        let pairs = ones.iter().flat_map(|one| others.iter().map(move |other| pair(one, other)));
        ids.extend(store::search::holders(conn, TermKind::Pair, &pairs.collect::<Vec<_>>())?);
    }
    unknown(conn, ids, known)
}

/// Words that may have been meant, the nearest first.
fn spellings(conn: &mut Conn, word: &str, max: usize) -> Result<Vec<String>, StoreError> {
    let words = store::search::words_spelt(conn, &keys_around(word))?;
    let mut near: Vec<_> =
        words.into_iter().filter_map(|found| Some((nearness(word, &found)?, found))).collect();
    near.sort_unstable();
    let mut near: Vec<String> = near.into_iter().map(|(_, found)| found).collect();
    if !near.iter().any(|found| found == word) {
        near.insert(0, word.to_owned());
    }
    near.truncate(max);
    Ok(near)
}

/// Those of `ids` who are not found yet, each once, and no more than a search finds.
fn unknown(conn: &mut Conn, ids: Vec<UserId>, known: &Ranking<'_>) -> Result<Vec<Candidate>, StoreError> {
    let mut seen = HashSet::new();
    let ids: Vec<UserId> = ids.into_iter().filter(|id| !known.knows(*id) && seen.insert(*id)).collect();
    store::search::candidates(conn, &ids)
}
