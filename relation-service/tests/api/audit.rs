//! The audit finds what is wrong, check by check, mends what is derived, and finds nothing where nothing is.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::Method;
use actix_web::web;
use relation_service::actors::audit::{Audited, audit as audit_and};
use relation_service::actors::change::RelationEngine;
use relation_service::domain::Limits;
use relation_service::store::audit::{CHECKS, Cure, Finding, Held, Plan, Slice, audit, audit_by};
use relation_service::store::sweep;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::db::{Conn, StoreError, execute};
use shared::testing::{Answer, Client, TestDatabase};
use shared::writer::commit_batch;

use crate::breakages::BREAKAGES;
use crate::friends::befriend;
use crate::person::{Act, Person};
use crate::random::Random;
use crate::test_app::{LIMITS, TestApp, all, until};

const PATH: &str = "/v1/admin/audit";
/// So small that every audit takes many steps.
const SMALL: Plan = Plan { rows_per_step: 2, ..Plan::STRICT };

/// Nobody may keep anything.
const NOTHING: Held = Held { blocks: 0, mutes: 0, close_friends: 0, notes: 0 };

/// What only shows where the limits are lower than anybody can set them.
const BY_LIMIT: &str = "limits";

fn broken(findings: &[Finding]) -> BTreeSet<&'static str> {
    findings.iter().filter(|finding| finding.drift > 0).map(|finding| finding.check.name).collect()
}

/// Repairs, and finishes the sweeps that the repair began.
async fn repaired(conn: &mut Conn) -> Audited {
    let engine = RelationEngine::new(LIMITS);
    let conn = std::cell::RefCell::new(conn);
    let look = async || audit(*conn.borrow_mut());
    let submit = async |command| {
        let (mut answers, _) = commit_batch(*conn.borrow_mut(), &engine, &[command], &Clock::system())?;
        answers.pop().ok_or_else(|| StoreError::Unreadable("no answer".into()))
    };
    let done = audit_and(true, look, submit).await.unwrap();
    let mut conn = conn.borrow_mut();
    // One of a kind that there is not stays for a person.
    while let Ok(open) = sweep::open(*conn, 1)
        && let Some(&(user, kind)) = open.first()
    {
        let step = relation_service::actors::change::Command::Sweep { user, kind };
        commit_batch(*conn, &engine, &[step], &Clock::system()).unwrap();
    }
    done
}

