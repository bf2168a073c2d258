//! How a person stands to others, as other services are told.

use serde_json::{Value, json};
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::explain::{SITUATIONS, arrange};
use crate::person::{Act, Person};
use crate::test_app::TestApp;

fn path(viewer: UserId, ids: &str) -> String {
    format!("/v1/relationships?viewer_id={viewer}&ids={ids}")
}

/// What the person themselves are told, and who blocks them.
async fn a_service_sees_what_the_viewer_sees_and_who_blocks(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("gateway", &["relationships"]);
    for situation in SITUATIONS {
        let [me, them] = app.people(["me", "them"]).await;
        arrange(&app, situation, &me, &them).await;
        let ids = format!("{},1,{}", them.id, them.id);
        let mine = me.http.get(&format!("/v1/me/relationships?ids={ids}")).await.expect(200).json();
        let mut told = service.get(&path(me.id, &ids)).await.expect(200).json();
        let them_told = &mut told["items"][0]["relationship"];
        let blocked_by = them_told.as_object_mut().and_then(|fields| fields.remove("blocked_by"));
        assert_eq!(told, mine, "{situation}");
        let blocks = ["they block", "both block"].contains(&situation);
        let hidden = situation.contains("suspended");
        assert_eq!(blocked_by, (!hidden).then_some(json!(blocks)), "{situation}");
    }
}

async fn marks_and_notes_of_the_viewer_are_in_it(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("gateway", &["relationships"]);
    let [me, them] = app.people(["me", "them"]).await;
    me.act(Act::Mute, &them).await;
    let told = async |viewer: &Person, other: &Person| -> Value {
        let body = service.get(&path(viewer.id, &other.id.to_string())).await.expect(200).json();
        body["items"][0]["relationship"].clone()
    };
    assert_eq!(told(&me, &them).await["muting"], true);
    assert_eq!(told(&them, &me).await["muting"], false);
}

async fn the_viewer_must_be_there(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("gateway", &["relationships"]);
    let [me, gone] = app.people(["me", "gone"]).await;
    app.set_status(&gone, AccountStatus::Suspended).await;
    for viewer in [UserId::new(1), gone.id] {
        service.get(&path(viewer, &me.id.to_string())).await.expect_problem(404, "user_not_found");
    }
    let newcomer = app.newcomer("newcomer");
    service.get(&path(newcomer.id, &me.id.to_string())).await.expect(200);
}

async fn the_route_has_bounds_and_is_for_services(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("gateway", &["relationships"]);
    let [me] = app.people(["me"]).await;
    let many: Vec<String> = (1..=201).map(|id| id.to_string()).collect();
    service.get(&path(me.id, &many.join(","))).await.expect_problem(400, "too_many_ids");
    let body = service.get(&path(me.id, &many[..200].join(","))).await.expect(200).json();
    assert_eq!(body["items"].as_array().unwrap().len(), 200);
    service.get(&path(me.id, "x")).await.expect_problem(400, "invalid_id");
    service.get("/v1/relationships?viewer_id=x&ids=1").await.expect_problem(400, "invalid_query");
    service.get("/v1/relationships?ids=1").await.expect_problem(400, "invalid_query");
    let one = path(me.id, "1");
    app.nobody.get(&one).await.expect_problem(401, "unauthenticated");
    me.http.get(&one).await.expect_problem(403, "only_for_services");
    app.service("other", &["visibility"]).get(&one).await.expect_problem(403, "missing_scope");
}

shared::on_both_databases!(
    a_service_sees_what_the_viewer_sees_and_who_blocks,
    marks_and_notes_of_the_viewer_are_in_it,
    the_viewer_must_be_there,
    the_route_has_bounds_and_is_for_services,
);
