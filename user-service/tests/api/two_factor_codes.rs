use std::time::Duration;

use serde_json::json;
use shared::on_both_databases;

use crate::test_app::{Make, PASSWORD, Person, TestApp};
use crate::two_factor::{
    MOMENT, Owner, STEP, begin, code, confirm, enable, log_in, start, state, wrong_code,
};

on_both_databases!(
    each_recovery_code_is_for_one_use_until_none_is_left,
    too_many_wrong_codes_have_to_wait,
    wrong_passwords_and_used_codes_make_nobody_wait,
    a_first_code_is_not_guessed_either,
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
    confirm(&ann, &code(&app, &totp)).await.expect_problem(429, "rate_limited");
    app.settings.clock.advance(STEP + MOMENT);
    confirm(&ann, &code(&app, &totp)).await.expect(200);
}
