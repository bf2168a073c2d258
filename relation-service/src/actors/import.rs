//! Imports, from their beginning to their end; what lies between is in [`super::import_step`].

use std::collections::HashMap;

use shared::clock::Micros;
use shared::db::StoreError;
use shared::facts::AccountStatus;
use shared::id::UserId;

use super::change::RelationEngine;
use super::import_step::{self, Stepped};
use crate::domain::{
    IMPORT_KEPT_FOR, IMPORT_KEY_LIFE, IMPORTS_KEPT_MAX, ImportDenial, ImportFile, ImportId, ImportKind,
    ImportMode, ImportPhase, ImportRow, ImportState, Limits, Wanted,
};
use crate::store;
use crate::store::graph::Transaction;
use crate::store::import::{Import, RequestName};
use crate::store::import_row::StoredRow;

/// Old imports that one step forgets.
const FORGOTTEN_AT_ONCE: i64 = 8;

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
        ImportCommand::Begin(new) => return begin(engine, tx, new),
        ImportCommand::Step { user, id, told } => {
            let Some(import) = open(tx, *user, *id)? else { return Ok(ImportAnswer::Stepped) };
            return match import_step::step(engine, tx, import, told)? {
                Stepped::To(next) => keep(tx, &next).map(|()| ImportAnswer::Stepped),
                Stepped::Unknown(names) => Ok(ImportAnswer::Unknown(names)),
                Stepped::ToForesee => Ok(ImportAnswer::ToForesee(import)),
            };
        }
        ImportCommand::Wait { user, id } => {
            if let Some(import) = open(tx, *user, *id)?.filter(|open| open.state != ImportState::Waiting) {
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

/// Why no file of `kind` is taken now from whose imports these are, newest first.
pub fn denial(limits: &Limits, kept: &[Import], kind: ImportKind, now: Micros) -> Option<ImportDenial> {
    if kept.iter().any(|import| import.kind == kind && import.is_open()) {
        return Some(ImportDenial::Running);
    }
    let at_most = limits.imports_per_24h;
    let room_from = kept.get(at_most.checked_sub(1)?)?.created_at().after(IMPORT_KEY_LIFE);
    (room_from > now).then(|| ImportDenial::TooMany { at_most, wait: room_from.since(now) })
}

fn begin(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    new: &NewImport,
) -> Result<ImportAnswer, StoreError> {
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
    if let Some(reason) = denial(&engine.limits, &kept, new.kind, tx.now) {
        return denied(reason);
    }
    let beyond = kept.iter().skip(IMPORTS_KEPT_MAX - 1);
    for old in beyond.filter(|import| !import.is_open()) {
        store::import::forget(tx.conn, new.user, old.id)?;
    }
    let NewImport { user, kind, mode, dry_run, .. } = *new;
    let import = Import {
        user,
        id: ImportId::new(tx.tick().get()),
        kind,
        mode,
        dry_run,
        state: ImportState::Queued,
        phase: ImportPhase::first(mode, dry_run, new.file.is_of_accounts()),
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
    let row = |row: &ImportRow| {
        let stored = StoredRow { number: row.number, account: row.account.clone(), ..StoredRow::default() };
        match &row.asked {
            Ok(Wanted { username, option }) => {
                let named = StoredRow { username: username.clone(), ..stored };
                match option {
                    Ok(option) => StoredRow { option: *option, ..named },
                    Err(fault) => named.failed(fault.code()),
                }
            }
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

fn end_foreseen(tx: &mut Transaction<'_>, import: Import, foreseen: &Foreseen) -> Result<(), StoreError> {
    let Foreseen { failed, changed, removed, .. } = *foreseen;
    let Import { user, id, total, .. } = import;
    store::import_row::forget(tx.conn, user, id, 0, total)?;
    store::import_row::put(tx.conn, user, id, &foreseen.failures)?;
    let state = ImportState::Done;
    keep(tx, &Import { state, processed: total, failed, changed, removed, ..import })
}
