//! The way of a commit from the database into memory.
//!
//! Before the commit its keys are marked; after it memory is changed; then the writer answers. Where it is not known
//! what became of a commit (the connection broke under it), what it touched cannot be read from memory and is not kept
//! until the next transaction holds the log's head, since then the doubtful one has ended, well or not.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use log::warn;
use tokio::sync::watch;
use tokio::time::timeout;

use super::stamps::{Marks, Stamps};
use crate::clock::Micros;

/// How long a read waits for a commit that hangs; then its answer may be newer than what memory tells the next one.
const SETTLE_WAIT: Duration = Duration::from_secs(1);

type Forget = Box<dyn FnOnce() + Send + Sync>;

/// The commits of one writer.
pub struct Commits {
    /// By which readers notice them.
    pub stamps: Stamps,
    /// Odd while one is between the database and memory.
    count: watch::Sender<u64>,
    doubtful: RwLock<Vec<(Marks, Forget)>>,
    /// The time of the newest transaction of this process: that of another shows by it. Nothing where that is not known.
    newest: RwLock<Option<Micros>>,
}

impl Commits {
    /// None so far, with so many stamps.
    pub fn new(slots: usize) -> Self {
        Self {
            stamps: Stamps::new(slots),
            count: watch::Sender::new(0),
            doubtful: RwLock::default(),
            newest: RwLock::default(),
        }
    }

    /// One that touches these keys is about to be made.
    pub fn begin(&self, hashes: impl Iterator<Item = u64>) -> Marks {
        self.count.send_modify(|count| *count += 1);
        self.stamps.mark(hashes)
    }

    /// It is made, at this time: memory is changed.
    pub fn end(&self, marks: &Marks, at: Micros, change: impl FnOnce()) {
        self.set_newest(Some(at));
        self.stamps.open(marks);
        change();
        self.stamps.close(marks);
        self.count.send_modify(|count| *count += 1);
    }

    /// It is not known what became of it.
    pub fn doubt(&self, marks: Marks, forget: impl FnOnce() + Send + Sync + 'static) {
        self.set_newest(None);
        self.stamps.open(&marks);
        self.doubtful.write().unwrap_or_else(PoisonError::into_inner).push((marks, Box::new(forget)));
        self.count.send_modify(|count| *count += 1);
    }

    /// All earlier ones have ended: the head is held, of this time. Where another process has written, `clear` drops
    /// all of memory.
    pub fn resolve(&self, at: Micros, clear: impl FnOnce()) {
        let doubtful = std::mem::take(&mut *self.doubtful.write().unwrap_or_else(PoisonError::into_inner));
        for (marks, forget) in doubtful {
            forget();
            self.stamps.close(&marks);
        }
        if self.set_newest(Some(at)).is_some_and(|newest| newest != at) {
            warn!("another process writes to this database: what is remembered of it is dropped");
            self.forget_all(clear);
        }
    }

    fn set_newest(&self, at: Option<Micros>) -> Option<Micros> {
        std::mem::replace(&mut *self.newest.write().unwrap_or_else(PoisonError::into_inner), at)
    }

    fn forget_all(&self, clear: impl FnOnce()) {
        let marks = self.stamps.mark_all();
        self.stamps.open(&marks);
        clear();
        self.stamps.close(&marks);
    }

    /// For those who read the database beside memory.
    pub fn gate(&self) -> Gate {
        Gate(self.count.subscribe())
    }
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
