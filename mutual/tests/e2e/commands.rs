//! The operator's commands beside, before and after running services.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use shared::db::{DatabaseUrl, log, open_writer};
use shared::testing::{Client, pairs};

use crate::world::{Ground, on_both_grounds};

on_both_grounds!(
    it_stops_cleanly_when_asked,
    a_service_token_is_valid_at_once,
    the_operator_makes_admins_beside_running_services,
    the_demo_world_adds_up
);

#[test]
fn what_is_wrong_at_the_start_is_told_with_what_to_change() {
    let ground = Ground::sqlite().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let free = ["--relation-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    for (words, code, told) in [
        (
            &[&["serve", "--user-listen", &taken], &free[..]].concat()[..],
            1,
            "(--listen, or --user-listen of mutual serve)",
        ),
        (&["serve", "--user-listen", "localhost:8081"], 2, "such as 127.0.0.1:8081"),
    ] {
        let output = ground.run(words);
        let text = String::from_utf8(output.stderr).unwrap();
        let line = text.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(output.status.code() == Some(code) && line.contains(told), "{text}");
    }
    let admin = Command::new(env!("CARGO_BIN_EXE_mutual")).arg("admin").output().unwrap();
    let text = String::from_utf8(admin.stderr).unwrap();
    assert!(
        admin.status.code() == Some(2) && text.contains("service-token") && text.contains("Usage:"),
        "{text}"
    );
    let shown = ground.command(&["serve", "--print-config"]).env("SEED_DEMO", "1").output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("\nseed_demo = 1\n") && text.contains("\ncache_mb = 256\n"), "{text}");
}

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

async fn the_operator_makes_admins_beside_running_services(ground: Ground) {
    let world = ground.serve();
    let create = |name: &str, password: &str| {
        let email = format!("{name}@example.com");
        let words = ["admin", "create", "--username", name, "--email", &email, "--password-stdin"];
        ground.run_with_input(&[&words[..], &["--password-cost", "low"]].concat(), password)
    };
    let made = create("admin", "plum Tractor 91 sky\n");
    assert!(made.status.success() && made.stderr.is_empty(), "{made:?}");
    for (name, password, code, said) in [
        ("admin", "plum Tractor 91 sky", 1, "taken"),
        ("second", "password", 2, "password:"),
        ("second", "", 2, "empty"),
        ("second", &"x".repeat(5_000), 2, "password:"),
        (".", "plum Tractor 91 sky", 2, "username:"),
    ] {
        let refused = create(name, password);
        let line = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(code), "{line}");
        assert!(line.contains(said) && line.lines().count() == 1 && !line.contains("plum"), "{line}");
    }
    let anna = world.register("anna").await;
    let admin = world.log_in("admin", "plum Tractor 91 sky").await;
    assert_eq!(admin.users.get("/v1/me").await.expect(200).json()["role"], "admin");
    let role = |name: &str, role: &str| ground.run(&["admin", "role", "--username", name, "--role", role]);
    assert_eq!(role("admin", "user").status.code(), Some(1), "the last admin stays");
    assert_eq!(role("nobody", "user").status.code(), Some(2));
    assert_eq!(role("anna", "god").status.code(), Some(2));
    assert!(role("anna", "moderator").status.success());
    assert_eq!(anna.users.get("/v1/me").await.expect(200).json()["role"], "moderator");
    let token = ["admin", "service-token", "create", "--name", "feed", "--scopes", "events"];
    assert!(ground.run(&token).status.success());
    assert!(ground.run(&["admin", "service-token", "revoke", "--name", "feed"]).status.success());
    let log = anna.users.get("/v1/admin/audit-log?actor_id=operator").await.expect(200).json();
    let actions: Vec<&str> =
        log["items"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["revoke_service_token", "create_service_token", "set_role", "create_user"]);
    assert_eq!(log["items"][3]["after"]["username"], "admin");
    // What the other service did not hear of by the writer, it hears of by the feed.
    admin.follow(&anna).await;
    let body = serde_json::json!({"reason": "spam"});
    let path = format!("/v1/admin/users/{}/suspension", anna.id);
    admin.users.json(actix_web::http::Method::PUT, &path, &body).await.expect(200);
    // Refused at once where it was done, and within seconds elsewhere.
    anna.users.get("/v1/me").await.expect_problem(401, "unauthenticated");
    let started = std::time::Instant::now();
    while anna.relations.get("/v1/me/blocks").await.status != 401 {
        assert!(started.elapsed().as_secs() < 5, "relation-service still lets her in");
    }
    assert_eq!(admin.counts().await["following"], 0);
    drop(world);
    ground.audit();
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
    assert!(ground.run(&["seed", "--if-empty"]).status.success(), "a job that runs again changes nothing");
    ground.audit();
}

