use std::time::Duration;

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::clock::{Clock, Micros};
use shared::db::audit::count;
use shared::on_both_databases;
use shared::secret::Secret;
use shared::testing::{Answer, TestDatabase};
use totp_rs::Totp;
use user_service::app::Settings;
use user_service::store::audit::audit;

use crate::step_up::step_up;
use crate::test_app::{Make, PASSWORD, Person, TestApp};

on_both_databases!(
    it_is_in_force_once_it_is_confirmed,
    it_is_set_up_in_order,
    it_ends_every_other_session,
    it_asks_for_a_session_that_has_proved_the_password,
    given_up_the_password_is_enough,
    a_repeated_beginning_brings_the_same_secret,
    what_cannot_be_read_is_refused,
    it_outlives_a_restart_but_not_the_key,
    nothing_readable_is_in_the_tables,
);

pub const STEP: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_secs(60);
/// More than the acts of a test are apart, at a clock that stands.
pub const MOMENT: Duration = Duration::from_millis(1);
/// A session that proved the password so long ago has to prove it again.
pub const PROOF: Duration = Duration::from_millis(5 * 60 * 1_000 + 1);

/// Somebody with a second factor, and the app that shows its codes.
pub struct Owner {
    pub person: Person,
    pub app: Totp,
    pub recovery_codes: Vec<String>,
}

/// A service whose clock stands at the beginning of a step.
pub fn start(make: Make) -> TestApp {
    start_with(make, |_| ())
}

pub fn start_with(make: Make, change: impl FnOnce(&mut Settings)) -> TestApp {
    TestApp::start_with(make, |settings| {
        let secs = Clock::system().now().as_secs();
        settings.clock = Clock::fixed(Micros::from_millis((secs - secs.rem_euclid(30)) * 1_000));
        change(settings);
    })
}

/// What the app shows now.
pub fn code(app: &TestApp, totp: &Totp) -> String {
    totp.generate(u64::try_from(app.settings.clock.now().as_secs()).unwrap()).to_string()
}

/// A code that the app shows in none of the steps around now.
pub fn wrong_code(app: &TestApp, totp: &Totp) -> String {
    let now = u64::try_from(app.settings.clock.now().as_secs()).unwrap();
    let right: Vec<String> = (0..3).map(|step| totp.generate(now - 30 + 30 * step).to_string()).collect();
    (0..4).map(|digit| format!("{digit}00000")).find(|code| !right.contains(code)).unwrap()
}

pub async fn begin(person: &Person) -> Totp {
    let answer = person.client.post("/v1/me/two-factor").await.expect(201);
    Totp::from_url(answer.json()["otpauth_url"].as_str().unwrap()).unwrap()
}

pub async fn confirm(person: &Person, code: &str) -> Answer {
    let body = json!({"code": code});
    person.client.json(Method::POST, "/v1/me/two-factor/confirmation", &body).await
}

fn recovery_codes(answer: &Answer) -> Vec<String> {
    let codes = answer.json()["recovery_codes"].clone();
    assert_eq!(answer.header("cache-control"), "no-store");
    serde_json::from_value(codes).unwrap()
}

/// Sets up a second factor for `person`; the next code is a step later.
pub async fn enable(app: &TestApp, person: &Person) -> Owner {
    let totp = begin(person).await;
    let answer = confirm(person, &code(app, &totp)).await.expect(200);
    app.settings.clock.advance(STEP);
    Owner { person: person.clone(), app: totp, recovery_codes: recovery_codes(&answer) }
}

pub async fn log_in(app: &TestApp, login: &str, code: &str) -> Answer {
    app.post("/v1/sessions", &json!({"login": login, "password": PASSWORD, "code": code})).await
}

pub async fn state(person: &Person) -> Value {
    person.client.get("/v1/me/two-factor").await.expect(200).json()
}