async fn each_check_finds_what_breaks_it_and_what_is_derived_is_mended(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [anna, ben, carl, blocked, private, asker] =
        app.people(["anna", "ben", "carl", "blocked", "private", "asker"]).await;
    befriend(&anna, &ben).await;
    blocked.follow(&anna).await;
    carl.follow(&ben).await;
    carl.act(Act::Mute, &ben).await;
    anna.block(&blocked).await;
    app.set_private(&private, true).await;
    carl.follow(&private).await;
    private.act(Act::Accept, &carl).await;
    private.act(Act::RemoveFollower, &carl).await;
    asker.follow(&private).await;
    app.stop_service();
    let people = [&anna, &ben, &carl, &blocked, &private, &asker];
    let names = ["{anna}", "{ben}", "{carl}", "{blocked}", "{private}", "{asker}"];
    let run = |conn: &mut Conn, text: &str| {
        let ids = names.iter().zip(people);
        let text = ids.fold(text.to_owned(), |text, (name, who)| text.replace(name, &who.id.to_string()));
        execute(conn, &text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let mut conn = app.writer();
    assert_eq!(broken(&audit(&mut conn).unwrap()), BTreeSet::new());
    let mut alone = BTreeSet::from([BY_LIMIT]);
    for (breakage, expected, undo) in BREAKAGES {
        assert!(breakage.iter().all(|text| run(&mut conn, text) > 0), "nothing there: {breakage:?}");
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        let found = audit(&mut conn).unwrap();
        assert_eq!(broken(&found), expected, "{breakage:?}");
        assert_eq!(broken(&audit_by(&mut conn, SMALL).unwrap()), expected, "in small steps: {breakage:?}");
        assert!(found.iter().all(|finding| (finding.drift > 0) != finding.examples.is_empty()), "{found:?}");
        if expected.len() == 1 {
            alone.extend(&expected);
        }
        let done = repaired(&mut conn).await;
        let mended: BTreeSet<&str> = CHECKS
            .iter()
            .filter(|check| done.repairs.iter().any(|repair| check.cure == Cure::Mend(repair.mend)))
            .map(|check| check.name)
            .collect();
        if undo.is_empty() {
            assert!(expected.is_superset(&mended) || mended.contains("counters"), "{breakage:?}: {mended:?}");
            assert!(!mended.is_empty() && done.repairs.iter().all(|r| r.rows > 0 && !r.examples.is_empty()));
            assert_eq!(broken(&done.findings), BTreeSet::new(), "not mended: {breakage:?}");
        } else {
            let left = broken(&done.findings);
            assert!(!left.is_empty() && expected.is_superset(&left), "{breakage:?}: {left:?}");
            undo.iter().for_each(|text| assert!(run(&mut conn, text) < 100, "{text}"));
            // What was made anew of what was wrong is made anew again.
            repaired(&mut conn).await;
        }
        assert_eq!(broken(&audit(&mut conn).unwrap()), BTreeSet::new(), "after {breakage:?}");
    }
    let by_limit = audit_by(&mut conn, Plan { held: NOTHING, ..SMALL }).unwrap();
    assert_eq!(broken(&by_limit), BTreeSet::from([BY_LIMIT]));
    let every: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(alone, every, "a check that nothing here breaks alone is one that nobody has seen work");
    app.start_service();
    app.until_ready().await;
    for person in people.map(|person| app.again(person)) {
        assert_counts_equal_walks(&person).await;
    }
    assert_eq!(app.again(&asker).sees(&private).await, "following");
}

async fn the_limits_in_force_are_those_of_the_settings(make: impl Fn() -> TestDatabase) {
    let few = Limits { notes_max: 1, ..LIMITS };
    let app = TestApp::with_limits(make, few).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    let service = app.service("auditor", &["audit"]);
    let drift = async || {
        let audited = service.post(PATH).await.expect(200).json();
        let of_limits = |item: &&Value| item["check"] == BY_LIMIT;
        audited["items"].as_array().unwrap().iter().find(of_limits).unwrap()["drift"].clone()
    };
    let note = format!("/v1/me/notes/{}", ben.id);
    anna.http.json(Method::PUT, &note, &json!({"note": "x"})).await.expect(200);
    assert_eq!(drift().await, 0);
    let text = format!("INSERT INTO notes (user_id, target, note) VALUES ({}, {}, 'x')", anna.id, carl.id);
    execute(&mut app.writer(), &text, &[]).unwrap();
    // So that the next audit sees more than the one before.
    ben.follow(&carl).await;
    assert_eq!(drift().await, 1);
}

async fn assert_counts_equal_walks(person: &Person) {
    let [followers, following, friends, received, sent] = person.counts().await;
    let requests = ["/v1/me/follow-requests", "/v1/me/follow-requests/sent"].map(str::to_owned);
    let lists = ["followers", "following", "friends"].map(|list| person.list(list));
    let expected = [followers, following, friends, received, sent];
    for (path, count) in lists.iter().chain(&requests).zip(expected) {
        let walked = person.walk(path, 2).await.len();
        assert_eq!(i64::try_from(walked).unwrap(), count, "{path}");
    }
}

#[test]
fn every_rule_is_checked_or_the_handbook_says_why_not() {
    let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), CHECKS.len());
    for check in CHECKS {
        assert!(
            !check.rules.is_empty() && check.rules.iter().all(|rule| (1..=54).contains(rule)),
            "{check:?}"
        );
        assert!(check.rules.is_sorted(), "{check:?}");
    }
    let handbook = include_str!("../../../docs/operations.md");
    for check in CHECKS {
        let row = format!("| `{}` |", check.name);
        let line = handbook.lines().find(|line| line.starts_with(&row));
        let line = line.unwrap_or_else(|| panic!("docs/operations.md has no row {row}"));
        let rules: Vec<String> = check.rules.iter().map(|rule| format!("R{rule}")).collect();
        assert!(line.contains(&format!("| {} |", rules.join(", "))), "{line} should name {rules:?}");
    }
    for rule in 1..=54 {
        let checked = CHECKS.iter().any(|check| check.rules.contains(&rule));
        let told = handbook.lines().any(|line| line.starts_with(&format!("| R{rule} |")));
        assert!(checked != told, "R{rule} is checked by a check, or the handbook says why not");
    }
}

async fn a_log_with_a_hole_is_found(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let people = app.crowd("person", 5).await;
    for other in &people[1..] {
        people[0].follow(other).await;
    }
    let mut conn = app.writer();
    assert_eq!(execute(&mut conn, "DELETE FROM events WHERE seq = 1", &[]).unwrap(), 1);
    for plan in [Plan::STRICT, SMALL] {
        let found = audit_by(&mut conn, plan).unwrap();
        assert_eq!(broken(&found), BTreeSet::new(), "retention takes events from the start");
        let unchecked: Vec<&str> = found
            .iter()
            .filter(|finding| finding.unchecked.is_some())
            .map(|finding| finding.check.name)
            .collect();
        assert_eq!(unchecked, ["follows_in_log", "requests_in_log", "blocks_in_log"]);
    }
    assert_eq!(execute(&mut conn, "UPDATE events SET seq = 1 WHERE seq = 2", &[]).unwrap(), 1);
    for plan in [Plan::STRICT, SMALL] {
        assert_eq!(broken(&audit_by(&mut conn, plan).unwrap()), BTreeSet::from(["log"]));
    }
}

