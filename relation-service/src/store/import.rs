//! Files that people bring, and how far each has come.

use diesel::sql_types::{BigInt, SmallInt, Text};
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, execute, query};
use shared::id::UserId;

use super::fact;
use crate::domain::{ImportId, ImportKind, ImportMode, ImportPhase, ImportState};

/// One import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Import {
    /// Whose.
    pub user: UserId,
    /// Which of theirs.
    pub id: ImportId,
    /// Which list it is about.
    pub kind: ImportKind,
    /// What it is to the list.
    pub mode: ImportMode,
    /// Only says what it would do.
    pub dry_run: bool,
    /// How far it has come.
    pub state: ImportState,
    /// What its next step does.
    pub phase: ImportPhase,
    /// Rows of the file.
    pub total: i64,
    /// The last row of which it is known whom it names, where all must be known first; then the last person who was
    /// left out.
    pub resolved: i64,
    /// The last row that was acted on.
    pub processed: i64,
    /// Rows that failed.
    pub failed: i64,
    /// Rows that changed something.
    pub changed: i64,
    /// People whom it took off the list.
    pub removed: i64,
}

impl Import {
    /// When it was begun.
    pub const fn created_at(&self) -> Micros {
        Micros::new(self.id.get())
    }

    /// Whether there is something left to do.
    pub const fn is_open(&self) -> bool {
        !matches!(self.state, ImportState::Done)
    }

    /// As it was begun, to its owner.
    pub const fn as_begun(self) -> Self {
        let state = ImportState::Queued;
        Self { state, resolved: 0, processed: 0, failed: 0, changed: 0, removed: 0, ..self }
    }
}

/// What tells a request from others: digests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestName {
    /// Of the name that its caller gave it; empty for none.
    pub key: String,
    /// Of all that it asked for.
    pub body: String,
}

/// Gives words of the domain the numbers that the tables hold.
macro_rules! stored {
    ($kind:ty, $what:literal, $code:ident, $read:ident, $($variant:path = $number:literal),+ $(,)?) => {
        const fn $code(value: $kind) -> i64 {
            match value { $($variant => $number),+ }
        }

        fn $read(code: i16) -> Result<$kind, StoreError> {
            match code {
                $($number => Ok($variant),)+
                other => Err(StoreError::Unreadable(format!("an import has the {} {other}", $what))),
            }
        }
    };
}

stored!(
    ImportKind,
    "kind",
    kind_code,
    kind,
    ImportKind::Following = 1,
    ImportKind::Blocks = 2,
    ImportKind::Mutes = 3,
);
stored!(ImportMode, "mode", mode_code, mode, ImportMode::Merge = 1, ImportMode::Overwrite = 2);
stored!(
    ImportState,
    "state",
    state_code,
    state,
    ImportState::Queued = 1,
    ImportState::Running = 2,
    ImportState::Waiting = 3,
    ImportState::Done = 4,
);
stored!(
    ImportPhase,
    "phase",
    phase_code,
    phase,
    ImportPhase::Resolve = 1,
    ImportPhase::Remove = 2,
    ImportPhase::Act = 3,
    ImportPhase::Foresee = 4,
);

const COLUMNS: &str =
    "user_id, id, kind, mode, dry_run, state, phase, total, resolved, processed, failed, changed, removed";
type Sql = (
    BigInt,
    BigInt,
    SmallInt,
    SmallInt,
    SmallInt,
    SmallInt,
    SmallInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
);
type Row = (i64, i64, i16, i16, i16, i16, i16, i64, i64, i64, i64, i64, i64);

fn import(row: Row) -> Result<Import, StoreError> {
    let (user, id, k, m, dry_run, s, p, total, resolved, processed, failed, changed, removed) = row;
    Ok(Import {
        user: UserId::new(user),
        id: ImportId::new(id),
        kind: kind(k)?,
        mode: mode(m)?,
        dry_run: dry_run != 0,
        state: state(s)?,
        phase: phase(p)?,
        total,
        resolved,
        processed,
        failed,
        changed,
        removed,
    })
}

