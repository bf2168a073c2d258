//! Dismissing suggestions.

use std::time::Duration;

use relation_service::domain::Limits;
use serde_json::json;
use shared::clock::Clock;
use shared::db::{Conn, execute};
use shared::facts::AccountStatus;
use shared::testing::TestDatabase;

use crate::person::{Person, comparable, ids};
use crate::suggestions::{SUGGESTIONS, dismiss, suggested};
use crate::test_app::{LIMITS, TestApp, all};

const SPAN: Duration = Duration::from_secs(60);

/// One whom I follow, and so many whom they follow, the first suggested first.
async fn world(app: &TestApp, far: usize) -> (Person, Vec<Person>) {
    let [me, friend] = app.people(["me", "friend"]).await;
    me.follow(&friend).await;
    let far = app.crowd("far", far).await;
    for person in &far {
        friend.follow(person).await;
    }
    (me, far)
}

async fn a_dismissal_is_idempotent_untold_and_lasts(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let (me, far) = world(&app, 3).await;
    assert_eq!(suggested(&me).await, ids(&[&far[0], &far[1], &far[2]]));
    let (revision, seen) = (app.revision().await, far[0].sees(&me).await);
    dismiss(&me, &far[0]).await;
    dismiss(&me, &far[0]).await;
    assert_eq!(suggested(&me).await, ids(&[&far[1], &far[2]]));
    assert_eq!((app.revision().await, far[0].sees(&me).await), (revision, seen), "nobody is told");
    assert_eq!(me.sees(&far[0]).await, "", "and nothing else changes");
    app.stop_service();
    app.start_service();
    app.until_ready().await;
    assert_eq!(suggested(&app.again(&me)).await, ids(&[&far[1], &far[2]]));
}

async fn whoever_it_is(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let (me, far) = world(&app, 3).await;
    far[0].block(&me).await;
    app.set_status(&far[1], AccountStatus::Deactivated).await;
    me.follow(&far[2]).await;
    let newcomer = app.newcomer("newcomer");
    let dismissed = far.iter().map(async |them| me.http.delete(&format!("{SUGGESTIONS}/{}", them.id)).await);
    let dismissed = all(dismissed).await;
    for answer in &dismissed {
        assert_eq!(comparable(answer), comparable(&dismissed[0]));
    }
    dismiss(&me, &newcomer).await;
    me.http.delete(&format!("{SUGGESTIONS}/{}", me.id)).await.expect_problem(422, "self_relation");
    me.http.delete(&format!("{SUGGESTIONS}/1")).await.expect_problem(404, "user_not_found");
    me.http.delete(&format!("{SUGGESTIONS}/x")).await.expect_problem(400, "invalid_id");
    app.nobody.delete(&format!("{SUGGESTIONS}/1")).await.expect_problem(401, "unauthenticated");
}

async fn beyond_the_limit_the_oldest_falls_out(make: impl Fn() -> TestDatabase) {
    let app = TestApp::with_limits(make, Limits { dismissals_max: 2, ..LIMITS }).await;
    let (me, far) = world(&app, 4).await;
    for them in &far[..3] {
        dismiss(&me, them).await;
    }
    assert_eq!(suggested(&me).await, ids(&[&far[0], &far[3]]));
    // A repeat makes it the newest.
    dismiss(&me, &far[1]).await;
    dismiss(&me, &far[3]).await;
    assert_eq!(suggested(&me).await, ids(&[&far[0], &far[2]]));
    let exported = me.http.get("/v1/me/export").await.expect(200).json();
    let kept: Vec<_> = exported["dismissals"].as_array().unwrap().iter().map(|row| &row["user_id"]).collect();
    assert_eq!(json!(kept), json!(ids(&[&far[1], &far[3]])));
}

/// SQLite cannot say that a statement found nothing to delete.
async fn nothing_is_deleted_before_there_is_something(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let (me, far) = world(&app, 2).await;
    let mut conn = app.writer();
    if !matches!(conn, Conn::Postgres(_)) {
        return;
    }
    let refuse =
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'";
    let trigger =
        "CREATE TRIGGER refused BEFORE DELETE ON dismissals FOR EACH STATEMENT EXECUTE FUNCTION refuse()";
    for text in [refuse, trigger] {
        execute(&mut conn, text, &[]).unwrap();
    }
    for them in [&far[0], &far[1], &far[0]] {
        dismiss(&me, them).await;
    }
}

async fn a_dismissal_lapses_by_the_time(make: impl Fn() -> TestDatabase) {
    let clock = Clock::fixed(Clock::system().now());
    let limits = Limits { dismissal_span: SPAN, ..LIMITS };
    let app = TestApp::with_clock(make, limits, clock.clone()).await;
    let (me, far) = world(&app, 2).await;
    dismiss(&me, &far[0]).await;
    clock.advance(SPAN - Duration::from_secs(1));
    assert_eq!(suggested(&me).await, [far[1].id]);
    clock.advance(Duration::from_secs(2));
    assert_eq!(suggested(&me).await, ids(&[&far[0], &far[1]]), "with no job having run");
    dismiss(&me, &far[1]).await;
    let exported = me.http.get("/v1/me/export").await.expect(200).json();
    assert_eq!(exported["dismissals"].as_array().unwrap().len(), 1, "what is over goes with the next one");
}

shared::on_both_databases!(
    a_dismissal_is_idempotent_untold_and_lasts,
    whoever_it_is,
    beyond_the_limit_the_oldest_falls_out,
    nothing_is_deleted_before_there_is_something,
    a_dismissal_lapses_by_the_time,
);
