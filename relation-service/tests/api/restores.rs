//! user-service's database put back to an older copy, beside relations that have read on.

use std::collections::HashMap;

use futures_util::future::join;
use relation_service::actors::change::{Answer, Command, Learned, Listed};
use relation_service::store::fact::{self, KnownUser};
use shared::db::{Conn, open_writer};
use shared::facts::{AccountStatus, UserFacts};
use shared::id::UserId;
use shared::testing::{Client, TestDatabase};
use shared::{on_both_databases, on_postgres};

use crate::engine::{self, World, id};
use crate::fake_user_service::FakeUserService;
use crate::person::Person;
use crate::test_app::{LIMITS, TestApp, until};

on_both_databases!(
    an_older_copy_is_learned_anew,
    an_older_copy_that_has_gone_on_is_noticed,
    another_user_service_changes_nothing,
    what_was_asked_before_another_had_learned_everybody_is_void,
    an_older_page_takes_back_nothing_that_came_meanwhile,
    who_registers_while_everybody_is_learned_stays,
    an_answer_from_before_the_copy_is_void,
);

on_postgres!(an_instance_that_learns_later_takes_nothing_back);

/// Beyond what the clocks of two instances may differ by: a newcomer then is surely from after the copy.
const LATER: std::time::Duration = std::time::Duration::from_secs(120);

async fn followers(app: &TestApp, person: &Person) -> i64 {
    let path = format!("/v1/users/{}/counts", person.id);
    app.nobody.get(&path).await.expect(200).json()["followers"].as_i64().unwrap()
}

async fn is_known(app: &TestApp, person: &Person) -> bool {
    app.nobody.get(&format!("/v1/users/{}/counts", person.id)).await.status == 200
}

/// Anna, whom Ben follows, and a copy of that; then Carl, who follows Anna, and Anna's going private.
async fn before_and_after(
    make: impl Fn() -> TestDatabase,
) -> (TestApp, [Person; 3], crate::fake_user_service::Log) {
    let clock = shared::clock::Clock::fixed(shared::clock::Clock::system().now());
    let app = TestApp::with_clock(make, crate::test_app::LIMITS, clock).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    ben.http.put(&format!("/v1/me/following/{}", anna.id)).await.expect(200);
    let copy = app.users.copy();
    app.clock.advance(LATER);
    let [carl] = app.people(["carl"]).await;
    app.client_of(&carl).put(&format!("/v1/me/following/{}", anna.id)).await.expect(200);
    app.set_private(&anna, true).await;
    app.set_status(&ben, AccountStatus::Deactivated).await;
    until("ben is out of the counters", async || followers(&app, &anna).await == 1).await;
    (app, [anna, ben, carl], copy)
}

async fn an_older_copy_is_learned_anew(make: impl Fn() -> TestDatabase) {
    let (app, [anna, ben, carl], copy) = before_and_after(make).await;
    app.users.restore(copy);
    until("carl is nobody again", async || !is_known(&app, &carl).await).await;
    // As the copy says: Anna is public and Ben is there.
    until("ben counts again", async || followers(&app, &anna).await == 1 && is_known(&app, &ben).await).await;
    let [dora] = app.people(["dora"]).await;
    let answer = app.client_of(&dora).put(&format!("/v1/me/following/{}", anna.id)).await.expect(200).json();
    assert_eq!(answer["following"], true, "she is public");
    until("what was carl's is gone", async || app.is_sound().await).await;
    assert_eq!(followers(&app, &anna).await, 2);
    // The feed goes on.
    app.set_private(&anna, true).await;
    let [ella] = app.people(["ella"]).await;
    let answer = app.client_of(&ella).put(&format!("/v1/me/following/{}", anna.id)).await.expect(200).json();
    assert_eq!((&answer["requested"], &answer["following"]), (&true.into(), &false.into()), "she is private");
}

async fn an_older_copy_that_has_gone_on_is_noticed(make: impl Fn() -> TestDatabase) {
    let (mut app, [anna, ben, carl], copy) = before_and_after(make).await;
    app.stop_service();
    app.users.restore(copy);
    app.clock.advance(LATER);
    // More than was read, so that no number tells of it.
    let newcomers: Vec<Person> = (0..9).map(|number| app.newcomer(&format!("new{number}"))).collect();
    app.start_service();
    app.until_ready().await;
    until("carl is nobody again", async || !is_known(&app, &carl).await).await;
    assert!(
        is_known(&app, &newcomers[0]).await,
        "a newcomer whose events have numbers that were read is known"
    );
    until("ben counts again", async || followers(&app, &anna).await == 1 && is_known(&app, &ben).await).await;
    until("what was carl's is gone", async || app.is_sound().await).await;
}

