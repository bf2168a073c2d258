use std::time::Duration;

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::config::Switch;
use user_service::domain::account::Role;

use crate::moderation::{spam, suspend};
use crate::test_app::{Make, PASSWORD, Person, TestApp, held_clock};

on_both_databases!(
    wrong_passwords_make_the_next_try_wait_whoever_has_the_login,
    a_flood_of_strangers_does_not_lock_the_owner_out,
    a_success_forgives_nobody_else,
    a_device_is_not_kept_out_by_its_neighbours,
    a_network_where_a_session_was_refreshed_is_known,
    the_logins_of_one_person_count_as_one_and_nobody_is_told,
    proofs_of_a_signed_in_person_count_too,
    many_tries_at_once_are_many,
    a_new_password_by_mail_lifts_the_waits,
    the_right_password_of_a_closed_account_counts_as_wrong,
);

const HOME: &str = "198.51.100.1";
const AWAY: &str = "198.51.100.2";
const WRONG: &str = "wrong password";

/// Three wrong passwords from one place and eight in a day are borne; requests say from where they come.
fn start(make: Make, clock: &Clock) -> TestApp {
    TestApp::start_with(make, |settings| {
        settings.rate_limits = Switch::On;
        settings.limits.guesses_max = 3;
        settings.limits.guesses_per_day_max = 8;
        settings.trusted_proxies = "127.0.0.0/8".parse().unwrap();
        settings.clock = clock.clone();
    })
}

async fn post(app: &TestApp, path: &str, from: &str, device: &str, body: &Value) -> Answer {
    let headers =
        [("content-type", "application/json"), ("x-forwarded-for", from), ("mutual-device", device)];
    app.client.send(Method::POST, path, &headers, body.to_string().into_bytes()).await
}

async fn log_in(app: &TestApp, from: &str, login: &str, password: &str) -> Answer {
    post(app, "/v1/sessions", from, "", &json!({"login": login, "password": password})).await
}

async fn register(app: &TestApp, from: &str, name: &str) -> Person {
    let body = json!({"username": name, "email": format!("{name}@example.com"), "password": PASSWORD});
    Person::from(&app.client, &post(app, "/v1/users", from, "", &body).await.expect(201))
}

fn stranger(number: usize) -> String {
    format!("203.0.113.{number}")
}

async fn wrong_passwords_make_the_next_try_wait_whoever_has_the_login(make: Make) {
    let clock = held_clock();
    let app = start(make, &clock);
    register(&app, HOME, "ann").await;
    let mut refusals = Vec::new();
    for spellings in [["ann", "ANN", " Ann "], ["nobody", "Nobody", "nobody"], ["no-one", "NO-one", "no-one"]]
    {
        for login in spellings {
            log_in(&app, AWAY, login, WRONG).await.expect_problem(401, "invalid_credentials");
        }
        let refused = log_in(&app, AWAY, spellings[0], PASSWORD).await.expect_problem(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(
            (refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")),
            ("3", "0")
        );
        assert_eq!(refused.header("x-ratelimit-reset"), "1");
        // Elsewhere and for others nothing has changed.
        log_in(&app, &stranger(1), spellings[0], WRONG).await.expect(401);
        // Each further one doubles the wait.
        for secs in [1, 2, 4] {
            clock.advance(Duration::from_secs(secs));
            log_in(&app, AWAY, spellings[0], WRONG).await.expect(401);
            let refused = log_in(&app, AWAY, spellings[0], WRONG).await.expect(429);
            assert_eq!(refused.header("retry-after"), (2 * secs).to_string());
        }
        let mut body = refused.json();
        body["request_id"] = json!(null);
        let mut headers: Vec<String> = refused.headers.keys().map(|name| name.to_string()).collect();
        headers.sort();
        refusals.push((body, headers));
    }
    assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]), "{refusals:#?}");
    clock.advance(Duration::from_secs(8));
    log_in(&app, AWAY, "ann", PASSWORD).await.expect(201);
    // The success has forgiven this place.
    for _ in 0..2 {
        log_in(&app, AWAY, "ann", WRONG).await.expect(401);
    }
    log_in(&app, AWAY, "ann", PASSWORD).await.expect(201);
}

