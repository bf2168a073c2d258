//! Leaving for good.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::db::audit::count;
use shared::db::open_writer;
use shared::id::UserId;
use shared::on_both_databases;
use shared::testing::{Answer, residue, tables};
use shared::writer::commit_batch;
use user_service::actors::change::Command;
use user_service::actors::register::ImportedUser;
use user_service::domain::account::Role;
use user_service::domain::mail::Kind;
use user_service::domain::username::Username;
use user_service::store;
use user_service::store::mail::Mail;
use user_service::store::purge::{IMPERSONAL, PERSONAL};
use user_service::store::upkeep::Chore;

use crate::moderation::{spam, suspend, unsuspend};
use crate::post::until;
use crate::test_app::{Make, PASSWORD, Person, TestApp, held_clock};

on_both_databases!(
    a_deleted_account_is_hidden_at_once,
    a_login_before_the_purge_restores_exactly,
    from_the_purge_on_nothing_restores,
    a_wrong_password_deletes_nothing,
    nothing_of_the_person_is_left,
    a_purge_goes_on_where_it_was_cut_off,
    a_suspended_person_is_purged_too,
    every_table_is_in_a_list,
    the_last_admin_stays,
);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn held(make: Make) -> TestApp {
    TestApp::start_with(make, |settings| settings.clock = held_clock())
}

async fn delete(person: &Person, password: &str) -> Answer {
    person.client.json(Method::POST, "/v1/me/deletion", &json!({"password": password})).await
}

fn is_sound(app: &TestApp) {
    let findings = store::audit::audit(&mut app.conn()).unwrap();
    assert!(findings.iter().all(|finding| finding.drift == 0), "{findings:?}");
}

