//! Private notes.

use actix_web::http::Method;
use serde_json::json;
use shared::facts::AccountStatus;
use shared::testing::{Answer, TestDatabase};

use crate::friends::befriend;
use crate::person::{Act, Person, comparable};
use crate::test_app::TestApp;

async fn note(me: &Person, id: impl std::fmt::Display, text: &str) -> Answer {
    me.http.json(Method::PUT, &format!("/v1/me/notes/{id}"), &json!({"note": text})).await
}

async fn a_note_is_kept_for_its_writer_alone(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    befriend(&anna, &ben).await;
    let (theirs, revision) = (ben.relationship(&anna).await, app.revision().await);
    let longest = "ü".repeat(2_000);
    for (text, changed) in [
        ("Met in Ulm.\n\tOwes me ☕", true),
        ("Met in Ulm.\n\tOwes me ☕", false),
        (longest.as_str(), true),
        ("", true),
        ("", false),
        ("'; DROP TABLE notes; -- ?", true),
    ] {
        let mut body = note(&anna, ben.id, text).await.expect(200).json();
        assert_eq!((&body["note"], &body["changed"]), (&text.into(), &changed.into()));
        body.as_object_mut().unwrap().remove("changed");
        assert_eq!(body, anna.relationship(&ben).await);
    }
    assert_eq!((ben.relationship(&anna).await, app.revision().await), (theirs, revision));
    // Every act answers with it, and no end of an edge takes it away.
    anna.act(Act::Unfollow, &ben).await;
    ben.act(Act::Block, &anna).await;
    assert_eq!(anna.relationship(&ben).await["note"], "'; DROP TABLE notes; -- ?");
    app.assert_sound().await;
}

async fn what_is_no_note_is_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, blocker, gone] = app.people(["anna", "ben", "blocker", "gone"]).await;
    for (text, code) in [("x".repeat(2_001), "too_long"), ("a\0b".into(), "invalid_characters")] {
        let problem = note(&anna, ben.id, &text).await.expect_problem(422, "validation_failed").json();
        assert_eq!(
            (&problem["errors"][0]["field"], &problem["errors"][0]["code"]),
            (&"note".into(), &code.into())
        );
    }
    let path = format!("/v1/me/notes/{}", ben.id);
    for bad in [json!({}), json!({"note": null}), json!({"note": 5}), json!({"note": "", "more": 1})] {
        anna.http.json(Method::PUT, &path, &bad).await.expect_problem(400, "invalid_body");
    }
    note(&anna, anna.id, "me").await.expect_problem(422, "self_relation");
    note(&anna, gone.id, "soon gone").await.expect(200);
    app.set_status(&gone, AccountStatus::Suspended).await;
    let nobody = comparable(&note(&anna, 1, "who").await.expect_problem(404, "user_not_found"));
    assert_eq!(comparable(&note(&anna, gone.id, "gone").await), nobody);
    app.set_status(&gone, AccountStatus::Active).await;
    assert_eq!(anna.relationship(&gone).await["note"], "soon gone", "back as it was");
    app.set_status(&gone, AccountStatus::Suspended).await;
    note(&anna, gone.id, "").await.expect(200);
    blocker.block(&anna).await;
    note(&anna, blocker.id, "a stranger").await.expect(200);
    app.users.hold_feed();
    note(&anna, app.newcomer("newcomer").id, "new here").await.expect(200);
    app.nobody.json(Method::PUT, &path, &json!({"note": ""})).await.expect_problem(401, "unauthenticated");
}

shared::on_both_databases!(a_note_is_kept_for_its_writer_alone, what_is_no_note_is_refused);