async fn a_flood_of_strangers_does_not_lock_the_owner_out(make: Make) {
    let clock = held_clock();
    let app = start(make, &clock);
    let ann = register(&app, HOME, "ann").await;
    let bob = register(&app, HOME, "bob").await;
    for login in ["ann", "nobody"] {
        let mut seen = Vec::new();
        for number in 1..=20 {
            seen.push(log_in(&app, &stranger(number), login, WRONG).await.status.as_u16());
        }
        assert_eq!(seen, [vec![401; 8], vec![429; 12]].concat(), "{login}");
    }
    let refused = log_in(&app, &stranger(99), "ann", PASSWORD).await.expect_problem(429, "rate_limited");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((86_000..=86_400).contains(&wait), "{wait}");
    // By the other login too; that one is not said to be refused.
    log_in(&app, &stranger(99), "ann@example.com", PASSWORD).await.expect_problem(401, "invalid_credentials");

    // From where she registered, also after a slip of her own.
    log_in(&app, HOME, "ann", WRONG).await.expect(401);
    log_in(&app, HOME, "ann", PASSWORD).await.expect(201);
    log_in(&app, HOME, "ann@example.com", PASSWORD).await.expect(201);
    // From elsewhere with a device that has a session; with a forged or another's token it is a stranger.
    let body = json!({"login": "ann", "password": PASSWORD});
    for device in [bob.refresh_token(), "nonsense", ""] {
        post(&app, "/v1/sessions", AWAY, device, &body).await.expect_problem(429, "rate_limited");
    }
    post(&app, "/v1/sessions", AWAY, ann.refresh_token(), &body).await.expect(201);
    // Which makes that place known.
    log_in(&app, AWAY, "ann", PASSWORD).await.expect(201);
    // Sessions go on through all of it.
    app.refresh(ann.refresh_token()).await.expect(200);
    // The next day is a new one.
    clock.advance(Duration::from_secs(24 * 60 * 60));
    log_in(&app, &stranger(99), "ann", PASSWORD).await.expect(201);
}

async fn a_success_forgives_nobody_else(make: Make) {
    let clock = held_clock();
    let app = start(make, &clock);
    register(&app, HOME, "ann").await;
    let stranger = stranger(1);
    for _ in 0..2 {
        log_in(&app, &stranger, "ann", WRONG).await.expect(401);
    }
    log_in(&app, HOME, "ann", PASSWORD).await.expect(201);
    log_in(&app, &stranger, "ann", WRONG).await.expect(401);
    log_in(&app, &stranger, "ann", WRONG).await.expect(429);
    // Nor is the day's count of strangers: 3 so far.
    for number in 2..=6 {
        log_in(&app, &self::stranger(number), "ann", WRONG).await.expect(401);
        log_in(&app, HOME, "ann", PASSWORD).await.expect(201);
    }
    log_in(&app, &self::stranger(7), "ann", WRONG).await.expect(429);
}

async fn a_device_is_not_kept_out_by_its_neighbours(make: Make) {
    let clock = held_clock();
    let app = start(make, &clock);
    let ann = register(&app, HOME, "ann").await;
    for _ in 0..3 {
        log_in(&app, HOME, "ann", WRONG).await.expect(401);
    }
    log_in(&app, HOME, "ann", PASSWORD).await.expect(429);
    let body = json!({"login": "ann", "password": PASSWORD});
    post(&app, "/v1/sessions", HOME, ann.refresh_token(), &body).await.expect(201);
    // The neighbours are not forgiven, and the device has a count of its own.
    log_in(&app, HOME, "ann", PASSWORD).await.expect(429);
    let wrong = json!({"login": "ann", "password": WRONG});
    for status in [401, 401, 401, 429] {
        post(&app, "/v1/sessions", HOME, ann.refresh_token(), &wrong).await.expect(status);
    }
    // A session that was ended proves nothing.
    clock.advance(Duration::from_secs(60 * 60));
    let gone = Person::from(&app.client, &log_in(&app, HOME, "ann", PASSWORD).await.expect(201));
    gone.client.delete("/v1/me/sessions/current").await.expect(204);
    for _ in 0..3 {
        log_in(&app, HOME, "ann", WRONG).await.expect(401);
    }
    post(&app, "/v1/sessions", HOME, gone.refresh_token(), &body).await.expect(429);
}

async fn a_network_where_a_session_was_refreshed_is_known(make: Make) {
    let clock = held_clock();
    let app = start(make, &clock);
    let ann = register(&app, HOME, "ann").await;
    let body = json!({"refresh_token": ann.refresh_token()});
    post(&app, "/v1/sessions/refresh", AWAY, "", &body).await.expect(200);
    for number in 1..=8 {
        log_in(&app, &stranger(number), "ann", WRONG).await.expect(401);
    }
    log_in(&app, &stranger(9), "ann", PASSWORD).await.expect(429);
    log_in(&app, AWAY, "ann", PASSWORD).await.expect(201);
    // Not for ever: ninety days after the last time it is a place like any other.
    clock.advance(Duration::from_secs(90 * 24 * 60 * 60 + 1));
    for number in 1..=8 {
        log_in(&app, &stranger(number), "ann", WRONG).await.expect(401);
    }
    log_in(&app, AWAY, "ann", PASSWORD).await.expect(429);
}

async fn the_logins_of_one_person_count_as_one_and_nobody_is_told(make: Make) {
    let clock = held_clock();
    let app = start(make, &clock);
    register(&app, HOME, "ann").await;
    for _ in 0..3 {
        log_in(&app, AWAY, "ann", WRONG).await.expect(401);
    }
    // The other login answers as nobody's does, and does not get in.
    log_in(&app, AWAY, "ann@example.com", PASSWORD).await.expect_problem(401, "invalid_credentials");
    log_in(&app, AWAY, "nobody@example.com", PASSWORD).await.expect_problem(401, "invalid_credentials");
    log_in(&app, HOME, "ann@example.com", PASSWORD).await.expect(201);
    clock.advance(Duration::from_secs(1));
    log_in(&app, AWAY, "ann@example.com", PASSWORD).await.expect(201);
}

