//! What time tells. A binary of its own: cargo runs one at a time, so nothing of ours disturbs the clock.
//!
//! The proof, on a quiet machine: `MUTUAL_TEST_ROUNDS=500 cargo test --workspace --test timing -- --nocapture`. Each
//! comparison is then one of 500 tries of each kind, judged once.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test stops where it cannot go on")]

#[path = "api/test_app.rs"]
#[expect(dead_code, reason = "this binary needs little of it")]
mod test_app;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::json;
use shared::clock::Micros;
use shared::testing::TestDatabase;
use test_app::{PASSWORD, Person, TestApp};
use user_service::config::{PasswordCost, Switch};
use user_service::domain::account::Role;
use user_service::store;

/// Rounds until the first look, when nobody asks for a number with `MUTUAL_TEST_ROUNDS`.
const ROUNDS: usize = 60;
/// Rounds at the most, where the machine does so much besides that fewer leave it open.
const ROUNDS_MAX: usize = 500;
/// Medians that are no further apart than this cannot be told from each other over a network.
const ALIKE: Duration = Duration::from_millis(2);
/// Nor than one part in so many.
const ALIKE_PARTS: u32 = 20;
/// One comparison at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Whose passwords cost what they cost in earnest.
fn app() -> TestApp {
    TestApp::start_with(TestDatabase::sqlite, |settings| {
        settings.passwords.password_cost = PasswordCost::Standard;
        settings.passwords.hash_threads = 1;
        // Nothing but the work is to take time.
        settings.passwords.hash_niceness = 0;
        // The counting of wrong passwords is part of what is compared; none is refused.
        settings.rate_limits = Switch::On;
        settings.limits.logins_per_15_min = u32::MAX;
        settings.limits.registrations_per_hour = u32::MAX;
        settings.limits.mail_requests_per_hour = u32::MAX;
        settings.limits.mails_per_hour = u32::MAX;
        settings.limits.guesses_max = u32::MAX;
        settings.limits.guesses_per_day_max = u32::MAX;
    })
}

/// What two things took, each as often as the other.
#[derive(Default)]
struct Times([Vec<Duration>; 2]);

impl Times {
    /// Tries both once.
    ///
    /// In turns, so that whatever else the machine does meets them alike, and in changing order: the memory of the last
    /// hash lies warm for the next.
    async fn try_both(&mut self, app: &TestApp, round: usize, act: &impl AsyncFn(usize, usize)) {
        let order = if round % 4 < 2 { [1, 0] } else { [0, 1] };
        for which in order {
            at_rest(app).await;
            let started = Instant::now();
            act(which, round).await;
            self.0[which].push(started.elapsed());
        }
    }

    /// By their medians, which a few slow answers do not move.
    fn are_alike(&self) -> bool {
        let [one, other] = self.0.each_ref().map(|times| median(times));
        one.abs_diff(other) <= (one / ALIKE_PARTS).max(ALIKE)
    }

    /// What was seen.
    #[expect(clippy::print_stdout, reason = "what was measured is told")]
    fn told(&self, names: [&str; 2]) -> String {
        let [one, other] = self.0.each_ref().map(|times| median(times));
        let rounds = self.0[0].len();
        let told = format!("{rounds} rounds: median {one:?} for {}, {other:?} for {}", names[0], names[1]);
        println!("{told}");
        told
    }
}

/// How many rounds somebody asked for.
fn asked_for() -> Option<usize> {
    std::env::var("MUTUAL_TEST_ROUNDS").ok().map(|rounds| rounds.parse().unwrap())
}

/// Compares two things that must take the same time, by the number of the round.
///
/// Usually it is looked at every [`ROUNDS`] rounds, and one look at which they are alike will do: a busy machine makes
/// them differ by chance, and a secret that time tells makes them differ at each. That is for finding mistakes; the
/// proof is one look alone, at the end of as many rounds as somebody asks for.
async fn compare(app: &TestApp, names: [&str; 2], act: impl AsyncFn(usize, usize)) {
    let mut times = Times::default();
    for round in 1..=asked_for().unwrap_or(ROUNDS_MAX) {
        times.try_both(app, round, &act).await;
        if asked_for().is_none() && round % ROUNDS == 0 && times.are_alike() {
            break;
        }
    }
    let told = times.told(names);
    assert!(times.are_alike(), "{told}");
}

/// Waits until no mail is under way: what one leaves behind must not count as the next one's.
async fn at_rest(app: &TestApp) {
    let mut conn = app.conn();
    while store::mail::is_due(&mut conn, Micros::new(i64::MAX), &[]).expect("the outbox") {
        actix_web::rt::time::sleep(Duration::from_millis(1)).await;
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2]
}