/// Keeps a new import.
pub fn insert(conn: &mut Conn, new: &Import, name: &RequestName) -> Result<(), StoreError> {
    let text = format!(
        "INSERT INTO imports (request_key, request_body, {COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
    );
    let mut binds = vec![Value::from(name.key.as_str()), Value::from(name.body.as_str())];
    let numbers = [
        new.user.get(),
        new.id.get(),
        kind_code(new.kind),
        mode_code(new.mode),
        i64::from(new.dry_run),
        state_code(new.state),
        phase_code(new.phase),
        new.total,
        new.resolved,
        new.processed,
        new.failed,
        new.changed,
        new.removed,
    ];
    binds.extend(numbers.map(Value::Int));
    execute(conn, &text, &binds).map(drop)
}

/// Keeps how far an import has come.
pub fn put(conn: &mut Conn, import: &Import) -> Result<(), StoreError> {
    let text =
        "UPDATE imports SET state = ?, phase = ?, resolved = ?, processed = ?, failed = ?, changed = ?,
                removed = ? WHERE user_id = ? AND id = ?";
    let numbers = [
        state_code(import.state),
        phase_code(import.phase),
        import.resolved,
        import.processed,
        import.failed,
        import.changed,
        import.removed,
        import.user.get(),
        import.id.get(),
    ];
    execute(conn, text, &numbers.map(Value::Int)).map(drop)
}

/// One import of a person's.
pub fn find(conn: &mut Conn, user: UserId, id: ImportId) -> Result<Option<Import>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM imports WHERE user_id = ? AND id = ?");
    let rows: Vec<Row> = query::<Sql, _>(conn, &text, &[user.get().into(), id.get().into()])?;
    rows.into_iter().next().map(import).transpose()
}

/// All imports of a person's, newest first: a bounded number.
pub fn all(conn: &mut Conn, user: UserId) -> Result<Vec<Import>, StoreError> {
    let text = format!("SELECT {COLUMNS} FROM imports WHERE user_id = ? ORDER BY id DESC");
    let rows: Vec<Row> = query::<Sql, _>(conn, &text, &[user.get().into()])?;
    rows.into_iter().map(import).collect()
}

/// What the request of this name began after `since`, and what it asked for.
pub fn of_request(
    conn: &mut Conn,
    user: UserId,
    key: &str,
    since: Micros,
) -> Result<Option<(ImportId, String)>, StoreError> {
    let text = "SELECT id, request_body FROM imports WHERE user_id = ? AND id > ? AND request_key = ?";
    let binds = [user.get().into(), since.get().into(), key.into()];
    let rows: Vec<(i64, String)> = query::<(BigInt, Text), _>(conn, text, &binds)?;
    Ok(rows.into_iter().next().map(|(id, body)| (ImportId::new(id), body)))
}

/// At most `limit` imports that are not done, those first that have not begun, and those last that wait. Those of
/// hidden people rest until these return.
pub fn open(conn: &mut Conn, limit: i64) -> Result<Vec<(UserId, ImportId)>, StoreError> {
    let text = format!(
        "SELECT user_id, id FROM imports WHERE state IN (1, 2, 3) AND {} ORDER BY state, id LIMIT ?",
        fact::not_hidden("imports.user_id")
    );
    keys(conn, &text, &[limit.into()])
}

/// At most `limit` imports that were begun by `through`.
pub fn old(conn: &mut Conn, through: Micros, limit: i64) -> Result<Vec<(UserId, ImportId)>, StoreError> {
    let text = "SELECT user_id, id FROM imports WHERE state IN (1, 2, 3, 4) AND id <= ? LIMIT ?";
    keys(conn, text, &[through.get().into(), limit.into()])
}

fn keys(conn: &mut Conn, text: &str, binds: &[Value<'_>]) -> Result<Vec<(UserId, ImportId)>, StoreError> {
    let rows: Vec<(i64, i64)> = query::<(BigInt, BigInt), _>(conn, text, binds)?;
    Ok(rows.into_iter().map(|(user, id)| (UserId::new(user), ImportId::new(id))).collect())
}

/// Forgets an import and its rows.
pub fn forget(conn: &mut Conn, user: UserId, id: ImportId) -> Result<(), StoreError> {
    let key = [user.get().into(), id.get().into()];
    execute(conn, "DELETE FROM import_rows WHERE user_id = ? AND import_id = ?", &key)?;
    execute(conn, "DELETE FROM imports WHERE user_id = ? AND id = ?", &key).map(drop)
}
