//! The log against the tables: it is contiguous, what it comes to is what is stored, and nobody follows a private
//! account without having been accepted.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
use shared::clock::Micros;
use shared::db::audit::at_one_moment;
use shared::db::{Conn, StoreError, Value, chunks, log, prefer_indexes, query};

use super::checks::{Look, Replayed};
use super::{Finding, Row, Slice, user};
use crate::store::pair::{self, Key};

/// Slices that are looked at pair by pair where their sums differ; of the others only that they do is told.
const DIFFERING_MAX: usize = 8;
const NOT_WHOLE: &str = "the log is not whole";

/// Follows, requests and blocks.
const KINDS: usize = 3;

const fn index(kind: Replayed) -> usize {
    match kind {
        Replayed::Follows => 0,
        Replayed::Requests => 1,
        Replayed::Blocks => 2,
    }
}

/// What an event does to pairs of which kind: +1 begins, -1 ends.
fn effect(event: &str) -> Option<(Replayed, i64)> {
    match event {
        "follow.created" => Some((Replayed::Follows, 1)),
        "follow.removed" => Some((Replayed::Follows, -1)),
        "request.created" => Some((Replayed::Requests, 1)),
        "request.accepted" | "request.removed" => Some((Replayed::Requests, -1)),
        "block.created" => Some((Replayed::Blocks, 1)),
        "block.removed" => Some((Replayed::Blocks, -1)),
        _ => None,
    }
}

fn hash(pair: Row) -> u64 {
    let mut hasher = DefaultHasher::new();
    pair.hash(&mut hasher);
    hasher.finish()
}

/// The pairs that some people hold, added up, and the log's head at that moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums {
    slice: Slice,
    revision: i64,
    stored: [u64; KINDS],
    told: [u64; KINDS],
}

impl Sums {
    /// Of the people of a slice, as they are now.
    pub(super) fn of(conn: &mut Conn, slice: Slice) -> Result<Self, StoreError> {
        let revision = log::head(conn)?.seq;
        let mut stored = [0_u64; KINDS];
        for (kind, pair) in held(conn, slice)? {
            stored[index(kind)] = stored[index(kind)].wrapping_add(hash(pair));
        }
        Ok(Self { slice, revision, stored, told: [0; KINDS] })
    }
}

fn held(conn: &mut Conn, slice: Slice) -> Result<Vec<(Replayed, Row)>, StoreError> {
    let text = "SELECT source, target, state FROM edges_out WHERE source > ? AND source <= ?";
    let binds = [slice.after.into(), slice.through.into()];
    let rows: Vec<(i64, i64, i16)> = query::<(BigInt, BigInt, SmallInt), _>(conn, text, &binds)?;
    let kind = |state| match state {
        1 => Some(Replayed::Follows),
        2 => Some(Replayed::Requests),
        3 => Some(Replayed::Blocks),
        _ => None,
    };
    Ok(rows
        .into_iter()
        .filter_map(|(source, target, state)| Some((kind(state)?, (source, target))))
        .collect())
}

struct Told {
    seq: i64,
    kind: String,
    at: i64,
    pair: Row,
}

type ToldColumns = (BigInt, Text, BigInt, Nullable<BigInt>, Nullable<BigInt>);
type ToldRow = (i64, String, i64, Option<i64>, Option<i64>);

/// The next events, and the number of the oldest that is kept, at one moment.
fn page(conn: &mut Conn, after: i64, rows: i64) -> Result<(Vec<Told>, i64, i64), StoreError> {
    let text = "SELECT seq, type, at, actor_id, subject_id FROM events WHERE partition = 0 AND seq > ?
                ORDER BY seq LIMIT ?";
    let rows: Vec<ToldRow> = query::<ToldColumns, _>(conn, text, &[after.into(), rows.into()])?;
    let told = |(seq, kind, at, actor, subject): ToldRow| {
        let pair = (actor.unwrap_or_default(), subject.unwrap_or_default());
        Told { seq, kind, at, pair }
    };
    Ok((rows.into_iter().map(told).collect(), log::oldest(conn)?, log::head(conn)?.seq))
}

/// The log, read from its oldest event to its head, and once more where the sums differ.
pub(super) struct LogScan {
    sums: Vec<Sums>,
    rows_per_step: i64,
    after: i64,
    at: i64,
    /// From the first event on, without a hole.
    whole: bool,
    /// The last acceptance: the follow that it makes is the next event.
    accepted: Option<(Row, i64)>,
    detail: Option<Detail>,
    done: bool,
}

