//! What falls due by itself: the clock is moved, nothing sleeps.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::json;
use shared::clock::{Clock, Micros};
use shared::db::audit::count;
use shared::db::open_writer;
use shared::id::{SessionId, UserId};
use shared::on_both_databases;
use user_service::domain::refresh_token::SessionNonce;
use user_service::domain::session::{SessionLife, SessionState};
use user_service::store;
use user_service::store::session::Session;

use crate::test_app::{Make, PASSWORD, TestApp, held_clock};

on_both_databases!(
    sessions_that_are_over_are_forgotten,
    named_requests_are_forgotten_after_a_day,
    names_given_up_are_free_after_their_quarantine,
    more_than_one_step_is_done_at_once,
    what_falls_due_is_done_without_a_hint,
);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn held(make: Make) -> TestApp {
    TestApp::start_with(make, |settings| settings.clock = held_clock())
}

fn rows(app: &TestApp, of: &str) -> i64 {
    count(&mut app.conn(), &format!("SELECT 1 FROM {of}")).unwrap()
}

async fn sessions_that_are_over_are_forgotten(make: Make) {
    let app = held(make);
    let ann = app.register("ann").await;
    let phone = app.log_in("ann").await;
    ann.client.delete(&format!("/v1/me/sessions/{}", phone.session_id())).await.expect(204);
    app.settings.clock.advance(Duration::from_secs(9 * 60));
    app.handle.do_due().await.unwrap();
    assert_eq!(rows(&app, "sessions"), 2, "an instance that starts needs to know what was ended");
    app.settings.clock.advance(Duration::from_secs(61));
    app.handle.do_due().await.unwrap();
    assert_eq!(rows(&app, "sessions"), 1);
    app.settings.clock.advance(29 * DAY);
    app.refresh(ann.refresh_token()).await.expect(200);
    app.settings.clock.advance(29 * DAY);
    app.handle.do_due().await.unwrap();
    assert_eq!(rows(&app, "sessions"), 1, "it was used since");
    // The log's time, by which it was used, may be a moment ahead of the clock.
    app.settings.clock.advance(DAY + Duration::from_secs(1));
    app.handle.do_due().await.unwrap();
    assert_eq!(rows(&app, "sessions"), 0);
    app.refresh(ann.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    app.log_in("ann").await;
}

async fn named_requests_are_forgotten_after_a_day(make: Make) {
    let app = held(make);
    let body = json!({"username": "ann", "email": "ann@example.com", "password": PASSWORD}).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let send = || app.client.send(Method::POST, "/v1/users", &headers, body.clone().into_bytes());
    send().await.expect(201);
    app.settings.clock.advance(DAY - Duration::from_secs(1));
    app.handle.do_due().await.unwrap();
    send().await.expect(201);
    app.settings.clock.advance(Duration::from_secs(2));
    app.handle.do_due().await.unwrap();
    assert_eq!(rows(&app, "idempotency_keys"), 0);
    send().await.expect_problem(409, "username_taken");
}

async fn names_given_up_are_free_after_their_quarantine(make: Make) {
    let app = held(make);
    let ann = app.register("b0b").await;
    // The first two look alike.
    for name in ["bob", "carol"] {
        app.settings.clock.advance(30 * DAY + Duration::from_secs(1));
        let ann = app.log_in("mail.b0b@example.com").await;
        ann.client.json(Method::PUT, "/v1/me/username", &json!({"username": name})).await.expect(200);
    }
    let former = "user_names WHERE quarantined_until IS NOT NULL";
    app.handle.do_due().await.unwrap();
    assert_eq!(rows(&app, former), 1, "the first is over, the second has just begun");
    let look = "name_skeletons WHERE skeleton = 'bob'";
    assert_eq!(rows(&app, look), 1, "and it has the same look");
    app.client.get("/v1/users/by-username/bob").await.expect(200);
    app.client.get("/v1/users/by-username/b0b").await.expect_problem(404, "user_not_found");
    app.settings.clock.advance(30 * DAY + Duration::from_secs(1));
    app.handle.do_due().await.unwrap();
    assert_eq!((rows(&app, former), rows(&app, look)), (0, 0));
    app.client.get("/v1/users/by-username/bob").await.expect_problem(404, "user_not_found");
    assert_eq!(app.client.get(&format!("/v1/users/{}", ann.id)).await.json()["username"], "carol");
    app.register("bob").await;
    let drift = store::audit::audit(&mut app.conn()).unwrap();
    assert!(drift.iter().all(|finding| finding.drift == 0), "{drift:?}");
}

fn session(id: i64, ends: Micros) -> Session {
    let life = SessionLife::default();
    let opened = Micros::new(ends.get() - i64::try_from(life.idle.as_micros()).unwrap());
    Session {
        state: SessionState::open(SessionId::new(id), UserId::new(1), opened, life),
        nonce: SessionNonce::new([7; 16]),
        device_name: String::new(),
    }
}

async fn more_than_one_step_is_done_at_once(make: Make) {
    let app = held(make);
    let now = app.settings.clock.now();
    let mut conn = app.conn();
    for id in 1..=450 {
        store::session::insert(&mut conn, &session(id, now)).unwrap();
    }
    store::session::insert(&mut conn, &session(451, now.after(DAY))).unwrap();
    app.handle.do_due().await.unwrap();
    assert_eq!(rows(&app, "sessions"), 1);
}

async fn what_falls_due_is_done_without_a_hint(make: Make) {
    let app = TestApp::start_with(make, |settings| {
        let mut conn = open_writer(&settings.database_url).unwrap();
        store::migrate(&mut conn).unwrap();
        let soon = Clock::system().now().after(Duration::from_millis(400));
        store::session::insert(&mut conn, &session(1, soon)).unwrap();
        store::session::insert(&mut conn, &session(2, soon.after(DAY))).unwrap();
    });
    let started = Instant::now();
    while rows(&app, "sessions") != 1 {
        assert!(started.elapsed() < Duration::from_secs(20), "it is not done when it is due");
        actix_web::rt::task::yield_now().await;
    }
}
