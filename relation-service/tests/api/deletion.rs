//! R46: of a deleted person nothing is left.

use std::collections::BTreeSet;
use std::time::Duration;

use actix_web::http::Method;
use relation_service::actors::change::{Answer, Command, Learned};
use relation_service::domain::Place;
use relation_service::store::purge::{self, IMPERSONAL, PERSONAL};
use relation_service::store::sweep::{self, Kind};
use relation_service::store::{audit, count};
use serde_json::json;
use shared::db::audit::count as rows;
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::testing::{TestDatabase, residue, tables};

use crate::engine::{PEOPLE, Step, World, id};
use crate::events::{lines, read};
use crate::imports::{done, failures, import};
use crate::person::{Act, Person};
use crate::random::Random;
use crate::test_app::{LIMITS, TestApp, all, until, within};

/// More than two steps of the purge.
const MANY: usize = 450;
const PROMISED: Duration = Duration::from_secs(20);

/// Deletes an account as user-service does: hidden first, and when it is purged, without a word more.
fn delete(app: &TestApp, person: &Person) {
    app.users.change(person.id, "user.deactivated", |facts| facts.status = AccountStatus::Deactivated);
    app.users.append("user.deleted", person.id, json!({}), None);
}

/// In how many rows of all tables but the log somebody is.
fn mentions(app: &TestApp, user: UserId) -> i64 {
    const PLACES: [(&str, &str); 14] = [
        ("edges_out", "source"),
        ("edges_out", "target"),
        ("edges_in", "source"),
        ("edges_in", "target"),
        ("mutes", "target"),
        ("mutes", "user_id"),
        ("close_friends", "target"),
        ("dismissals", "target"),
        ("dismissals", "user_id"),
        ("notes", "target"),
        ("notes", "user_id"),
        ("counters", "user_id"),
        ("import_rows", "target"),
        ("import_rows", "user_id"),
    ];
    let own = ["close_friends", "shadows", "user_facts", "sweeps", "private_spans", "purges"]
        .map(|table| (table, "user_id"));
    let mut conn = app.writer();
    let places = PLACES.iter().chain(&own);
    places
        .map(|(table, column)| {
            rows(&mut conn, &format!("SELECT 1 FROM {table} WHERE {column} = {user}")).unwrap()
        })
        .sum()
}

async fn note(me: &Person, about: &Person, text: &str) {
    let path = format!("/v1/me/notes/{}", about.id);
    me.http.json(Method::PUT, &path, &json!({"note": text})).await.expect(200);
}

async fn r46_everything_goes_both_ways(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, friend, fan, asked, asker, foe, hater] =
        app.people(["annazqx", "friend", "fan", "asked", "asker", "foe", "hater"]).await;
    friend.follow(&fan).await;
    for (one, other) in [(&anna, &friend), (&friend, &anna), (&fan, &anna)] {
        one.follow(other).await;
    }
    for (one, other) in [(&anna, &friend), (&friend, &anna)] {
        one.http.put(&format!("/v1/me/close-friends/{}", other.id)).await.expect(200);
        one.act(Act::Mute, other).await;
    }
    app.set_private(&asked, true).await;
    app.set_private(&anna, true).await;
    anna.follow(&asked).await;
    asker.follow(&anna).await;
    anna.block(&foe).await;
    hater.block(&anna).await;
    note(&anna, &fan, "zqxnote of hers").await;
    note(&fan, &anna, "zqxnote about her").await;
    let brief = json!({"duration_seconds": 1});
    fan.http.json(Method::PUT, &format!("/v1/me/mutes/{}", anna.id), &brief).await.expect(200);
    for (one, other) in [(&anna, &fan), (&fan, &anna)] {
        one.http.delete(&format!("/v1/me/suggestions/{}", other.id)).await.expect(204);
    }
    // In files of others, whose rows failed with her or without.
    let file = "Account address,Notify on new posts\nANNAZQX,perhaps\nfan\n";
    let unreadable = import(&friend, "kind=following", file).await;
    assert_eq!(failures(&unreadable), ["1 ANNAZQX invalid_row"]);
    let blocked = import(&hater, "kind=following", "@annazqx@localhost\n").await;
    assert_eq!(failures(&blocked), ["1 @annazqx@localhost you_block_them"]);
    let before = app.revision().await;
    let markers = ["annazqx", "zqxnote of hers", "zqxnote about her", "ANNAZQX"].map(str::to_owned);
    assert_eq!(residue(app.database_url(), &[], &markers), markers);
    delete(&app, &anna);
    within(PROMISED, "purged", async || mentions(&app, anna.id) == 0).await;
    app.assert_sound().await;
    assert_eq!(friend.counts().await, [0, 1, 0, 0, 0]);
    assert_eq!(fan.counts().await, [1, 0, 0, 0, 0]);
    assert_eq!((asked.counts().await, asker.counts().await), ([0; 5], [0; 5]));
    let feed = app.service("feed", &["events"]);
    let mut told = lines(&read(&feed, before, 100).await);
    told.sort_unstable();
    let line = |kind: &str, one: &Person, other: &Person, cause: &str| {
        format!("{kind} {} {}{cause}", one.id, other.id)
    };
    let mut expected = vec![
        line("follow.removed", &anna, &friend, " deleted"),
        line("follow.removed", &friend, &anna, " deleted"),
        line("follow.removed", &fan, &anna, " deleted"),
        line("request.removed", &anna, &asked, " deleted"),
        line("request.removed", &asker, &anna, " deleted"),
        line("block.removed", &anna, &foe, ""),
        line("block.removed", &hater, &anna, ""),
        line("mute.removed", &anna, &friend, ""),
        line("mute.removed", &friend, &anna, ""),
    ];
    // One mute was brief: whether it was over by then is the clock's to say.
    expected.sort_unstable();
    told.retain(|told| *told != line("mute.removed", &fan, &anna, ""));
    assert_eq!(told, expected);
    // Like somebody who never was.
    fan.try_act(Act::Follow, anna.id).await.expect_problem(404, "user_not_found");
    assert_eq!(fan.relationship(&anna).await, json!(null));
    for (person, report) in [(&friend, unreadable), (&hater, blocked)] {
        let report = done(person, report["id"].as_str().unwrap()).await;
        assert_eq!(failures(&report), ["1  user_not_found"]);
    }
    // What she did is in the log, without what it said.
    let hers = format!("SELECT 1 FROM events WHERE actor_id = {} AND data <> '{{}}'", anna.id);
    assert_eq!(rows(&mut app.writer(), &hers).unwrap(), 0);
    let left = async || residue(app.database_url(), &[], &markers).is_empty();
    until("wiped out of the files", left).await;
}

