use std::time::Duration;

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::actors::register::{Imported, ImportedUser};
use user_service::domain::username::Username;
use user_service::store::audit::audit;

use crate::test_app::{Make, PASSWORD, Person, TestApp, held_clock};

on_both_databases!(
    a_new_name_is_told_to_everybody,
    the_next_change_waits_for_thirty_days,
    the_old_name_is_kept_for_its_owner,
    after_the_quarantine_the_name_is_free,
    looks_go_with_the_last_name_that_has_them,
    taken_and_refused_names_change_nothing,
    of_many_who_want_one_name_one_gets_it,
);

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Longer than all commits of a test, each of which is at least a microsecond after the one before.
const MOMENT: Duration = Duration::from_secs(1);

fn start(make: Make) -> TestApp {
    TestApp::start_with(make, |settings| settings.clock = held_clock())
}

async fn rename(person: &Person, name: &str) -> Answer {
    person.client.json(Method::PUT, "/v1/me/username", &json!({"username": name})).await
}

async fn name_state(app: &TestApp, name: &str) -> Value {
    app.client.get(&format!("/v1/usernames/{name}")).await.expect(200).json()["reason"].clone()
}

async fn id_of(app: &TestApp, name: &str) -> Value {
    app.client.get(&format!("/v1/users/by-username/{name}")).await.json()["id"].clone()
}

/// An access token lives for minutes: after a month, one signs in again.
async fn a_month_later(app: &TestApp, login: &str) -> Person {
    app.settings.clock.advance(MONTH + MOMENT);
    app.log_in(login).await
}

fn check_rules(app: &TestApp) {
    for finding in audit(&mut app.conn()).unwrap() {
        assert_eq!(finding.drift, 0, "{}", finding.rule);
    }
}

async fn a_new_name_is_told_to_everybody(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let before = ann.client.get("/v1/me").await.expect(200);
    let answer = rename(&ann, "Ann.Lee").await.expect(200);
    let body = answer.json();
    assert_eq!((&body["username"], &body["id"]), (&json!("ann.lee"), &json!(ann.id)));
    assert_ne!(answer.header("etag"), before.header("etag"));
    let me = ann.client.get("/v1/me").await.expect(200);
    assert_eq!((me.json(), me.header("etag")), (body, answer.header("etag")));
    assert_eq!(id_of(&app, "ann.lee").await, json!(ann.id));
    // The same again has its wish already.
    rename(&ann, "ann.lee").await.expect(200);
    let events = app.events().await;
    assert_eq!(events.len(), 2);
    assert_eq!((&events[1]["type"], &events[1]["subject_id"]), (&json!("user.renamed"), &json!(ann.id)));
    let facts: shared::facts::UserFacts = serde_json::from_value(events[1]["data"].clone()).unwrap();
    assert_eq!(facts.username, "ann.lee");
    check_rules(&app);
}

async fn the_next_change_waits_for_thirty_days(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    rename(&ann, "bob").await.expect(200);
    for name in ["carol", "ann"] {
        rename(&ann, name).await.expect_problem(409, "renamed_recently");
    }
    app.settings.clock.advance(MONTH - MOMENT);
    let ann = app.log_in("bob").await;
    rename(&ann, "carol").await.expect_problem(409, "renamed_recently");
    app.settings.clock.advance(2 * MOMENT);
    rename(&ann, "carol").await.expect(200);
    rename(&ann, "dora").await.expect_problem(409, "renamed_recently");
    check_rules(&app);
}

async fn the_old_name_is_kept_for_its_owner(make: Make) {
    let app = start(make);
    let ann = app.register("alice").await;
    let eve = app.register("eve").await;
    rename(&ann, "zora").await.expect(200);
    let found = app.client.get("/v1/users/by-username/alice").await.expect(200).json();
    assert_eq!((&found["id"], &found["username"]), (&json!(ann.id), &json!("zora")));
    // It leads to her, but signs nobody in.
    app.try_log_in("alice", PASSWORD).await.expect_problem(401, "invalid_credentials");
    app.log_in("zora").await;
    app.log_in("mail.alice@example.com").await;
    for name in ["alice", "4l1ce"] {
        assert_eq!(name_state(&app, name).await, "quarantined", "{name}");
        rename(&eve, name).await.expect_problem(409, "username_taken");
        app.try_register(name).await.expect_problem(409, "username_taken");
        let imported = ImportedUser { username: Username::parse(name).unwrap(), display_name: String::new() };
        assert_eq!(app.handle.register_imported(vec![imported]).await.unwrap(), [Imported::Taken]);
    }
    assert_eq!(name_state(&app, "zora").await, "taken");
    check_rules(&app);
}

