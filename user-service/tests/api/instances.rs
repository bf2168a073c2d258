//! Several instances on one database: what one has answered holds at the others.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::cache::CacheSettings;
use shared::db::{DatabaseUrl, LISTENER_NAME, execute, open_writer};
use shared::id::SessionId;
use shared::on_postgres;
use shared::testing::Client;
use shared::writer::commit_batch;
use user_service::actors::change::Command;
use user_service::app::App;
use user_service::domain::account::Role;
use user_service::domain::denial::Denial;
use user_service::store::node::LEASE;

use crate::deactivation::{deactivate, while_reading};
use crate::import::named;
use crate::moderation::suspend;
use crate::test_app::{Make, PASSWORD, Person, TestApp};

on_postgres!(
    what_one_instance_changed_another_shows,
    a_session_that_ended_on_one_instance_is_refused_on_the_others,
    privacy_is_acknowledged_whichever_instance_hears_it,
    each_instance_makes_ids_of_its_own,
    no_ids_are_made_with_a_number_that_may_be_anothers,
    instances_with_other_secrets_do_not_start,
    without_memory_sessions_end_everywhere_too,
    who_cannot_follow_is_not_ready,
);

/// How soon a session that ended elsewhere is refused. The promise is 5 s.
const ENDED: Duration = Duration::from_secs(5);
const ROUNDS: usize = 40;
const PAUSE: Duration = Duration::from_millis(2);

fn at(person: &Person, app: &TestApp) -> Client {
    person.client.at(app.base.as_str())
}

async fn shown(client: &Client, id: &str) -> Value {
    client.get(&format!("/v1/users/{id}")).await.expect(200).json()
}

async fn what_one_instance_changed_another_shows(make: Make) {
    let app = TestApp::beside_others(make);
    let second = app.second_instance();
    let ann = app.register("ann").await;
    let apps = [&app, &second];
    for round in 0..ROUNDS {
        let (here, there) = (apps[round % 2], apps[(round + 1) % 2]);
        let name = format!("Ann {round}");
        let change = json!({"display_name": name});
        at(&ann, here).json(Method::PATCH, "/v1/me", &change).await.expect(200);
        assert_eq!(shown(&there.client, &ann.id).await["display_name"], name.as_str(), "round {round}");
        let many = there.client.get(&format!("/v1/users?ids={}", ann.id)).await.expect(200).json();
        assert_eq!(many["items"][0]["user"]["display_name"], name.as_str(), "round {round}");
        let newcomer = here.register(&format!("person{round}")).await;
        assert_eq!(shown(&there.client, &newcomer.id).await["username"], format!("person{round}"));
    }
    assert_eq!(shown(&second.client, &ann.id).await["username"], "ann");
    let renamed = json!({"username": "anna"});
    ann.client.json(Method::PUT, "/v1/me/username", &renamed).await.expect(200);
    assert_eq!(shown(&second.client, &ann.id).await["username"], "anna");
    for name in ["anna", "ann"] {
        let found = second.client.get(&format!("/v1/users/by-username/{name}")).await.expect(200).json();
        assert_eq!(found["id"], ann.id.as_str(), "{name}");
    }
    assert_eq!(second.client.get("/v1/usernames/ann").await.expect(200).json()["reason"], "quarantined");
    deactivate(&ann, PASSWORD).await.expect(202);
    second.client.get(&format!("/v1/users/{}", ann.id)).await.expect_problem(404, "user_not_found");
    second.log_in("anna").await;
    assert_eq!(shown(&app.client, &ann.id).await["username"], "anna");
}

/// Waits until the other instance refuses the token; returns how long that was.
async fn refused_in(client: &Client) -> Duration {
    let started = Instant::now();
    while client.get("/v1/me").await.status != 401 {
        assert!(started.elapsed() < ENDED, "still signed in");
        actix_web::rt::time::sleep(PAUSE).await;
    }
    started.elapsed()
}

async fn ends_sessions(app: &TestApp, second: &TestApp) {
    let judge = app.with_role("judge", Role::Moderator).await;
    let ann = app.register("ann").await;
    let mut longest = Duration::ZERO;
    for round in 0..ROUNDS {
        let phone = app.log_in("ann").await;
        at(&phone, second).get("/v1/me").await.expect(200);
        match round % 2 {
            0 => {
                drop(ann.client.delete(&format!("/v1/me/sessions/{}", phone.session_id())).await.expect(204))
            }
            _ => drop(phone.client.delete("/v1/me/sessions/current").await.expect(204)),
        }
        longest = longest.max(refused_in(&at(&phone, second)).await);
        // It stays so, also on the instance where it ended.
        for app in [app, second] {
            at(&phone, app).get("/v1/me").await.expect_problem(401, "unauthenticated");
        }
        at(&ann, second).get("/v1/me").await.expect(200);
    }
    assert!(longest < ENDED, "a session that ended is refused elsewhere after {longest:?}");
    let phone = app.log_in("ann").await;
    at(&phone, second).get("/v1/me").await.expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": "another-Plum 92 tractor"});
    ann.client.json(Method::PUT, "/v1/me/password", &change).await.expect(204);
    refused_in(&at(&phone, second)).await;
    at(&ann, second).get("/v1/me").await.expect(200);
    suspend(&judge, &ann, &json!({"reason": "spam", "until": null})).await.expect(200);
    refused_in(&at(&ann, second)).await;
    // An instance that starts later knows of it too.
    let third = app.second_instance();
    at(&ann, &third).get("/v1/me").await.expect_problem(401, "unauthenticated");
}