async fn r46_a_purge_in_many_steps_survives_the_end_of_the_process(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let fans = app.crowd("fan", MANY).await;
    for some in fans.chunks(50) {
        all(some.iter().map(|fan| fan.follow(&anna))).await;
    }
    delete(&app, &anna);
    // Cut off again and again, wherever it is.
    for _ in 0..3 {
        app.users.applied().await;
        app.stop_service();
        app.start_service();
        app.until_ready().await;
    }
    within(PROMISED, "purged", async || mentions(&app, anna.id) == 0).await;
    app.assert_sound().await;
    let feed = app.service("feed", &["events"]);
    let removed = async |after| lines(&read(&feed, after, 1_000).await);
    let told = removed(app.revision().await - i64::try_from(MANY).unwrap()).await;
    assert_eq!(told.len(), MANY);
    assert!(told.iter().all(|line| line.starts_with("follow.removed") && line.ends_with("deleted")));
    for fan in fans.iter().step_by(100) {
        let path = format!("/v1/users/{}/counts", fan.id);
        assert_eq!(app.nobody.get(&path).await.expect(200).json()["following"], 0);
    }
}

/// Steps of one to three pairs amid the acts of others: no counter is ever wrong, and at the end nothing is left.
async fn r46_a_purge_in_steps_amid_acts(make: impl Fn() -> TestDatabase) {
    for (seed, step) in [(0x46, 1), (0x47, 2), (0x48, 3)] {
        let mut random = Random::new(seed);
        let database = make();
        let mut world = World::new(&database, LIMITS, step);
        for _ in 0..60 {
            world.batch(&[Step::random(&mut random)], "before");
        }
        let gone = random.below(PEOPLE);
        let deleted = vec![(id(gone), 1_000_000)];
        world.commit(&[Command::Learn(Learned { deleted, ..Learned::default() })]);
        let mut steps = 0;
        loop {
            let open = sweep::open(&mut world.conn, 100).unwrap();
            let Some(&(user, kind)) = open.get(random.below(open.len().max(1))) else { break };
            let answer = world.commit(&[Command::Sweep { user, kind }]).remove(0);
            assert!(matches!(answer, Answer::Answered { .. }), "{answer:?}");
            steps += i32::from(kind == Kind::Purge);
            let (me, them) = random.two_below(PEOPLE);
            if me != gone {
                let act = relation_service::domain::Action::Follow { notify: None };
                world.commit(&[Command::Act { source: id(me), target: id(them), action: act }]);
            }
            let findings = audit::audit(&mut world.conn).unwrap();
            let wrong: Vec<_> = findings.iter().filter(|f| f.drift != 0).map(|f| f.rule).collect();
            let hiding = |rule: &&str| rule.starts_with("who is hidden");
            assert!(wrong.iter().all(hiding), "seed {seed:#x}: {wrong:?}");
        }
        assert!(steps > 1, "seed {seed:#x}: a purge in one step");
        let findings = audit::audit(&mut world.conn).unwrap();
        assert!(findings.iter().all(|finding| finding.drift == 0), "{findings:?}");
        let left = format!("SELECT 1 FROM edges_out WHERE source = {0} OR target = {0}", id(gone));
        assert_eq!(rows(&mut world.conn, &left).unwrap(), 0);
        assert!(count::counts(&mut world.conn, &[id(gone)]).unwrap().is_empty());
        assert!(sweep::is_unwiped(&mut world.conn).unwrap());
    }
}

