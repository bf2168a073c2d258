//! People like somebody.

use serde_json::{Value, json};
use shared::facts::{AccountStatus, ListAudience};
use shared::testing::TestDatabase;

use crate::person::{Act, Person, comparable, ids, walk};
use crate::suggestions::reason;
use crate::test_app::TestApp;

/// The followers of an idol, each of whom follows some others too.
async fn world(app: &TestApp) -> ([Person; 2], Vec<Person>, Vec<Person>) {
    let [me, idol] = app.people(["me", "idol"]).await;
    let (fans, others) = (app.crowd("fan", 3).await, app.crowd("other", 3).await);
    for (number, fan) in fans.iter().enumerate() {
        fan.follow(&idol).await;
        for other in &others[number..] {
            fan.follow(other).await;
        }
    }
    ([me, idol], fans, others)
}

async fn those_who_share_most_followers_come_first(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let ([me, idol], fans, others) = world(&app).await;
    let path = idol.list("similar");
    let expected = ids(&[&others[2], &others[1], &others[0]]);
    for limit in [1, 2, 100] {
        assert_eq!(me.walk(&path, limit).await, expected);
        assert_eq!(walk(&app.nobody, &path, limit).await, expected, "a nameless viewer is a stranger");
    }
    let body = me.http.get(&path).await.expect(200).json();
    let all = reason("shared_followers", 3, &[&fans[2], &fans[1], &fans[0]]);
    assert_eq!(body["items"][0]["reasons"], json!([all]));
    // Who hides from me whom they follow is no reason.
    app.set_private(&fans[0], true).await;
    app.change(&fans[1], |facts| facts.show_relations = ListAudience::Followers).await;
    me.block(&fans[2]).await;
    assert!(me.walk(&path, 1).await.is_empty());
    assert_eq!(walk(&app.nobody, &path, 1).await, [others[2].id], "to the nameless one fan is left");
    me.follow(&fans[1]).await;
    let body = me.http.get(&path).await.expect(200).json();
    let one = json!([reason("shared_followers", 1, &[&fans[1]])]);
    let reasons: Vec<&Value> = body["items"].as_array().unwrap().iter().map(|row| &row["reasons"]).collect();
    assert_eq!(reasons, [&one, &one]);
}

async fn r33_r44_it_is_answered_like_their_followers(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let ([me, idol], fans, _) = world(&app).await;
    let agree = async |what: &str, status: u16| {
        for client in [&me.http, &app.nobody, &fans[0].http, &idol.http] {
            let [one, other] =
                [client.get(&idol.list("similar")).await, client.get(&idol.list("followers")).await];
            assert_eq!(one.status, other.status, "{what}");
            if one.status != 200 {
                assert_eq!(comparable(&one), comparable(&other), "{what}");
            }
        }
        assert_eq!(me.http.get(&idol.list("similar")).await.status, status, "{what}");
    };
    agree("public", 200).await;
    app.set_private(&idol, true).await;
    agree("private", 403).await;
    app.set_private(&idol, false).await;
    for audience in [ListAudience::Followers, ListAudience::OnlyMe] {
        app.change(&idol, |facts| facts.show_relations = audience).await;
        agree("lists for some", 403).await;
    }
    app.change(&idol, |facts| facts.show_relations = ListAudience::Everyone).await;
    idol.block(&me).await;
    agree("blocked", 404).await;
    let nobody = me.http.get("/v1/users/1/similar").await.expect_problem(404, "user_not_found");
    assert_eq!(comparable(&me.http.get(&idol.list("similar")).await), comparable(&nobody));
    idol.act(Act::Unblock, &me).await;
    let nobody = me.http.get("/v1/users/1/similar").await;
    for status in [AccountStatus::Suspended, AccountStatus::Deactivated] {
        app.set_status(&idol, status).await;
        let found = me.http.get(&idol.list("similar")).await.expect_problem(404, "user_not_found");
        assert_eq!(comparable(&found), comparable(&nobody));
    }
}

shared::on_both_databases!(
    those_who_share_most_followers_come_first,
    r33_r44_it_is_answered_like_their_followers,
);
