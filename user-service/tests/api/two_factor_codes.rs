use std::time::Duration;

use actix_web::http::Method;
use serde_json::json;
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::config::Switch;

use crate::test_app::{Make, PASSWORD, Person, TestApp};
use crate::two_factor::{
    MOMENT, Owner, STEP, begin, code, confirm, enable, log_in, start, start_with, state, wrong_code,
};

on_both_databases!(
    each_recovery_code_is_for_one_use_until_none_is_left,
    too_many_wrong_codes_have_to_wait,
    wrong_passwords_and_used_codes_make_nobody_wait,
    a_first_code_is_not_guessed_either,
    a_refusal_tells_of_its_own_limit,
);

async fn owner(app: &TestApp) -> Owner {
    let ann = app.register("ann").await;
    enable(app, &ann).await
}

async fn each_recovery_code_is_for_one_use_until_none_is_left(make: Make) {
    let app = start(make);
    let ann = owner(&app).await;
    for (used, recovery_code) in ann.recovery_codes.iter().enumerate() {
        assert_eq!(state(&ann.person).await["recovery_codes_left"], 10 - used);
        let typed = match used % 3 {
            0 => recovery_code.clone(),
            1 => recovery_code.to_ascii_uppercase(),
            _ => format!(" {} ", recovery_code.replace('-', " ")),
        };
        log_in(&app, "ann", &typed).await.expect(201);
        log_in(&app, "ann", &typed).await.expect_problem(401, "invalid_code");
    }
    let left = state(&ann.person).await;
    assert_eq!((&left["enabled"], &left["recovery_codes_left"]), (&json!(true), &json!(0)));
    app.try_log_in("ann", PASSWORD).await.expect_problem(401, "two_factor_required");
    // The app still opens, and new codes can be had.
    let again = Person::from(&app.client, &log_in(&app, "ann", &code(&app, &ann.app)).await.expect(201));
    again.client.post("/v1/me/two-factor/recovery-codes").await.expect(200);
    assert_eq!(state(&ann.person).await["recovery_codes_left"], 10);
}

async fn too_many_wrong_codes_have_to_wait(make: Make) {
    let app = start(make);
    let ann = owner(&app).await;
    let wait = async |expected: u64| {
        for shown in [code(&app, &ann.app), ann.recovery_codes[0].clone(), wrong_code(&app, &ann.app)] {
            let refused = log_in(&app, "ann", &shown).await.expect_problem(429, "rate_limited");
            assert_eq!(refused.header("retry-after"), expected.to_string());
        }
        app.try_log_in("ann", PASSWORD).await.expect_problem(401, "two_factor_required");
        app.settings.clock.advance(Duration::from_secs(expected) + MOMENT);
    };
    for _ in 0..5 {
        log_in(&app, "ann", &wrong_code(&app, &ann.app)).await.expect_problem(401, "invalid_code");
    }
    wait(30).await;
    log_in(&app, "ann", "x").await.expect_problem(401, "invalid_code");
    wait(60).await;
    log_in(&app, "ann", "abcd-2345-abcd").await.expect_problem(401, "invalid_code");
    wait(120).await;
    // A right one begins anew.
    log_in(&app, "ann", &code(&app, &ann.app)).await.expect(201);
    app.settings.clock.advance(STEP);
    for _ in 0..4 {
        log_in(&app, "ann", &wrong_code(&app, &ann.app)).await.expect_problem(401, "invalid_code");
    }
    log_in(&app, "ann", &ann.recovery_codes[0]).await.expect(201);
    // Of this account alone, and also after a restart.
    for _ in 0..5 {
        log_in(&app, "ann", "x").await.expect_problem(401, "invalid_code");
    }
    let app = app.restart().await;
    log_in(&app, "ann", &ann.recovery_codes[1]).await.expect_problem(429, "rate_limited");
    let bob = app.register("bob").await;
    let bob = enable(&app, &bob).await;
    log_in(&app, "bob", &code(&app, &bob.app)).await.expect(201);
}

async fn wrong_passwords_and_used_codes_make_nobody_wait(make: Make) {
    let app = start(make);
    let ann = owner(&app).await;
    let used = code(&app, &ann.app);
    log_in(&app, "ann", &used).await.expect(201);
    for _ in 0..12 {
        let body = json!({"login": "ann", "password": "wrong password", "code": "000000"});
        app.post("/v1/sessions", &body).await.expect_problem(401, "invalid_credentials");
        app.try_log_in("ann", PASSWORD).await.expect_problem(401, "two_factor_required");
        log_in(&app, "ann", &used).await.expect_problem(401, "invalid_code");
    }
    app.settings.clock.advance(STEP);
    log_in(&app, "ann", &code(&app, &ann.app)).await.expect(201);
}

async fn a_first_code_is_not_guessed_either(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let totp = begin(&ann).await;
    for _ in 0..5 {
        confirm(&ann, &wrong_code(&app, &totp)).await.expect_problem(403, "wrong_code");
    }
    let refused = confirm(&ann, &code(&app, &totp)).await.expect_problem(429, "rate_limited");
    let told = ["retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    assert_eq!(told.map(|name| refused.header(name)), ["30", "5", "0", "30"]);
    app.settings.clock.advance(STEP + MOMENT);
    confirm(&ann, &code(&app, &totp)).await.expect(200);
}

/// Each of the limits of a route: of the network, of the passwords, of the codes and of the mails.
async fn a_refusal_tells_of_its_own_limit(make: Make) {
    let app = start_with(make, |settings| {
        settings.rate_limits = Switch::On;
        settings.limits.guesses_max = 4;
        settings.limits.mails_per_hour = 2;
    });
    let limit = |answer: &Answer| answer.header("x-ratelimit-limit").to_owned();
    let ann = app.register("ann").await;
    let totp = begin(&ann).await;
    for _ in 0..5 {
        assert_eq!(limit(&confirm(&ann, &wrong_code(&app, &totp)).await.expect(403)), "600");
    }
    assert_eq!(limit(&confirm(&ann, &code(&app, &totp)).await.expect(429)), "5");
    app.settings.clock.advance(STEP + MOMENT);
    assert_eq!(limit(&confirm(&ann, &code(&app, &totp)).await.expect(200)), "600");
    app.settings.clock.advance(STEP);
    for _ in 0..5 {
        log_in(&app, "ann", &wrong_code(&app, &totp)).await.expect_problem(401, "invalid_code");
    }
    assert_eq!(limit(&log_in(&app, "ann", &code(&app, &totp)).await.expect(429)), "5");
    let step_up = async |password: &str| {
        let body = json!({"password": password, "code": "000000"});
        ann.client.json(Method::POST, "/v1/me/step-up", &body).await
    };
    assert_eq!(limit(&step_up(PASSWORD).await.expect(429)), "5");
    for _ in 0..4 {
        step_up("wrong password").await.expect_problem(403, "wrong_password");
    }
    assert_eq!(limit(&step_up(PASSWORD).await.expect(429)), "4");
    let bob = app.register("bob").await;
    let change =
        async |email: &str| bob.client.json(Method::PUT, "/v1/me/email", &json!({"email": email})).await;
    change("new@example.com").await.expect(202);
    assert_eq!(limit(&change("newer@example.com").await.expect(429)), "2");
}
