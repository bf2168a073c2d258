use actix_web::http::Method;
use serde_json::json;
use shared::on_both_databases;

use crate::step_up::step_up;
use crate::test_app::{Make, PASSWORD, TestApp};
use crate::two_factor::{MOMENT, PROOF, begin, code, confirm, enable, log_in, start, wrong_code};

on_both_databases!(
    the_owner_is_told_when_it_begins_and_ends,
    a_new_password_by_mail_leaves_it_in_force,
    another_address_asks_for_both_factors,
);

const ANN: &str = "mail.ann@example.com";
const NEW: &str = "wet-Marble-37 field";

async fn told(app: &TestApp) -> [usize; 2] {
    let enabled = app.letters_to("two_factor_enabled", ANN).await.len();
    [enabled, app.letters_to("two_factor_ended", ANN).await.len()]
}

async fn the_owner_is_told_when_it_begins_and_ends(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let totp = begin(&ann).await;
    confirm(&ann, &wrong_code(&app, &totp)).await.expect_problem(403, "wrong_code");
    ann.client.delete("/v1/me/two-factor").await.expect(204);
    assert_eq!(told(&app).await, [0, 0], "nothing was in force");
    let ann = enable(&app, &ann).await;
    assert_eq!(told(&app).await, [1, 0]);
    ann.person.client.post("/v1/me/two-factor/recovery-codes").await.expect(200);
    for _ in 0..2 {
        ann.person.client.delete("/v1/me/two-factor").await.expect(204);
    }
    assert_eq!(told(&app).await, [1, 1]);
}

async fn a_new_password_by_mail_leaves_it_in_force(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    app.post("/v1/password-resets", &json!({"email": ANN})).await.expect(202);
    let token = app.mailed_token("password_reset", ANN).await;
    let body = json!({"token": token, "new_password": NEW});
    app.post("/v1/password-resets/confirm", &body).await.expect(204);
    app.try_log_in("ann", NEW).await.expect_problem(401, "two_factor_required");
    log_in(&app, "ann", &ann.recovery_codes[0]).await.expect_problem(401, "invalid_credentials");
    let body = json!({"login": "ann", "password": NEW, "code": ann.recovery_codes[0]});
    app.post("/v1/sessions", &body).await.expect(201);
}

async fn another_address_asks_for_both_factors(make: Make) {
    let app = start(make);
    let ann = app.register("ann").await;
    let ann = enable(&app, &ann).await;
    app.settings.clock.advance(PROOF + MOMENT);
    let change = async || {
        let body = json!({"email": "new@example.com"});
        ann.person.client.json(Method::PUT, "/v1/me/email", &body).await
    };
    change().await.expect_problem(403, "step_up_required");
    step_up(&ann.person, PASSWORD).await.expect_problem(403, "two_factor_required");
    change().await.expect_problem(403, "step_up_required");
    let both = json!({"password": PASSWORD, "code": code(&app, &ann.app)});
    ann.person.client.json(Method::POST, "/v1/me/step-up", &both).await.expect(200);
    change().await.expect(202);
}