async fn a_session_that_ended_on_one_instance_is_refused_on_the_others(make: Make) {
    let app = TestApp::beside_others(make);
    let second = app.second_instance();
    ends_sessions(&app, &second).await;
}

async fn without_memory_sessions_end_everywhere_too(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.cache = CacheSettings::new(0, false));
    let second = app.second_instance();
    ends_sessions(&app, &second).await;
}

async fn who_cannot_follow_is_not_ready(make: Make) {
    let app = TestApp::beside_others(make);
    app.client.get("/readyz").await.expect(200);
    let DatabaseUrl::Postgres(url) = &app.settings.database_url else { panic!("no server") };
    let (server, name) = url.rsplit_once('/').unwrap();
    let mut conn = app.conn();
    let mut admin = open_writer(&format!("{server}/postgres").parse().unwrap()).unwrap();
    let mut allow = |allowed| {
        let text = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}");
        execute(&mut admin, &text, &[]).unwrap();
    };
    allow(false);
    let text = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = '{LISTENER_NAME}'"
    );
    execute(&mut conn, &text, &[]).unwrap();
    let refused = app.client.get("/readyz").await.expect_problem(503, "not_ready");
    assert_eq!(refused.json()["detail"], "it does not keep up with other instances");
    allow(true);
    let started = Instant::now();
    while app.client.get("/readyz").await.status != 200 {
        assert!(started.elapsed() < ENDED, "it follows again");
        actix_web::rt::time::sleep(PAUSE).await;
    }
}

async fn privacy_is_acknowledged_whichever_instance_hears_it(make: Make) {
    let app = TestApp::beside_others(make);
    let second = app.second_instance();
    let ann = app.register("ann").await;
    let reader = app.relation_service().at(second.base.as_str());
    let private = |value: bool| json!({"private_account": value});
    let change = async |value| ann.client.json(Method::PATCH, "/v1/me/privacy", &private(value)).await;
    assert_eq!(change(true).await.expect(200).header("mutual-pending"), "", "nobody has ever read");
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let newest = reader.get("/v1/events?limit=1").await.expect(200).json()["newest"].as_i64().unwrap();
        let changed = change(round % 2 == 1);
        let answer = while_reading(&reader, newest, "user.privacy_changed", changed).await;
        // A slow machine may take longer than the answer waits.
        let status = answer.status.as_u16();
        assert!([200, 202].contains(&status), "round {round}: {status}");
        acknowledged += usize::from(status == 200);
    }
    assert!(acknowledged > ROUNDS / 2, "{acknowledged} of {ROUNDS}");
    let behind = change(false).await;
    assert_eq!(behind.expect(202).header("mutual-pending"), "relation", "nobody reads any more");
}

async fn each_instance_makes_ids_of_its_own(make: Make) {
    const PEOPLE: usize = 5;
    let app = TestApp::beside_others(make);
    let others = [app.second_instance(), app.second_instance()];
    let names: Vec<String> = (0..3 * PEOPLE).map(|number| format!("person{number}")).collect();
    let apps = [&app, &others[0], &others[1]];
    let people =
        join_all(names.iter().enumerate().map(|(number, name)| apps[number % 3].register(name))).await;
    let node = |id: &str| id.parse::<i64>().unwrap() >> 12 & 1_023;
    let mut nodes: Vec<i64> = people.iter().map(|person| node(&person.id)).collect();
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    let taken = u16::try_from(nodes[0]).unwrap();
    let [gone, _stays] = others;
    let free = node(&gone.register("last").await.id);
    gone.stop().await;
    // A number that was given back is free at once; one in use is not.
    let settings = user_service::app::Settings { node: u16::try_from(free).ok(), ..app.settings.clone() };
    let again = TestApp::of(settings);
    assert_eq!(node(&again.register("again").await.id), free);
    assert_ne!(i64::from(taken), free);
}

/// As when the number could not be said to be in use for a while, and all that was open before goes on working.
async fn no_ids_are_made_with_a_number_that_may_be_anothers(make: Make) {
    let app = TestApp::beside_others(make);
    let ann = app.register("ann").await;
    let (engine, mut conn) = (app.settings.engine().unwrap(), app.conn());
    let revoke = Command::RevokeOthers { user: ann.id.parse().unwrap(), keep: SessionId::new(1) };
    let commands = [Command::RegisterImported(named(["bob"])), revoke];
    let mut commit = || commit_batch(&mut conn, &engine, &commands, &app.settings.clock).unwrap().0;
    let number = engine.ids.node();
    engine.ids.hold(number, Instant::now().checked_sub(LEASE).unwrap());
    let answers = commit();
    assert_eq!(answers[0].outcome, Err(Denial::Unavailable));
    assert!(answers[1].outcome.is_ok(), "this needs none: {answers:?}");
    engine.ids.hold(number, Instant::now());
    assert!(commit()[0].outcome.is_ok());
}

async fn instances_with_other_secrets_do_not_start(make: Make) {
    let app = TestApp::beside_others(make);
    let secret = shared::secret::Secret::random().unwrap();
    let settings = user_service::app::Settings { signing_key: secret, ..app.settings.clone() };
    let refused = App::start(settings).err().expect("it does not start").to_string();
    assert!(refused.contains("signing or refresh key"), "{refused}");
    app.second_instance().register("ann").await;
}