fn items(result: &Value) -> BTreeMap<String, Value> {
    let items = result["items"].as_array().unwrap().iter();
    items.map(|item| (item["check"].as_str().unwrap().to_owned(), item.clone())).collect()
}

async fn order(service: &Client, repair: bool) -> Value {
    service.json(Method::POST, PATH, &json!({ "repair": repair })).await.expect(200).json()
}

/// The row of somebody who is gone, for which an audit waits: they may be being purged.
fn keep_audits_busy(app: &TestApp, person: &Person) {
    let text = format!(
        "INSERT INTO mutes (user_id, target, since, expires_at, notifications) VALUES ({}, 7, 5, 9, 1)",
        person.id
    );
    execute(&mut app.writer(), &text, &[]).unwrap();
}

/// Begins an audit that has looked at everybody, and goes on.
async fn begun_audit(service: &Client) -> tokio::task::JoinHandle<Answer> {
    let (client, body) = (service.clone(), json!({}));
    let asked = actix_web::rt::spawn(async move { client.json(Method::POST, PATH, &body).await });
    until("looked at everybody", async || {
        let running = service.get(PATH).await.expect(200).json()["running"].clone();
        running["total"].as_i64().is_some_and(|total| total > 0 && running["done"] == total)
    })
    .await;
    asked
}

async fn who_joins_an_audit_gets_one_that_has_seen_their_writes(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("operator", &["audit"]);
    let [anna, ben] = app.people(["anna", "ben"]).await;
    anna.follow(&ben).await;
    keep_audits_busy(&app, &anna);
    let quiet = all((0..3).map(|_| order(&service, false))).await;
    assert!(quiet.iter().all(|result| *result == quiet[0]), "nothing was written between");
    let first = begun_audit(&service).await;
    ben.follow(&anna).await;
    let wrong = format!("UPDATE counters SET followers = 9 WHERE user_id = {}", anna.id);
    execute(&mut app.writer(), &wrong, &[]).unwrap();
    let joined = all((0..2).map(|_| order(&service, false))).await;
    let first = first.await.unwrap().expect(200).json();
    assert_eq!(items(&first)["counters"]["drift"], 0, "it looked before");
    assert_eq!(joined[0], joined[1], "one for all");
    assert_eq!(items(&joined[0])["counters"]["drift"], 1);
    let time = |result: &Value, name: &str| result[name].as_str().unwrap().to_owned();
    assert!(time(&joined[0], "started_at") >= time(&first, "finished_at"), "one at a time");
    assert_eq!(service.get(PATH).await.json()["running"], Value::Null, "and no more than these");
}

async fn a_service_that_stops_does_not_wait_for_its_audit(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("operator", &["audit"]);
    let [anna] = app.people(["anna"]).await;
    keep_audits_busy(&app, &anna);
    let asked = begun_audit(&service).await;
    let stopped = app.stop_gracefully();
    let answer = asked.await.unwrap().expect(202).json();
    assert_eq!((&answer["newest"], &answer["running"]["repair"]), (&Value::Null, &json!(false)));
    stopped.await;
}

async fn only_who_is_wrong_is_mended(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let people = app.crowd("person", 40).await;
    let [anna, ben] = [&people[0], &people[1]];
    befriend(anna, ben).await;
    anna.follow(&people[2]).await;
    let mut conn = app.writer();
    let places = |conn: &mut Conn, name: &str| {
        let findings = audit(conn).unwrap();
        findings.into_iter().find(|finding| finding.check.name == name).unwrap().places
    };
    let alone = |person: &Person| Slice { after: person.id.get() - 1, through: person.id.get() };
    execute(&mut conn, &format!("UPDATE counters SET followers = 9 WHERE user_id = {}", anna.id), &[])
        .unwrap();
    assert_eq!(places(&mut conn, "counters"), [alone(anna)]);
    let extra = "INSERT INTO edges_in (target, state, neg_since, source) VALUES ";
    execute(&mut conn, &format!("{extra} ({}, 1, -5, {})", anna.id, people[3].id), &[]).unwrap();
    assert_eq!(places(&mut conn, "edges_both_ways"), [alone(anna)], "by whom the edges are divided");
    repaired(&mut conn).await;
    execute(&mut conn, "UPDATE counters SET friends = 7", &[]).unwrap();
    for person in &people[3..] {
        execute(&mut conn, &format!("INSERT INTO counters VALUES ({}, 1, 2, 3, 4, 5, 6)", person.id), &[])
            .unwrap();
    }
    assert_eq!(places(&mut conn, "counters").len(), 1, "many at once: one place");
    repaired(&mut conn).await;
    assert_eq!(broken(&audit(&mut conn).unwrap()), BTreeSet::new());
    for person in &people[..5] {
        assert_counts_equal_walks(person).await;
    }
}

