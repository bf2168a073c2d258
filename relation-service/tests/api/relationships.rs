//! R47 to R49: reading how people stand to each other.

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::facts::AccountStatus;
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Act, Person, true_words, walk};
use crate::test_app::{TestApp, all};

async fn r47_who_registers_can_follow_at_once(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    app.users.hold_feed();
    let (anna, ben) = (app.newcomer("anna"), app.newcomer("ben"));
    assert!(anna.follow(&ben).await);
    assert_eq!((anna.sees(&ben).await, ben.sees(&anna).await), ("following".into(), "followed_by".into()));
    assert_eq!((anna.counts().await, ben.counts().await), ([0, 1, 0, 0, 0], [1, 0, 0, 0, 0]));
    assert_eq!(ben.walk(&ben.list("followers"), 5).await, [anna.id]);
    let carl = app.newcomer("carl");
    assert_eq!(true_words(&carl.relationship(&anna).await), "");
    assert!(carl.block(&anna).await);
    assert!(app.nobody.get(&app.newcomer("dora").list("counts")).await.expect(200).json()["followers"] == 0);
    app.users.release_feed();
    app.assert_sound().await;
}

async fn r47_a_newcomers_privacy_is_known_before_the_feed_tells(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    app.users.hold_feed();
    let (anna, ben) = (app.newcomer("anna"), app.newcomer("ben"));
    app.users.change(ben.id, "user.privacy_changed", |facts| facts.private_account = true);
    anna.follow(&ben).await;
    assert_eq!(anna.sees(&ben).await, "requested");
    app.users.release_feed();
    app.users.applied().await;
    let [carl] = app.people(["carl"]).await;
    carl.follow(&ben).await;
    assert_eq!(
        (anna.sees(&ben).await, carl.sees(&ben).await),
        ("requested".into(), "requested".into()),
        "old news change nothing"
    );
}

