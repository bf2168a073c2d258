//! Imports in steps: the position moves in the transaction of what was done, so a crash neither repeats nor skips a row.

use std::collections::HashMap;

use shared::db::{Conn, StoreError};
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::writer::Transaction;

use super::batch::{Act, Batch};
use super::change::{Answer, RelationEngine};
use crate::domain::{
    FAILURES_KEPT_MAX, IMPORT_KEPT_FOR, IMPORT_KEY_LIFE, IMPORTS_KEPT_MAX, ImportDenial, ImportFile,
    ImportId, ImportKind, ImportMode, ImportPhase, ImportState, ROWS_MAX, Refusal,
};
use crate::store;
use crate::store::import::{Import, RequestName};
use crate::store::import_row::StoredRow;

/// Old imports that one step forgets.
const FORGOTTEN_AT_ONCE: i64 = 8;
/// People whom a file may leave out, where all are looked at at once; more than any list holds.
const LEFT_OUT_MAX: i64 = 1_000_000;

/// Whom names lead to, as user-service says; `None` for nobody.
pub type Told = HashMap<String, Option<UserId>>;

/// One thing to do to imports.
#[derive(Debug, Clone)]
pub enum ImportCommand {
    /// Keep a file for being worked off.
    Begin(Box<NewImport>),
    /// Do the next step.
    Step {
        /// Whose.
        user: UserId,
        /// Which.
        id: ImportId,
        /// What user-service told of names that are not in the copy of user facts.
        told: Told,
    },
    /// It cannot go on before user-service answers.
    Wait {
        /// Whose.
        user: UserId,
        /// Which.
        id: ImportId,
    },
    /// What it would do is known.
    Foreseen {
        /// Whose.
        user: UserId,
        /// Which.
        id: ImportId,
        /// What it would do.
        foreseen: Foreseen,
    },
    /// Forget some of those that are kept for long enough.
    ForgetOld,
}

/// A file, and how it is meant.
#[derive(Debug, Clone)]
pub struct NewImport {
    /// Whose.
    pub user: UserId,
    /// Which list it is about.
    pub kind: ImportKind,
    /// What it is to the list.
    pub mode: ImportMode,
    /// Only say what it would do.
    pub dry_run: bool,
    /// What it says.
    pub file: ImportFile,
    /// What tells the request from others.
    pub name: RequestName,
}

/// What an import would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Foreseen {
    /// The first of the rows that would fail.
    pub failures: Vec<StoredRow>,
    /// How many would.
    pub failed: i64,
    /// Rows that would change something.
    pub changed: i64,
    /// People whom it would take off the list.
    pub removed: i64,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportAnswer {
    /// The import as it was begun, now or by the same request before.
    Begun(Import),
    /// It does not begin.
    Denied(ImportDenial),
    /// A step is done; whether the import is open is asked of the table.
    Stepped,
    /// Nothing is done: user-service has to say whom these names lead to.
    Unknown(Vec<String>),
    /// Nothing is done: what the import would do is to be read now.
    ToForesee(Import),
}

pub(super) fn apply(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    command: &ImportCommand,
) -> Result<ImportAnswer, StoreError> {
    match command {
        ImportCommand::Begin(new) => return begin(tx, new),
        ImportCommand::Step { user, id, told } => return step(engine, tx, *user, *id, told),
        ImportCommand::Wait { user, id } => {
            if let Some(import) = open(tx, *user, *id)? {
                keep(tx, &Import { state: ImportState::Waiting, ..import })?;
            }
        }
        ImportCommand::Foreseen { user, id, foreseen } => {
            if let Some(import) = open(tx, *user, *id)?.filter(|open| open.phase == ImportPhase::Foresee) {
                end_foreseen(tx, import, foreseen)?;
            }
        }
        ImportCommand::ForgetOld => {
            let through = tx.now.before(IMPORT_KEPT_FOR);
            for (user, id) in store::import::old(tx.conn, through, FORGOTTEN_AT_ONCE)? {
                store::import::forget(tx.conn, user, id)?;
                tx.wrote();
            }
        }
    }
    Ok(ImportAnswer::Stepped)
}