async fn another_user_service_changes_nothing(make: impl Fn() -> TestDatabase) {
    let (app, [anna, _, carl], _) = before_and_after(make).await;
    let mine = app.users.copy();
    let other = FakeUserService::start(app.clock.clone());
    // Empty: asked once more after it was refused.
    app.users.restore(other.copy());
    until("an empty one is refused", async || app.users.events_asked() > 0).await;
    // With people of its own, in the time that was read.
    other.register("stranger");
    app.users.restore(other.copy());
    until("it has asked about everybody", async || app.users.asked_about_everybody() > 0).await;
    app.clock.advance(LATER);
    until("it says that it is not ready", async || app.nobody.get("/readyz").await.status == 503).await;
    app.users.restore(mine);
    until("it is ready again", async || app.nobody.get("/readyz").await.status == 200).await;
    assert!(is_known(&app, &anna).await && is_known(&app, &carl).await, "nobody was taken for gone");
    assert_eq!(followers(&app, &anna).await, 1);
    until("everything is as it was", async || app.is_sound().await).await;
}

/// Two learn everybody anew. One comes to the end and reads on, where Anna goes private; the other has asked before that.
async fn an_instance_that_learns_later_takes_nothing_back(make: impl Fn() -> TestDatabase) {
    let (mut app, [anna, _, carl], copy) = before_and_after(make).await;
    app.stop_service();
    app.users.restore(copy);
    let asked = app.users.asked_about_everybody();
    // After two questions about whether it is a copy at all.
    app.users.hold_everybody(Some(asked + 3));
    let (_late, base) = app.instance();
    until("it has asked", async || app.users.asked_about_everybody() > asked + 2).await;
    app.start_service();
    app.until_ready().await;
    until("carl is nobody again", async || !is_known(&app, &carl).await).await;
    app.users.change(anna.id, "user.privacy_changed", |facts| facts.private_account = true);
    app.users.applied().await;
    app.users.hold_everybody(None);
    let late = Client::new(base.as_str());
    until("the other is ready", async || late.get("/readyz").await.status == 200).await;
    let place = fact::feed_place(&mut app.writer()).unwrap();
    assert_eq!((place.round, place.anew), (2, false), "one has done it for both");
    let [dora] = app.people(["dora"]).await;
    let answer = app.client_of(&dora).put(&format!("/v1/me/following/{}", anna.id)).await.expect(200).json();
    assert_eq!(answer["following"], false, "she is private");
    until("everything is sound", async || app.is_sound().await).await;
}

/// What is known, and as of which event.
fn known(conn: &mut Conn) -> HashMap<UserId, KnownUser> {
    let all = fact::known_between(conn, 0, i64::MAX, 1_000).unwrap();
    all.into_iter().map(|known| (known.id, known)).collect()
}

/// Somebody as of an event, like the first one.
fn told(conn: &mut Conn, id: UserId, seq: i64, private_account: bool) -> KnownUser {
    let facts = known(conn).remove(&engine::id(0)).unwrap().facts;
    KnownUser { id, seq, facts: UserFacts { private_account, ..facts } }
}

fn begin(round: i64) -> Command {
    Command::Learn(Learned { begins: true, round: Some(round), ..Learned::default() })
}

fn learn(users: Vec<KnownUser>, round: i64) -> Command {
    Command::Learn(Learned { users, round: Some(round), ..Learned::default() })
}

/// A page of everybody, of whom those were known before it was asked for.
fn page(users: Vec<KnownUser>, before: &HashMap<UserId, KnownUser>) -> Learned {
    let before = before.values().map(|known| (known.id, known.seq)).collect();
    let listed = Some(Listed { after: 0, through: i64::MAX, seq: 50, before: Some(before) });
    Learned { users, listed, round: Some(1), ..Learned::default() }
}

async fn what_was_asked_before_another_had_learned_everybody_is_void(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut world = World::new(&database, LIMITS, 100);
    let conn = &mut open_writer(&database.url).unwrap();
    let [old, new, read] =
        [(50, false), (51, true), (90, false)].map(|(seq, private)| told(conn, id(0), seq, private));
    let everybody = Command::Learn(page(vec![old], &known(conn)));
    let end =
        Command::Learn(Learned { position: Some(0), moved: true, round: Some(1), ..Learned::default() });
    let before = [begin(0), everybody, end];
    assert_eq!(world.commit(&before), [Answer::Noted, Answer::Noted, Answer::Noted]);
    let news = Learned { users: vec![new], position: Some(51), round: Some(2), ..Learned::default() };
    assert_eq!(world.commit(&[Command::Learn(news)]), [Answer::Noted]);
    // The other instance comes later with the same, and with what it had read of the log before.
    assert_eq!(world.commit(&before), [Answer::Void, Answer::Void, Answer::Void]);
    let read = Learned { users: vec![read], position: Some(90), round: Some(0), ..Learned::default() };
    assert_eq!(world.commit(&[Command::Learn(read)]), [Answer::Void]);
    assert_eq!(fact::feed_position(&mut world.conn).unwrap(), 51);
    let held = known(&mut world.conn).remove(&id(0)).unwrap();
    assert!(held.facts.private_account && held.seq == 51, "{held:?}");
}

