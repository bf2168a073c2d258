//! Moving what gathers in the write-ahead file of an embedded database into the database, beside its writer.
//!
//! SQLite does it within a commit, whenever a thousand pages have gathered: then everybody in that batch waits for two
//! more syncs and for random writes, and pages that change all the time are moved again and again. Here a thread of its own
//! does most of it, less often; the writer moves the rest, which came in the meantime, so that the file can begin anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use log::warn;

use super::{Conn, DatabaseUrl, StoreError, open_writer};

/// Commands between two checkpoints: with five pages each, that is 20 MB.
const COMMANDS_BETWEEN: usize = 1_024;
/// Pages after which a commit moves them after all, if the thread does not come to it: 64 MiB.
const PAGES_MAX: u32 = 16_384;
/// A pass that is shorter leaves little.
const PASS_SHORT: Duration = Duration::from_millis(5);
/// Passes of one checkpoint at the most: each is over what came during the one before.
const PASSES_MAX: usize = 4;

/// How a writer opens its database, and who empties the write-ahead file beside it, where there is one.
pub struct Checkpoints {
    url: DatabaseUrl,
    /// From the first connection on.
    thread: Option<Mover>,
    commands: usize,
}

/// What is known of the thread, which ends with this value.
struct Mover {
    due: SyncSender<()>,
    /// It has done its part.
    rest: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Of the database at `url`.
    pub const fn of(url: DatabaseUrl) -> Self {
        Self { url, thread: None, commands: 0 }
    }

    /// Opens a connection that leaves checkpoints to the thread.
    pub fn open_writer(&mut self) -> Result<Conn, StoreError> {
        let mut conn = open_writer(&self.url)?;
        if matches!(conn, Conn::Sqlite(_)) {
            run(&mut conn, &format!("PRAGMA wal_autocheckpoint = {PAGES_MAX}"))?;
            if self.thread.is_none() {
                self.thread = Some(Mover::start(&self.url)?);
            }
        }
        Ok(conn)
    }

    /// After a commit of so many commands.
    pub fn committed(&mut self, conn: &mut Conn, commands: usize) {
        let Some(Mover { due, rest }) = &self.thread else { return };
        self.commands += commands;
        if self.commands >= COMMANDS_BETWEEN {
            self.commands = 0;
            // One is due already, or the thread has gone: then the writer itself does it at the bound.
            let _ = due.try_send(());
        }
        if rest.swap(false, Ordering::Relaxed)
            && let Err(failure) = checkpoint(conn)
        {
            // What was committed stands; the next checkpoint moves it.
            warn!("the write-ahead file could not be emptied: {failure}");
        }
    }
}

impl Mover {
    fn start(url: &DatabaseUrl) -> Result<Self, StoreError> {
        // One checkpoint that is due is as good as many.
        let (due, told) = sync_channel(1);
        let (rest, url) = (Arc::new(AtomicBool::new(false)), url.clone());
        let ready = rest.clone();
        thread::Builder::new()
            .name("checkpoints".into())
            .spawn(move || keep_moving(&url, &told, &ready))
            .map_err(|failure| StoreError::Unavailable(failure.to_string()))?;
        Ok(Self { due, rest })
    }
}

fn keep_moving(url: &DatabaseUrl, due: &Receiver<()>, ready: &AtomicBool) {
    while due.recv().is_ok() {
        match passes(url) {
            Ok(()) => ready.store(true, Ordering::Relaxed),
            Err(failure) => warn!("a checkpoint failed: {failure}"),
        }
    }
}

/// On a connection that is not kept: who closes the last one tidies up, and that is not to be this thread.
fn passes(url: &DatabaseUrl) -> Result<(), StoreError> {
    let mut conn = open_writer(url)?;
    for _ in 0..PASSES_MAX {
        let begun = Instant::now();
        checkpoint(&mut conn)?;
        if begun.elapsed() < PASS_SHORT {
            break;
        }
    }
    Ok(())
}

/// Moves what no reader needs where it is. Nobody waits for it.
fn checkpoint(conn: &mut Conn) -> Result<(), StoreError> {
    run(conn, "PRAGMA wal_checkpoint(PASSIVE)")
}

fn run(conn: &mut Conn, text: &str) -> Result<(), StoreError> {
    match conn {
        Conn::Sqlite(sqlite) => Ok(sqlite.batch_execute(text)?),
        Conn::Postgres(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::Integer;

    use super::*;
    use crate::db::query;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Pages in the write-ahead file since it last began anew.
    fn pages(conn: &mut Conn) -> i32 {
        let text = "PRAGMA wal_checkpoint(NOOP)";
        let rows: Vec<(i32, i32, i32)> = query::<(Integer, Integer, Integer), _>(conn, text, &[]).unwrap();
        rows[0].1
    }

    #[test]
    fn the_file_begins_anew_without_a_checkpoint_in_a_commit() {
        let dir = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(dir.path().join("test.db"));
        let mut checkpoints = Checkpoints::of(url);
        let mut conn = checkpoints.open_writer().unwrap();
        run(&mut conn, "CREATE TABLE filling (body BLOB)").unwrap();
        // Twice what SQLite would have moved by itself.
        run(&mut conn, "INSERT INTO filling VALUES (zeroblob(8000000))").unwrap();
        let full = pages(&mut conn);
        assert!(full > 1_900, "{full}");
        checkpoints.committed(&mut conn, COMMANDS_BETWEEN);
        let begun = Instant::now();
        while pages(&mut conn) >= full {
            assert!(begun.elapsed() < PATIENCE, "{} pages are left", pages(&mut conn));
            thread::yield_now();
            checkpoints.committed(&mut conn, 0);
            run(&mut conn, "INSERT INTO filling VALUES ('')").unwrap();
        }
    }
}