impl LogScan {
    pub(super) fn begin(sums: Vec<Sums>, rows_per_step: i64) -> Self {
        let (whole, done) = (true, false);
        Self { sums, rows_per_step, after: 0, at: 0, whole, accepted: None, detail: None, done }
    }

    pub(super) const fn is_done(&self) -> bool {
        self.done
    }

    /// Reads some events. Returns how many of those that were not read before.
    pub(super) fn step(&mut self, conn: &mut Conn, findings: &mut [Finding]) -> Result<i64, StoreError> {
        if let Some(detail) = &mut self.detail {
            self.done = detail.step(conn, self.rows_per_step, findings)?;
            return Ok(0);
        }
        let (read, newest) = at_one_moment(conn, |conn| {
            prefer_indexes(conn)?;
            let (events, oldest, newest) = page(conn, self.after, self.rows_per_step)?;
            self.take(&events, oldest, newest, findings);
            self.check_approvals(conn, &events, findings)?;
            Ok((i64::try_from(events.len()).unwrap_or(i64::MAX), newest))
        })?;
        if read < self.rows_per_step {
            self.end(conn, newest, findings)?;
        }
        Ok(read)
    }

    fn take(&mut self, events: &[Told], oldest: i64, newest: i64, findings: &mut [Finding]) {
        let Some(log) = of(findings, &Look::Log) else { return };
        if self.after == 0 {
            self.whole = oldest <= 1;
        } else if oldest > self.after + 1 {
            // Forgotten while it was being read.
            self.whole = false;
        }
        self.after = self.after.max(oldest - 1);
        for event in events {
            if event.seq != self.after + 1 || event.at < self.at {
                log.add(1, [(event.seq, event.seq)]);
                self.whole &= event.seq == self.after + 1;
            }
            (self.after, self.at) = (event.seq, event.at);
            self.tell(event);
        }
        let is_last = i64::try_from(events.len()).is_ok_and(|read| read < self.rows_per_step);
        if is_last && self.after != newest {
            log.add(1, [(newest, newest)]);
        }
    }

    fn tell(&mut self, event: &Told) {
        let Some((kind, sign)) = effect(&event.kind) else { return };
        let slice = self.sums.partition_point(|sums| sums.slice.through < event.pair.0);
        let Some(sums) = self.sums.get_mut(slice).filter(|sums| event.seq <= sums.revision) else { return };
        let told = &mut sums.told[index(kind)];
        *told =
            if sign > 0 { told.wrapping_add(hash(event.pair)) } else { told.wrapping_sub(hash(event.pair)) };
    }

    /// Follows that began without an acceptance, of accounts that were private by then.
    fn check_approvals(
        &mut self,
        conn: &mut Conn,
        events: &[Told],
        findings: &mut [Finding],
    ) -> Result<(), StoreError> {
        let mut direct: Vec<(Key, i64)> = Vec::new();
        for event in events {
            if event.kind == "request.accepted" {
                self.accepted = Some((event.pair, event.at));
            } else if event.kind == "follow.created" && self.accepted != Some((event.pair, event.at)) {
                direct.push(((user(event.pair.0), user(event.pair.1)), event.at));
            }
        }
        let private = private_since(conn, &direct)?;
        direct.retain(|((_, target), at)| private.get(&target.get()).is_some_and(|since| since < at));
        let keys: Vec<Key> = direct.iter().map(|(key, _)| *key).collect();
        let edges = pair::edges(conn, &keys)?;
        let stands = |(key, at): &&(Key, i64)| {
            edges.get(key).is_some_and(|edge| edge.is_follow() && edge.since() == Some(Micros::new(*at)))
        };
        let Some(finding) = of(findings, &Look::Approvals) else { return Ok(()) };
        for ((source, target), _) in direct.iter().filter(stands) {
            finding.add(1, [(source.get(), target.get())]);
        }
        Ok(())
    }

