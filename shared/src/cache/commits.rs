//! The way of a commit from the database into memory: of this process's own, and of those of others.
//!
//! Before the commit its keys are marked; after it memory is changed; then the writer answers. Where it is not known
//! what became of a commit (the connection broke under it), what it touched cannot be read from memory and is not kept
//! until the doubtful one has ended, well or not: that is when the log's head is held again, or has moved.
//!
//! The commits of others come as the database tells of them, each with the head's time before it. So memory is always as
//! the database was at one time, its *place*; and where a link is missing, everything is dropped.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use log::warn;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::timeout;

use super::stamps::{Marks, Stamps};
use crate::clock::Micros;
use crate::db::touched::{self, News, Touch};
use crate::db::{Conn, StoreError};

/// How long a read waits for a commit that hangs; then its answer may be newer than what memory tells the next one.
const SETTLE_WAIT: Duration = Duration::from_secs(1);

/// What a service keeps in memory of its tables. Only commits change it, before anybody is told of them.
pub trait Memory<T>: Send + Sync {
    /// The commits that do.
    fn commits(&self) -> &Commits<T>;

    /// The hashes of the keys whose entries this changes.
    fn touched(&self, told: &[T]) -> Vec<u64>;

    /// Changes the entries.
    fn apply(&self, told: T);

    /// Drops the entries: it is not known what became of the change.
    fn forget(&self, told: &[T]);

    /// Drops everything, and reads again what cannot be done without.
    fn clear(&self, conn: &mut Conn) -> Result<(), StoreError>;
}

/// Those of which it is not known what became of them, with what they touch.
type Doubtful<T> = Vec<(Marks, Vec<T>)>;
/// Before the first look.
const NOWHERE: i64 = i64::MIN;

/// The commits that memory has to hear of.
pub struct Commits<T> {
    /// By which readers notice them.
    pub stamps: Stamps,
    /// Odd while one of this process is between the database and memory.
    count: watch::Sender<u64>,
    /// Held by whoever changes memory, one at a time.
    turn: Mutex<Doubtful<T>>,
    /// Memory is as the database was at this time.
    place: AtomicI64,
}

/// What came of catching up with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaughtUp {
    /// When the oldest of their commits that was new to memory was made.
    pub oldest: Option<Micros>,
    /// Whether a link was missing.
    pub dropped: bool,
    /// The place of memory now.
    pub place: Micros,
}

impl<T> Commits<T> {
    /// None so far, with so many stamps.
    pub fn new(slots: usize) -> Self {
        let (count, place) = (watch::Sender::new(0), AtomicI64::new(NOWHERE));
        Self { stamps: Stamps::new(slots), count, turn: Mutex::new(Vec::new()), place }
    }

    fn turn(&self) -> MutexGuard<'_, Doubtful<T>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As of when memory is; nothing before the first look.
    pub fn place(&self) -> Option<Micros> {
        let place = self.place.load(Ordering::Acquire);
        (place != NOWHERE).then_some(Micros::new(place))
    }

    /// Whoever has the turn moves it.
    fn come_to(&self, place: Micros) {
        self.place.store(place.get(), Ordering::Release);
    }

    /// Makes a commit, after which the head's time is `at`, and changes memory with it. Nobody else's comes in between: the
    /// head is held.
    pub fn make(
        &self,
        memory: &dyn Memory<T>,
        told: Vec<T>,
        at: Micros,
        commit: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut turn = self.turn();
        self.count.send_modify(|count| *count += 1);
        let marks = self.stamps.mark(memory.touched(&told).into_iter());
        let made = commit();
        self.stamps.open(&marks);
        match made {
            Ok(()) => {
                told.into_iter().for_each(|change| memory.apply(change));
                self.stamps.close(&marks, at.get());
                self.come_to(at);
            }
            // At once for readers who ask no stamp; and once more in the end, though nothing is kept until then.
            Err(_) => {
                memory.forget(&told);
                turn.push((marks, told));
            }
        }
        drop(turn);
        self.count.send_modify(|count| *count += 1);
        made
    }