async fn after_the_quarantine_the_name_is_free(make: Make) {
    let app = start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    rename(&ann, "zora").await.expect(200);
    rename(&bob, "yuri").await.expect(200);
    app.settings.clock.advance(MONTH - MOMENT);
    assert_eq!(id_of(&app, "ann").await, json!(ann.id));
    app.settings.clock.advance(2 * MOMENT);
    assert_eq!(id_of(&app, "ann").await, Value::Null);
    for name in ["ann", "bob", "4nn"] {
        assert_eq!(name_state(&app, name).await, Value::Null, "{name}");
    }
    // By registration, under a look-alike; by renaming; by import; and back by the former owner.
    let body = json!({"username": "4nn", "email": "d@example.com", "password": PASSWORD});
    let dora = Person::from(&app.client, &app.post("/v1/users", &body).await.expect(201));
    rename(&dora, "bob").await.expect(200);
    check_rules(&app);
    let zora = a_month_later(&app, "zora").await;
    assert_eq!(name_state(&app, "ann").await, Value::Null);
    rename(&zora, "ann").await.expect(200);
    assert_eq!(id_of(&app, "zora").await, json!(zora.id));
    rename(&a_month_later(&app, "ann").await, "zora").await.expect(200);
    app.settings.clock.advance(MONTH + MOMENT);
    let imported = ImportedUser { username: Username::parse("ann").unwrap(), display_name: String::new() };
    let done = app.handle.register_imported(vec![imported]).await.unwrap();
    assert!(matches!(done[..], [Imported::New(_)]), "{done:?}");
    check_rules(&app);
}

async fn looks_go_with_the_last_name_that_has_them(make: Make) {
    let app = start(make);
    let bob = app.register("bob").await;
    // A name that looks like one's own is one's own to take.
    rename(&bob, "b0b").await.expect(200);
    assert_eq!(name_state(&app, "bob").await, "quarantined");
    let bob = a_month_later(&app, "b0b").await;
    // The old name is over, but the one in use looks like it.
    assert_eq!(name_state(&app, "bob").await, "taken");
    app.try_register("bob").await.expect_problem(409, "username_taken");
    rename(&bob, "bob").await.expect(200);
    rename(&a_month_later(&app, "bob").await, "zed").await.expect(200);
    assert_eq!(name_state(&app, "b0b").await, "quarantined");
    check_rules(&app);
    app.settings.clock.advance(MONTH + MOMENT);
    let body = json!({"username": "b0b", "email": "b@example.com", "password": PASSWORD});
    app.post("/v1/users", &body).await.expect(201);
    assert_eq!(name_state(&app, "bob").await, "taken");
    check_rules(&app);
}

async fn taken_and_refused_names_change_nothing(make: Make) {
    let app = start(make);
    let (ann, before) = (app.register("ann").await, app.register("bob").await);
    for taken in ["bob", "BOB", "b0b"] {
        rename(&ann, taken).await.expect_problem(409, "username_taken");
    }
    for (name, code) in
        [("a", "too_short"), ("admin", "reserved"), ("a..b", "invalid_format"), ("a b", "invalid_characters")]
    {
        let answer = rename(&ann, name).await.expect_problem(422, "validation_failed").json();
        assert_eq!(
            (&answer["errors"][0]["field"], &answer["errors"][0]["code"]),
            (&json!("username"), &json!(code))
        );
    }
    app.client
        .json(Method::PUT, "/v1/me/username", &json!({"username": "x_y"}))
        .await
        .expect_problem(401, "unauthenticated");
    assert_eq!(ann.client.get("/v1/me").await.json()["username"], "ann");
    assert_eq!(before.client.get("/v1/me").await.json()["username"], "bob");
    assert_eq!(app.events().await.len(), 2);
    // A refusal does not start the thirty days.
    rename(&ann, "carol").await.expect(200);
}

async fn of_many_who_want_one_name_one_gets_it(make: Make) {
    let app = start(make);
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(app.register(&format!("n{number}")).await);
    }
    let answers = join_all(people.iter().map(|person| rename(person, "winner"))).await;
    let made = answers.iter().filter(|answer| answer.status.as_u16() == 200).count();
    let refused = answers.iter().filter(|answer| answer.code() == "username_taken").count();
    assert_eq!((made, refused), (1, 7));
    check_rules(&app);
}
