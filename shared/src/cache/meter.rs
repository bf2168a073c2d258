//! What a cache tells of itself at `/metrics`.

use std::time::Duration;

use super::shards::Usage;

/// How often the figures are brought up to date.
const EVERY: Duration = Duration::from_secs(1);

/// Publishes what `usage` says for as long as the process lives; nothing more once it says nothing.
pub fn measure(service: &'static str, usage: impl Fn() -> Option<Usage> + 'static) {
    actix_web::rt::spawn(async move {
        let mut ticks = tokio::time::interval(EVERY);
        while let Some(Usage { hits, misses, kept, entries, bytes, gone }) = usage() {
            metrics::counter!("mutual_cache_hits_total", "service" => service).absolute(hits);
            metrics::counter!("mutual_cache_misses_total", "service" => service).absolute(misses);
            metrics::counter!("mutual_cache_loads_total", "service" => service).absolute(kept);
            metrics::counter!("mutual_cache_evictions_total", "service" => service).absolute(gone);
            metrics::gauge!("mutual_cache_entries", "service" => service).set(as_f64(entries));
            metrics::gauge!("mutual_cache_bytes", "service" => service).set(as_f64(bytes));
            ticks.tick().await;
        }
    });
}

/// Exact below 2^53, which is enough for a gauge.
#[expect(clippy::as_conversions, reason = "the standard library has no other conversion to a float")]
fn as_f64(number: u64) -> f64 {
    number as f64
}
