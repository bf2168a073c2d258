//! Whether somebody who is signed in has proved lately who they are.

use shared::clock::Micros;

use super::limits::STEP_UP_LIFE;

/// Whether a proof of `proved_at` (the login of the session counts) still stands in for the password.
pub fn is_fresh(proved_at: Micros, now: Micros) -> bool {
    now < proved_at.after(STEP_UP_LIFE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_a_proof_for_five_minutes() {
        let login = Micros::from_millis(1_000);
        for (millis, fresh) in [(1_000, true), (300_999, true), (301_000, false), (900_000, false)] {
            assert_eq!(is_fresh(login, Micros::from_millis(millis)), fresh, "{millis}");
        }
    }
}
