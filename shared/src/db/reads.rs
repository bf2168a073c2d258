//! Reading: a pool of connections, used from blocking threads, with a bounded queue before it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::web;
use r2d2::{ManageConnection, Pool, PooledConnection};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Conn, DatabaseUrl, StoreError, in_snapshot, open_reader, quick_check};
use crate::cache::Gate;
use crate::metric;

/// How many reads may wait for a connection; one more is refused at once.
pub const READ_QUEUE_MAX: usize = 1_024;
/// How long one read waits for its turn before it is refused.
const TURN_WAIT: Duration = Duration::from_secs(1);
/// How long one read waits for a connection of the pool before the database counts as gone.
const CONNECTION_WAIT: Duration = Duration::from_secs(1);

/// How long one read may take until whoever waits for it is refused: as long as a statement may take on a server. A server
/// that stands still ends no statement, and keeps its connections.
const READ_WAIT: Duration = Duration::from_secs(10);

/// The readers of one database. Clones share the pool.
#[derive(Clone)]
pub struct Reads {
    pool: Pool<Opener>,
    running: Arc<Semaphore>,
    gate: Option<Gate>,
    waiting: Arc<AtomicUsize>,
}

impl Reads {
    /// A pool of at most `connections`, opened as they are needed.
    pub fn new(url: &DatabaseUrl, connections: u32) -> Self {
        let pool = Pool::builder()
            .max_size(connections)
            .min_idle(Some(0))
            // A check of each connection before each use would cost more than the read itself.
            .test_on_check_out(false)
            .connection_timeout(CONNECTION_WAIT)
            .build_unchecked(Opener(url.clone()));
        let permits = usize::try_from(connections).unwrap_or(1);
        Self { pool, running: Arc::new(Semaphore::new(permits)), gate: None, waiting: Arc::default() }
    }

    /// The same beside a memory: an answer waits until memory knows what it may have seen.
    pub fn behind(self, gate: Option<Gate>) -> Self {
        Self { gate, ..self }
    }

    /// Tells at `/metrics`, for as long as the process lives, how far the connections are used.
    pub fn measure(&self, service: &'static str) {
        let max = metrics::gauge!(metric::READS_CONNECTIONS_MAX, "service" => service);
        let open = metrics::gauge!(metric::READS_CONNECTIONS, "service" => service);
        let in_use = metrics::gauge!(metric::READS_IN_USE, "service" => service);
        let waiting = metrics::gauge!(metric::READS_WAITING, "service" => service);
        let reads = self.clone();
        metric::every_second(move || {
            let (state, most) = (reads.pool.state(), reads.pool.max_size());
            let used = usize::try_from(most).unwrap_or(0).saturating_sub(reads.running.available_permits());
            max.set(metric::count(most));
            open.set(metric::count(state.connections));
            in_use.set(metric::count(used));
            // Who is being served is among those who have a place.
            waiting.set(metric::count(reads.waiting.load(Ordering::Relaxed).saturating_sub(used)));
        });
    }

    /// Runs `read` on a connection. A connection that the server dropped is replaced once.
    pub async fn run<T, F>(&self, mut read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        let _place = Place::take(&self.waiting)?;
        let permit = timeout(TURN_WAIT, self.running.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| StoreError::Overloaded)?.map_err(|_| StoreError::Overloaded)?;
        let pool = self.pool.clone();
        let work = web::block(move || {
            // Given back when the connection is, also where nobody waits any more.
            let _permit = permit;
            run_on(&pool, &mut read)
        });
        let done = timeout(READ_WAIT, work).await;
        let done =
            done.map_err(|_| StoreError::Unavailable("the database does not answer in time".into()))?;
        if let Some(gate) = &self.gate {
            gate.settled().await;
        }
        done.map_err(|_| StoreError::Overloaded)?
    }

    /// The same for an answer that is made of several statements: all of them see one moment of the database.
    pub async fn run_in_snapshot<T, F>(&self, mut read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        self.run(move |conn| in_snapshot(conn, &mut read)).await
    }
}

fn run_on<T>(
    pool: &Pool<Opener>,
    read: &mut impl FnMut(&mut Conn) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match try_on(pool, read) {
        Err(StoreError::Unavailable(_)) => try_on(pool, read),
        done => done,
    }
}

fn try_on<T>(
    pool: &Pool<Opener>,
    read: &mut impl FnMut(&mut Conn) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut reader: PooledConnection<Opener> =
        pool.get().map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let done = read(&mut reader);
    reader.suspect = matches!(done, Err(StoreError::Unavailable(_) | StoreError::Refused(_)));
    done
}

/// A place in the bounded queue, given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, StoreError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= READ_QUEUE_MAX {
            return Err(StoreError::Overloaded);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection of the pool that remembers whether its last use went wrong.
struct Reader {
    conn: Conn,
    suspect: bool,
}

impl Deref for Reader {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

struct Opener(DatabaseUrl);

impl ManageConnection for Opener {
    type Connection = Reader;
    type Error = StoreError;

    fn connect(&self) -> Result<Reader, StoreError> {
        Ok(Reader { conn: open_reader(&self.0)?, suspect: false })
    }

    fn is_valid(&self, reader: &mut Reader) -> Result<(), StoreError> {
        quick_check(&mut reader.conn)
    }

    fn has_broken(&self, reader: &mut Reader) -> bool {
        reader.suspect && quick_check(&mut reader.conn).is_err()
    }
}
