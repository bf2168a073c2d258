//! Imports in steps: the position moves in the transaction of what was done, so a crash neither repeats nor skips a row.

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;

use super::batch::{Act, Batch};
use super::change::{Answer, RelationEngine};
use super::import::{Foreseen, Told};
use crate::domain::{FAILURES_KEPT_MAX, ImportMode, ImportPhase, ImportState, ROWS_MAX, Refusal};
use crate::store;
use crate::store::graph::Transaction;
use crate::store::import::Import;
use crate::store::import_row::StoredRow;

/// People whom a file may leave out, where all are looked at at once; more than any list holds.
const LEFT_OUT_MAX: u32 = 1_000_000;

/// What a step comes to.
pub(super) enum Stepped {
    /// The import is this far.
    To(Import),
    /// Nothing is done: user-service has to say whom these names lead to.
    Unknown(Vec<String>),
    /// Nothing is done: it is to be foreseen.
    ToForesee,
}

/// Does the next step of an open import.
pub(super) fn step(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    import: Import,
    told: &Told,
) -> Result<Stepped, StoreError> {
    let mut next = Import { state: ImportState::Running, ..import };
    let unknown = match import.phase {
        ImportPhase::Resolve => resolve_some(engine, tx, &mut next, told)?,
        ImportPhase::Remove => remove_some(engine, tx, &mut next)?,
        ImportPhase::Act => act_on_some(engine, tx, &mut next, told)?,
        ImportPhase::Foresee => return Ok(Stepped::ToForesee),
    };
    Ok(if unknown.is_empty() { Stepped::To(next) } else { Stepped::Unknown(unknown) })
}

/// Finds out whom the rows name: by the copy of user facts, else by what user-service told. Returns the names of which
/// neither says anything; where there are any, nothing may be written. `matters` says of which rows it is of use.
fn resolve(
    conn: &mut Conn,
    rows: &mut [StoredRow],
    told: &Told,
    matters: impl Fn(&StoredRow) -> bool,
) -> Result<Vec<String>, StoreError> {
    let is_open = |row: &StoredRow| matters(row) && row.target.is_none() && !row.username.is_empty();
    let names: Vec<&str> = rows.iter().filter(|row| is_open(row)).map(|row| row.username.as_str()).collect();
    let known = store::fact::named(conn, &names)?;
    let mut unknown = Vec::new();
    for row in rows.iter_mut().filter(|row| is_open(row)) {
        let named = known.get(&row.username).map(|named| named.visible.then_some(named.user));
        match named.or_else(|| told.get(&row.username).copied()) {
            Some(Some(user)) => row.target = Some(user),
            // Whom others may not see is nobody, as for every look-up by name.
            Some(None) if row.is_open() => *row = std::mem::take(row).failed(Refusal::UserNotFound.code()),
            Some(None) => {}
            None => unknown.push(row.username.clone()),
        }
    }
    Ok(unknown)
}

fn resolve_some(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    import: &mut Import,
    told: &Told,
) -> Result<Vec<String>, StoreError> {
    let limit = i64::from(engine.step);
    let mut rows = store::import_row::after(tx.conn, import.user, import.id, import.resolved, limit)?;
    // Also of who is named in a row that fails: they are not left out.
    let unknown = resolve(tx.conn, &mut rows, told, |_| true)?;
    if !unknown.is_empty() {
        return Ok(unknown);
    }
    store::import_row::put(tx.conn, import.user, import.id, &rows)?;
    match rows.last().filter(|_| length(&rows) >= limit) {
        Some(last) => import.resolved = last.number,
        None => {
            import.resolved = 0;
            import.phase = ImportPhase::after_resolving(import.dry_run);
        }
    }
    Ok(Vec::new())
}

fn remove_some(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    import: &mut Import,
) -> Result<Vec<String>, StoreError> {
    let left_out = store::import_row::left_out(tx.conn, import, tx.now, import.resolved, engine.step)?;
    let answers = engine.act(tx, &removals(import, &left_out.users))?;
    import.removed += length(&answers.iter().filter(|answer| changes(answer)).collect::<Vec<_>>());
    match left_out.next {
        Some(last) => import.resolved = last,
        None => import.phase = ImportPhase::Act,
    }
    Ok(Vec::new())
}

