//! `kill -9` amid an import of a list: what was answered with 202 is worked off, each row once.

use std::fs;
use std::time::Duration;

use actix_web::http::Method;

use crate::world::{Ground, on_both_grounds, rounds};

on_both_grounds!(an_import_goes_on_after_crashes);

/// Several steps.
const PEOPLE: usize = 1_000;
const LOOK_EVERY: Duration = Duration::from_millis(5);

async fn an_import_goes_on_after_crashes(ground: Ground) {
    let graph = ground.dir().join("graph.txt");
    let edges: String = (0..PEOPLE).map(|node| format!("{node} {}\n", (node + 1) % PEOPLE)).collect();
    fs::write(&graph, edges).unwrap();
    assert!(ground.run(&["import-graph", graph.to_str().unwrap()]).status.success());
    let mut world = ground.serve();
    let mut me = world.register("me_myself").await;
    let late = world.register("late_comer").await;
    me.follow(&late).await;
    let names: String = (0..PEOPLE).map(|node| format!("n{node}\n")).collect();
    let file = format!("Account address\nnobody.here\n{names}late_comer@elsewhere.example\n");
    let begun = me.relations.send(
        Method::POST,
        "/v1/me/imports?kind=following&mode=overwrite",
        &[("content-type", "text/csv")],
        file.into_bytes(),
    );
    let begun = begun.await.expect(202).json();
    let path = format!("/v1/me/imports/{}", begun["id"].as_str().unwrap());
    let mut report = begun;
    for _ in 0..rounds(3) {
        world.crash();
        world = ground.serve();
        me.relations = me.relations.at(&world.relations);
        let now = me.relations.get(&path).await.expect(200).json();
        assert!(now["processed"].as_i64() >= report["processed"].as_i64(), "{now} after {report}");
        report = now;
    }
    while report["state"] != "done" {
        tokio::time::sleep(LOOK_EVERY).await;
        report = me.relations.get(&path).await.expect(200).json();
    }
    let numbers = ["total", "processed", "failed", "changed", "removed"].map(|name| report[name].as_u64());
    assert_eq!(numbers, [1_002, 1_002, 2, 1_000, 1].map(Some), "{report}");
    assert_eq!(report["failures"][0]["code"], "user_not_found");
    assert_eq!(report["failures"][1]["code"], "unknown_host");
    let exported = me.relations.get("/v1/me/exports/following.csv").await.expect(200);
    assert_eq!(String::from_utf8(exported.bytes).unwrap().lines().count(), PEOPLE + 1);
    me.users = me.users.at(&world.users);
    assert_eq!(me.counts().await["following"], PEOPLE);
    ground.audit();
}