async fn a_running_service_audits_and_repairs_itself(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let service = app.service("operator", &["audit"]);
    assert_eq!(service.get(PATH).await.expect(200).json(), json!({"running": null, "newest": null}));
    let [anna, ben] = app.people(["anna", "ben"]).await;
    befriend(&anna, &ben).await;
    let clean = service.post(PATH).await.expect(200).json();
    assert_eq!(
        (&clean["drift"], &clean["repair"], &clean["revision"]),
        (&json!(0), &json!(false), &json!(2))
    );
    let found = items(&clean);
    assert_eq!(found.len(), CHECKS.len());
    assert!(found.values().all(|item| item["drift"] == 0 && item["unchecked"].is_null()), "{clean}");
    assert_eq!(found["nobody_to_self"]["rules"], json!(["R3"]));
    assert_eq!(service.get(PATH).await.expect(200).json()["newest"], clean);
    let wrong = format!("UPDATE counters SET followers = 9 WHERE user_id = {}", anna.id);
    // What is changed past the writer is seen after a start: a service believes what it remembers.
    app.stop_service();
    execute(&mut app.writer(), &wrong, &[]).unwrap();
    app.start_service();
    app.until_ready().await;
    let (anna, service) = (app.again(&anna), app.service("auditor", &["audit"]));
    let drifted = order(&service, false).await;
    assert_eq!((&drifted["drift"], &items(&drifted)["counters"]["drift"]), (&json!(1), &json!(1)));
    assert_eq!(items(&drifted)["counters"]["examples"], json!([[anna.id, anna.id]]));
    assert_eq!(anna.counts().await[0], 9, "an audit that only looks changes nothing");
    let mended = order(&service, true).await;
    assert_eq!((&mended["drift"], &mended["repair"]), (&json!(0), &json!(true)));
    let counters = &items(&mended)["counters"];
    assert_eq!((&counters["repaired"], &counters["repairable"]), (&json!(1), &json!(true)));
    assert_eq!(counters["repairs"], json!([{"what": "recounted", "row": [anna.id, anna.id]}]));
    assert_counts_equal_walks(&anna).await;
    assert_eq!(order(&service, true).await["items"], clean["items"], "nothing is left to repair");
    for bad in [json!({"repair": 1}), json!({"what": true}), json!([])] {
        service.json(Method::POST, PATH, &bad).await.expect_problem(400, "invalid_body");
    }
    let other = app.service("other", &["events", "visibility", "relationships", "fanout", "facts"]);
    other.post(PATH).await.expect_problem(403, "missing_scope");
    other.get(PATH).await.expect_problem(403, "missing_scope");
}

/// Everybody acts on everybody while audits run: none finds anything.
async fn audits_are_exact_beside_writes(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let service = app.service("operator", &["audit"]);
    let people = app.crowd("person", 12).await;
    app.set_private(&people[0], true).await;
    let acting = std::cell::Cell::new(true);
    let actor = async |seed: u64| {
        let mut random = Random::new(seed);
        let mut acts = 0;
        while acting.get() {
            let (me, them) = random.two_below(people.len());
            people[me].try_act(random.one_of(&Act::ALL), people[them].id).await;
            acts += 1;
        }
        acts
    };
    let auditor = async {
        for round in 0..8 {
            let results = all((0..3).map(|_| service.post(PATH))).await;
            for result in results {
                let result = result.expect(200).json();
                assert_eq!(result["drift"], 0, "round {round}: {result}");
            }
            // In steps of two rows, each at a moment of its own.
            let mut conn = app.writer();
            let found = web::block(move || audit_by(&mut conn, SMALL).unwrap()).await.unwrap();
            assert_eq!(broken(&found), BTreeSet::new(), "round {round}: {found:?}");
            app.set_private(&people[round % 3], round % 2 == 0).await;
        }
        acting.set(false);
    };
    let (acts, ()) = futures_util::future::join(all((1..5).map(actor)), auditor).await;
    assert!(acts.iter().sum::<u32>() > 50, "{acts:?}");
    until("at rest", async || app.is_sound().await).await;
}

shared::on_both_databases!(
    the_limits_in_force_are_those_of_the_settings,
    each_check_finds_what_breaks_it_and_what_is_derived_is_mended,
    a_log_with_a_hole_is_found,
    who_joins_an_audit_gets_one_that_has_seen_their_writes,
    a_service_that_stops_does_not_wait_for_its_audit,
    only_who_is_wrong_is_mended,
    a_running_service_audits_and_repairs_itself,
    audits_are_exact_beside_writes,
);
