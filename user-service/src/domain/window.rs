//! How often somebody may do something: fixed windows of time, each with a count, in bounded memory.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use shared::clock::Micros;
use shared::rate_limit::RateLimit;

/// How many are counted at once. An entry takes about 200 bytes; when there are more, those seen least are forgotten
/// first.
const COUNTED_MAX: u64 = 100_000;

/// The windows of all who are counted for one thing. Clones share them.
#[derive(Debug, Clone)]
pub struct Windows<K: Hash + Eq + Send + Sync + 'static> {
    max: u32,
    length: Duration,
    each: Cache<K, Arc<Mutex<Window>>>,
}

#[derive(Debug)]
struct Window {
    resets_at: Micros,
    used: u32,
}

/// There were as many as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TooMany {
    /// How many there may be.
    pub max: u32,
    /// Until there may be one more.
    pub wait: Duration,
}

impl<K: Hash + Eq + Send + Sync + 'static> Windows<K> {
    /// Nothing counted yet: at most `max` in each window of this length.
    pub fn new(max: u32, length: Duration) -> Self {
        let each = Cache::builder().max_capacity(COUNTED_MAX).time_to_idle(length).build();
        Self { max, length, each }
    }

    /// Counts one, unless there were as many as there may be.
    pub fn count(&self, whose: K, now: Micros) -> Result<RateLimit, TooMany> {
        let fresh = || Window { resets_at: now.after(self.length), used: 0 };
        let window = self.each.get_with(whose, || Arc::new(Mutex::new(fresh())));
        let mut window = lock(&window);
        if window.resets_at <= now {
            *window = fresh();
        }
        let resets_in = window.resets_at.since(now);
        if window.used >= self.max {
            return Err(TooMany { max: self.max, wait: resets_in });
        }
        window.used += 1;
        Ok(RateLimit { max: self.max, remaining: self.max - window.used, resets_in })
    }

    /// Takes back one that was counted and is none after all.
    pub fn take_back(&self, whose: &K) {
        if let Some(window) = self.each.get(whose) {
            let mut window = lock(&window);
            window.used = window.used.saturating_sub(1);
        }
    }
}

/// Counts are whole after each step, so one that panicked half-way is as good as any.
fn lock(window: &Mutex<Window>) -> MutexGuard<'_, Window> {
    window.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_window_of_its_own_which_ends() {
        let windows = Windows::new(2, Duration::from_secs(60));
        let at = |millis: i64| Micros::from_millis(1_000_000 + millis);
        let left =
            |remaining, millis| Ok(RateLimit { max: 2, remaining, resets_in: Duration::from_millis(millis) });
        let full = |millis| Err(TooMany { max: 2, wait: Duration::from_millis(millis) });
        assert_eq!(windows.count("a", at(0)), left(1, 60_000));
        assert_eq!(windows.clone().count("a", at(10_000)), left(0, 50_000));
        assert_eq!(windows.count("a", at(59_999)), full(1));
        assert_eq!(windows.count("b", at(59_999)), left(1, 60_000));
        assert_eq!(windows.count("a", at(60_000)), left(1, 60_000));
    }

    #[test]
    fn what_is_taken_back_was_never_counted() {
        let windows = Windows::new(1, Duration::from_secs(60));
        let now = Micros::from_millis(1);
        for _ in 0..5 {
            assert!(windows.count("a", now).is_ok());
            windows.take_back(&"a");
        }
        windows.take_back(&"b");
        assert!(windows.count("a", now).is_ok());
        assert!(windows.count("a", now).is_err());
    }
}
