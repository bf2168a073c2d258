//! What a cache tells of itself at `/metrics`.

use std::time::Duration;

use super::shards::Usage;
use crate::metric;

/// How often the figures are brought up to date.
const EVERY: Duration = Duration::from_secs(1);

/// Publishes what `usage` says for as long as the process lives; nothing more once it says nothing.
pub fn measure(service: &'static str, usage: impl Fn() -> Option<Usage> + 'static) {
    actix_web::rt::spawn(async move {
        let mut ticks = tokio::time::interval(EVERY);
        while let Some(Usage { hits, misses, kept, entries, bytes, gone }) = usage() {
            metrics::counter!(metric::CACHE_HITS, "service" => service).absolute(hits);
            metrics::counter!(metric::CACHE_MISSES, "service" => service).absolute(misses);
            metrics::counter!(metric::CACHE_LOADS, "service" => service).absolute(kept);
            metrics::counter!(metric::CACHE_EVICTIONS, "service" => service).absolute(gone);
            metrics::gauge!(metric::CACHE_ENTRIES, "service" => service).set(metric::count(entries));
            metrics::gauge!(metric::CACHE_BYTES, "service" => service).set(metric::count(bytes));
            ticks.tick().await;
        }
    });
}