/// A step begins where the one before it ended; what came to stand behind that place goes all the same.
async fn r46_a_purge_goes_on_from_its_place(make: impl Fn() -> TestDatabase) {
    const STEP: u32 = 2;
    let database = make();
    let mut world = World::new(&database, LIMITS, STEP);
    let follow = relation_service::domain::Action::Follow { notify: None };
    let fans = (1..PEOPLE).map(|fan| Command::Act { source: id(fan), target: id(0), action: follow });
    world.commit(&fans.collect::<Vec<_>>());
    let deleted = vec![(id(0), 1_000_000)];
    world.commit(&[Command::Learn(Learned { deleted, ..Learned::default() })]);
    let step = Command::Sweep { user: id(0), kind: Kind::Purge };
    let mut places = vec![Place::START];
    for _ in 0..2 {
        world.commit(std::slice::from_ref(&step));
        places.push(purge::place(&mut world.conn, id(0)).unwrap());
    }
    assert!(places.is_sorted_by(|before, after| before < after), "{places:?}");
    let edges = format!("SELECT 1 FROM edges_in WHERE target = {}", id(0));
    assert_eq!(rows(&mut world.conn, &edges).unwrap(), 4);
    purge::put_place(&mut world.conn, id(0), Place::END).unwrap();
    while let Some(&(user, kind)) = sweep::open(&mut world.conn, 1).unwrap().first() {
        world.commit(&[Command::Sweep { user, kind }]);
    }
    assert_eq!(rows(&mut world.conn, &edges).unwrap(), 0);
    assert_eq!(purge::place(&mut world.conn, id(0)).unwrap(), Place::START);
}

async fn an_answer_from_before_does_not_bring_anybody_back(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut world = World::new(&database, LIMITS, 100);
    let known = |conn: &mut shared::db::Conn| {
        relation_service::store::fact::known(conn, &[id(0)]).unwrap().remove(&id(0))
    };
    let old = known(&mut world.conn).unwrap();
    let learned = Learned { deleted: vec![(id(0), 20)], position: Some(20), ..Learned::default() };
    world.commit(&[Command::Learn(learned)]);
    let nobody = known(&mut world.conn).unwrap();
    assert_eq!((nobody.facts.username.as_str(), nobody.facts.status), ("", AccountStatus::Deleted));
    let late = |seq| {
        let users = vec![relation_service::store::fact::KnownUser { seq, ..old.clone() }];
        Command::Learn(Learned { users, ..Learned::default() })
    };
    world.commit(&[late(19)]);
    assert_eq!(known(&mut world.conn), Some(nobody));
    while let Some(&(user, kind)) = sweep::open(&mut world.conn, 1).unwrap().first() {
        world.commit(&[Command::Sweep { user, kind }]);
    }
    assert_eq!(known(&mut world.conn), None);
    world.commit(&[late(19)]);
    assert_eq!(known(&mut world.conn), None);
    // As current as the feed, it is to be believed.
    world.commit(&[late(20)]);
    assert!(known(&mut world.conn).is_some());
}

async fn every_table_is_in_a_list(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let there: BTreeSet<String> = tables(&mut app.writer()).into_iter().collect();
    let personal = PERSONAL.iter().map(|personal| personal.table);
    let listed: BTreeSet<String> =
        personal.chain(IMPERSONAL.iter().map(|(table, _)| *table)).map(str::to_owned).collect();
    assert_eq!(
        there, listed,
        "a table with something of people belongs in PERSONAL, any other in IMPERSONAL"
    );
}

shared::on_both_databases!(
    r46_everything_goes_both_ways,
    r46_a_purge_in_many_steps_survives_the_end_of_the_process,
    r46_a_purge_in_steps_amid_acts,
    r46_a_purge_goes_on_from_its_place,
    an_answer_from_before_does_not_bring_anybody_back,
    every_table_is_in_a_list,
);