async fn it_is_in_force_once_it_is_confirmed(make: Make) {
    let app = start_with(make, |settings| settings.two_factor_issuer = "My App".to_owned());
    let ann = app.register("ann").await;
    let off = json!({"enabled": false, "recovery_codes_left": 0, "since": null});
    assert_eq!(state(&ann).await, off);
    let answer = ann.client.post("/v1/me/two-factor").await.expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    let (secret, url) = (body["secret"].as_str().unwrap(), body["otpauth_url"].as_str().unwrap());
    assert_eq!(url, format!("otpauth://totp/My%20App:ann?secret={secret}&issuer=My%20App"));
    let totp = Totp::from_url(url).unwrap();
    assert_eq!((totp.digits(), totp.step(), totp.secret().as_bytes().len()), (6, 30, 20));
    assert_eq!(state(&ann).await, off);
    app.log_in("ann").await;
    confirm(&ann, &wrong_code(&app, &totp)).await.expect_problem(403, "wrong_code");
    app.log_in("ann").await;
    let codes = recovery_codes(&confirm(&ann, &code(&app, &totp)).await.expect(200));
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 14), "{codes:?}");
    let on = state(&ann).await;
    assert_eq!((&on["enabled"], &on["recovery_codes_left"]), (&json!(true), &json!(10)));
    let since: Micros = serde_json::from_value(on["since"].clone()).unwrap();
    assert_eq!(since.as_secs(), app.settings.clock.now().as_secs());
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "two_factor_required");
    assert!(audit(&mut app.conn()).unwrap().iter().all(|finding| finding.drift == 0));
}

async fn it_is_set_up_in_order(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    confirm(&ann, "123456").await.expect_problem(409, "two_factor_not_pending");
    let codes = async |person: &Person| person.client.post("/v1/me/two-factor/recovery-codes").await;
    codes(&ann).await.expect_problem(409, "two_factor_not_enabled");
    // A second beginning replaces the first.
    let (first, second) = (begin(&ann).await, begin(&ann).await);
    assert_ne!(first.secret(), second.secret());
    confirm(&ann, &code(&app, &first)).await.expect_problem(403, "wrong_code");
    codes(&ann).await.expect_problem(409, "two_factor_not_enabled");
    // What waits too long for its code is given up.
    app.settings.clock.advance(MINUTE * 15 + MOMENT);
    let ann = app.log_in("ann").await;
    confirm(&ann, &code(&app, &second)).await.expect_problem(409, "two_factor_not_pending");
    let ann = enable(&app, &ann).await;
    ann.person.client.post("/v1/me/two-factor").await.expect_problem(409, "two_factor_enabled");
    confirm(&ann.person, &code(&app, &ann.app)).await.expect_problem(409, "two_factor_enabled");
    let fresh = recovery_codes(&codes(&ann.person).await.expect(200));
    assert_eq!(fresh.len(), 10);
    assert!(fresh.iter().all(|code| !ann.recovery_codes.contains(code)));
    log_in(&app, "ann", &ann.recovery_codes[0]).await.expect_problem(401, "invalid_code");
    log_in(&app, "ann", &fresh[0]).await.expect(201);
    let events = app.events().await;
    let kinds: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(
        kinds,
        ["user.registered", "session.revoked"],
        "nothing but the end of the first session is told"
    );
}

