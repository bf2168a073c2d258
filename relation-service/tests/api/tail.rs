//! Following other instances where that is made hard: connections that break, announcements that are lost, a database that
//! is away.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use shared::cache::CacheSettings;
use shared::clock::Clock;
use shared::db::audit::count;
use shared::db::{Conn, DatabaseUrl, LISTENER_NAME, begin_write, end_write, execute, open_writer};
use shared::tail::KEPT_FOR;
use shared::testing::{Answer, Client, ServerThread, TestDatabase};

use crate::person::{Act, Person};
use crate::test_app::{TestApp, within};

const MIB: u32 = 16;
/// How soon something is known that was not announced.
const UNANNOUNCED: Duration = Duration::from_secs(2);
/// How soon a read is refused that cannot be known to be current.
const REFUSED: Duration = Duration::from_millis(1_500);
/// How soon all is well again.
const HEALED: Duration = Duration::from_secs(5);
const ROUNDS: usize = 10;
const FAST: [(&str, &str); 1] = [("mutual-consistency", "fast")];

struct World {
    app: TestApp,
    anna: Person,
    ben: Person,
    elsewhere: Client,
    _second: ServerThread,
}

impl World {
    async fn new(make: impl Fn() -> TestDatabase) -> Self {
        let app = TestApp::remembering(make, CacheSettings::new(MIB, false), Clock::system()).await;
        let (second, base) = app.second_instance().await.expect("a server's database");
        let [anna, ben] = app.people(["anna", "ben"]).await;
        let elsewhere = ben.http.at(base);
        Self { app, anna, ben, elsewhere, _second: second }
    }

    /// Ben's followers, as the other instance counts them.
    async fn followers(&self, how: &[(&str, &str)]) -> Answer {
        self.elsewhere.send(Method::GET, &self.ben.list("counts"), how, Vec::new()).await
    }

    async fn counts(&self, how: &[(&str, &str)]) -> i64 {
        self.followers(how).await.expect(200).json()["followers"].as_i64().unwrap()
    }
}

/// Ends the connections with which both instances follow, once both have one.
async fn kill_tails(conn: &RefCell<Conn>) {
    let tails = format!("datname = current_database() AND application_name = '{LISTENER_NAME}'");
    let text = format!("SELECT 1 FROM pg_stat_activity WHERE {tails}");
    within(HEALED, "both follow", async || count(&mut conn.borrow_mut(), &text).unwrap() == 2).await;
    kill(&mut conn.borrow_mut(), &tails);
}

/// Ends those connections of the server of which `which` holds, and no other: they are chosen before they are ended.
fn kill(conn: &mut Conn, which: &str) -> i64 {
    let text = format!(
        "WITH chosen AS MATERIALIZED (SELECT pid FROM pg_stat_activity WHERE {which})
         SELECT 1 FROM chosen WHERE pg_terminate_backend(pid)"
    );
    count(conn, &text).unwrap()
}

async fn a_broken_connection_is_replaced_and_nothing_is_missed(make: impl Fn() -> TestDatabase) {
    let world = World::new(make).await;
    let conn = RefCell::new(world.app.writer());
    for round in 0..ROUNDS {
        assert_eq!(world.counts(&[]).await, 0, "round {round}");
        kill_tails(&conn).await;
        assert!(world.anna.follow(&world.ben).await);
        assert_eq!(world.counts(&[]).await, 1, "round {round}");
        kill_tails(&conn).await;
        assert!(world.anna.act(Act::Unfollow, &world.ben).await);
        // Also for one who asks nothing.
        within(UNANNOUNCED, "followed", async || world.counts(&FAST).await == 0).await;
    }
    world.app.assert_sound().await;
}

/// As another instance would, but without a word.
fn commit_in_silence(conn: &mut Conn, statement: &str, told: Option<&str>) {
    begin_write(conn).unwrap();
    execute(conn, "UPDATE log_head SET at = at + 1", &[]).unwrap();
    execute(conn, statement, &[]).unwrap();
    if let Some(told) = told {
        let text = format!("INSERT INTO touched (at, prior, told) SELECT at, at - 1, '{told}' FROM log_head");
        execute(conn, &text, &[]).unwrap();
    }
    end_write(conn, true).unwrap();
}

async fn what_is_not_announced_is_found_all_the_same(make: impl Fn() -> TestDatabase) {
    let world = World::new(make).await;
    let mut conn = world.app.writer();
    let set =
        |followers| format!("UPDATE counters SET followers = {followers} WHERE user_id = {}", world.ben.id);
    assert!(world.anna.follow(&world.ben).await);
    assert_eq!(world.counts(&[]).await, 1);
    let rows = format!("[{{\"r\":[{}]}}]", world.ben.id);
    // Told of; told of in a way that is not understood; not told of, as by a program that knows nothing of this.
    for (number, told) in [(5, Some(rows.as_str())), (6, Some("[{\"later\":1}]")), (7, Some("")), (8, None)] {
        commit_in_silence(&mut conn, &set(number), told);
        assert_eq!(world.counts(&[]).await, number, "{told:?}");
        commit_in_silence(&mut conn, &set(number + 10), told);
        within(UNANNOUNCED, "found", async || world.counts(&FAST).await == number + 10).await;
    }
}