fn begin(tx: &mut Transaction<'_>, new: &NewImport) -> Result<ImportAnswer, StoreError> {
    let denied = |denial| Ok(ImportAnswer::Denied(denial));
    let day_ago = tx.now.before(IMPORT_KEY_LIFE);
    let kept = store::import::all(tx.conn, new.user)?;
    if !new.name.key.is_empty()
        && let Some((id, body)) = store::import::of_request(tx.conn, new.user, &new.name.key, day_ago)?
    {
        return match kept.iter().find(|import| import.id == id && body == new.name.body) {
            Some(same) => Ok(ImportAnswer::Begun(same.as_begun())),
            None => denied(ImportDenial::KeyReused),
        };
    }
    if kept.iter().any(|import| import.kind == new.kind && import.is_open()) {
        return denied(ImportDenial::Running);
    }
    if let Some(oldest) = kept.get(IMPORTS_KEPT_MAX - 1) {
        if oldest.is_open() || oldest.created_at() > day_ago {
            let wait = oldest.created_at().after(IMPORT_KEY_LIFE).since(tx.now);
            return denied(ImportDenial::TooMany { wait });
        }
        store::import::forget(tx.conn, new.user, oldest.id)?;
    }
    let NewImport { user, kind, mode, dry_run, .. } = *new;
    let import = Import {
        user,
        id: ImportId::new(tx.tick().get()),
        kind,
        mode,
        dry_run,
        state: ImportState::Queued,
        phase: ImportPhase::first(mode, dry_run),
        total: new.file.total,
        resolved: 0,
        processed: 0,
        failed: 0,
        changed: 0,
        removed: 0,
    };
    store::import::insert(tx.conn, &import, &new.name)?;
    store::import_row::put(tx.conn, user, import.id, &rows_of(&new.file))?;
    tx.wrote();
    Ok(ImportAnswer::Begun(import))
}

fn rows_of(file: &ImportFile) -> Vec<StoredRow> {
    let row = |row: &crate::domain::ImportRow| {
        let stored = StoredRow { number: row.number, account: row.account.clone(), ..StoredRow::default() };
        match &row.asked {
            Ok(wanted) => StoredRow { username: wanted.username.clone(), option: wanted.option, ..stored },
            Err(fault) => stored.failed(fault.code()),
        }
    };
    file.rows.iter().map(row).collect()
}

/// The import, if there is something left to do. Of somebody who is hidden it rests.
fn open(tx: &mut Transaction<'_>, user: UserId, id: ImportId) -> Result<Option<Import>, StoreError> {
    let owner = store::fact::known_one(tx.conn, user)?;
    if owner.is_some_and(|owner| owner.status != AccountStatus::Active) {
        return Ok(None);
    }
    Ok(store::import::find(tx.conn, user, id)?.filter(Import::is_open))
}

fn keep(tx: &mut Transaction<'_>, import: &Import) -> Result<(), StoreError> {
    tx.wrote();
    store::import::put(tx.conn, import)
}

fn step(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    user: UserId,
    id: ImportId,
    told: &Told,
) -> Result<ImportAnswer, StoreError> {
    let Some(import) = open(tx, user, id)? else { return Ok(ImportAnswer::Stepped) };
    let mut next = Import { state: ImportState::Running, ..import };
    let unknown = match import.phase {
        ImportPhase::Resolve => resolve_some(engine, tx, &mut next, told)?,
        ImportPhase::Remove => remove_some(engine, tx, &mut next)?,
        ImportPhase::Act => act_on_some(engine, tx, &mut next, told)?,
        ImportPhase::Foresee => return Ok(ImportAnswer::ToForesee(import)),
    };
    if !unknown.is_empty() {
        return Ok(ImportAnswer::Unknown(unknown));
    }
    keep(tx, &next)?;
    Ok(ImportAnswer::Stepped)
}

