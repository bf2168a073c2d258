//! How many mails one address gets within an hour, counted in memory: a fixed window for each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use shared::clock::Micros;

/// How many addresses are counted at once. An entry takes about 200 bytes; when there are more, those seen
/// least are forgotten first.
const ADDRESSES_MAX: u64 = 100_000;
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// The counts. Clones share them.
#[derive(Debug, Clone)]
pub struct MailLimit {
    max: u32,
    by_address: Cache<String, Arc<Mutex<Window>>>,
}

#[derive(Debug)]
struct Window {
    resets_at: Micros,
    used: u32,
}

/// The address has got as many as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// When there may be more.
    pub retry_after_secs: u32,
}

impl MailLimit {
    /// Nothing counted yet.
    pub fn new(max: u32) -> Self {
        let by_address = Cache::builder().max_capacity(ADDRESSES_MAX).time_to_idle(WINDOW).build();
        Self { max, by_address }
    }

    /// Counts one mail to the address of this key, unless it has had as many as it may.
    pub fn count(&self, key: &str, now: Micros) -> Result<(), Exceeded> {
        let fresh = || Window { resets_at: now.after(WINDOW), used: 0 };
        let window = self.by_address.get_with_by_ref(key, || Arc::new(Mutex::new(fresh())));
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.resets_at <= now {
            *window = fresh();
        }
        if window.used >= self.max {
            let wait = window.resets_at.since(now).as_micros().div_ceil(1_000_000);
            return Err(Exceeded { retry_after_secs: u32::try_from(wait).unwrap_or(u32::MAX) });
        }
        window.used += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_window_which_ends() {
        let limit = MailLimit::new(2);
        let at = |secs: i64| Micros::from_millis(secs * 1_000);
        assert_eq!(limit.count("a@b.io", at(1)), Ok(()));
        assert_eq!(limit.count("a@b.io", at(11)), Ok(()));
        assert_eq!(limit.count("a@b.io", at(21)), Err(Exceeded { retry_after_secs: 3_580 }));
        assert_eq!(limit.clone().count("a@b.io", at(3_600)), Err(Exceeded { retry_after_secs: 1 }));
        assert_eq!(limit.count("c@b.io", at(21)), Ok(()));
        assert_eq!(limit.count("a@b.io", at(3_601)), Ok(()));
    }
}