/// A server as it is while it starts again: nobody is let in, and those connections end of which `which` holds.
fn shut(database: &DatabaseUrl, which: &str) {
    let (mut admin, name) = allow(database, false);
    assert!(kill(&mut admin, &format!("datname = '{name}' AND {which}")) > 0);
}

/// Whether anybody is let in from now on. Returns another way to the server, and what it calls the database.
fn allow(database: &DatabaseUrl, allowed: bool) -> (Conn, &str) {
    let DatabaseUrl::Postgres(url) = database else { panic!("no server") };
    let (server, name) = url.rsplit_once('/').unwrap();
    let admin: DatabaseUrl = format!("{server}/postgres").parse().unwrap();
    let mut admin = open_writer(&admin).unwrap();
    execute(&mut admin, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}"), &[]).unwrap();
    (admin, name)
}

async fn without_the_database_nothing_is_answered_that_may_be_old(make: impl Fn() -> TestDatabase) {
    let world = World::new(make).await;
    assert!(world.anna.follow(&world.ben).await);
    assert_eq!(world.counts(&[]).await, 1);
    for round in 0..2 {
        shut(world.app.database_url(), "TRUE");
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let refused = world.followers(&[]).await.expect_problem(503, "unavailable");
            assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
            assert!(started.elapsed() < REFUSED, "round {round}: {:?}", started.elapsed());
            assert_eq!(
                world.counts(&FAST).await,
                1,
                "what is remembered is told to who wants it all the same"
            );
        }
        allow(world.app.database_url(), true);
        within(HEALED, "healed", async || world.followers(&[]).await.status == 200).await;
        let act = if round == 0 { Act::Unfollow } else { Act::Follow };
        within(HEALED, "healed", async || world.anna.try_act(act, world.ben.id).await.status == 200).await;
        assert_eq!(world.counts(&[]).await, i64::from(round == 1));
        let act = if round == 0 { Act::Follow } else { Act::Unfollow };
        world.anna.act(act, &world.ben).await;
    }
    world.app.assert_sound().await;
}

async fn a_database_that_hangs_keeps_nobody_waiting(make: impl Fn() -> TestDatabase) {
    let world = World::new(make).await;
    assert!(world.anna.follow(&world.ben).await);
    assert_eq!(world.counts(&[]).await, 1);
    let mut conn = world.app.writer();
    begin_write(&mut conn).unwrap();
    execute(&mut conn, "LOCK TABLE log_head IN ACCESS EXCLUSIVE MODE", &[]).unwrap();
    for _ in 0..3 {
        let started = Instant::now();
        world.followers(&[]).await.expect_problem(503, "unavailable");
        assert!(started.elapsed() < REFUSED, "{:?}", started.elapsed());
        assert_eq!(world.counts(&FAST).await, 1);
    }
    end_write(&mut conn, false).unwrap();
    within(HEALED, "healed", async || world.followers(&[]).await.status == 200).await;
}

async fn who_cannot_follow_is_not_ready(make: impl Fn() -> TestDatabase) {
    let world = World::new(make).await;
    shut(world.app.database_url(), &format!("application_name = '{LISTENER_NAME}'"));
    for instance in [&world.app.nobody, &world.elsewhere] {
        let refused = instance.get("/readyz").await.expect_problem(503, "not_ready");
        assert_eq!(refused.json()["detail"], "it does not keep up with other instances");
    }
    allow(world.app.database_url(), true);
    for instance in [&world.app.nobody, &world.elsewhere] {
        within(HEALED, "healed", async || instance.get("/readyz").await.status == 200).await;
    }
}

async fn what_nobody_follows_is_forgotten_all_the_same(make: impl Fn() -> TestDatabase) {
    const TOLD: &str = "SELECT 1 FROM touched";
    let clock = Clock::fixed(Clock::system().now());
    let app = TestApp::remembering(make, CacheSettings::new(0, false), clock).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    assert!(anna.follow(&ben).await);
    let conn = RefCell::new(app.writer());
    assert!(count(&mut conn.borrow_mut(), TOLD).unwrap() > 0, "others may remember");
    app.clock.advance(KEPT_FOR + UNANNOUNCED);
    within(HEALED, "forgotten", async || count(&mut conn.borrow_mut(), TOLD).unwrap() == 0).await;
}

shared::on_postgres!(
    a_broken_connection_is_replaced_and_nothing_is_missed,
    what_is_not_announced_is_found_all_the_same,
    without_the_database_nothing_is_answered_that_may_be_old,
    a_database_that_hangs_keeps_nobody_waiting,
    who_cannot_follow_is_not_ready,
    what_nobody_follows_is_forgotten_all_the_same,
);
