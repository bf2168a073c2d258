//! How many mails wait. Counted anew every second by the mailer, and by the writer in between: to count the rows for
//! each request would cost more than the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The length of the outbox, and how long it may get. Clones share it.
#[derive(Debug, Clone)]
pub struct Outbox {
    waiting: Arc<AtomicUsize>,
    max: usize,
}

impl Outbox {
    /// Nothing waits, as far as is known.
    pub fn new(max: usize) -> Self {
        Self { waiting: Arc::default(), max }
    }

    /// Whether a request that would mail is to be refused.
    pub fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= self.max
    }

    /// One more waits.
    pub fn add(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// So many wait in truth.
    pub fn count(&self, waiting: usize) {
        self.waiting.store(waiting, Ordering::Relaxed);
    }
}