/// Finds out whom the rows name: by the copy of user facts, else by what user-service told. Returns the names of which
/// neither says anything; where there are any, nothing may be written.
fn resolve(conn: &mut Conn, rows: &mut [StoredRow], told: &Told) -> Result<Vec<String>, StoreError> {
    let is_open = |row: &StoredRow| row.code.is_empty() && row.target.is_none();
    let names: Vec<&str> = rows.iter().filter(|row| is_open(row)).map(|row| row.username.as_str()).collect();
    let known = store::fact::named(conn, &names)?;
    let mut unknown = Vec::new();
    for row in rows.iter_mut().filter(|row| is_open(row)) {
        let named = known.get(&row.username).map(|named| named.visible.then_some(named.user));
        match named.or_else(|| told.get(&row.username).copied()) {
            Some(Some(user)) => row.target = Some(user),
            // Whom others may not see is nobody, as for every look-up by name.
            Some(None) => *row = std::mem::take(row).failed(Refusal::UserNotFound.code()),
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
    let unknown = resolve(tx.conn, &mut rows, told)?;
    if !unknown.is_empty() {
        return Ok(unknown);
    }
    store::import_row::put(tx.conn, import.user, import.id, &rows)?;
    match rows.last().filter(|_| length(&rows) >= limit) {
        Some(last) => import.resolved = last.number,
        None => {
            import.resolved = import.total;
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
    let left_out = store::import_row::left_out(tx.conn, import, tx.now, i64::from(engine.step))?;
    let answers = engine.act(tx, &removals(import, &left_out))?;
    let removed = length(&answers.iter().filter(|answer| changes(answer)).collect::<Vec<_>>());
    import.removed += removed;
    // Nobody stays on the list whom a step was to take off; should anybody, no other step would help.
    if removed < i64::from(engine.step) {
        import.phase = ImportPhase::Act;
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
        let action = import.kind.adding(row.option);
        Some(Act { source: import.user, target: row.target?, action, found: false })
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
    let unknown = resolve(tx.conn, &mut rows, told)?;
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
        let answer = if row.target.is_some() { answers.next() } else { None };
        match answer {
            Some(Answer::Refused(refusal)) => failures.push(row.failed(refusal.code())),
            Some(Answer::UnknownTarget) => failures.push(row.failed(Refusal::UserNotFound.code())),
            Some(answer) => changed += i64::from(changes(answer)),
            None => failures.push(row),
        }
    }
    changed
}

fn changes(answer: &Answer) -> bool {
    matches!(answer, Answer::Acted(acted) if acted.changed)
}

fn end_foreseen(tx: &mut Transaction<'_>, import: Import, foreseen: &Foreseen) -> Result<(), StoreError> {
    let Foreseen { failed, changed, removed, .. } = *foreseen;
    let Import { user, id, total, .. } = import;
    store::import_row::forget(tx.conn, user, id, 0, total)?;
    store::import_row::put(tx.conn, user, id, &foreseen.failures)?;
    let state = ImportState::Done;
    keep(tx, &Import { state, processed: total, failed, changed, removed, ..import })
}

impl RelationEngine {
    /// What an import would do whose names are all known: the same loads and decisions, each on what the earlier ones
    /// would leave, without the writes.
    pub fn foresee_import(
        &self,
        conn: &mut Conn,
        import: &Import,
        now: shared::clock::Micros,
    ) -> Result<Foreseen, StoreError> {
        let limit = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
        let rows = store::import_row::after(conn, import.user, import.id, 0, limit)?;
        let left_out = match import.mode {
            ImportMode::Merge => Vec::new(),
            ImportMode::Overwrite => store::import_row::left_out(conn, import, now, LEFT_OUT_MAX)?,
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