    /// Says that the head is held, at this time, by the only process that writes. Where another has written all the same,
    /// everything is dropped.
    pub fn hold_alone(
        &self,
        memory: &dyn Memory<T>,
        conn: &mut Conn,
        head: Micros,
    ) -> Result<(), StoreError> {
        let mut turn = self.turn();
        let in_doubt = !turn.is_empty();
        self.settle(memory, &mut turn, head);
        if self.place().is_some_and(|place| place != head) && !in_doubt {
            warn!("another process writes to this database: what is remembered of it is dropped");
            self.drop_all(memory, conn, head)?;
        }
        self.come_to(head);
        Ok(())
    }

    /// What was doubtful has ended by the time `at`.
    fn settle(&self, memory: &dyn Memory<T>, doubtful: &mut Doubtful<T>, at: Micros) {
        for (marks, told) in doubtful.drain(..) {
            memory.forget(&told);
            self.stamps.close(&marks, at.get());
        }
    }

    fn drop_all(&self, memory: &dyn Memory<T>, conn: &mut Conn, at: Micros) -> Result<(), StoreError> {
        let marks = self.stamps.mark_all();
        self.stamps.open(&marks);
        let done = memory.clear(conn);
        self.stamps.close(&marks, at.get());
        done
    }

    /// For those who read the database beside memory.
    pub fn gate(&self) -> Gate {
        Gate(self.count.subscribe())
    }
}

impl<T: DeserializeOwned> Commits<T> {
    /// Says that the head is held, at this time, by one of several processes that write: memory comes to it.
    pub fn hold(&self, memory: &dyn Memory<T>, conn: &mut Conn, head: Micros) -> Result<(), StoreError> {
        loop {
            let place = self.place();
            if place == Some(head) {
                break;
            }
            let news = touched::news(conn, place.unwrap_or(head))?;
            self.catch_up(memory, conn, &news)?;
        }
        self.settle(memory, &mut self.turn(), head);
        Ok(())
    }

    /// Takes in what others have committed, as far as `news` tells; what it tells of this process's own is known.
    pub fn catch_up(
        &self,
        memory: &dyn Memory<T>,
        conn: &mut Conn,
        news: &News,
    ) -> Result<CaughtUp, StoreError> {
        let mut turn = self.turn();
        let mut caught_up = CaughtUp { oldest: None, dropped: false, place: news.head.at };
        let Some(from) = self.place() else {
            memory.clear(conn)?;
            self.come_to(news.head.at);
            return Ok(caught_up);
        };
        for touch in news.touches.iter().filter(|touch| touch.at > from) {
            caught_up.oldest.get_or_insert(touch.at);
            // The head was held after what was doubtful.
            self.settle(memory, &mut turn, touch.at);
            let told = told::<T>(touch).filter(|_| self.place() == Some(touch.prior));
            match told {
                Some(told) => self.apply(memory, told, touch.at),
                None => {
                    caught_up.dropped = true;
                    self.drop_all(memory, conn, touch.at)?;
                }
            }
            self.come_to(touch.at);
        }
        let place = self.place().unwrap_or(from);
        // The rows end too early; or the database is an older copy of itself.
        if (news.whole && news.head.at > place) || news.head.at < news.after {
            self.settle(memory, &mut turn, news.head.at);
            caught_up.dropped = true;
            self.drop_all(memory, conn, news.head.at)?;
            self.come_to(news.head.at);
        }
        caught_up.place = self.place().unwrap_or(place);
        Ok(caught_up)
    }

    fn apply(&self, memory: &dyn Memory<T>, told: Vec<T>, at: Micros) {
        let marks = self.stamps.mark(memory.touched(&told).into_iter());
        self.stamps.open(&marks);
        told.into_iter().for_each(|change| memory.apply(change));
        self.stamps.close(&marks, at.get());
    }
}

/// What a transaction told; nothing if that may be anything.
fn told<T: DeserializeOwned>(touch: &Touch) -> Option<Vec<T>> {
    serde_json::from_str(&touch.told).ok()
}

/// Holds back what was read from the database while it may be newer than memory, so that nobody is told something
/// old after something new. Clones share it.
#[derive(Debug, Clone)]
pub struct Gate(watch::Receiver<u64>);

impl Gate {
    /// Waits until the commit that may have been read is in memory too.
    pub async fn settled(&self) {
        let seen = *self.0.borrow();
        if seen % 2 == 1 {
            // A commit that hangs for longer has other consequences.
            let _ = timeout(SETTLE_WAIT, self.0.clone().wait_for(|count| *count != seen)).await;
        }
    }
}
