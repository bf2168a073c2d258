//! Taking along everything that one holds here.

use std::collections::BTreeSet;

use actix_web::http::Method;
use relation_service::store::purge::{PERSONAL, Shown};
use serde_json::{Value, json};
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Act, Person};
use crate::test_app::{TestApp, all};

/// More than one piece of a list.
const MANY: usize = 510;

async fn exported(person: &Person) -> Value {
    person.http.get("/v1/me/export").await.expect(200).json()
}

fn ids(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| item["user_id"].as_str().unwrap().to_owned()).collect()
}

async fn an_export_has_what_one_holds_and_is_told(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, friend, asked, asker, foe, hater] =
        app.people(["anna", "friend", "asked", "asker", "foe", "hater"]).await;
    befriend(&anna, &friend).await;
    for one in [&asked, &anna] {
        app.set_private(one, true).await;
    }
    anna.follow(&asked).await;
    asker.follow(&anna).await;
    anna.block(&foe).await;
    hater.block(&anna).await;
    anna.http.put(&format!("/v1/me/close-friends/{}", friend.id)).await.expect(200);
    friend.http.put(&format!("/v1/me/close-friends/{}", anna.id)).await.expect(200);
    anna.act(Act::Mute, &asker).await;
    friend.act(Act::Mute, &anna).await;
    for (one, other, note) in [(&anna, &foe, "hers"), (&foe, &anna, "not hers")] {
        let path = format!("/v1/me/notes/{}", other.id);
        one.http.json(Method::PUT, &path, &json!({"note": note})).await.expect(200);
    }
    crate::imports::import(&anna, "kind=blocks", "foe\n").await;
    anna.http.delete(&format!("/v1/me/suggestions/{}", asker.id)).await.expect(204);
    let export = exported(&anna).await;
    for personal in PERSONAL {
        if let Shown::As(parts) = personal.shown {
            let held = |part: &&str| {
                let part = &export[*part];
                part.as_array().is_some_and(|items| !items.is_empty()) || part.is_object()
            };
            assert!(parts.iter().all(held), "{parts:?} show {}: {export}", personal.table);
        }
    }
    for (list, other) in [
        ("following", &friend),
        ("followers", &friend),
        ("requests_sent", &asked),
        ("requests_received", &asker),
        ("blocks", &foe),
        ("close_friends", &friend),
        ("dismissals", &asker),
    ] {
        assert_eq!(ids(&export[list]), BTreeSet::from([other.id.to_string()]), "{list}");
    }
    let note = json!([{"user_id": foe.id, "note": "hers"}]);
    assert_eq!(export["notes"], note);
    let mute = &export["mutes"][0];
    assert_eq!((&mute["expires_at"], &mute["notifications"]), (&Value::Null, &json!(true)));
    assert!(!export.to_string().contains(&hater.id.to_string()), "who blocks is not told");
    app.nobody.get("/v1/me/export").await.expect_problem(401, "unauthenticated");
}

async fn a_long_export_is_whole(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let fans = app.crowd("fan", MANY).await;
    for some in fans.chunks(50) {
        all(some.iter().map(|fan| fan.follow(&anna))).await;
        all(some.iter().map(|fan| anna.follow(fan))).await;
    }
    let export = exported(&anna).await;
    let everybody: BTreeSet<String> = fans.iter().map(|fan| fan.id.to_string()).collect();
    for list in ["followers", "following"] {
        assert_eq!(export[list].as_array().unwrap().len(), MANY);
        assert_eq!(ids(&export[list]), everybody, "{list}");
    }
}

shared::on_both_databases!(an_export_has_what_one_holds_and_is_told, a_long_export_is_whole);