const LOGINS: [&str; 2] = ["a known login", "an unknown one"];

/// A wrong password for Ann, or for nobody.
async fn log_in(app: &TestApp, which: usize, round: usize) {
    let login = ["ann".to_owned(), format!("nobody{round}")][which].clone();
    app.try_log_in(&login, "wrong password").await.expect(401);
}

/// A login that nobody has must take as long as one with a wrong password: else names can be guessed.
#[actix_web::test]
#[expect(clippy::await_holding_lock, reason = "the lock is what keeps the comparisons apart")]
async fn known_and_unknown_names_take_the_same_time() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let app = app();
    app.register("ann").await;
    compare(&app, LOGINS, async |which, round| log_in(&app, which, round).await).await;
}

/// The same measurement of a service that does next to nothing for a login that nobody has: it sees the difference, at
/// the first look. What is hashed there is made as cheap as can be, while Ann's own hash costs what it costs in earnest.
#[actix_web::test]
#[expect(clippy::await_holding_lock, reason = "the lock is what keeps the comparisons apart")]
async fn an_unknown_name_for_which_nothing_is_hashed_is_seen() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut app = app();
    app.register("ann").await;
    app.settings.passwords.password_cost = PasswordCost::Low;
    let app = app.restart().await;
    let mut times = Times::default();
    for round in 1..=asked_for().unwrap_or(ROUNDS) {
        times.try_both(&app, round, &async |which, round| log_in(&app, which, round).await).await;
    }
    let told = times.told(LOGINS);
    assert!(!times.are_alike(), "{told}");
}

/// Else whoever tries passwords learns the right one of somebody who is suspended.
#[actix_web::test]
#[expect(clippy::await_holding_lock, reason = "the lock is what keeps the comparisons apart")]
async fn the_right_password_of_who_is_suspended_takes_as_long_as_a_wrong_one() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let app = app();
    let ann = app.register("ann").await;
    let judge = app.with_role("judge", Role::Moderator).await;
    let path = format!("/v1/admin/users/{}/suspension", ann.id);
    judge.client.json(Method::PUT, &path, &json!({"reason": "spam"})).await.expect(200);
    compare(&app, ["the right password", "a wrong one"], async |which, _| {
        app.try_log_in("ann", [PASSWORD, "wrong password"][which]).await.expect(401);
    })
    .await;
}

#[actix_web::test]
#[expect(clippy::await_holding_lock, reason = "the lock is what keeps the comparisons apart")]
async fn a_new_password_for_an_address_that_nobody_has_takes_as_long() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let app = app();
    app.register("ann").await;
    compare(&app, ["a known address", "an unknown one"], async |which, _| {
        let email = ["mail.ann@example.com", "nobody@example.com"][which];
        app.post("/v1/password-resets", &json!({"email": email})).await.expect(202);
    })
    .await;
}

/// That something is taken is told; which of the two it is, and that the password was hashed before, is alike.
#[actix_web::test]
#[expect(clippy::await_holding_lock, reason = "the lock is what keeps the comparisons apart")]
async fn a_taken_name_takes_as_long_as_a_taken_address() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let app = app();
    app.register("ann").await;
    compare(&app, ["a taken name", "a taken address"], async |which, round| {
        let free = (format!("free{round}"), format!("free{round}@example.com"));
        let taken = ("ann".to_owned(), "mail.ann@example.com".to_owned());
        let (username, email) = [(taken.0, free.1), (free.0, taken.1)][which].clone();
        let body = json!({"username": username, "email": email, "password": PASSWORD});
        app.post("/v1/users", &body).await.expect(409);
    })
    .await;
}

/// Whether somebody has the address that one wishes for is told by neither the wish nor what follows it.
#[actix_web::test]
#[expect(clippy::await_holding_lock, reason = "the lock is what keeps the comparisons apart")]
async fn a_mail_that_is_asked_for_again_takes_as_long_whoever_has_the_address() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let app = app();
    app.register("bob").await;
    let askers: [Person; 2] = [app.register("ann").await, app.register("cid").await];
    for (asker, email) in askers.iter().zip(["mail.bob@example.com", "nobody@example.com"]) {
        asker.client.json(Method::PUT, "/v1/me/email", &json!({"email": email})).await.expect(202);
    }
    compare(&app, ["a taken address", "a free one"], async |which, _| {
        askers[which].client.post("/v1/me/email-verification").await.expect(202);
    })
    .await;
}
