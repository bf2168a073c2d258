//! What time tells. A binary of its own: cargo runs one at a time, so nothing of ours disturbs the clock.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test stops where it cannot go on")]

#[path = "api/test_app.rs"]
#[expect(dead_code, reason = "this binary needs little of it")]
mod test_app;

use std::io::Write;
use std::time::{Duration, Instant};

use shared::testing::TestDatabase;
use test_app::TestApp;
use user_service::config::{PasswordCost, Switch};

/// Rounds when nobody asks for more: `MUTUAL_TEST_ROUNDS=500` is the proof.
const ROUNDS: usize = 60;
/// Rounds at the most, where the machine does so much besides that fewer leave it open.
const ROUNDS_MAX: usize = 500;
/// Medians that are no further apart than this cannot be told from each other over a network.
const ALIKE: Duration = Duration::from_millis(2);
/// Nor than one part in so many.
const ALIKE_PARTS: u32 = 20;

/// A login that nobody has must take as long as one with a wrong password: else names can be guessed.
///
/// Both are tried in turns, so that whatever else the machine does meets them alike, and compared by their medians, which
/// a few slow answers do not move. Where a short run finds them apart, a long one decides.
#[actix_web::test]
async fn a_login_that_nobody_has_takes_as_long() {
    let asked_for = std::env::var("MUTUAL_TEST_ROUNDS").ok().map(|rounds| rounds.parse().unwrap());
    let app = TestApp::start_with(TestDatabase::sqlite, |settings| {
        settings.passwords.password_cost = PasswordCost::Standard;
        settings.passwords.hash_threads = 1;
        // Nothing but the work is to take time.
        settings.passwords.hash_niceness = 0;
        // The counting of wrong passwords is part of what is compared; none is refused.
        settings.rate_limits = Switch::On;
        settings.limits.logins_per_15_min = u32::MAX;
        settings.limits.guesses_max = u32::MAX;
        settings.limits.guesses_per_day_max = u32::MAX;
    });
    app.register("ann").await;
    let [mut known, mut unknown] = [Vec::new(), Vec::new()];
    for round in 1..=asked_for.unwrap_or(ROUNDS_MAX) {
        let mut pair = [("ann".to_owned(), &mut known), (format!("nobody{round}"), &mut unknown)];
        // In changing order: the memory of the last hash lies warm for the next.
        if round % 4 < 2 {
            pair.reverse();
        }
        for (login, times) in pair {
            let started = Instant::now();
            app.try_log_in(&login, "wrong password").await.expect(401);
            times.push(started.elapsed());
        }
        if asked_for.is_none() && round % ROUNDS == 0 && are_alike(&known, &unknown) {
            break;
        }
    }
    let told = format!(
        "{} rounds: median {:?} for a known login, {:?} for an unknown one",
        known.len(),
        median(&known),
        median(&unknown)
    );
    writeln!(std::io::stdout(), "{told}").unwrap();
    assert!(are_alike(&known, &unknown), "{told}");
}

fn are_alike(one: &[Duration], other: &[Duration]) -> bool {
    let (one, other) = (median(one), median(other));
    one.abs_diff(other) <= (one / ALIKE_PARTS).max(ALIKE)
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}
