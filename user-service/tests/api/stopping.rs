//! A program that was asked to stop.

use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use shared::testing::TestDatabase;

use crate::program::Ground;

/// Long enough for a slow machine to ask meanwhile.
const NOTICE: &str = "30s";
/// Less than that.
const WAIT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[actix_web::test]
async fn who_stops_is_not_ready_first_and_still_answers() {
    let mut program = Ground::new(TestDatabase::sqlite()).start(&["--stop-notice", NOTICE]);
    program.client.get("/readyz").await.expect(200);
    program.ask_to_stop();
    let asked = Instant::now();
    while program.client.get("/readyz").await.status != 503 {
        assert!(asked.elapsed() < WAIT, "it is still ready");
        sleep(LOOK_EVERY).await;
    }
    program.client.get("/v1/users/1").await.expect(404);
    assert_eq!(program.has_ended_well(), None);
    // Whoever asks again does not wait.
    program.ask_to_stop();
    while program.has_ended_well().is_none() {
        assert!(asked.elapsed() < WAIT, "it does not end");
        sleep(LOOK_EVERY).await;
    }
    assert_eq!(program.has_ended_well(), Some(true));
}
