//! What a writer tells of itself at `/metrics`.

use std::time::Duration;

use metrics::Gauge;

use crate::metric;

/// Tells how many commands wait for the next transaction.
pub(super) struct Queue(Gauge);

impl Queue {
    pub(super) fn of(service: &'static str) -> Self {
        Self(metrics::gauge!(metric::WRITER_QUEUE, "service" => service))
    }

    pub(super) fn has(&self, waiting: usize) {
        self.0.set(metric::count(waiting));
    }
}

/// A transaction of so many commands has ended, and the log has come to `revision` if it was kept.
pub(super) fn ended(service: &'static str, commands: usize, took: Duration, revision: Option<i64>) {
    let outcome = if revision.is_some() { "committed" } else { "failed" };
    metrics::histogram!(metric::WRITER_BATCH, "service" => service).record(metric::count(commands));
    metrics::histogram!(metric::WRITER_COMMIT, "service" => service, "outcome" => outcome).record(took);
    if let Some(revision) = revision {
        metrics::gauge!(metric::LOG_REVISION, "service" => service).set(metric::count(revision));
    }
}
