//! People whom one may know, and people like somebody.
//!
//! A ranking is made for the first page and kept for the walk, so that no page repeats or skips anybody when the graph
//! changes meanwhile. Who may be shown is asked anew for each page.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::facts::UserFacts;
use shared::id::UserId;
use shared::page::{PageRequest, Position};
use shared::writer::ANSWER_WAIT;

use super::ask::Known;
use super::lists::list_of;
use super::ranking::{bridges, rank};
use super::{RelationError, RelationHandle};
use crate::actors::change::{Answer, Command};
use crate::domain::{Hidden, Ranked, Ranking, Reason, Refusal, Score, may_suggest};
use crate::store;
use crate::store::sight::Statements;

/// How long the ranking of a walk is kept. Later pages are made from a new one.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// What all rankings that are kept may take.
const KEPT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A place holds a score in its lower bits and above it the mark of the ranking.
const MARK_SHIFT: u32 = 32;
/// Marks are milliseconds, and come again after 24 days.
const MARKS: i64 = 1 << 31;
/// People about whom one step of filling a page asks.
const ASKED_MAX: usize = 256;

/// From where people are suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// Whom the viewer follows, and who follows the viewer.
    Own,
    /// Who follows this person: for people like them.
    FollowersOf(UserId),
}

/// Which page of whose suggestions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuggestionRequest {
    /// From where.
    pub basis: Basis,
    /// For whom, if anybody is signed in.
    pub viewer: Option<UserId>,
    /// Which page.
    pub page: PageRequest,
}

/// One person suggested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Who.
    pub user: UserId,
    /// How much speaks for them.
    pub score: Score,
    /// What speaks for them.
    pub reasons: Vec<Reason>,
    /// What is known about them.
    pub facts: UserFacts,
    /// Their place in the walk.
    pub position: Position,
}

/// Whose walk it is, and which of theirs.
type WalkKey = (Basis, Option<UserId>, i64);

/// The rankings of walks that are under way. Clones share them.
#[derive(Clone)]
pub(super) struct Walks(Cache<WalkKey, Arc<Ranking>>);

impl Default for Walks {
    fn default() -> Self {
        let weigh = |_: &WalkKey, ranking: &Arc<Ranking>| u32::try_from(ranking.bytes()).unwrap_or(u32::MAX);
        let kept = Cache::builder().max_capacity(KEPT_BYTES_MAX).weigher(weigh).time_to_live(KEPT_FOR);
        Self(kept.build())
    }
}

/// The ranking that a page is made from.
struct Walk {
    mark: i64,
    ranking: Arc<Ranking>,
    /// Made before this page: some of what speaks for people may be hidden by now.
    kept: bool,
}

type Page = Result<(Vec<Suggestion>, Walk), Hidden>;

impl RelationHandle {
    /// The rows of a page: one more than it holds, if there is another.
    pub async fn suggestions(&self, request: SuggestionRequest) -> Result<Vec<Suggestion>, RelationError> {
        let SuggestionRequest { basis, viewer, page } = request;
        let now = self.clock.now();
        let mark = page.after.map(|after| after.key >> MARK_SHIFT);
        let kept = mark.and_then(|mark| Some((mark, self.walks.0.get(&(basis, viewer, mark))?)));
        let lapsed = now.before(self.limits().dismissal_span);
        // It goes with the read, which goes on where a client does not wait for it.
        let place = if kept.is_none() { Some(Arc::new(self.rankings.place().await?)) } else { None };
        let rankings = self.rankings.clone();
        let found = self.read_known(move |conn| {
            let _place = &place;
            if let Basis::FollowersOf(owner) = basis {
                let mut sight = Statements::new(conn);
                let seen = list_of(&mut sight, owner, viewer);
                let unknown = sight.end()?;
                if let Err(hidden) = seen {
                    return Ok(Known { value: Err(hidden), unknown });
                }
            }
            let walk = match kept.clone() {
                Some((mark, ranking)) => Walk { mark, ranking, kept: true },
                None => {
                    let ranking = Arc::new(rank(conn, &rankings, now, basis, viewer)?);
                    Walk { mark: now.as_millis() % MARKS, ranking, kept: false }
                }
            };
            let rows = fill(conn, request, &walk, now, lapsed)?;
            Ok(Known { value: Page::Ok((rows, walk)), unknown: Vec::new() })
        });
        let (rows, walk) = found.await??;
        if !walk.kept && i64::try_from(rows.len()).is_ok_and(|rows| rows > page.limit) {
            self.walks.0.insert((basis, viewer, walk.mark), walk.ranking);
        }
        Ok(rows)
    }

