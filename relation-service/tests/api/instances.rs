//! What one instance commits is told by another on the same database; and reads of several statements.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use shared::cache::CacheSettings;
use shared::clock::Clock;
use shared::db::audit::count;
use shared::db::{Conn, Reads, execute};
use shared::facts::AccountStatus;
use shared::testing::TestDatabase;

use crate::events::lines;
use crate::person::Act;
use crate::stream;
use crate::test_app::{TestApp, until};

/// How soon an event of another instance is told to who waits for it.
const SOON: Duration = Duration::from_secs(2);

async fn a_revision_of_another_instance_is_waited_for(make: impl Fn() -> TestDatabase) {
    let app = TestApp::beside_others(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let (_second, base) = app.second_instance().await.expect("a server's database");
    let elsewhere = ben.http.at(base);
    let path = ben.list("followers");
    for round in 0..10 {
        let written = anna.try_act(Act::Follow, ben.id).await.expect(200);
        let wanted = written.header("mutual-revision").to_owned();
        let headers = [("mutual-at-least", wanted.as_str())];
        let answer = elsewhere.send(Method::GET, &path, &headers, Vec::new()).await.expect(200);
        assert_eq!(answer.json()["items"].as_array().unwrap().len(), 1, "round {round}");
        let told: i64 = answer.header("mutual-revision").parse().unwrap();
        assert!(told >= wanted.parse().unwrap(), "round {round}: {told}");
        assert!(anna.act(Act::Unfollow, &ben).await);
    }
    let next = (app.revision().await + 1).to_string();
    let headers = [("mutual-at-least", next.as_str())];
    let waiting = elsewhere.send(Method::GET, &path, &headers, Vec::new());
    let (waited, _) = futures_util::future::join(waiting, anna.follow(&ben)).await;
    assert_eq!(waited.expect(200).json()["items"].as_array().unwrap().len(), 1);
    let beyond = (app.revision().await + 1).to_string();
    let headers = [("mutual-at-least", beyond.as_str())];
    let refused = elsewhere.send(Method::GET, &path, &headers, Vec::new()).await;
    refused.expect_problem(503, "not_caught_up");
}

async fn events_of_another_instance_reach_who_waits(make: impl Fn() -> TestDatabase) {
    let app = TestApp::beside_others(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    let (_second, base) = app.second_instance().await.expect("a server's database");
    let internal = app.users.secret.as_internal_token();
    let feed = app.nobody.with_token(internal.reveal()).at(base.as_str());
    let started = Instant::now();
    let waiting = feed.get("/v1/events?after=0&wait_ms=20000");
    let (woken, _) = futures_util::future::join(waiting, anna.follow(&ben)).await;
    assert_eq!(lines(&woken.expect(200).json()), [format!("follow.created {} {}", anna.id, ben.id)]);
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    let started = Instant::now();
    let live = stream::take(&base, internal.reveal(), Some(1), 1);
    let (live, _) = futures_util::future::join(live, anna.act(Act::Unfollow, &ben)).await;
    assert_eq!(live[0]["type"], "follow.removed");
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

async fn an_answer_of_several_statements_is_of_one_moment(make: impl Fn() -> TestDatabase) {
    const ROWS: &str = "SELECT user_id FROM notes";
    let app = TestApp::start(make).await;
    let reads = Reads::new(app.database_url(), 1);
    let url = app.database_url().clone();
    let read = move |conn: &mut Conn| {
        let before = count(conn, ROWS)?;
        let mut other = shared::db::open_writer(&url)?;
        execute(&mut other, "INSERT INTO notes (user_id, target, note) VALUES (1, 2, 'x')", &[])?;
        Ok((before, count(conn, ROWS)?))
    };
    assert_eq!(reads.run_in_snapshot(read).await.unwrap(), (0, 0));
    assert_eq!(reads.run(|conn| count(conn, ROWS)).await.unwrap(), 1, "it ended with the read");
}

/// Whether somebody waits for a lock.
fn is_waited_for(conn: &mut Conn) -> bool {
    count(conn, "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'edges_in'::regclass").unwrap() > 0
}

/// Where a list is read, somebody closes it between the look at the owner and the look at the rows.
async fn a_list_that_was_open_shows_nobody_who_came_when_it_was_closed(make: impl Fn() -> TestDatabase) {
    // Without a memory: what is written past the writer is told to none.
    let app = TestApp::remembering(make, CacheSettings::new(0, false), Clock::system()).await;
    let [owner, fan, secret] = app.people(["owner", "fan", "secret"]).await;
    fan.follow(&owner).await;
    let mut conn = app.writer();
    shared::db::begin_write(&mut conn).unwrap();
    execute(&mut conn, "LOCK TABLE edges_in IN ACCESS EXCLUSIVE MODE", &[]).unwrap();
    let (client, path) = (app.nobody.clone(), owner.list("followers"));
    let reading = actix_web::rt::spawn(async move { client.get(&path).await });
    let mut watcher = app.writer();
    let watcher = std::cell::RefCell::new(&mut watcher);
    until("at the rows", async || is_waited_for(*watcher.borrow_mut())).await;
    let closed = format!("UPDATE user_facts SET private_account = 1 WHERE user_id = {}", owner.id);
    execute(&mut conn, &closed, &[]).unwrap();
    let accepted = format!(
        "INSERT INTO edges_in (target, state, neg_since, source) VALUES ({}, 1, -9, {})",
        owner.id, secret.id
    );
    execute(&mut conn, &accepted, &[]).unwrap();
    shared::db::end_write(&mut conn, true).unwrap();
    let answer = reading.await.unwrap().expect(200).json();
    let shown: Vec<&str> =
        answer["items"].as_array().unwrap().iter().map(|row| row["user_id"].as_str().unwrap()).collect();
    assert_eq!(shown, [fan.id.to_string()]);
    app.nobody.get(&owner.list("followers")).await.expect_problem(403, "private_list");
}

/// Hidden people are left out of one's own file and are not taken off by one that overwrites, however many they are.
async fn hidden_people_are_in_no_file_and_stay(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, seen, hidden] = app.people(["me", "seen", "hidden"]).await;
    for other in [&seen, &hidden] {
        me.follow(other).await;
    }
    app.set_status(&hidden, AccountStatus::Suspended).await;
    let file = me.http.get("/v1/me/exports/following.csv").await.expect(200);
    let text = String::from_utf8(file.bytes).unwrap();
    assert!(text.contains("seen") && !text.contains("hidden"), "{text}");
    crate::imports::import(&me, "kind=following&mode=overwrite", "seen\n").await;
    app.set_status(&hidden, AccountStatus::Active).await;
    assert_eq!(me.sees(&hidden).await, "following");
}

shared::on_postgres!(
    a_revision_of_another_instance_is_waited_for,
    events_of_another_instance_reach_who_waits,
    a_list_that_was_open_shows_nobody_who_came_when_it_was_closed,
);
shared::on_both_databases!(
    an_answer_of_several_statements_is_of_one_moment,
    hidden_people_are_in_no_file_and_stay,
);
