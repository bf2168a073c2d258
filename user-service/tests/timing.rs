//! What time tells. A binary of its own: cargo runs one at a time, so nothing of ours disturbs the clock.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test stops where it cannot go on")]

#[path = "api/test_app.rs"]
#[expect(dead_code, reason = "this binary needs little of it")]
mod test_app;

use std::time::{Duration, Instant};

use shared::testing::TestDatabase;
use test_app::TestApp;
use user_service::config::PasswordCost;

/// A login that nobody has must take as long as one with a wrong password: else names can be guessed.
///
/// Compared by the shortest of many times: that is what the work itself takes, while everything longer is what
/// the machine does besides, which on a busy one hides any difference. More is tried until both are known well.
#[actix_web::test]
async fn a_login_that_nobody_has_takes_as_long() {
    const TRIES_MIN: usize = 20;
    const TRIES_MAX: usize = 150;
    let app = TestApp::start_with(TestDatabase::sqlite, |settings| {
        settings.password_cost = PasswordCost::Standard;
        settings.hash_threads = 1;
    });
    app.register("ann").await;
    let [mut known, mut unknown] = [Duration::MAX; 2];
    for number in 1..=TRIES_MAX {
        // In turns and in changing order, so that whatever else the machine does, and on whichever thread the
        // memory of the last hash lies warm, meets both alike.
        let mut pair = [("ann".to_owned(), &mut known), (format!("nobody{number}"), &mut unknown)];
        if number % 4 < 2 {
            pair.reverse();
        }
        for (login, shortest) in pair {
            let started = Instant::now();
            app.try_log_in(&login, "wrong password").await.expect(401);
            *shortest = started.elapsed().min(*shortest);
        }
        let alike = known.abs_diff(unknown) <= (known / 20).max(Duration::from_millis(2));
        if alike && number >= TRIES_MIN {
            return;
        }
    }
    panic!("at the shortest, known {known:?} and unknown {unknown:?}");
}