/// They were opened without the second factor.
async fn it_ends_every_other_session(make: Make) {
    let app = start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let (phone, tablet) = (app.log_in("ann").await, app.log_in("ann").await);
    let address = json!({"email": "thief@example.com"});
    phone.client.json(Method::PUT, "/v1/me/email", &address).await.expect(202);
    let token = app.mailed_token("email_change", "thief@example.com").await;
    let totp = begin(&ann).await;
    confirm(&ann, &wrong_code(&app, &totp)).await.expect_problem(403, "wrong_code");
    phone.client.get("/v1/me").await.expect(200);
    confirm(&ann, &code(&app, &totp)).await.expect(200);
    for other in [&phone, &tablet] {
        other.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
        app.refresh(other.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    }
    // Nor does what they asked for take the account afterwards.
    app.post("/v1/email-verifications", &json!({"token": token})).await.expect_problem(422, "invalid_token");
    for stays in [&ann, &bob] {
        stays.client.get("/v1/me").await.expect(200);
        app.refresh(stays.refresh_token()).await.expect(200);
    }
    let events = app.events().await;
    let ended = events.iter().filter(|event| event["type"] == "session.revoked");
    let mut ended: Vec<&Value> = ended.map(|event| &event["data"]["session_id"]).collect();
    ended.sort_by_key(|id| id.as_str());
    assert_eq!(ended, [&phone.session["id"], &tablet.session["id"]]);
}

async fn it_asks_for_a_session_that_has_proved_the_password(make: Make) {
    let app = start(make);
    let (ann, phone) = (app.register("ann").await, app.log_in("ann").await);
    app.settings.clock.advance(PROOF);
    let asks = async |person: &Person, method: Method, path: &str, body: &Value| {
        let answer = person.client.json(method, &format!("/v1/me/two-factor{path}"), body).await;
        answer.expect_problem(403, "step_up_required");
    };
    let all = async |person: &Person| {
        asks(person, Method::POST, "", &json!({})).await;
        asks(person, Method::POST, "/confirmation", &json!({"code": "123456"})).await;
        asks(person, Method::POST, "/recovery-codes", &json!({})).await;
        asks(person, Method::DELETE, "", &json!({})).await;
    };
    all(&ann).await;
    step_up(&ann, PASSWORD).await.expect(200);
    let totp = begin(&ann).await;
    all(&phone).await;
    confirm(&ann, &code(&app, &totp)).await.expect(200);
    ann.client.post("/v1/me/two-factor/recovery-codes").await.expect(200);
    app.settings.clock.advance(STEP);
    // A login with both proves it, for as long as any.
    let both = log_in(&app, "ann", &code(&app, &totp)).await.expect(201);
    let phone = Person::from(&app.client, &both);
    app.settings.clock.advance(PROOF);
    let prove = async |code: &str| {
        let body = json!({"password": PASSWORD, "code": code});
        phone.client.json(Method::POST, "/v1/me/step-up", &body).await
    };
    step_up(&phone, PASSWORD).await.expect_problem(403, "two_factor_required");
    prove(" ").await.expect_problem(403, "two_factor_required");
    prove(&wrong_code(&app, &totp)).await.expect_problem(403, "wrong_code");
    step_up(&phone, "wrong password").await.expect_problem(403, "wrong_password");
    all(&phone).await;
    let right = code(&app, &totp);
    prove(&right).await.expect(200);
    prove(&right).await.expect_problem(403, "wrong_code");
    phone.client.delete("/v1/me/two-factor").await.expect(204);
}

async fn given_up_the_password_is_enough(make: Make) {
    let app = start(make);
    let bob = app.register("bob").await;
    let bob = enable(&app, &bob).await;
    let ann = app.register("ann").await;
    ann.client.delete("/v1/me/two-factor").await.expect(204);
    begin(&ann).await;
    ann.client.delete("/v1/me/two-factor").await.expect(204);
    confirm(&ann, "123456").await.expect_problem(409, "two_factor_not_pending");
    let first = enable(&app, &ann).await;
    ann.client.delete("/v1/me/two-factor").await.expect(204);
    app.log_in("ann").await;
    // A code that nobody asks for does no harm.
    log_in(&app, "ann", &first.recovery_codes[0]).await.expect(201);
    assert_eq!(state(&ann).await["recovery_codes_left"], 0);
    let second = enable(&app, &ann).await;
    assert_ne!(first.app.secret(), second.app.secret());
    let old = code(&app, &first.app);
    log_in(&app, "ann", &old).await.expect_problem(401, "invalid_code");
    log_in(&app, "ann", &first.recovery_codes[1]).await.expect_problem(401, "invalid_code");
    // All of it is one's own.
    log_in(&app, "ann", &bob.recovery_codes[0]).await.expect_problem(401, "invalid_code");
    log_in(&app, "bob", &bob.recovery_codes[0]).await.expect(201);
    assert!(audit(&mut app.conn()).unwrap().iter().all(|finding| finding.drift == 0));
}

async fn a_repeated_beginning_brings_the_same_secret(make: Make) {
    let app = start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let begin = async |person: &Person, key: &str| {
        person.client.send(Method::POST, "/v1/me/two-factor", &[("idempotency-key", key)], Vec::new()).await
    };
    let first = begin(&ann, "k").await.expect(201);
    let again = join_all((0..8).map(|_| begin(&ann, "k"))).await;
    assert!(again.into_iter().all(|answer| answer.expect(201).json() == first.json()));
    // A key belongs to a person.
    let other = begin(&bob, "k").await.expect(201);
    assert_ne!(other.json()["secret"], first.json()["secret"]);
    begin(&ann, "a b").await.expect_problem(400, "invalid_idempotency_key");
    let second = begin(&ann, "l").await.expect(201);
    assert_ne!(second.json()["secret"], first.json()["secret"]);
    // What was replaced is gone: the request is taken as a new one.
    let third = begin(&ann, "k").await.expect(201);
    assert!([&first, &second].iter().all(|answer| answer.json()["secret"] != third.json()["secret"]));
    let totp = Totp::from_url(third.json()["otpauth_url"].as_str().unwrap()).unwrap();
    confirm(&ann, &code(&app, &totp)).await.expect(200);
    begin(&ann, "k").await.expect_problem(409, "two_factor_enabled");
    app.settings.clock.advance(PROOF);
    begin(&bob, "k").await.expect_problem(403, "step_up_required");
}

async fn what_cannot_be_read_is_refused(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    begin(&ann).await;
    let send =
        async |body: Value| ann.client.json(Method::POST, "/v1/me/two-factor/confirmation", &body).await;
    for body in [json!({}), json!({"code": null}), json!({"code": ""}), json!({"code": " "})] {
        send(body).await.expect_problem(422, "validation_failed");
    }
    for body in [json!({"code": 123_456}), json!({"code": "123456", "more": 1}), json!([])] {
        send(body).await.expect_problem(400, "invalid_body");
    }
    for (number, bad) in
        ["12345", "1234567", "abcdef", "12345\0", "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}"]
            .into_iter()
            .enumerate()
    {
        let ann = app.register(&format!("bob{number}")).await;
        begin(&ann).await;
        confirm(&ann, bad).await.expect_problem(403, "wrong_code");
        confirm(&ann, &bad.repeat(5_000)).await.expect_problem(403, "wrong_code");
    }
    for (method, path) in [
        (Method::GET, ""),
        (Method::POST, ""),
        (Method::DELETE, ""),
        (Method::POST, "/confirmation"),
        (Method::POST, "/recovery-codes"),
    ] {
        let answer =
            app.client.json(method, &format!("/v1/me/two-factor{path}"), &json!({"code": "1"})).await;
        answer.expect_problem(401, "unauthenticated");
    }
}

async fn it_outlives_a_restart_but_not_the_key(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    let used = code(&app, &ann.app);
    log_in(&app, "ann", &used).await.expect(201);
    // A clock that stood still would give the same ids again.
    app.settings.clock.advance(MOMENT);
    let mut app = app.restart().await;
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "two_factor_required");
    log_in(&app, "ann", &used).await.expect_problem(401, "invalid_code");
    log_in(&app, "ann", &ann.recovery_codes[0]).await.expect(201);
    app.settings.clock.advance(STEP);
    log_in(&app, "ann", &code(&app, &ann.app)).await.expect(201);
    // Without the key, nobody can tell whether a code is right: nobody passes, and the log says why.
    app.settings.refresh_key = Secret::random().unwrap();
    let app = app.restart().await;
    app.settings.clock.advance(STEP);
    log_in(&app, "ann", &code(&app, &ann.app)).await.expect_problem(500, "internal");
    log_in(&app, "ann", &ann.recovery_codes[1]).await.expect_problem(401, "invalid_code");
}

