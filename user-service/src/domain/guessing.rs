//! How often a password may be tried. Wrong ones of one login from one place add up to waits that grow; wrong ones of
//! one login from everywhere add up within a day.
//!
//! A try is counted before the password is looked at, so that a thousand tries at once are a thousand. One that
//! was right, or that could not be made, is taken back.

use std::time::Duration;

use shared::clock::Micros;
use shared::span::DAY;

use super::limits::{
    GUESSES_MAX, GUESSES_PER_DAY_MAX, GUESSES_WAIT_FIRST, GUESSES_WAIT_LONGEST, GUESSES_WINDOW,
};
use super::window::TooMany;

/// How many wrong passwords are borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessRules {
    /// From one place, before the next try has to wait.
    pub max: u32,
    /// Those that are further apart do not add up.
    pub window: Duration,
    /// The first wait; each further wrong password doubles it.
    pub wait_first: Duration,
    /// The longest wait.
    pub wait_longest: Duration,
    /// From everywhere within a day, before only known places get in.
    pub per_day_max: u32,
}

impl Default for GuessRules {
    fn default() -> Self {
        Self {
            max: GUESSES_MAX,
            window: GUESSES_WINDOW,
            wait_first: GUESSES_WAIT_FIRST,
            wait_longest: GUESSES_WAIT_LONGEST,
            per_day_max: GUESSES_PER_DAY_MAX,
        }
    }
}

impl GuessRules {
    fn wait_after(&self, count: u32) -> Duration {
        let Some(beyond) = count.checked_sub(self.max) else { return Duration::ZERO };
        let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
        self.wait_first.saturating_mul(factor).min(self.wait_longest)
    }
}

/// The tries of one login from one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries {
    count: u32,
    last_at: Micros,
    waits_until: Micros,
}

impl Tries {
    /// How long the next try has to wait, if it has to.
    pub fn wait(&self, now: Micros) -> Option<Duration> {
        Some(self.waits_until.since(now)).filter(|wait| !wait.is_zero())
    }

    /// Counts a try, unless it has to wait.
    pub fn begin(&mut self, rules: &GuessRules, now: Micros) -> Result<(), TooMany> {
        if let Some(wait) = self.wait(now) {
            return Err(TooMany { max: rules.max, wait });
        }
        if now.since(self.last_at.max(self.waits_until)) >= rules.window {
            *self = Self::default();
        }
        self.count = self.count.saturating_add(1);
        self.last_at = now;
        self.waits_until = now.after(rules.wait_after(self.count));
        Ok(())
    }

    /// Takes back a try that could not be made.
    pub fn take_back(&mut self) {
        self.count = self.count.saturating_sub(1);
        self.waits_until = self.last_at;
    }
}

/// The tries of one login from everywhere, within a day that begins with the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayOfTries {
    count: u32,
    ends_at: Micros,
}

impl DayOfTries {
    /// Counts a try. One from a place that is not known has to wait when there were too many.
    pub fn begin(&mut self, rules: &GuessRules, known: bool, now: Micros) -> Result<(), TooMany> {
        if self.ends_at <= now {
            *self = Self { count: 0, ends_at: now.after(DAY) };
        }
        if !known && self.count >= rules.per_day_max {
            return Err(TooMany { max: rules.per_day_max, wait: self.ends_at.since(now) });
        }
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Takes back a try that was right, or could not be made.
    pub fn take_back(&mut self) {
        self.count = self.count.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros::from_millis(1_000_000);
    const RULES: GuessRules = GuessRules {
        max: 3,
        window: Duration::from_secs(900),
        wait_first: Duration::from_secs(1),
        wait_longest: Duration::from_secs(10),
        per_day_max: 4,
    };

    #[test]
    fn waits_grow_from_the_limit_to_the_longest() {
        let (mut tries, mut now) = (Tries::default(), NOW);
        for expected in [0, 0, 1, 2, 4, 8, 10, 10] {
            assert_eq!(tries.begin(&RULES, now), Ok(()));
            let wait = tries.wait(now).unwrap_or_default();
            assert_eq!(wait, Duration::from_secs(expected));
            if expected > 0 {
                assert_eq!(tries.begin(&RULES, now), Err(TooMany { max: 3, wait }), "at once");
            }
            now = now.after(wait);
        }
        let rules = GuessRules { max: 1, ..RULES };
        assert_eq!(rules.wait_after(u32::MAX), RULES.wait_longest);
    }

    #[test]
    fn tries_that_are_far_apart_do_not_add_up() {
        let mut tries = Tries::default();
        for step in 0..10 {
            assert_eq!(tries.begin(&RULES, NOW.after(RULES.window * step)), Ok(()));
            assert_eq!(tries.wait(NOW.after(RULES.window * step)), None);
        }
        // The window begins when the wait is over.
        let mut tries = Tries { count: 5, last_at: NOW, waits_until: NOW.after(RULES.wait_longest) };
        let almost = tries.waits_until.after(RULES.window - Duration::from_micros(1));
        assert_eq!(tries.begin(&RULES, almost), Ok(()));
        assert!(tries.wait(almost).is_some());
    }

    #[test]
    fn a_try_that_was_not_made_does_not_count() {
        let mut tries = Tries::default();
        for _ in 0..20 {
            assert_eq!(tries.begin(&RULES, NOW), Ok(()));
            tries.take_back();
        }
        assert_eq!(tries.count, 0);
    }

    #[test]
    fn a_day_bears_so_many_from_strangers_and_the_known_go_on() {
        let mut day = DayOfTries::default();
        for _ in 0..RULES.per_day_max {
            assert_eq!(day.begin(&RULES, false, NOW), Ok(()));
        }
        let later = NOW.after(Duration::from_secs(60));
        let refused = Err(TooMany { max: 4, wait: DAY - Duration::from_secs(60) });
        assert_eq!(day.begin(&RULES, false, later), refused);
        assert_eq!(day.begin(&RULES, true, later), Ok(()));
        day.take_back();
        assert_eq!(day.begin(&RULES, false, later), refused, "the known do not make room");
        assert_eq!(day.begin(&RULES, false, NOW.after(DAY)), Ok(()));
    }
}