#[actix_web::test]
async fn a_health_check_asks_both_services() {
    let ground = Ground::sqlite().unwrap();
    let world = ground.serve();
    let [users, relations] = [&world.users, &world.relations].map(|url| url.replace("http://", ""));
    let check = |users: &str, relations: &str| {
        let words = ["serve", "--healthcheck", "--user-listen", users, "--relation-listen", relations];
        ground.run(&words).status.code()
    };
    assert_eq!(check(&users, &relations), Some(0));
    // Nobody listens on port 1.
    assert_eq!(check(&users, "127.0.0.1:1"), Some(1));
    assert_eq!(check("127.0.0.1:1", &relations), Some(1));
}

/// A command copies facts by the tables, the service by the feed, whose times are shorter: both have read the same.
#[actix_web::test]
async fn what_a_command_has_read_of_the_feed_is_read() {
    let ground = Ground::sqlite().unwrap();
    assert!(ground.run(&["seed"]).status.success());
    let position = || {
        let mut conn = open_writer(&ground.relation_url()).unwrap();
        pairs(&mut conn, "SELECT feed, CAST(seq AS TEXT) FROM feed_position ORDER BY feed")
    };
    let before = position();
    assert_eq!(before.len(), 2);
    // Learning afresh would write the place again, in shorter times.
    drop(ground.serve());
    assert_eq!(position(), before);
}

/// relation-service begins with an empty database, and the events from which it would learn are gone.
#[actix_web::test]
async fn everybody_is_learned_afresh_where_events_are_gone() {
    let ground = Ground::sqlite().unwrap();
    let world = ground.serve();
    let mut people = Vec::new();
    for name in ["anna", "ben", "carl"] {
        people.push(world.register(name).await);
    }
    people[1].go_private(true).await;
    drop(world);
    let mut users = open_writer(&DatabaseUrl::sqlite(ground.dir().join("user.db"))).unwrap();
    let newest = log::head(&mut users).unwrap().seq;
    assert_eq!(log::forget(&mut users, newest - 1).unwrap(), 3);
    drop(users);
    for name in ["relation.db", "relation.db-wal", "relation.db-shm"] {
        let _ = std::fs::remove_file(ground.dir().join(name));
    }
    let world = ground.serve();
    let anna = world.log_in("anna", "a long and odd passphrase").await;
    assert_eq!(anna.follow(&people[1]).await["requested"], true);
    assert_eq!(anna.follow(&people[2]).await["following"], true);
    drop(world);
    ground.audit();
    // The same by a command, without the services.
    std::fs::remove_file(ground.dir().join("relation.db")).unwrap();
    let file = ground.dir().join("graph.txt");
    std::fs::write(&file, "1 2\n").unwrap();
    assert!(ground.run(&["import-graph", file.to_str().unwrap()]).status.success());
    ground.audit();
}

/// Before anything was served: in an empty directory, and in one that is not there.
#[actix_web::test]
async fn the_operators_first_commands_make_the_data_directory() {
    const PASSWORD: &str = "plum Tractor 91 sky";
    let create = |ground: &Ground, name: &str, password: &str| {
        let words = ["admin", "create", "--username", name, "--email", "zoe@example.com", "--password-stdin"];
        ground.run_with_input(&[&words[..], &["--password-cost", "low"]].concat(), password)
    };
    let token = ["admin", "service-token", "create", "--name", "feed", "--scopes", "events"];
    let ground = Ground::sqlite().unwrap();
    assert_eq!(create(&ground, "zoe", "short").status.code(), Some(2));
    assert_eq!(std::fs::read_dir(ground.dir()).unwrap().count(), 0, "what is refused makes nothing");
    let made = create(&ground, "zoe", PASSWORD);
    assert!(made.status.success() && made.stderr.is_empty(), "{made:?}");
    let made = ["signing-key", "refresh-key", "service-secret", "user.db", "relation.db"];
    for name in made {
        let file = std::fs::metadata(ground.dir().join(name)).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let made_token = ground.run(&token);
    assert!(made_token.status.success(), "{made_token:?}");
    let world = ground.serve();
    let zoe = world.log_in("zoe", PASSWORD).await;
    assert_eq!(zoe.users.get("/v1/me").await.expect(200).json()["role"], "admin");
    let feed = Client::new(&world.relations).with_token(String::from_utf8(made_token.stdout).unwrap().trim());
    feed.get("/v1/events").await.expect(200);
    drop(world);
    ground.audit();
    let ground = Ground::not_there();
    assert!(ground.run(&token).status.success());
    assert!(create(&ground, "zoe", PASSWORD).status.success());
    assert_eq!(std::fs::metadata(ground.dir()).unwrap().permissions().mode() & 0o777, 0o700);
    // A directory with other things in it is a mistyped path, and stays as it is.
    let ground = Ground::sqlite().unwrap();
    std::fs::write(ground.dir().join("notes.txt"), "").unwrap();
    for refused in [create(&ground, "zoe", PASSWORD), ground.run(&token)] {
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!((refused.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    }
    assert_eq!(std::fs::read_dir(ground.dir()).unwrap().count(), 1);
    let revoke = ["admin", "service-token", "revoke", "--name", "feed"];
    assert_eq!(Ground::not_there().run(&revoke).status.code(), Some(2), "what ends something makes nothing");
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
