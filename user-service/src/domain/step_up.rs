//! Step-up: what changes how a person signs in is for sessions that have proved that person a short time ago.

use std::time::Duration;

use shared::clock::Micros;

use super::denial::Denial;
use super::session::SessionState;

/// Until when a session that proved its person at `proved_at` counts as having just done so.
pub fn proved_until(proved_at: Micros, life: Duration) -> Micros {
    proved_at.after(life)
}

/// Whether a session may change how its person signs in.
pub fn decide(session: &SessionState, now: Micros, life: Duration) -> Result<(), Denial> {
    if !session.is_live(now) {
        return Err(Denial::AccountGone);
    }
    if now < proved_until(session.proved_at, life) { Ok(()) } else { Err(Denial::StepUpRequired) }
}

#[cfg(test)]
mod tests {
    use shared::id::{SessionId, UserId};

    use super::*;
    use crate::domain::session::SessionLife;

    const START: Micros = Micros::new(1_000_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_proof_counts_for_its_time_and_a_refresh_is_none() {
        let life = SessionLife::default();
        let opened = SessionState::open(SessionId::new(1), UserId::new(2), START, life);
        let refreshed = opened.rotated(START.after(MINUTE * 4), life);
        let proved = SessionState { proved_at: START.after(MINUTE * 4), ..refreshed };
        let ended = SessionState { revoked_at: Some(START), ..proved };
        let old = SessionState { proved_at: Micros::new(0), ..opened };
        for (session, minutes, expected) in [
            (opened, 0, Ok(())),
            (opened, 4, Ok(())),
            (opened, 5, Err(Denial::StepUpRequired)),
            (refreshed, 5, Err(Denial::StepUpRequired)),
            (proved, 3, Ok(())), // a clock behind
            (proved, 8, Ok(())),
            (proved, 9, Err(Denial::StepUpRequired)),
            (ended, 4, Err(Denial::AccountGone)),
            (opened, 30 * 24 * 60, Err(Denial::AccountGone)),
            (old, 0, Err(Denial::StepUpRequired)),
        ] {
            let decided = decide(&session, START.after(MINUTE * minutes), life.proof);
            assert_eq!(decided, expected, "{session:?} after {minutes} minutes");
        }
    }
}
