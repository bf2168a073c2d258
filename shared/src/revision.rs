//! How far the log has come, as one process knows: by its own commits, and, where other processes write to the same
//! database, by keeping up with them, or by looking for as long as somebody waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;

use crate::db::{Reads, log as event_log};
use crate::tail::Freshness;

/// How often is looked for a revision that somebody asked for.
const ASKED_EVERY: Duration = Duration::from_millis(20);
/// How often is looked for whatever comes next, which somebody may await for long.
const AWAITED_EVERY: Duration = Duration::from_millis(250);

/// The number of the newest event that is known. Clones share it.
#[derive(Debug, Clone)]
pub struct Revision(Arc<watch::Sender<i64>>);

impl Revision {
    /// As of now.
    pub fn new(newest: i64) -> Self {
        Self(Arc::new(watch::Sender::new(newest)))
    }

    /// The number.
    pub fn get(&self) -> i64 {
        *self.0.borrow()
    }

    /// The log has come so far, or further.
    pub fn reached(&self, seq: i64) {
        self.0.send_if_modified(|newest| {
            let further = seq > *newest;
            *newest = seq.max(*newest);
            further
        });
    }
}

/// Waits for revisions. Clones share the looking: one looks for all who wait.
#[derive(Clone)]
pub struct Lookout {
    revision: Revision,
    others: Others,
    asked: Arc<Semaphore>,
    awaited: Arc<Semaphore>,
}

/// How the commits of others come to be known.
#[derive(Clone)]
enum Others {
    /// There are none.
    Absent,
    /// By looking here.
    Sought(Reads),
    /// By themselves, and at once for one who asks.
    KeptUpWith(Freshness),
}

impl Lookout {
    /// Where only this process writes: its own commits are all there are.
    pub fn alone(revision: Revision) -> Self {
        let turn = || Arc::new(Semaphore::new(1));
        Self { revision, others: Others::Absent, asked: turn(), awaited: turn() }
    }

    /// Where others may write to what `reads` reads.
    pub fn beside_others(revision: Revision, reads: Reads) -> Self {
        Self { others: Others::Sought(reads), ..Self::alone(revision) }
    }

    /// Where a tail keeps up with them.
    pub fn kept_up(revision: Revision, freshness: Freshness) -> Self {
        Self { others: Others::KeptUpWith(freshness), ..Self::alone(revision) }
    }

    /// The newest revision that is known.
    pub fn revision(&self) -> i64 {
        self.revision.get()
    }

    /// Waits until `wanted` is there, which somebody has been told to be somewhere.
    pub async fn reached(&self, wanted: i64) {
        if let (Others::KeptUpWith(freshness), true) = (&self.others, self.revision() < wanted) {
            // Where that fails, it may still come by itself.
            let _ = freshness.current().await;
        }
        self.wait(wanted, &self.asked, ASKED_EVERY).await;
    }

    /// Waits until something comes after `seq`.
    pub async fn moved_past(&self, seq: i64) {
        self.wait(seq.saturating_add(1), &self.awaited, AWAITED_EVERY).await;
    }

    async fn wait(&self, wanted: i64, turn: &Semaphore, every: Duration) {
        let mut newest = self.revision.0.subscribe();
        tokio::select! {
            // What is there needs no look.
            biased;
            _ = newest.wait_for(|seq| *seq >= wanted) => {}
            () = self.look(turn, every) => {}
        }
    }

    /// Looks for as long as the caller waits; who comes meanwhile sees what this one finds, or takes over.
    async fn look(&self, turn: &Semaphore, every: Duration) {
        let Others::Sought(reads) = &self.others else { return std::future::pending().await };
        let _turn = turn.acquire().await;
        loop {
            match reads.run(event_log::head).await {
                Ok(head) => self.revision.reached(head.seq),
                Err(error) => log::debug!("the log's head is looked for again: {error}"),
            }
            sleep(every).await;
        }
    }
}