async fn a_deleted_account_is_hidden_at_once(make: Make) {
    let app = held(make);
    let ann = app.register("ann").await;
    let phone = app.log_in("ann").await;
    let due = app.settings.clock.now().after(30 * DAY);
    let answer = delete(&ann, PASSWORD).await.expect(202);
    // The log's time is ahead of a clock that stands still by a microsecond for each act.
    assert_eq!(answer.json()["purge_at"].as_str().unwrap()[..22], due.to_string()[..22]);
    assert_eq!(answer.json().as_object().unwrap().len(), 1);
    for path in [ann.id.as_str(), "by-username/ann"] {
        app.client.get(&format!("/v1/users/{path}")).await.expect_problem(404, "user_not_found");
    }
    for person in [&ann, &phone] {
        person.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
        app.refresh(person.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    }
    delete(&ann, PASSWORD).await.expect_problem(401, "unauthenticated");
    app.try_register("ann").await.expect_problem(409, "username_taken");
    let kinds: Vec<Value> = app.events().await.iter().map(|event| event["type"].clone()).collect();
    assert_eq!(kinds, ["user.registered", "user.deactivated", "session.revoked", "session.revoked"]);
    is_sound(&app);
}

async fn a_login_before_the_purge_restores_exactly(make: Make) {
    let app = held(make);
    let ann = app.register("ann").await;
    ann.client.json(Method::PATCH, "/v1/me", &json!({"bio": "b", "region": "NZ"})).await.expect(200);
    let mine = ann.client.get("/v1/me").await.expect(200).json();
    delete(&ann, PASSWORD).await.expect(202);
    app.settings.clock.advance(30 * DAY - Duration::from_secs(1));
    app.handle.do_due().await.unwrap();
    let back = app.try_log_in("ann", PASSWORD).await.expect(201);
    assert_eq!(back.json()["user"], mine);
    // And stays: the deletion was taken back, not put off.
    app.settings.clock.advance(60 * DAY);
    app.handle.do_due().await.unwrap();
    let back = app.log_in("ann").await;
    assert_eq!(back.client.get("/v1/me").await.expect(200).json(), mine);
    // A deactivation after that is only that.
    let body = json!({"password": PASSWORD});
    back.client.json(Method::POST, "/v1/me/deactivation", &body).await.expect(202);
    app.settings.clock.advance(60 * DAY);
    app.handle.do_due().await.unwrap();
    app.log_in("ann").await;
    is_sound(&app);
}

async fn the_last_admin_stays(make: Make) {
    let app = held(make);
    let boss = app.with_role("boss", Role::Admin).await;
    delete(&boss, PASSWORD).await.expect_problem(409, "last_admin");
    delete(&boss, "wrong password").await.expect_problem(403, "wrong_password");
    boss.client.get("/v1/me").await.expect(200);
    // What the operator writes has ids of the time alone.
    app.settings.clock.advance(Duration::from_secs(1));
    let second = app.with_role("second", Role::Admin).await;
    delete(&boss, PASSWORD).await.expect(202);
    // Whoever is leaving is nobody to rely on.
    delete(&second, PASSWORD).await.expect_problem(409, "last_admin");
    app.settings.clock.advance(31 * DAY);
    app.handle.do_due().await.unwrap();
    let second = app.log_in("second").await;
    delete(&second, PASSWORD).await.expect_problem(409, "last_admin");
    assert_eq!(second.client.get("/v1/me").await.expect(200).json()["role"], "admin");
    is_sound(&app);
}

async fn from_the_purge_on_nothing_restores(make: Make) {
    let app = held(make);
    let ann = app.register("ann").await;
    delete(&ann, PASSWORD).await.expect(202);
    app.settings.clock.advance(30 * DAY + Duration::from_secs(1));
    // Whether or not the purge has come to it.
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "invalid_credentials");
    app.handle.do_due().await.unwrap();
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "invalid_credentials");
    app.client.get(&format!("/v1/users/{}", ann.id)).await.expect_problem(404, "user_not_found");
    let facts = app.relation_service().get(&format!("/v1/user-facts?ids={}", ann.id)).await.expect(200);
    assert_eq!(facts.json()["items"], json!([{"id": ann.id, "facts": null}]));
    // The name and the address are free, and lead to somebody else from now on.
    let other = app.register("ann").await;
    assert_ne!(other.id, ann.id);
    let events = app.events().await;
    let about: Vec<&Value> = events.iter().filter(|event| event["subject_id"] == ann.id).collect();
    assert!(about.iter().all(|event| event["data"] == json!({})), "{about:?}");
    let last = about.last().unwrap();
    assert_eq!((&last["type"], &last["actor_id"]), (&json!("user.deleted"), &json!(ann.id)));
    is_sound(&app);
}

async fn a_wrong_password_deletes_nothing(make: Make) {
    let app = held(make);
    let ann = app.register("ann").await;
    for wrong in ["", "wrong password"] {
        delete(&ann, wrong).await.expect_problem(403, "wrong_password");
    }
    let send = |body: Value| {
        let client = ann.client.clone();
        async move { client.json(Method::POST, "/v1/me/deletion", &body).await }
    };
    send(json!({})).await.expect_problem(422, "validation_failed");
    send(json!({"password": PASSWORD, "x": 1})).await.expect_problem(400, "invalid_body");
    let nobody = app.client.json(Method::POST, "/v1/me/deletion", &json!({"password": PASSWORD})).await;
    nobody.expect_problem(401, "unauthenticated");
    app.settings.clock.advance(31 * DAY);
    app.handle.do_due().await.unwrap();
    app.log_in("ann").await;
    assert_eq!(app.events().await.len(), 1);
}

/// People of another system: they fill pages, so that rows of others move from page to page.
async fn bystanders(app: &TestApp, round: usize) {
    let name =
        |number: usize| format!("by{}stander{round}", char::from(b'a' + u8::try_from(number % 26).unwrap()));
    let people = (0..200).map(|number| ImportedUser {
        username: Username::parse(&format!("{}x{number}", name(number))).unwrap(),
        display_name: "Somebody Else".repeat(number % 4),
    });
    app.handle.register_imported(people.collect()).await.unwrap();
}

