//! What search finds follows every change of a person.

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::db::execute;
use shared::on_both_databases;
use user_service::actors::register::Imported;
use user_service::domain::account::Status;
use user_service::store;
use user_service::store::audit::audit;

use crate::search::{check_rules, people, search};
use crate::test_app::{Make, PASSWORD, Person, TestApp};

on_both_databases!(
    the_hidden_are_not_found_until_they_are_back,
    a_new_name_moves_a_person,
    what_nobody_is_called_leaves_no_trace,
    people_of_before_are_indexed_at_the_start,
);

async fn the_hidden_are_not_found_until_they_are_back(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("charlotte").await;
    app.register("charlotte_b").await;
    ann.client.json(Method::PATCH, "/v1/me", &json!({"display_name": "Zoë Lee"})).await.expect(200);
    assert_eq!(search(&app, "charlotte").await, ["charlotte", "charlotte_b"]);
    let body = json!({"password": PASSWORD});
    ann.client.json(Method::POST, "/v1/me/deactivation", &body).await.expect(202);
    for q in ["charlotte", "zoe", "lee zoe", "zoee lee", "chralotte"] {
        assert!(!search(&app, q).await.contains(&"charlotte".to_owned()), "{q}");
    }
    check_rules(&app);
    app.log_in("charlotte").await;
    for q in ["charlotte", "zoe", "lee zoe", "zoee lee", "chralotte"] {
        assert_eq!(search(&app, q).await[0], "charlotte", "{q}");
    }
    let mut conn = app.conn();
    let mut user = store::user::user(&mut conn, ann.id.parse().unwrap()).unwrap().unwrap();
    for status in [Status::Suspended, Status::Deleted] {
        user.status = status;
        store::user::update(&mut conn, &user).unwrap();
        assert_eq!(search(&app, "charlotte").await, ["charlotte_b"], "{status:?}");
    }
    user.status = Status::Active;
    store::user::update(&mut conn, &user).unwrap();
    assert_eq!(search(&app, "chralotte").await, ["charlotte", "charlotte_b"]);
    check_rules(&app);
}

async fn change(person: &Person, method: Method, path: &str, body: Value) {
    person.client.json(method, path, &body).await.expect(200);
}

async fn a_new_name_moves_a_person(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("charlotte").await;
    change(&ann, Method::PUT, "/v1/me/username", json!({"username": "benjamin"})).await;
    assert_eq!(search(&app, "charlotte").await, [""; 0]);
    assert_eq!(search(&app, "chralotte").await, [""; 0]);
    assert_eq!(search(&app, "benjamni").await, ["benjamin"]);
    change(&ann, Method::PATCH, "/v1/me", json!({"display_name": "Zoë Lee"})).await;
    assert_eq!(search(&app, "lee z").await, ["benjamin"]);
    change(&ann, Method::PATCH, "/v1/me", json!({"display_name": "Zoë Kay"})).await;
    assert_eq!(search(&app, "lee").await, [""; 0]);
    assert_eq!(search(&app, "kay zoe").await, ["benjamin"]);
    change(&ann, Method::PATCH, "/v1/me", json!({"display_name": null})).await;
    assert_eq!(search(&app, "zoe").await, [""; 0]);
    check_rules(&app);
}

async fn what_nobody_is_called_leaves_no_trace(make: Make) {
    let app = TestApp::start(make);
    let [Imported::New(ann), Imported::New(_)] =
        people(&app, &[("charlotte", "Zoë Lee"), ("zed", "Zoë")]).await[..]
    else {
        panic!("not imported")
    };
    let mut conn = app.conn();
    let mut user = store::user::user(&mut conn, ann).unwrap().unwrap();
    user.status = Status::Deleted;
    store::user::update(&mut conn, &user).unwrap();
    let left = |conn: &mut _, text: &str, word: &str| -> usize {
        // Deleting counts what was there.
        execute(conn, text, &[word.into()]).unwrap()
    };
    for word in ["charlotte", "lee", "zoelee", "leezoe"] {
        assert_eq!(left(&mut conn, "DELETE FROM search_terms WHERE term = ?", word), 0, "{word}");
        assert_eq!(left(&mut conn, "DELETE FROM search_spellings WHERE word = ?", word), 0, "{word}");
    }
    // What somebody else is called as well stays theirs, and what is lost is noticed.
    assert_eq!(left(&mut conn, "DELETE FROM search_spellings WHERE word = ?", "zoe"), 3);
    assert_eq!(left(&mut conn, "DELETE FROM search_terms WHERE term = ?", "zed"), 2);
    let drift = |conn: &mut _| audit(conn).unwrap().iter().map(|finding| finding.drift).collect::<Vec<_>>();
    let found = drift(&mut conn);
    assert_eq!(found[found.len() - 2..], [2, 6], "{found:?}");
}

async fn people_of_before_are_indexed_at_the_start(make: Make) {
    let app = TestApp::start(make);
    let many: Vec<String> = (0..2_500).map(|number| format!("n{number}")).collect();
    let named: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    people(&app, &named).await;
    people(&app, &[("charlotte", "Zoë Lee")]).await;
    let mut conn = app.conn();
    for table in ["search_terms", "search_spellings", "search_index"] {
        execute(&mut conn, &format!("DELETE FROM {table}"), &[]).unwrap();
    }
    assert_eq!(search(&app, "charlotte").await, [""; 0]);
    let app = app.restart().await;
    assert_eq!(search(&app, "lee z").await, ["charlotte"]);
    assert_eq!(search(&app, "n2499").await[0], "n2499");
    check_rules(&app);
    // Of other rules, it is made anew.
    execute(&mut conn, "UPDATE search_index SET version = 0, indexed_upto = 5", &[]).unwrap();
    execute(&mut conn, "INSERT INTO search_terms (kind, term, user_id) VALUES (1, 'old', 1)", &[]).unwrap();
    let app = app.restart().await;
    assert_eq!(search(&app, "chralotte").await, ["charlotte"]);
    check_rules(&app);
}