async fn proofs_of_a_signed_in_person_count_too(make: Make) {
    let clock = held_clock();
    let app = start(make, &clock);
    let (ann, bob) = (register(&app, HOME, "ann").await, register(&app, HOME, "bob").await);
    let phone = Person::from(&app.client, &log_in(&app, HOME, "ann", PASSWORD).await.expect(201));
    let change = |person: &Person, current: &str| {
        let body = json!({"current_password": current, "new_password": "wet-Marble-37 field"});
        let client = person.client.clone();
        async move { client.json(Method::PUT, "/v1/me/password", &body).await }
    };
    for person in [&ann, &phone, &ann] {
        change(person, WRONG).await.expect_problem(403, "wrong_password");
    }
    for person in [&ann, &phone] {
        let refused = change(person, PASSWORD).await.expect_problem(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "1");
        let body = json!({"password": PASSWORD});
        person.client.json(Method::POST, "/v1/me/deactivation", &body).await.expect(429);
    }
    change(&bob, WRONG).await.expect(403);
    clock.advance(Duration::from_secs(1));
    change(&ann, PASSWORD).await.expect(204);
    change(&ann, WRONG).await.expect(403);
}

async fn many_tries_at_once_are_many(make: Make) {
    let app = start(make, &Clock::system());
    register(&app, HOME, "ann").await;
    for login in ["ann", "nobody"] {
        let tries = join_all((0..20).map(|_| log_in(&app, AWAY, login, WRONG))).await;
        let tried = tries.iter().filter(|answer| answer.status.as_u16() == 401).count();
        // A second passes, on a slow machine, and lets one more in.
        assert!((3..=4).contains(&tried), "{tried}");
        assert!(tries.iter().all(|answer| [401, 429].contains(&answer.status.as_u16())));
    }
}

async fn a_new_password_by_mail_lifts_the_waits(make: Make) {
    const NEW: &str = "wet-Marble-37 field";
    let clock = held_clock();
    let app = start(make, &clock);
    let (ann, bob) = (register(&app, HOME, "ann").await, register(&app, HOME, "bob").await);
    let logins = ["ann", "ann@example.com"];
    for login in ["ann", "ann@example.com", "bob"] {
        // From one place, and from everywhere within the day.
        for _ in 0..3 {
            log_in(&app, HOME, login, WRONG).await;
        }
        for number in 1..=8 {
            log_in(&app, &stranger(number), login, WRONG).await;
        }
    }
    for _ in 0..3 {
        let body = json!({"password": WRONG});
        ann.client.json(Method::POST, "/v1/me/step-up", &body).await.expect(403);
    }
    let waits = async |from: &str, login: &str| {
        log_in(&app, from, login, PASSWORD).await.expect_problem(429, "rate_limited");
    };
    for from in [HOME, AWAY] {
        waits(from, "ann").await;
        waits(from, "bob").await;
    }
    app.post("/v1/password-resets", &json!({"email": "ann@example.com"})).await.expect(202);
    let token = app.mailed_token("password_reset", "ann@example.com").await;
    let confirm = async |token: &str| {
        let body = json!({"token": token, "new_password": NEW});
        app.post("/v1/password-resets/confirm", &body).await
    };
    // To ask is not to prove.
    confirm("nonsense").await.expect_problem(422, "invalid_token");
    waits(HOME, "ann").await;
    confirm(&token).await.expect(204);
    for login in logins {
        for from in [HOME, AWAY] {
            log_in(&app, from, login, NEW).await.expect(201);
        }
    }
    let ann = Person::from(&app.client, &log_in(&app, HOME, "ann", NEW).await.expect(201));
    ann.client.json(Method::POST, "/v1/me/step-up", &json!({"password": NEW})).await.expect(200);
    // Nobody else was forgiven, and from here on it is counted as before.
    waits(AWAY, "bob").await;
    bob.client.get("/v1/me").await.expect(200);
    for status in [401, 401, 401, 429] {
        log_in(&app, AWAY, "ann", WRONG).await.expect(status);
    }
}

/// Whether a password is right is not told by how often it may be tried.
async fn the_right_password_of_a_closed_account_counts_as_wrong(make: Make) {
    let clock = held_clock();
    let app = start(make, &clock);
    let ann = register(&app, HOME, "ann").await;
    let judge = app.with_role("judge", Role::Moderator).await;
    suspend(&judge, &ann, &spam()).await.expect(200);
    for (login, password) in [("ann", PASSWORD), ("nobody", PASSWORD)] {
        for status in [401, 401, 401, 429] {
            log_in(&app, AWAY, login, password).await.expect(status);
        }
    }
}
