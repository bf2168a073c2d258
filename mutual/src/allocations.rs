//! Counting how often memory is allocated: for measurements, since it costs time.

use std::alloc::System;
use std::time::Duration;

use shared::metric;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often the count is brought up to date.
const EVERY: Duration = Duration::from_millis(20);

/// Tells the count at `/metrics` for as long as the process lives.
pub fn measure() {
    actix_web::rt::spawn(async {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            let stats = INSTRUMENTED_SYSTEM.stats();
            let count = stats.allocations.saturating_add(stats.reallocations);
            metric::allocations(u64::try_from(count).unwrap_or(u64::MAX));
            ticks.tick().await;
        }
    });
}