async fn r47_every_write_is_in_the_next_read(make: impl Fn() -> TestDatabase) {
    let app = TestApp::beside_others(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let second = app.second_instance().await;
    let elsewhere = second.as_ref().map(|(_, base)| ben.http.at(base));
    for round in 0..20 {
        assert!(anna.follow(&ben).await);
        assert_eq!(ben.walk(&ben.list("followers"), 5).await, [anna.id], "round {round}");
        if let Some(elsewhere) = &elsewhere {
            assert_eq!(walk(elsewhere, &ben.list("followers"), 5).await, [anna.id], "round {round}");
        }
        assert!(anna.act(Act::Unfollow, &ben).await);
        assert!(ben.walk(&ben.list("followers"), 5).await.is_empty(), "round {round}");
    }
}

async fn r48_a_batch_equals_its_singles(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let names = ["me", "friend", "fan", "idol", "asked", "asks", "blocked", "blocker", "stranger", "gone"];
    let people = app.people(names).await;
    let [me, friend, fan, idol, asked, asks, blocked, blocker, _, gone] = &people;
    app.set_private(me, true).await;
    app.set_private(asked, true).await;
    befriend(me, friend).await;
    me.act(Act::Accept, friend).await;
    fan.follow(me).await;
    me.act(Act::Accept, fan).await;
    me.follow_with_notify(idol, true).await;
    me.follow(asked).await;
    asks.follow(me).await;
    me.block(blocked).await;
    blocker.block(me).await;
    app.set_status(gone, AccountStatus::Suspended).await;
    let mut ids: Vec<String> = people.iter().map(|person| person.id.to_string()).collect();
    ids.push("1".into());
    let order: Vec<&str> = ids.iter().rev().map(String::as_str).collect();
    let asked_twice = [order.clone(), order.clone()].concat().join(",");
    let batch = me.http.get(&format!("/v1/me/relationships?ids={asked_twice}")).await.expect(200).json();
    let items = batch["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|item| item["id"].as_str().unwrap()).collect::<Vec<_>>(), order);
    for item in items {
        let path = format!("/v1/me/relationships?ids={}", item["id"].as_str().unwrap());
        assert_eq!(&me.http.get(&path).await.expect(200).json()["items"][0], item);
    }
    let words: Vec<String> = items.iter().rev().map(|item| true_words(&item["relationship"])).collect();
    let expected = [
        "",
        "following followed_by friends",
        "followed_by",
        "following notify",
        "requested",
        "requested_by",
        "blocking",
        "",
        "",
        "",
        "",
    ];
    assert_eq!(words, expected);
    let null = |item: &&Value| item["relationship"].is_null();
    assert_eq!(items.iter().filter(null).count(), 2, "the hidden and the unknown, and nobody else");
}

/// Whoever asks, and how the others stand to them.
const STATES: [&str; 13] = [
    "me",
    "both block",
    "crossing",
    "muted",
    "muted a while",
    "noted",
    "close",
    "all marks",
    "deactivated",
    "deleted",
    "asked and hidden",
    "blocked and noted",
    "blocks and is muted",
];

/// The states that the test before leaves out: blocks both ways, crossing requests, marks, notes, all that hides.
async fn r48_a_batch_equals_its_singles_in_every_state(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let people = app.people(STATES).await;
    let [me, both, crossing, muted, awhile, noted, close, marked, away, gone, asker, blocked, blocker] =
        &people;
    let put = async |path: &str, whom: &Person, body: Value| {
        me.http.json(Method::PUT, &format!("/v1/me/{path}/{}", whom.id), &body).await.expect(200);
    };
    close.follow(me).await;
    befriend(me, marked).await;
    me.act(Act::Mute, blocker).await;
    put("notes", blocked, json!({"note": "knows why"})).await;
    for person in [me, crossing] {
        app.set_private(person, true).await;
    }
    me.follow(crossing).await;
    crossing.follow(me).await;
    asker.follow(me).await;
    for (one, other) in [(me, both), (both, me), (me, blocked), (blocker, me)] {
        one.block(other).await;
    }
    for person in [close, marked] {
        put("close-friends", person, json!({})).await;
    }
    put("mutes", muted, json!({"notifications": false})).await;
    put("mutes", awhile, json!({"duration_seconds": 3600})).await;
    put("mutes", marked, json!({})).await;
    for person in [noted, marked] {
        put("notes", person, json!({"note": "met at the fair"})).await;
    }
    app.set_status(away, AccountStatus::Deactivated).await;
    app.set_status(gone, AccountStatus::Deleted).await;
    app.set_status(asker, AccountStatus::Suspended).await;
    let ids: Vec<String> = people[1..].iter().map(|person| person.id.to_string()).collect();
    let service = app.service("gateway", &["relationships"]);
    let of_service = format!("/v1/relationships?viewer_id={}&ids=", me.id);
    for (client, path) in [(&me.http, "/v1/me/relationships?ids="), (&service, of_service.as_str())] {
        let batch = client.get(&format!("{path}{}", ids.join(","))).await.expect(200).json();
        for (id, item) in ids.iter().zip(batch["items"].as_array().unwrap()) {
            let single = client.get(&format!("{path}{id}")).await.expect(200).json();
            assert_eq!(single, json!({"items": [item]}), "{path}");
        }
        let seen = batch["items"].as_array().unwrap().iter().map(|item| true_words(&item["relationship"]));
        let expected = [
            "blocking",
            "requested requested_by",
            "muting",
            "muting mute_notifications",
            "",
            "followed_by close_friend",
            "following followed_by friends muting mute_notifications close_friend",
            "",
            "",
            "",
            "blocking",
            "muting mute_notifications",
        ];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
        let told = |index: usize| &batch["items"][index]["relationship"];
        assert_eq!(
            (&told(4)["note"], &told(6)["note"]),
            (&json!("met at the fair"), &json!("met at the fair"))
        );
        assert!(told(3)["mute_expires_at"].is_string() && told(10)["note"] == "knows why");
        assert!((7..10).all(|hidden| told(hidden).is_null()), "{batch}");
    }
}

async fn relationships_have_bounds(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    let crowd: Vec<String> = (1..=201).map(|id| id.to_string()).collect();
    let path = |ids: &[String]| format!("/v1/me/relationships?ids={}", ids.join(","));
    me.http.get(&path(&crowd)).await.expect_problem(400, "too_many_ids");
    let body = me.http.get(&path(&crowd[..200])).await.expect(200).json();
    assert_eq!(body["items"].as_array().unwrap().len(), 200);
    for bad in ["", ",", "1,", "abc", "0", "-1", "01", "9223372036854775808"] {
        me.http.get(&format!("/v1/me/relationships?ids={bad}")).await.expect_problem(400, "invalid_id");
    }
    me.http.get("/v1/me/relationships").await.expect_problem(400, "invalid_query");
    app.nobody.get("/v1/me/relationships?ids=1").await.expect_problem(401, "unauthenticated");
}

async fn r49_reads_of_known_people_never_ask_user_service(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let asked = app.users.questions().len();
    befriend(&anna, &ben).await;
    all((0..10).map(|_| anna.relationship(&ben))).await;
    for list in ["followers?expand=user", "following", "friends", "counts"] {
        anna.http.get(&ben.list(list)).await.expect(200);
    }
    assert_eq!(app.users.questions().len(), asked);
    anna.relationship(&app.newcomer("carl")).await;
    anna.http.get("/v1/me/relationships?ids=1").await.expect(200);
    assert!(app.users.questions().len() > asked, "about somebody unknown it does");
}

shared::on_both_databases!(
    r47_who_registers_can_follow_at_once,
    r47_a_newcomers_privacy_is_known_before_the_feed_tells,
    r47_every_write_is_in_the_next_read,
    r48_a_batch_equals_its_singles,
    r48_a_batch_equals_its_singles_in_every_state,
    relationships_have_bounds,
    r49_reads_of_known_people_never_ask_user_service,
);