/// They are on a list, so they are there.
fn removals(import: &Import, left_out: &[UserId]) -> Vec<Act> {
    let (source, action) = (import.user, import.kind.removing());
    left_out.iter().map(|&target| Act { source, target, action, found: true }).collect()
}

fn additions(import: &Import, rows: &[StoredRow]) -> Vec<Act> {
    let act = |row: &StoredRow| {
        let (action, target) = (import.kind.adding(row.option), row.target.filter(|_| row.is_open())?);
        Some(Act { source: import.user, target, action, found: false })
    };
    rows.iter().filter_map(act).collect()
}

fn act_on_some(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    import: &mut Import,
    told: &Told,
) -> Result<Vec<String>, StoreError> {
    let limit = i64::from(engine.step);
    let (user, id) = (import.user, import.id);
    let mut rows = store::import_row::after(tx.conn, user, id, import.processed, limit)?;
    let unknown = resolve(tx.conn, &mut rows, told, StoredRow::is_open)?;
    if !unknown.is_empty() {
        return Ok(unknown);
    }
    let last = rows.last().filter(|_| length(&rows) >= limit).map(|last| last.number);
    let answers = engine.act(tx, &additions(import, &rows))?;
    let mut failures = Vec::new();
    import.changed += judge(rows, &answers, &mut failures);
    let through = last.unwrap_or(import.total);
    store::import_row::forget(tx.conn, user, id, import.processed, through)?;
    let room = usize::try_from(FAILURES_KEPT_MAX - import.failed).unwrap_or(0);
    import.failed += length(&failures);
    failures.truncate(room);
    store::import_row::put(tx.conn, user, id, &failures)?;
    import.processed = through;
    if last.is_none() {
        import.state = ImportState::Done;
    }
    Ok(Vec::new())
}

/// Sorts out the rows that fail, given the answers of those that could be tried. Returns how many changed something.
fn judge(rows: Vec<StoredRow>, answers: &[Answer], failures: &mut Vec<StoredRow>) -> i64 {
    let mut answers = answers.iter();
    let mut changed = 0;
    for row in rows {
        let answer = if row.is_open() { answers.next() } else { None };
        match answer {
            Some(Answer::Refused(refusal)) => failures.push(row.failed(refusal.code())),
            // Gone since the name was brought.
            Some(Answer::UnknownTarget) => {
                failures.push(StoredRow { target: None, ..row.failed(Refusal::UserNotFound.code()) });
            }
            Some(answer) => changed += i64::from(changes(answer)),
            None => failures.push(row),
        }
    }
    changed
}

fn changes(answer: &Answer) -> bool {
    matches!(answer, Answer::Acted(acted) if acted.changed)
}

impl RelationEngine {
    /// What an import would do whose names are all known: the same loads and decisions, each on what the earlier ones
    /// would leave, without the writes.
    pub fn foresee_import(
        &self,
        conn: &mut Conn,
        import: &Import,
        now: Micros,
    ) -> Result<Foreseen, StoreError> {
        let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
        let rows = store::import_row::after(conn, import.user, import.id, 0, limit)?;
        let of_accounts = import.total == 0 || rows.iter().any(StoredRow::is_of_an_account);
        let left_out = match import.mode {
            ImportMode::Overwrite if of_accounts => {
                store::import_row::left_out(conn, import, now, 0, LEFT_OUT_MAX)?.users
            }
            ImportMode::Merge | ImportMode::Overwrite => Vec::new(),
        };
        let mut acts = removals(import, &left_out);
        acts.extend(additions(import, &rows));
        let mut batch = Batch::load(conn, &acts, &self.limits, now)?;
        let answers: Vec<Answer> = acts.iter().map(|act| batch.decide(*act, self.limits, now).0).collect();
        let (removals, additions) = answers.split_at(left_out.len().min(answers.len()));
        let removed = length(&removals.iter().filter(|answer| changes(answer)).collect::<Vec<_>>());
        let mut failures = Vec::new();
        let changed = judge(rows, additions, &mut failures);
        let failed = length(&failures);
        failures.truncate(usize::try_from(FAILURES_KEPT_MAX).unwrap_or(0));
        Ok(Foreseen { failures, failed, changed, removed })
    }
}

fn length<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}
