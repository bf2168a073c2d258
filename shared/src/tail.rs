//! Keeping up with what other processes commit to the same database, and knowing when that is done.
//!
//! One thread with a connection of its own looks at the head of the log and at what came before it, and has memory
//! take it in. It looks when a commit is announced (`NOTIFY`), when nothing has been for a while, and whenever somebody has
//! to know that memory is current. Such a reader waits for the end of a look that began after it came (as etcd's
//! ReadIndex does), and one look serves all who came before it: so a read costs a part of one statement, however many
//! there are.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use log::{debug, info, warn};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::cache::{CaughtUp, Memory};
use crate::clock::{Clock, Micros};
use crate::db::{Conn, DatabaseUrl, Reads, StoreError, open_listener, touched};
use crate::metric;
use crate::revision::Revision;

/// How long a read waits until memory is known to be current before it is refused.
pub const CURRENT_WAIT: Duration = Duration::from_millis(900);
/// How often is listened for announcements: that asks the socket and not the server.
const LISTEN_EVERY: Duration = Duration::from_millis(10);
/// How often is looked where nothing was announced: announcements can be lost, and not every server has them.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often what all have taken in is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(2);
/// For how long it is kept: who is behind by more starts anew.
pub const KEPT_FOR: Duration = Duration::from_secs(60);

tokio::task_local! {
    static HASTE: ();
}

/// Runs `work` for somebody who does not mind an answer that may be a moment old.
pub async fn in_haste<F: Future>(work: F) -> F::Output {
    HASTE.scope((), work).await
}

/// Forgets what is old where no thread keeps up, since nothing is remembered: others may, so it was noted all the same.
pub async fn forget_old(reads: Reads, clock: Clock) -> Infallible {
    loop {
        sleep(FORGET_EVERY).await;
        let before = clock.now().before(KEPT_FOR);
        if let Err(error) = reads.run(move |conn| touched::forget(conn, before)).await {
            debug!("what others were told is forgotten later: {error}");
        }
    }
}

/// What the thread works with.
pub struct Parts<T> {
    /// By which its metrics are known.
    pub name: &'static str,
    /// Where to look.
    pub url: DatabaseUrl,
    /// What has to keep up.
    pub memory: Arc<dyn Memory<T>>,
    /// Whom to tell how far the log has come.
    pub revision: Revision,
    /// The time.
    pub clock: Clock,
    /// Whether announcements are not heard.
    pub deaf: bool,
}

/// Whether memory is current. Clones share the looks.
#[derive(Debug, Clone)]
pub struct Freshness(Arc<Looks>);

#[derive(Debug)]
struct Looks {
    name: &'static str,
    ask: SyncSender<()>,
    begun: Arc<AtomicU64>,
    ended: watch::Receiver<Ended>,
}

/// The looks that have ended.
#[derive(Debug, Clone, Copy, Default)]
struct Ended {
    newest: u64,
    /// The newest that went well.
    well: u64,
}

impl Freshness {
    /// Starts to keep up. It ends when nobody can ask any more.
    pub fn start<T: DeserializeOwned + 'static>(parts: Parts<T>) -> Result<Self, StoreError> {
        let (ask, asked) = sync_channel(1);
        let (tell, ended) = watch::channel(Ended::default());
        let (name, begun) = (parts.name, Arc::new(AtomicU64::new(0)));
        let tail = Tail { parts, begun: begun.clone(), ended: tell, conn: None, well: true };
        let spawned = thread::Builder::new().name(format!("{name} tail")).spawn(move || tail.run(&asked));
        spawned.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self(Arc::new(Looks { name, ask, begun, ended })))
    }

    /// The same for the request that this code serves, unless it is in haste.
    pub async fn current_enough(&self) -> Result<(), StoreError> {
        if HASTE.try_with(|()| ()).is_ok() {
            return Ok(());
        }
        self.current().await
    }

    /// Waits until memory is at least as new as the database was when this was called.
    pub async fn current(&self) -> Result<(), StoreError> {
        let looks = &self.0;
        // The one that is under way may have looked before.
        let wanted = looks.begun.load(Ordering::SeqCst) + 1;
        // Where one was asked for that has not begun, it will do.
        let _ = looks.ask.try_send(());
        metrics::counter!(metric::CURRENT_READS, "service" => looks.name).increment(1);
        let mut ended = looks.ended.clone();
        let there = timeout(CURRENT_WAIT, ended.wait_for(|ended| ended.newest >= wanted)).await;
        match there {
            Ok(Ok(ended)) if ended.well >= wanted => Ok(()),
            _ => Err(StoreError::Unavailable("the newest commits are not known".into())),
        }
    }
}