async fn nothing_readable_is_in_the_tables(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    let mut conn = app.conn();
    let mut rows = |text: &str| count(&mut conn, text).unwrap();
    let secret = ann.app.secret().to_base32();
    let like = format!("SELECT user_id FROM two_factors WHERE sealed_secret LIKE '%{secret}%'");
    // A nonce, a secret and a tag: 24, 20 and 16 bytes in base64url.
    assert_eq!((rows(&like), rows("SELECT 1 FROM two_factors WHERE LENGTH(sealed_secret) = 80")), (0, 1));
    assert_eq!(rows("SELECT 1 FROM recovery_codes WHERE LENGTH(digest) = 43"), 10);
    for code in &ann.recovery_codes {
        let plain = code.replace('-', "");
        assert_eq!(rows(&format!("SELECT 1 FROM recovery_codes WHERE digest IN ('{code}', '{plain}')")), 0);
    }
}

#[actix_web::test]
async fn nothing_secret_is_in_the_database_file() {
    let app = start(TestDatabase::sqlite);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    log_in(&app, "ann", &code(&app, &ann.app)).await.expect(201);
    log_in(&app, "ann", &ann.recovery_codes[0]).await.expect(201);
    let shared::db::DatabaseUrl::Sqlite(path) = &app.settings.database_url else { panic!("no file") };
    let dir = path.parent().unwrap();
    let files = std::fs::read_dir(dir).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let bytes: Vec<u8> = files.flatten().collect();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"mail.ann@example.com"), "the search finds what is there");
    assert!(!holds(ann.app.secret().as_bytes()));
    assert!(!holds(ann.app.secret().to_base32().as_bytes()));
    for code in &ann.recovery_codes {
        assert!(!holds(code.as_bytes()) && !holds(code.replace('-', "").as_bytes()), "{code}");
    }
}
