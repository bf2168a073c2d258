//! Making sure that what was deleted is out of the database's files too.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix_web::web;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Integer;

use super::{Conn, DatabaseUrl, StoreError, open_writer, query};
use crate::clock::Micros;

/// A file up to this size is rewritten whenever it is asked for: that takes well below a tenth of a second.
const SMALL_FILE_BYTES: u64 = 1 << 20;
/// A larger one is rewritten when nobody has written for so long, since writers wait meanwhile.
const QUIET: Duration = Duration::from_secs(5);
/// If somebody always writes, it is rewritten all the same after so long: what was deleted goes.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(60 * 60);
/// From this size on that is seconds,
const LARGE_FILE_BYTES: u64 = 64 << 20;
/// so it happens at most once in this time.
const LARGE_FILE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the write-ahead file's end may wait for readers: writers wait with it.
const TRUNCATE_PATIENCE_MS: u32 = 20;

/// Wipes the files of one embedded database. Clones share the memory of when that was done last.
///
/// Deleted rows are overwritten with zeros at once (`secure_delete`), but two other places may still have them:
/// the write-ahead file, which has the pages of before, and gaps in pages whose rows were moved to a neighbour
/// when it was split. The first is cut off here, and the second is gone when the whole file is written anew.
///
/// A Postgres server keeps its files by its own rules: there is nothing to do here.
#[derive(Debug, Clone)]
pub struct Wiper {
    url: DatabaseUrl,
    /// When a large file was last rewritten, or tried to be; never is 0.
    tried: Arc<AtomicI64>,
    /// Since when a rewriting waits for quiet; 0 if none does.
    waits: Arc<AtomicI64>,
}

impl Wiper {
    /// For the database at `url`.
    pub fn new(url: DatabaseUrl) -> Self {
        Self { url, tried: Arc::default(), waits: Arc::default() }
    }

    /// When the file may be rewritten; `None` for now.
    pub fn next(&self, now: Micros) -> Option<Micros> {
        let DatabaseUrl::Sqlite(path) = &self.url else { return None };
        if is_within(path, SMALL_FILE_BYTES) {
            return None;
        }
        let tried = self.tried.load(Ordering::Relaxed);
        let next = Micros::new(tried).after(LARGE_FILE_EVERY);
        if tried != 0 && now < next && !is_within(path, LARGE_FILE_BYTES) {
            return Some(next);
        }
        let busy = QUIET.saturating_sub(unwritten_for(path));
        // The first who finds it busy begins the wait.
        let _ = self.waits.compare_exchange(0, now.get(), Ordering::Relaxed, Ordering::Relaxed);
        let end = Micros::new(self.waits.load(Ordering::Relaxed)).after(QUIET_WAIT_MAX);
        (!busy.is_zero() && now < end).then(|| now.after(busy).min(end))
    }

    /// Rewrites the file and cuts off its write-ahead file: after that, nothing deleted before is in either.
    pub async fn wipe(&self, now: Micros) -> Result<(), StoreError> {
        let DatabaseUrl::Sqlite(path) = self.url.clone() else { return Ok(()) };
        self.tried.store(now.get(), Ordering::Relaxed);
        self.waits.store(0, Ordering::Relaxed);
        let url = self.url.clone();
        let done = web::block(move || rewrite(&mut open_writer(&url)?, &path)).await;
        done.map_err(|_| StoreError::Overloaded)?
    }
}

fn is_within(path: &Path, bytes: u64) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() <= bytes)
}

/// How long nobody has written: each commit goes to the write-ahead file first.
fn unwritten_for(path: &Path) -> Duration {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let written = std::fs::metadata(log).and_then(|file| file.modified());
    // Without such a file nothing was written since it was last cut off.
    written.map_or(QUIET, |at| at.elapsed().unwrap_or_default())
}

fn rewrite(conn: &mut Conn, path: &Path) -> Result<(), StoreError> {
    if let Conn::Sqlite(sqlite) = conn {
        // The copy that is made on the way needs a writable place, which not every container has beside the data.
        let place = if is_within(path, LARGE_FILE_BYTES) { "MEMORY" } else { "FILE" };
        sqlite.batch_execute(&format!("PRAGMA temp_store = {place}; VACUUM;"))?;
    }
    truncate_log(conn)
}

/// Moves everything from the write-ahead file into the database, and cuts the file off. Most is moved beside
/// writers; then they wait until it is cut off, or until a reader has been in the way for long enough.
fn truncate_log(conn: &mut Conn) -> Result<(), StoreError> {
    if let Conn::Sqlite(sqlite) = conn {
        sqlite.batch_execute(&format!(
            "PRAGMA wal_checkpoint(PASSIVE); PRAGMA busy_timeout = {TRUNCATE_PATIENCE_MS};"
        ))?;
    }
    let text = "PRAGMA wal_checkpoint(TRUNCATE)";
    let rows: Vec<(i32, i32, i32)> = query::<(Integer, Integer, Integer), _>(conn, text, &[])?;
    match rows.first() {
        Some((0, _, _)) => Ok(()),
        Some(_) | None => Err(StoreError::Unavailable("database is locked: a reader is in the way".into())),
    }
}