/// The thread.
struct Tail<T> {
    parts: Parts<T>,
    begun: Arc<AtomicU64>,
    ended: watch::Sender<Ended>,
    conn: Option<Conn>,
    /// Whether the last look went well.
    well: bool,
}

impl<T: DeserializeOwned> Tail<T> {
    fn run(mut self, asked: &Receiver<()>) {
        let (mut looked, mut forgot) = (Instant::now(), Instant::now());
        loop {
            let word = asked.recv_timeout(LISTEN_EVERY);
            if word == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            // Also where a look is asked for all the time: what is announced gathers until it is heard.
            let heard = self.hears();
            if word.is_ok() || heard || looked.elapsed() >= LOOK_EVERY {
                self.look();
                looked = Instant::now();
            }
            if forgot.elapsed() >= FORGET_EVERY {
                self.forget();
                forgot = Instant::now();
            }
        }
    }

    /// Whether something was announced that is new, or nothing can be heard.
    fn hears(&mut self) -> bool {
        let Some(Conn::Postgres(conn)) = &mut self.conn else { return false };
        let announced: Result<Vec<_>, _> = conn.notifications_iter().collect();
        let Ok(announced) = announced else { return true };
        if self.parts.deaf {
            return false;
        }
        let newest = announced.iter().filter_map(|one| one.payload.parse().ok()).max();
        newest.is_some_and(|at| self.parts.memory.commits().place() < Some(Micros::new(at)))
    }

    fn look(&mut self) {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        // A connection that the server dropped is replaced at once.
        let done = self.catch_up().or_else(|_| self.catch_up());
        match &done {
            Ok(()) if !self.well => info!("{} keeps up with other instances again", self.parts.name),
            Err(error) if self.well => {
                warn!("{} cannot keep up with other instances: {error}", self.parts.name);
            }
            Ok(()) | Err(_) => {}
        }
        self.well = done.is_ok();
        metrics::counter!(metric::TAIL_LOOKS, "service" => self.parts.name).increment(1);
        self.ended.send_modify(|ended| {
            ended.newest = number;
            if self.well {
                ended.well = number;
            }
        });
    }

    /// On the connection that there is, or a new one; it stays if all went well.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => open_listener(&self.parts.url, touched::CHANNEL)?,
        };
        self.catch_up_on(&mut conn)?;
        self.conn = Some(conn);
        Ok(())
    }

    fn catch_up_on(&self, conn: &mut Conn) -> Result<(), StoreError> {
        let memory = &*self.parts.memory;
        loop {
            let place = memory.commits().place();
            let news = touched::news(conn, place.unwrap_or_default())?;
            let caught_up = memory.commits().catch_up(memory, conn, &news)?;
            self.measure(caught_up);
            if caught_up.place >= news.head.at {
                self.parts.revision.reached(news.head.seq);
                return Ok(());
            }
        }
    }

    fn measure(&self, caught_up: CaughtUp) {
        let name = self.parts.name;
        if let Some(oldest) = caught_up.oldest {
            let late = self.parts.clock.now().since(oldest);
            metrics::histogram!(metric::TAIL_LAG, "service" => name).record(late);
        }
        if caught_up.dropped {
            metrics::counter!(metric::TAIL_DROPS, "service" => name).increment(1);
        }
    }

    /// By the time of this machine, so that nothing stays where nobody writes any more.
    fn forget(&mut self) {
        let Some(conn) = &mut self.conn else { return };
        let before = self.parts.clock.now().before(KEPT_FOR);
        if touched::forget(conn, before).is_err() {
            self.conn = None;
        }
    }
}
