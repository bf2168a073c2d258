//! The names of what is told at `/metrics`, and what each stands for.

use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// As of now.
    Gauge,
    /// How many were how large.
    Histogram,
}

macro_rules! metrics {
    ($($name:ident = $text:literal, $kind:ident, $help:literal;)+) => {
        $(#[doc = $help] pub const $name: &str = $text;)+

        /// All of them, with their kind and what they stand for.
        pub const ALL: &[(&str, Kind, &str)] = &[$(($name, Kind::$kind, $help)),+];
    };
}

metrics! {
    HTTP_REQUESTS = "mutual_http_requests_total", Counter, "Answers";
    HTTP_SECONDS = "mutual_http_request_seconds", Histogram, "Seconds until an answer begins";
    HTTP_REFUSALS = "mutual_http_refusals_total", Counter, "Answers that say not now (429 and 503), by the code of the reason";
    HTTP_AT_ONCE = "mutual_http_at_once_total", Counter, "Answers that memory gave before the router was asked";
    LOG_REVISION = "mutual_log_revision", Gauge, "Number of the newest event";
    WRITER_QUEUE = "mutual_writer_queue_commands", Gauge, "Commands that wait for the next transaction";
    WRITER_BATCH = "mutual_writer_batch_commands", Histogram, "Commands that share a transaction";
    WRITER_COMMIT = "mutual_writer_commit_seconds", Histogram, "Seconds that a transaction takes";
    ALLOCATIONS = "mutual_allocations_total", Counter, "How often memory was allocated; only in a build that counts it";
    CACHE_HITS = "mutual_cache_hits_total", Counter, "Questions that memory could answer";
    CACHE_MISSES = "mutual_cache_misses_total", Counter, "Questions that memory could not answer";
    CACHE_LOADS = "mutual_cache_loads_total", Counter, "Entries that were read from the database and kept";
    CACHE_EVICTIONS = "mutual_cache_evictions_total", Counter, "Entries that had to make room";
    CACHE_ENTRIES = "mutual_cache_entries", Gauge, "Entries in memory";
    CACHE_BYTES = "mutual_cache_bytes", Gauge, "Bytes that the entries in memory take";
    READS_CONNECTIONS = "mutual_reads_connections", Gauge, "Open connections for reading";
    READS_CONNECTIONS_MAX = "mutual_reads_connections_max", Gauge, "Connections for reading that there may be";
    READS_IN_USE = "mutual_reads_in_use", Gauge, "Connections for reading that are in use";
    READS_WAITING = "mutual_reads_waiting", Gauge, "Reads that wait for a connection";
    FEED_LAG_EVENTS = "mutual_feed_lag_events", Gauge, "Events of the other service that are not taken in yet";
    FEED_LAG_SECONDS = "mutual_feed_lag_seconds", Gauge, "Seconds for which known events of the other service wait to be taken in";
    FEED_SILENCE_SECONDS = "mutual_feed_silence_seconds", Gauge, "Seconds since the other service's feed was known to be at its end";
    FEED_READER_LAG = "mutual_feed_reader_lag_events", Gauge, "Events that a known reader of the feed has not acknowledged";
    PUBLISHER_LAG = "mutual_publisher_lag_events", Gauge, "Events that are not in the NATS stream yet";
    PUBLISHER_CONNECTED = "mutual_publisher_connected", Gauge, "1 while events are published to NATS from here";
    PUBLISHER_PUBLISHED = "mutual_publisher_published_total", Counter, "Events that were published to NATS from here";
    PUBLISHER_INTERRUPTIONS = "mutual_publisher_interruptions_total", Counter, "How often publishing to NATS was interrupted or could not begin";
    CURRENT_READS = "mutual_current_reads_total", Counter, "Reads that waited until memory was known to be current";
    TAIL_LOOKS = "mutual_tail_looks_total", Counter, "Looks at what other instances have committed";
    TAIL_LAG = "mutual_tail_lag_seconds", Histogram, "Seconds from another instance's commit until memory had it";
    TAIL_DROPS = "mutual_tail_drops_total", Counter, "How often memory was emptied because too much was missed";
    MAILS = "mutual_mails_total", Counter, "Tries to send a mail";
    MAILS_WAITING = "mutual_mails_waiting", Gauge, "Mails that are still to be sent";
}

/// Bounds of the buckets of times, in seconds.
pub const SECONDS_BOUNDS: [f64; 13] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Bounds of the buckets of batches, up to [`crate::writer::WRITE_BATCH_MAX`].
pub const BATCH_BOUNDS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Says what each stands for.
pub fn describe() {
    for &(name, kind, help) in ALL {
        match kind {
            Kind::Counter => describe_counter!(name, help),
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Histogram => describe_histogram!(name, help),
        }
    }
}

/// How often figures are brought up to date that nothing else brings up to date.
const EVERY: Duration = Duration::from_secs(1);

/// Has `tell` tell its figures every second, for as long as the process lives.
pub fn every_second(tell: impl Fn() + 'static) {
    actix_web::rt::spawn(async move {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            tell();
        }
    });
}

/// Memory has been allocated so often.
pub fn allocations(count: u64) {
    metrics::counter!(ALLOCATIONS).absolute(count);
}

/// A count as a gauge takes it: exact below 2^53.
#[expect(clippy::as_conversions, reason = "the standard library has no other conversion to a float")]
pub fn count(number: impl TryInto<i64>) -> f64 {
    number.try_into().unwrap_or(i64::MAX) as f64
}
