//! A day in the life: the whole path through both services.

use serde_json::json;

use crate::world::{Ground, on_both_grounds};

on_both_grounds!(people_meet_befriend_and_part);

async fn people_meet_befriend_and_part(ground: Ground) {
    let world = ground.serve();
    let (ada, bo, cy) = (world.register("ada").await, world.register("bo").await, world.register("cy").await);

    assert_eq!(ada.follow(&bo).await["following"], true);
    assert_eq!(bo.follow(&ada).await["friends"], true);
    assert_eq!(ada.counts().await["friends"], 1);
    let path = format!("/v1/users/{}/followers?expand=user", ada.id);
    let followers = cy.relations.get(&path).await.expect(200).json();
    assert_eq!(followers["items"][0]["user"]["username"], "bo");

    cy.go_private(true).await;
    assert_eq!(ada.follow(&cy).await["requested"], true);
    let requests = cy.relations.get("/v1/me/follow-requests").await.expect(200).json();
    assert_eq!(requests["items"][0]["user_id"], json!(ada.id));
    let accept = format!("/v1/me/follow-requests/{}/accept", ada.id);
    assert_eq!(cy.relations.post(&accept).await.expect(200).json()["followed_by"], true);
    cy.relations.post(&accept).await.expect_problem(404, "no_such_request");
    let lists = format!("/v1/users/{}/followers", cy.id);
    ada.relations.get(&lists).await.expect(200);
    bo.relations.get(&lists).await.expect_problem(403, "private_list");

    bo.block(&ada).await;
    assert_eq!(bo.counts().await["friends"], 0);
    let gone = format!("/v1/users/{}/followers", bo.id);
    ada.relations.get(&gone).await.expect_problem(404, "user_not_found");
    let follow = format!("/v1/me/following/{}", bo.id);
    ada.relations.put(&follow).await.expect_problem(404, "user_not_found");
    ada.relations.delete(&format!("/v1/me/following/{}", ada.id)).await.expect_problem(422, "self_relation");
    ground.audit();
}