    /// Keeps that `user` does not want `target` to be suggested. A target who is not known yet is asked about once.
    pub async fn dismiss(&self, user: UserId, target: UserId) -> Result<(), RelationError> {
        let command = Command::Dismiss { user, target };
        let mut answer = self.writer.submit_within(ANSWER_WAIT, command.clone()).await?.answer;
        if answer == Answer::UnknownTarget {
            self.learn(vec![target]).await?;
            answer = self.writer.submit_within(ANSWER_WAIT, command).await?.answer;
        }
        match answer {
            Answer::Refused(refusal) => Err(refusal.into()),
            Answer::UnknownTarget => Err(Refusal::UserNotFound.into()),
            Answer::Noted => Ok(()),
            Answer::Acted(_)
            | Answer::Answered { .. }
            | Answer::Requests { .. }
            | Answer::Import(_)
            | Answer::Void
            | Answer::Mended(_) => Err(Answer::stray().into()),
        }
    }
}

/// The rows of a page, without anybody who may not be shown now.
fn fill(
    conn: &mut Conn,
    request: SuggestionRequest,
    walk: &Walk,
    now: Micros,
    lapsed: Micros,
) -> Result<Vec<Suggestion>, StoreError> {
    let SuggestionRequest { basis, viewer, page } = request;
    let mut visible: HashSet<UserId> = walk.ranking.bridges().iter().copied().collect();
    if walk.kept {
        visible = bridges(conn, basis, viewer, walk.ranking.bridges())?.into_iter().collect();
    }
    let wanted = usize::try_from(page.rows_to_load()).unwrap_or_default();
    let mut left = walk.ranking.after(page.after.map(place));
    let mut found = Vec::with_capacity(wanted);
    let mut step = wanted.next_power_of_two();
    while found.len() < wanted && !left.is_empty() {
        let (asked, rest) = left.split_at(step.min(left.len()));
        let mut people = Candidates::load(conn, viewer, asked, now, lapsed)?;
        let shown = asked.iter().filter_map(|row| people.suggest(row, walk, &visible));
        found.extend(shown.take(wanted - found.len()));
        (left, step) = (rest, (2 * step).min(ASKED_MAX));
    }
    Ok(found)
}

/// Some people of a ranking, as everything is now.
struct Candidates {
    facts: HashMap<UserId, UserFacts>,
    pairs: HashMap<UserId, crate::domain::Pair>,
    dismissed: HashSet<UserId>,
}

impl Candidates {
    fn load(
        conn: &mut Conn,
        viewer: Option<UserId>,
        rows: &[Ranked],
        now: Micros,
        lapsed: Micros,
    ) -> Result<Self, StoreError> {
        let people: Vec<UserId> = rows.iter().map(|row| row.user).collect();
        let facts = store::fact::known(conn, &people)?.into_iter().map(|(id, known)| (id, known.facts));
        let facts = facts.collect();
        let (mut pairs, mut dismissed) = (HashMap::new(), HashSet::new());
        if let Some(viewer) = viewer {
            let keys: Vec<_> = people.iter().map(|&person| (viewer, person)).collect();
            let found = store::pair::whole_pairs(conn, &keys)?.into_iter();
            pairs = found.map(|((_, person), pair)| (person, pair.at(now))).collect();
            dismissed = store::dismissal::among(conn, viewer, &people, lapsed)?;
        }
        Ok(Self { facts, pairs, dismissed })
    }

    fn suggest(&mut self, row: &Ranked, walk: &Walk, visible: &HashSet<UserId>) -> Option<Suggestion> {
        let Ranked { user, score, .. } = *row;
        let pair = self.pairs.get(&user).copied().unwrap_or_default();
        let facts = self.facts.remove(&user)?;
        if !may_suggest(&facts, pair, self.dismissed.contains(&user)) {
            return None;
        }
        let reasons = walk.ranking.reasons(row, pair, &facts, visible);
        let key = (walk.mark << MARK_SHIFT) | i64::from(score.millionths());
        let position = Position { key, id: user.get() };
        (!reasons.is_empty()).then_some(Suggestion { user, score, reasons, facts, position })
    }
}

/// The place in a ranking that a cursor says.
fn place(position: Position) -> (Score, UserId) {
    let score = u32::try_from(position.key & i64::from(u32::MAX)).unwrap_or_default();
    (Score::new(score), UserId::new(position.id))
}
