//! The operator's commands beside, before and after running services.

use shared::testing::Client;

use crate::world::{Ground, on_both_grounds};

on_both_grounds!(it_stops_cleanly_when_asked, a_service_token_is_valid_at_once, the_demo_world_adds_up);

async fn it_stops_cleanly_when_asked(ground: Ground) {
    for signal in ["TERM", "INT"] {
        let world = ground.serve();
        world.signal(signal);
        assert!(world.ended().success(), "SIG{signal}");
    }
    ground.audit();
}

async fn a_service_token_is_valid_at_once(ground: Ground) {
    let world = ground.serve();
    world.register("somebody").await;
    let create = ["admin", "service-token", "create", "--name", "notifier", "--scopes", "events"];
    let output = ground.run(&create);
    assert!(output.status.success(), "{output:?}");
    let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    for service in [&world.users, &world.relations] {
        Client::new(service).get("/v1/events").await.expect_problem(401, "unauthenticated");
        let feed = Client::new(service).with_token(&token);
        assert!(feed.get("/v1/events").await.expect(200).json()["oldest"].is_i64());
    }
    assert!(ground.run(&["admin", "service-token", "revoke", "--name", "notifier"]).status.success());
    for service in [&world.users, &world.relations] {
        let feed = Client::new(service).with_token(&token);
        let started = std::time::Instant::now();
        while feed.get("/v1/events").await.status != 401 {
            assert!(started.elapsed().as_secs() < 5, "the token still works");
        }
    }
    assert_eq!(ground.run(&["admin", "service-token", "revoke", "--name", "nobody"]).status.code(), Some(2));
}

async fn the_demo_world_adds_up(ground: Ground) {
    let world = ground.serve_with(&["--seed-demo"]);
    let users = Client::new(&world.users);
    let ada = users.get("/v1/users/by-username/ada.adler").await.expect(200).json();
    let path = format!("/v1/users/{}/counts", ada["id"].as_str().unwrap());
    let counts = Client::new(&world.relations).get(&path).await.expect(200).json();
    assert!(counts["followers"].as_i64().unwrap() > 100, "a celebrity is known to many: {counts}");
    drop(world);
    ground.audit();
    assert_eq!(ground.run(&["seed"]).status.code(), Some(2), "the demo world is for empty databases");
}

#[actix_web::test]
async fn what_cannot_work_beside_running_services_says_so() {
    let ground = Ground::sqlite().unwrap();
    let _world = ground.serve();
    let file = ground.dir().join("graph.txt");
    std::fs::write(&file, "1 2\n").unwrap();
    for words in [&["import-graph", file.to_str().unwrap()][..], &["seed"]] {
        let output = ground.run(words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("in use by another process"), "{said}");
    }
}

#[test]
fn wrong_settings_stop_the_start_with_one_line() {
    let ground = Ground::sqlite().unwrap();
    for words in [
        &["serve", "--user-listen", "nowhere"][..],
        &["serve", "--nonsense"],
        &["serve", "--config", "/nonexistent.toml"],
        &["dance"],
        &["import-graph"],
    ] {
        let output = ground.run(words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{words:?}: {said}");
    }
}