/// Two instances learn everybody anew; what one brings last was asked first. In between, the other has brought a
/// newcomer, and somebody as of later.
async fn an_older_page_takes_back_nothing_that_came_meanwhile(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut world = World::new(&database, LIMITS, 100);
    let conn = &mut open_writer(&database.url).unwrap();
    assert_eq!(world.commit(&[begin(0), begin(1)]), [Answer::Noted, Answer::Noted]);
    let place = fact::feed_place(conn).unwrap();
    assert_eq!((place.round, place.anew), (1, true), "who comes second joins the first");
    let before = known(conn);
    let newcomer = UserId::new(7_000);
    // Beyond all numbers of the log that is no more, and below.
    let news =
        [(newcomer, 3, false), (id(1), 90, true)].map(|(id, seq, private)| told(conn, id, seq, private));
    assert_eq!(world.commit(&[learn(news.into(), 1)]), [Answer::Noted]);
    let old = [id(0), id(1)].map(|id| told(conn, id, 50, false));
    assert_eq!(world.commit(&[Command::Learn(page(old.into(), &before))]), [Answer::Noted]);
    let held = known(conn);
    assert_eq!(held[&newcomer].facts.status, AccountStatus::Active, "they came after it was asked");
    assert_eq!((held[&id(1)].seq, held[&id(1)].facts.private_account), (90, true), "as of later");
    assert_eq!(held[&id(0)].seq, 50);
    assert_eq!(held[&id(2)].facts.status, AccountStatus::Deleted, "nobody tells of them any more");
}

/// Who registers while everybody is learned is in no page that was asked for before.
async fn who_registers_while_everybody_is_learned_stays(make: impl Fn() -> TestDatabase) {
    let (app, [anna, _, carl], copy) = before_and_after(make).await;
    let asked = app.users.asked_about_everybody();
    // After two questions about whether it is a copy at all.
    app.users.hold_everybody(Some(asked + 3));
    app.users.restore(copy);
    until("it has asked", async || app.users.asked_about_everybody() > asked + 2).await;
    let ella = app.newcomer("ella");
    until("she is known", async || is_known(&app, &ella).await).await;
    app.client_of(&ella).put(&format!("/v1/me/following/{}", anna.id)).await.expect(200);
    app.users.hold_everybody(None);
    until("carl is nobody again", async || !is_known(&app, &carl).await).await;
    app.users.applied().await;
    assert!(is_known(&app, &ella).await, "she is there");
    let seen = app.client_of(&ella).get(&format!("/v1/me/relationships?ids={}", anna.id)).await.expect(200);
    assert_eq!(seen.json()["items"][0]["relationship"]["following"], true, "and follows");
    until("what was carl's is gone", async || app.is_sound().await).await;
}

/// user-service is put back while an answer about somebody is under way whom the copy does not know.
async fn an_answer_from_before_the_copy_is_void(make: impl Fn() -> TestDatabase) {
    let (app, [_, _, carl], copy) = before_and_after(make).await;
    app.users.hold_feed();
    let dora = app.newcomer("dora");
    app.users.hold_questions(true);
    let asked = app.users.questions().len();
    let path = format!("/v1/users/{}/counts", dora.id);
    let question = app.nobody.get(&path);
    let meanwhile = async {
        until("it is asked", async || app.users.questions().len() > asked).await;
        app.users.restore(copy);
        until("everybody is learned", async || {
            let place = fact::feed_place(&mut app.writer()).unwrap();
            place.round > 0 && !place.anew
        })
        .await;
        app.users.hold_questions(false);
    };
    let (answer, ()) = join(question, meanwhile).await;
    assert!(answer.status == 404 || answer.status == 503, "{}", answer.status);
    assert!(!is_known(&app, &dora).await && !is_known(&app, &carl).await, "nobody has these ids");
    assert_eq!(fact::known_one(&mut app.writer(), dora.id).unwrap(), None);
}