/// Somebody who has filled in everything, and what to look for afterwards.
pub async fn marked(app: &TestApp, moderator: &Person, number: usize) -> (Person, Vec<String>) {
    let mark = |field: &str| format!("{field}zqx{number}");
    let (first, name) = (mark("first"), mark("name"));
    let body = json!({"username": first, "email": format!("{}@example.com", mark("mail")),
        "password": PASSWORD, "display_name": mark("shown")});
    let headers = [("content-type", "application/json"), ("idempotency-key", first.as_str())];
    let made = app.client.send(Method::POST, "/v1/users", &headers, body.to_string().into_bytes()).await;
    let person = Person::from(&app.client, &made.expect(201));
    let profile = json!({"bio": mark("bio"), "links": [format!("https://example.com/{}", mark("link"))],
        "avatar_url": format!("https://example.com/{}", mark("avatar")), "display_name": mark("second")});
    person.client.json(Method::PATCH, "/v1/me", &profile).await.expect(200);
    person.client.json(Method::PUT, "/v1/me/username", &json!({"username": name})).await.expect(200);
    suspend(moderator, &person, &json!({"reason": mark("reason")})).await.expect(200);
    unsuspend(moderator, &person).await.expect(200);
    let device = json!({"login": name, "password": PASSWORD, "device_name": mark("device")});
    let person = Person {
        id: person.id,
        ..Person::from(&app.client, &app.post("/v1/sessions", &device).await.expect(201))
    };
    let mut conn = app.conn();
    let id: UserId = person.id.parse().unwrap();
    let session = store::session::session(&mut conn, id, person.session_id().parse().unwrap()).unwrap();
    let now = app.settings.clock.now();
    let mail = Mail {
        user: id,
        id: 1,
        kind: Kind::PasswordChanged,
        recipient: format!("{}@example.com", mark("waits")),
        token_id: None,
        tries: 3,
        due_at: now.after(100 * DAY),
        expires_at: now.after(100 * DAY),
        failed_at: None,
    };
    store::mail::insert(&mut conn, &mail).unwrap();
    let secrets = [
        store::user::password_hash(&mut conn, id).unwrap().unwrap(),
        session.unwrap().nonce.to_text(),
        Username::parse(&first).unwrap().skeleton(),
        Username::parse(&name).unwrap().skeleton(),
    ];
    let fields =
        ["first", "name", "mail", "shown", "second", "bio", "link", "avatar", "device", "reason", "waits"];
    (person, fields.map(mark).into_iter().chain(secrets).collect())
}

/// The names of the mails in files about a person.
fn mails_about(dir: &Path, person: &Person) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(&format!("{}-", person.id))).collect()
}

async fn nothing_of_the_person_is_left(make: Make) {
    let app = held(make);
    let moderator = app.with_role("boss", Role::Admin).await;
    let mut markers = Vec::new();
    let mut people = Vec::new();
    for round in 0..12 {
        let (person, marks) = marked(&app, &moderator, 100 + round).await;
        markers.extend(marks);
        people.push(person);
        bystanders(&app, round).await;
    }
    let (stays, stays_marks) = marked(&app, &moderator, 99).await;
    let (url, dir) = (&app.settings.database_url, app.settings.mail_dir.as_path());
    assert_eq!(residue(url, &[dir], &markers), markers, "else there is nothing to look for");
    for person in people.iter().chain([&stays]) {
        until("a mail in a file", || !mails_about(dir, person).is_empty()).await;
    }
    for person in &people {
        delete(person, PASSWORD).await.expect(202);
    }
    app.settings.clock.advance(30 * DAY + Duration::from_secs(1));
    app.handle.do_due().await.unwrap();
    // A file that is written to is rewritten an hour later at the latest.
    app.settings.clock.advance(Duration::from_secs(60 * 60));
    app.handle.do_due().await.unwrap();
    assert_eq!(residue(url, &[dir], &markers), Vec::<String>::new());
    assert!(!mails_about(dir, &stays).is_empty());
    for person in &people {
        assert_eq!(mails_about(dir, person), Vec::<String>::new());
        app.client.get(&format!("/v1/users/{}", person.id)).await.expect_problem(404, "user_not_found");
    }
    let kept = app.client.get(&format!("/v1/users/{}", stays.id)).await.expect(200).json();
    assert!(stays_marks.contains(&kept["bio"].as_str().unwrap().to_owned()));
    assert_eq!(count(&mut app.conn(), "SELECT 1 FROM deletions").unwrap(), 0);
    is_sound(&app);
}

