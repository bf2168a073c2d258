//! The second factor: in force once it is confirmed, asked for by each login and each step-up, each code for one use.

use std::time::Duration;

use shared::clock::Micros;
use shared::id::UserId;
use shared::secret::Secret;

use super::limits::{CODE_TRIES_FREE, CODE_WAIT_FIRST, CODE_WAIT_MAX, TOTP_DIGITS, TWO_FACTOR_PENDING_LIFE};
use super::recovery_code;

/// What somebody shows as their second factor. Not judged: whatever its form, it is simply right or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// Of the form of a one-time code.
    Totp(Secret),
    /// Of the form of a recovery code.
    Recovery(Secret),
    /// Of neither form.
    Neither,
}

impl Code {
    /// Reads what was typed; a blank is no code at all.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.trim().is_empty() {
            return None;
        }
        let most = usize::from(TOTP_DIGITS) + 1;
        let digits: String = typed.chars().filter(|c| !c.is_whitespace()).take(most).collect();
        if digits.len() == usize::from(TOTP_DIGITS) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Totp(Secret::new(digits)));
        }
        Some(recovery_code::parse(typed).map_or(Self::Neither, Self::Recovery))
    }
}

/// Why a code does not open anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeRefusal {
    /// None was shown.
    Missing,
    /// It is wrong, or was used.
    Wrong,
    /// Too many were wrong: none is looked at for this long.
    TooMany(Duration),
}

/// A person's second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoFactor {
    /// Whose.
    pub user: UserId,
    /// The secret: see [`super::sealed`].
    pub sealed_secret: String,
    /// When it was made.
    pub begun_at: Micros,
    /// Since when it is in force; nothing until it is confirmed.
    pub enabled_at: Option<Micros>,
    /// The newest step whose code was used.
    pub last_step: i64,
    /// Codes that were wrong since the last right one.
    pub wrong_codes: i64,
    /// Until when no code is looked at.
    pub retry_at: Micros,
}

impl TwoFactor {
    /// A second factor that waits for its first code.
    pub fn begun(user: UserId, sealed_secret: String, now: Micros) -> Self {
        Self {
            user,
            sealed_secret,
            begun_at: now,
            enabled_at: None,
            last_step: 0,
            wrong_codes: 0,
            retry_at: Micros::new(0),
        }
    }

    /// Whether its first code is still waited for.
    pub fn is_pending(&self, now: Micros) -> bool {
        self.enabled_at.is_none() && now < self.begun_at.after(TWO_FACTOR_PENDING_LIFE)
    }

    /// How long no code is looked at; nothing if one is.
    pub fn wait(&self, now: Micros) -> Option<Duration> {
        Some(self.retry_at.since(now)).filter(|wait| !wait.is_zero())
    }

    /// After a code that was right: of this step, if it was a one-time code.
    pub fn after_right_code(self, step: Option<i64>) -> Self {
        let last_step = step.unwrap_or(self.last_step);
        Self { last_step, wrong_codes: 0, retry_at: Micros::new(0), ..self }
    }

    /// After a code that was wrong. A few are free; after that each doubles the wait, up to a longest.
    pub fn after_wrong_code(self, now: Micros) -> Self {
        let wrong_codes = self.wrong_codes.saturating_add(1);
        let doublings = u32::try_from(wrong_codes - i64::from(CODE_TRIES_FREE)).ok();
        let retry_at = doublings.map_or(self.retry_at, |doublings| {
            let wait = CODE_WAIT_FIRST.saturating_mul(2_u32.saturating_pow(doublings));
            now.after(wait.min(CODE_WAIT_MAX))
        });
        Self { wrong_codes, retry_at, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros::new(1_000_000_000);

    fn begun() -> TwoFactor {
        TwoFactor::begun(UserId::new(1), "sealed".to_owned(), NOW)
    }

    #[test]
    fn a_code_is_told_by_its_form() {
        let totp = Some(Code::Totp(Secret::new("123456")));
        for (typed, expected) in [
            ("123456", totp.clone()),
            (" 123 456 ", totp),
            ("", None),
            (" \t", None),
            ("12345", Some(Code::Neither)),
            ("1234567", Some(Code::Neither)),
            ("12345x", Some(Code::Neither)),
            ("\u{661}23456", Some(Code::Neither)),
            ("ABCD-6789-abc9", Some(Code::Recovery(Secret::new("abcd6789abc9")))),
        ] {
            assert_eq!(Code::parse(typed), expected, "{typed:?}");
        }
        assert!(!format!("{:?}", Code::parse("123456")).contains("123456"));
    }

    #[test]
    fn a_few_wrong_codes_are_free_and_each_more_doubles_the_wait() {
        let mut held = begun();
        let mut waits = Vec::new();
        for _ in 0..14 {
            held = held.after_wrong_code(NOW);
            waits.push(held.wait(NOW).map_or(0, |wait| wait.as_secs()));
        }
        assert_eq!(waits, [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
        let many = TwoFactor { wrong_codes: i64::MAX, ..held.clone() }.after_wrong_code(NOW);
        assert_eq!(many.wait(NOW), Some(CODE_WAIT_MAX));
        assert_eq!(many.wait(NOW.after(CODE_WAIT_MAX)), None);
        let right = held.after_right_code(Some(7));
        assert_eq!((right.wrong_codes, right.wait(NOW), right.last_step), (0, None, 7));
        assert_eq!(right.after_right_code(None).last_step, 7);
    }

    #[test]
    fn what_is_not_confirmed_is_given_up() {
        let later = |minutes: u64| NOW.after(Duration::from_secs(minutes * 60));
        assert!(begun().is_pending(NOW));
        assert!(begun().is_pending(later(14)));
        assert!(!begun().is_pending(later(15)));
        assert!(!TwoFactor { enabled_at: Some(NOW), ..begun() }.is_pending(NOW));
    }
}
