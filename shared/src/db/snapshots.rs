//! Long reads of one moment: few at a time, each on a connection of its own, so that they never take those of the pool.

use std::sync::Arc;

use actix_web::web;
use diesel::connection::SimpleConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Conn, DatabaseUrl, StoreError, begin_snapshot, end_write, open_reader};
use crate::cache::Gate;

/// How many run at the same time; one more is refused at once.
pub const SNAPSHOTS_MAX: usize = 4;

/// Begins snapshots of one database. Clones share the places.
#[derive(Clone)]
pub struct Snapshots {
    url: DatabaseUrl,
    places: Arc<Semaphore>,
    gate: Option<Gate>,
}

impl Snapshots {
    /// Of the database at `url`.
    pub fn new(url: &DatabaseUrl) -> Self {
        Self { url: url.clone(), places: Arc::new(Semaphore::new(SNAPSHOTS_MAX)), gate: None }
    }

    /// The same beside a memory: what is read waits until memory knows what it may have seen.
    pub fn behind(self, gate: Option<Gate>) -> Self {
        Self { gate, ..self }
    }

    /// Begins one. The moment is that of its first read.
    pub async fn begin(&self) -> Result<Snapshot, StoreError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| StoreError::Overloaded)?;
        let url = self.url.clone();
        let opened = web::block(move || {
            let mut conn = open_reader(&url)?;
            begin_snapshot(&mut conn)?;
            Ok::<_, StoreError>(conn)
        });
        let conn = opened.await.map_err(|_| StoreError::Overloaded)??;
        Ok(Snapshot(Some(Held { conn, gate: self.gate.clone(), _place: place })))
    }
}

/// One moment of the database. Whoever holds it for long keeps the database from tidying up: see [`Snapshot::end`].
pub struct Snapshot(Option<Held>);

/// Both go together: a place is free when its connection is.
struct Held {
    conn: Conn,
    /// Until the first read, which makes the moment.
    gate: Option<Gate>,
    _place: OwnedSemaphorePermit,
}

impl Snapshot {
    /// Reads something as of the moment. After a failure the snapshot is of no more use.
    pub async fn read<T, F>(&mut self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        let ended = || StoreError::Unavailable("the snapshot has ended".into());
        let mut held = self.0.take().ok_or_else(ended)?;
        let done = web::block(move || {
            let done = read(&mut held.conn)?;
            Ok::<_, StoreError>((held, done))
        });
        let (mut held, done) = done.await.map_err(|_| StoreError::Overloaded)??;
        if let Some(gate) = held.gate.take() {
            gate.settled().await;
        }
        self.0 = Some(held);
        Ok(done)
    }

    /// Gives the moment up. On SQLite, what was written in the meantime waits in the write-ahead file; it is moved into
    /// the database from here, so that the writer does not have to do that within a commit.
    pub async fn end(mut self) {
        let Some(mut held) = self.0.take() else { return };
        let ended = web::block(move || {
            end_write(&mut held.conn, false)?;
            if let Conn::Sqlite(sqlite) = &mut held.conn {
                sqlite.batch_execute("PRAGMA wal_checkpoint(PASSIVE)")?;
            }
            Ok::<_, StoreError>(())
        });
        if let Ok(Err(failure)) = ended.await {
            log::warn!("a snapshot did not end in good order: {failure}");
        }
    }
}
