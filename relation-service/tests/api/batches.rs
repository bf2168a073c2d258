//! Following and unfollowing many at once.

use actix_web::http::Method;
use relation_service::domain::Limits;
use serde_json::{Value, json};
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::testing::{Answer, TestDatabase};

use crate::person::{Act, Person};
use crate::test_app::{LIMITS, TestApp};

async fn batch(person: &Person, route: &str, ids: &[UserId]) -> Answer {
    person.http.json(Method::POST, &format!("/v1/me/following/{route}"), &json!({"user_ids": ids})).await
}

/// `outcome` or `outcome code` of each, after checking that they come in the order of the question.
fn outcomes(answer: Answer, asked: &[UserId]) -> Vec<String> {
    let body = answer.expect(200).json();
    let items = body["items"].as_array().unwrap();
    let told: Vec<UserId> =
        items.iter().map(|item| item["user_id"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(told, asked);
    let word = |item: &Value| {
        let code = item.get("code").and_then(Value::as_str).unwrap_or_default();
        format!("{} {code}", item["outcome"].as_str().unwrap()).trim().to_owned()
    };
    items.iter().map(word).collect()
}

async fn each_of_a_batch_is_decided_by_itself(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, public, private, followed, blocked, blocker, suspended] =
        app.people(["me", "public", "private", "followed", "blocked", "blocker", "suspended"]).await;
    app.set_private(&private, true).await;
    app.set_status(&suspended, AccountStatus::Suspended).await;
    me.follow(&followed).await;
    me.block(&blocked).await;
    blocker.block(&me).await;
    let newcomer = app.newcomer("newcomer");
    let asked: Vec<UserId> = [&public, &private, &followed, &blocked, &blocker, &suspended, &me, &newcomer]
        .map(|person| person.id)
        .into_iter()
        .chain([UserId::new(1)])
        .collect();
    let expected = [
        "followed",
        "requested",
        "unchanged",
        "refused you_block_them",
        "refused user_not_found",
        "refused user_not_found",
        "refused self_relation",
        "followed",
        "refused user_not_found",
    ];
    assert_eq!(outcomes(batch(&me, "batch", &asked).await, &asked), expected);
    assert_eq!(me.counts().await, [0, 3, 0, 0, 1]);
    let doubled: Vec<UserId> = asked.iter().chain(&asked).copied().collect();
    let again = outcomes(batch(&me, "batch", &doubled).await, &asked);
    assert_eq!(again[..3], ["unchanged"; 3], "duplicates collapse, and nothing happens twice");
    let removed = outcomes(batch(&me, "batch-remove", &asked).await, &asked);
    assert_eq!(
        removed,
        [
            "removed",
            "removed",
            "removed",
            "unchanged",
            "unchanged",
            "unchanged",
            "refused self_relation",
            "removed",
            "refused user_not_found"
        ]
    );
    assert_eq!((me.counts().await, me.sees(&blocked).await.as_str()), ([0; 5], "blocking"));
    app.assert_sound().await;
}

async fn a_batch_has_bounds(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    let crowd = app.crowd("other", 100).await;
    let mut ids: Vec<UserId> = crowd.iter().map(|person| person.id).collect();
    let refused = batch(&me, "batch", &[]).await.expect_problem(422, "validation_failed").json();
    assert_eq!(
        (&refused["errors"][0]["field"], &refused["errors"][0]["code"]),
        (&json!("user_ids"), &json!("required"))
    );
    ids.push(me.id);
    batch(&me, "batch", &ids).await.expect_problem(400, "too_many_ids");
    assert_eq!(app.revision().await, 0, "a refused batch does nothing at all");
    ids.pop();
    assert_eq!(outcomes(batch(&me, "batch", &ids).await, &ids), ["followed"; 100]);
    assert_eq!(me.counts().await, [0, 100, 0, 0, 0]);
    assert_eq!(outcomes(batch(&me, "batch-remove", &ids).await, &ids), ["removed"; 100]);
    assert_eq!(me.counts().await, [0; 5]);
    app.assert_sound().await;
}

async fn a_batch_of_newcomers_asks_about_all_of_them(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    app.users.hold_feed();
    let newcomers: Vec<UserId> = (0..100).map(|number| app.newcomer(&format!("new{number}")).id).collect();
    assert_eq!(outcomes(batch(&me, "batch", &newcomers).await, &newcomers), ["followed"; 100]);
    app.users.release_feed();
    app.assert_sound().await;
}

async fn r09_a_batch_stops_at_the_limit(make: impl Fn() -> TestDatabase) {
    let app = TestApp::with_limits(make, Limits { following_max: 2, ..LIMITS }).await;
    let [me, one, two, three] = app.people(["me", "one", "two", "three"]).await;
    let asked = [one.id, two.id, three.id];
    let expected = ["followed", "followed", "refused following_limit_reached"];
    assert_eq!(outcomes(batch(&me, "batch", &asked).await, &asked), expected);
    me.act(Act::Unfollow, &one).await;
    assert_eq!(outcomes(batch(&me, "batch", &[three.id]).await, &[three.id]), ["followed"]);
}

shared::on_both_databases!(
    each_of_a_batch_is_decided_by_itself,
    a_batch_has_bounds,
    a_batch_of_newcomers_asks_about_all_of_them,
    r09_a_batch_stops_at_the_limit,
);
