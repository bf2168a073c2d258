//! One-time codes by time (RFC 6238), as every authenticator app makes them: SHA-1, six digits, 30 seconds.

use std::fmt;

use shared::clock::Micros;
use shared::secret::Secret;
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

use super::limits::{TOTP_DIGITS, TOTP_SECRET_BYTES, TOTP_SKEW_STEPS, TOTP_STEP};

/// What the codes of one person are made from. Never printed, and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret(Zeroizing<[u8; TOTP_SECRET_BYTES]>);

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(***)")
    }
}

/// What a code is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// The code of this step, which is newer than the newest that was used.
    Fresh(i64),
    /// A code of now, but as old as one that was used, or older.
    Used,
    /// No code of now.
    Wrong,
}

impl TotpSecret {
    /// Takes over random bytes.
    pub fn new(bytes: [u8; TOTP_SECRET_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret of these bytes, if they are as many.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// The bytes, for keeping them.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// As people type it into an app: base32.
    pub fn to_base32(&self) -> Secret {
        Secret::new(self.totp().secret().to_base32())
    }

    /// As apps read it from a picture. Nothing if a name cannot stand in an address.
    pub fn to_url(&self, issuer: &str, account: &str) -> Option<Secret> {
        let named = self.builder().with_issuer(Some(issuer)).with_account_name(account);
        named.build().ok()?.to_url().ok().map(Secret::new)
    }

    /// What `code` is at `now`, where the codes up to the step `last_used` were used. Each step of the window is
    /// tried, so that it takes as long whichever matches.
    pub fn matched(&self, code: &str, now: Micros, last_used: i64) -> Matched {
        let totp = self.totp();
        let current = step_of(now);
        let mut matched = Matched::Wrong;
        for step in current - TOTP_SKEW_STEPS..=current + TOTP_SKEW_STEPS {
            let is_code = second_of(step).is_some_and(|second| totp.check(code, second).is_some());
            matched = match (is_code, matched) {
                (true, Matched::Wrong | Matched::Used) if step > last_used => Matched::Fresh(step),
                (true, Matched::Wrong) => Matched::Used,
                (_, matched) => matched,
            };
        }
        matched
    }

    /// The code of `now`, as an app shows it.
    pub fn code(&self, now: Micros) -> String {
        self.totp().generate(second_of(step_of(now)).unwrap_or_default()).to_string()
    }

    /// Without any tolerance of its own: the steps around are tried one by one.
    fn builder(&self) -> Builder {
        let step_secs = TOTP_STEP.as_secs();
        let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(TOTP_DIGITS).with_skew(0);
        builder.with_step_duration(step_secs).with_secret(self.as_bytes())
    }

    fn totp(&self) -> Totp {
        self.builder().build_noncompliant()
    }
}

fn step_secs() -> i64 {
    i64::try_from(TOTP_STEP.as_secs()).unwrap_or(i64::MAX)
}

fn step_of(now: Micros) -> i64 {
    now.as_secs().div_euclid(step_secs())
}

fn second_of(step: i64) -> Option<u64> {
    u64::try_from(step.saturating_mul(step_secs())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 6238, appendix B.
    fn secret() -> TotpSecret {
        TotpSecret::new(*b"12345678901234567890")
    }

    fn at(seconds: i64) -> Micros {
        Micros::from_millis(seconds * 1_000)
    }

    #[test]
    fn the_codes_are_those_of_the_standard() {
        // The last six of the eight digits that appendix B lists.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().code(at(seconds)), code, "{seconds}");
            assert_eq!(secret().matched(code, at(seconds), 0), Matched::Fresh(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn one_step_early_or_late_is_right_and_two_are_wrong() {
        let code = secret().code(at(3_000));
        for (seconds, expected) in [
            (2_939, Matched::Wrong),
            (2_969, Matched::Wrong),
            (2_970, Matched::Fresh(100)),
            (3_000, Matched::Fresh(100)),
            (3_059, Matched::Fresh(100)),
            (3_060, Matched::Wrong),
        ] {
            assert_eq!(secret().matched(&code, at(seconds), 0), expected, "{seconds}");
        }
        for wrong in ["", "+00000", "12345", "1234567", "abcdef", "\u{661}\u{662}\u{663}"] {
            assert_eq!(secret().matched(wrong, at(3_000), 0), Matched::Wrong, "{wrong:?}");
        }
        assert_eq!(secret().matched("000000", at(0), 0), Matched::Wrong, "before the beginning");
    }

    #[test]
    fn what_was_used_and_all_before_it_is_not_fresh() {
        let code = secret().code(at(3_000));
        assert_eq!(secret().matched(&code, at(3_000), 99), Matched::Fresh(100));
        assert_eq!(secret().matched(&code, at(3_000), 100), Matched::Used);
        assert_eq!(secret().matched(&code, at(3_030), 101), Matched::Used);
    }

    #[test]
    fn apps_can_read_it() {
        let url = secret().to_url("My App & more", "ann").unwrap();
        assert_eq!(
            url.reveal(),
            "otpauth://totp/My%20App%20%26%20more:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=My%20App%20%26%20more"
        );
        assert_eq!(secret().to_base32().reveal(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(secret().to_url("a:b", "ann").is_none());
        assert_eq!(format!("{:?}", secret()), "TotpSecret(***)");
    }
}