/// One step at a time, each by an engine of its own, as if the process had been killed after each.
async fn a_purge_goes_on_where_it_was_cut_off(make: Make) {
    let app = held(make);
    let moderator = app.with_role("boss", Role::Admin).await;
    let (person, markers) = marked(&app, &moderator, 7).await;
    for number in 0..250 {
        let bio = json!({"bio": format!("change {number}")});
        person.client.json(Method::PATCH, "/v1/me", &bio).await.expect(200);
    }
    delete(&person, PASSWORD).await.expect(202);
    // A janitor of another process, whose clock is ahead: that of the running one finds nothing due.
    let clock = Clock::fixed(app.settings.clock.now().after(31 * DAY));
    let mut conn = open_writer(&app.settings.database_url).unwrap();
    let mut steps = 0;
    while store::upkeep::next_due(&mut conn, Chore::Purges).unwrap().is_some() {
        let engine = app.settings.engine().unwrap();
        let purge = [Command::Upkeep(Chore::Purges)];
        commit_batch(&mut conn, &engine, &purge, &clock).unwrap();
        is_sound(&app);
        steps += 1;
    }
    assert!(steps >= 3, "{steps} steps are not enough to be cut off between them");
    assert_eq!(count(&mut conn, "SELECT 1 FROM users").unwrap(), 1, "the moderator");
    drop(conn);
    let deleted = app.events().await.iter().filter(|event| event["type"] == "user.deleted").count();
    assert_eq!(deleted, 1, "the world is told once");
    // What wipes the files comes after the last row, also in another run of the program.
    let app = app.restart().await;
    app.settings.clock.advance(31 * DAY);
    app.handle.do_due().await.unwrap();
    assert_eq!(
        residue(&app.settings.database_url, &[&app.settings.mail_dir], &markers),
        Vec::<String>::new()
    );
    assert_eq!(count(&mut app.conn(), "SELECT 1 FROM deletions").unwrap(), 0);
}

async fn a_suspended_person_is_purged_too(make: Make) {
    let app = held(make);
    let ann = app.register("ann").await;
    delete(&ann, PASSWORD).await.expect(202);
    let moderator = app.with_role("boss", Role::Admin).await;
    suspend(&moderator, &ann, &spam()).await.expect(200);
    app.settings.clock.advance(31 * DAY);
    app.handle.do_due().await.unwrap();
    let left = format!("SELECT 1 FROM users WHERE id = {}", ann.id);
    assert_eq!(count(&mut app.conn(), &left).unwrap(), 0);
    is_sound(&app);
}

async fn every_table_is_in_a_list(make: Make) {
    let app = TestApp::start(make);
    let there: BTreeSet<String> = tables(&mut app.conn()).into_iter().collect();
    let personal = PERSONAL.iter().map(|personal| personal.table);
    let listed: BTreeSet<String> =
        personal.chain(IMPERSONAL.iter().map(|(table, _)| *table)).map(str::to_owned).collect();
    assert_eq!(
        there, listed,
        "a table with something of people belongs in PERSONAL, any other in IMPERSONAL"
    );
}