    /// Compares what was told with what is stored.
    fn end(&mut self, conn: &mut Conn, newest: i64, findings: &mut [Finding]) -> Result<(), StoreError> {
        self.done = true;
        if !self.whole || self.after != newest {
            for finding in findings.iter_mut().filter(|finding| matches!(finding.check.look, Look::Replay(_)))
            {
                finding.unchecked = Some(NOT_WHOLE);
            }
            return Ok(());
        }
        let differing: Vec<Slice> =
            self.sums.iter().filter(|sums| sums.stored != sums.told).map(|sums| sums.slice).collect();
        if !differing.is_empty() {
            self.detail = Some(Detail::begin(conn, &differing)?);
            self.done = false;
        }
        Ok(())
    }
}

/// Since when accounts are private, of those that are followed.
fn private_since(conn: &mut Conn, follows: &[(Key, i64)]) -> Result<HashMap<i64, i64>, StoreError> {
    let mut targets: Vec<i64> = follows.iter().map(|((_, target), _)| target.get()).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut found = HashMap::new();
    for piece in chunks(&targets) {
        let binds: Vec<Value<'_>> = piece.iter().map(|id| Value::Int(*id)).collect();
        let marks = vec!["?"; piece.len()].join(",");
        let text = format!("SELECT user_id, since FROM private_spans WHERE user_id IN ({marks})");
        found.extend(query::<(BigInt, BigInt), (i64, i64)>(conn, &text, &binds)?);
    }
    Ok(found)
}

fn of<'a>(findings: &'a mut [Finding], look: &Look) -> Option<&'a mut Finding> {
    findings.iter_mut().find(|finding| finding.check.look == *look)
}

/// Slices whose sums differ, pair by pair.
struct Detail {
    slices: Vec<(Slice, i64)>,
    /// Those beyond [`DIFFERING_MAX`].
    uncounted: usize,
    stored: HashSet<(usize, Row)>,
    told: HashMap<(usize, Row), i64>,
    after: i64,
}

impl Detail {
    fn begin(conn: &mut Conn, differing: &[Slice]) -> Result<Self, StoreError> {
        let mut detail = Self {
            slices: Vec::new(),
            uncounted: differing.len().saturating_sub(DIFFERING_MAX),
            stored: HashSet::new(),
            told: HashMap::new(),
            after: 0,
        };
        for slice in differing.iter().take(DIFFERING_MAX) {
            let (pairs, revision) =
                at_one_moment(conn, |conn| Ok((held(conn, *slice)?, log::head(conn)?.seq)))?;
            detail.stored.extend(pairs.into_iter().map(|(kind, pair)| (index(kind), pair)));
            detail.slices.push((*slice, revision));
        }
        Ok(detail)
    }

    /// Reads some events. Returns whether that was the end.
    fn step(&mut self, conn: &mut Conn, rows: i64, findings: &mut [Finding]) -> Result<bool, StoreError> {
        let (events, ..) = at_one_moment(conn, |conn| page(conn, self.after, rows))?;
        for event in &events {
            self.after = event.seq;
            let Some((kind, sign)) = effect(&event.kind) else { continue };
            let within = |(slice, revision): &(Slice, i64)| {
                event.pair.0 > slice.after && event.pair.0 <= slice.through && event.seq <= *revision
            };
            if self.slices.iter().any(within) {
                *self.told.entry((index(kind), event.pair)).or_default() += sign;
            }
        }
        if !events.is_empty() {
            return Ok(false);
        }
        self.compare(findings);
        Ok(true)
    }

    fn compare(&mut self, findings: &mut [Finding]) {
        self.told.retain(|_, times| *times != 0);
        let wrong_told =
            self.told.iter().filter(|(pair, times)| **times != 1 || !self.stored.contains(*pair));
        let untold = self.stored.iter().filter(|pair| !self.told.contains_key(*pair));
        let mut wrong: Vec<(usize, Row)> = wrong_told.map(|(pair, _)| *pair).chain(untold.copied()).collect();
        wrong.sort_unstable();
        for kind in [Replayed::Follows, Replayed::Requests, Replayed::Blocks] {
            let rows: Vec<Row> =
                wrong.iter().filter(|(place, _)| *place == index(kind)).map(|(_, pair)| *pair).collect();
            let Some(finding) = of(findings, &Look::Replay(kind)) else { continue };
            finding.add(i64::try_from(rows.len()).unwrap_or(i64::MAX), rows);
            if self.uncounted > 0 && finding.drift > 0 {
                finding.drift += i64::try_from(self.uncounted).unwrap_or(i64::MAX);
            }
        }
    }
}
