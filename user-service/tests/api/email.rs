use std::time::Duration;

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::config::Switch;

use crate::test_app::{Make, PASSWORD, Person, TestApp, held_clock};

on_both_databases!(
    a_newcomer_is_asked_whether_the_address_is_theirs,
    a_token_that_is_not_right_opens_nothing,
    a_new_address_is_in_force_when_it_is_confirmed,
    a_change_asks_for_a_proof,
    who_has_an_address_is_not_told,
    of_two_who_want_one_address_the_first_to_confirm_gets_it,
    a_wish_can_be_taken_back_repeated_and_replaced,
    a_verified_address_is_not_asked_about_again,
    a_new_address_voids_what_was_mailed_to_the_old_one,
    a_new_address_ends_every_other_session,
    mails_to_one_address_are_limited,
    requests_for_mails_are_limited_by_network,
);

const ANN: &str = "mail.ann@example.com";
const NEW: &str = "Ann.New@example.com";
const HOUR: Duration = Duration::from_secs(60 * 60);

async fn change(person: &Person, email: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD});
    person.client.json(Method::PUT, "/v1/me/email", &body).await
}

async fn ask_again(person: &Person) -> Answer {
    person.client.send(Method::POST, "/v1/me/email-verification", &[], Vec::new()).await
}

async fn verify(app: &TestApp, token: &str) -> Answer {
    app.post("/v1/email-verifications", &json!({"token": token})).await
}

async fn address(person: &Person) -> (Value, Value) {
    let me = person.client.get("/v1/me").await.expect(200).json();
    (me["email"].clone(), me["email_verified"].clone())
}

async fn a_newcomer_is_asked_whether_the_address_is_theirs(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let letters = app.letters().await;
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!((letters[0].kind.as_str(), letters[0].to.as_str()), ("verification", ANN));
    assert_eq!(address(&ann).await, (json!(ANN), json!(false)));
    let token = letters[0].token();
    assert!(verify(&app, &token).await.expect(204).bytes.is_empty());
    assert_eq!(address(&ann).await, (json!(ANN), json!(true)));
    verify(&app, &token).await.expect_problem(422, "invalid_token");
    let events = app.events().await;
    let kinds: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["user.registered", "user.updated"]);
    assert!(!events.iter().any(|event| event.to_string().contains("@")), "no address in the log");
}

async fn a_token_that_is_not_right_opens_nothing(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| settings.clock = clock.clone());
    let ann = app.register("ann").await;
    app.register("bob").await;
    app.post("/v1/password-resets", &json!({"email": ANN})).await.expect(202);
    let token = app.mailed_token("verification", ANN).await;
    let reset = app.mailed_token("password_reset", ANN).await;
    for wrong in ["", "x", &token[1..], &format!("{token}A"), &"A".repeat(66), &reset, &"x".repeat(10_000)] {
        verify(&app, wrong).await.expect_problem(422, "invalid_token");
    }
    for at in [3, 12, 22, 23, 40, 64] {
        let mut forged = token.clone();
        let other = if &token[at..=at] == "B" { "C" } else { "B" };
        forged.replace_range(at..=at, other);
        verify(&app, &forged).await.expect_problem(422, "invalid_token");
    }
    let path = "/v1/email-verifications";
    app.post(path, &json!({})).await.expect_problem(422, "validation_failed");
    app.post(path, &json!({"token": null})).await.expect_problem(422, "validation_failed");
    for body in
        [json!({"token": [token]}), json!({"token": 1}), json!({"token": token, "x": 1}), json!([token])]
    {
        app.post(path, &body).await.expect(400);
    }
    let doubled = format!(r#"{{"token":"{token}","token":"{token}"}}"#).into_bytes();
    let json_type = [("content-type", "application/json")];
    app.client.send(Method::POST, path, &json_type, doubled).await.expect(400);
    let body = json!({"token": token, "new_password": "wet-Marble-37 field"});
    app.post("/v1/password-resets/confirm", &body).await.expect_problem(422, "invalid_token");
    // The token was made a moment ahead of the clock, as the log's time is.
    clock.advance(24 * HOUR + Duration::from_secs(1));
    verify(&app, &token).await.expect_problem(422, "invalid_token");
    assert_eq!(app.log_in("ann").await.id, ann.id);
    let me = app.log_in("ann").await;
    assert_eq!(address(&me).await, (json!(ANN), json!(false)));
}

async fn a_new_address_is_in_force_when_it_is_confirmed(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    change(&ann, NEW).await.expect(202);
    assert_eq!(address(&ann).await, (json!(ANN), json!(false)), "not yet");
    app.try_log_in(NEW, PASSWORD).await.expect_problem(401, "invalid_credentials");
    let asked = app.letters_to("email_change_asked", ANN).await;
    assert_eq!(asked.len(), 1);
    let token = app.mailed_token("email_change", NEW).await;
    assert!(!asked[0].text.contains(&token));
    verify(&app, &token).await.expect(204);
    assert_eq!(address(&ann).await, (json!(NEW), json!(true)));
    assert_eq!(app.letters_to("email_changed", ANN).await.len(), 1);
    app.log_in("ann.new@EXAMPLE.com").await;
    app.try_log_in(ANN, PASSWORD).await.expect_problem(401, "invalid_credentials");
    verify(&app, &token).await.expect_problem(422, "invalid_token");
    // The old address is free, the new one is not.
    let register = |name: &str, email: &str| {
        let body = json!({"username": name, "email": email, "password": PASSWORD});
        let client = app.client.clone();
        async move { client.json(Method::POST, "/v1/users", &body).await }
    };
    register("bob", NEW).await.expect_problem(409, "email_taken");
    register("bob", ANN).await.expect(201);
    // To another case of the same address, too.
    let ann = app.log_in("ann").await;
    change(&ann, "ann.new@example.com").await.expect(202);
    verify(&app, &app.mailed_token("email_change", "ann.new@example.com").await).await.expect(204);
    assert_eq!(address(&ann).await, (json!("ann.new@example.com"), json!(true)));
    let findings = user_service::store::audit::audit(&mut app.conn()).unwrap();
    assert!(findings.iter().all(|finding| finding.drift == 0), "{findings:?}");
}

async fn a_change_asks_for_a_proof(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| settings.clock = clock.clone());
    let ann = app.register("ann").await;
    let put = |body: Value| {
        let client = ann.client.clone();
        async move { client.json(Method::PUT, "/v1/me/email", &body).await }
    };
    put(json!({"email": NEW, "password": "wrong"})).await.expect_problem(403, "wrong_password");
    put(json!({"email": NEW, "password": ""})).await.expect_problem(403, "wrong_password");
    put(json!({"email": "ann", "password": PASSWORD})).await.expect_problem(422, "validation_failed");
    put(json!({"password": PASSWORD})).await.expect_problem(422, "validation_failed");
    put(json!({"email": [NEW], "password": PASSWORD})).await.expect(400);
    let anybody = app.client.json(Method::PUT, "/v1/me/email", &json!({"email": NEW})).await;
    anybody.expect_problem(401, "unauthenticated");
    assert_eq!(app.letters().await.len(), 1, "the one on registering");
    // The login stands in for the password, for a while.
    clock.advance(Duration::from_secs(299));
    put(json!({"email": NEW})).await.expect(202);
    clock.advance(Duration::from_secs(1));
    put(json!({"email": "ann.third@example.com"})).await.expect_problem(403, "step_up_required");
    put(json!({"email": "ann.third@example.com", "password": PASSWORD})).await.expect(202);
    let kinds: Vec<String> = app.letters().await.into_iter().map(|letter| letter.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "email_change").count(), 2, "{kinds:?}");
}

async fn who_has_an_address_is_not_told(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let free = change(&ann, NEW).await;
    assert_eq!(app.letters_to("email_change", NEW).await.len(), 1);
    let taken = change(&ann, "MAIL.bob@example.com").await;
    for answer in [&free, &taken] {
        assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({"status": "accepted"})));
    }
    let names = |answer: &Answer| {
        let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&free), names(&taken));
    let told = app.letters_to("address_in_use", "mail.bob@example.com").await;
    assert_eq!(told.len(), 1);
    assert!(!told[0].text.contains("token") && !told[0].text.contains("ann"), "{}", told[0].text);
    assert!(told[0].text.contains("Hello bob,"));
    assert_eq!(app.letters_to("email_change_asked", ANN).await.len(), 2);
    // The later wish replaced the earlier one, as it does between free addresses.
    let token = app.mailed_token("email_change", NEW).await;
    verify(&app, &token).await.expect_problem(422, "invalid_token");
    assert_eq!(address(&ann).await.0, json!(ANN));
    assert_eq!(address(&bob).await.0, json!("mail.bob@example.com"));
}

async fn of_two_who_want_one_address_the_first_to_confirm_gets_it(make: Make) {
    let app = TestApp::start(make);
    let people = [app.register("ann").await, app.register("bob").await];
    for person in &people {
        change(person, NEW).await.expect(202);
    }
    let tokens: Vec<String> = app.letters_to("email_change", NEW).await.iter().map(|l| l.token()).collect();
    assert_eq!(tokens.len(), 2);
    let answers = join_all(tokens.iter().map(|token| verify(&app, token))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 422]);
    let holders = [address(&people[0]).await.0, address(&people[1]).await.0];
    assert_eq!(holders.iter().filter(|held| **held == json!(NEW)).count(), 1, "{holders:?}");
    // One token, many at once: one use.
    change(&people[0], "ann.third@example.com").await.expect(202);
    let token = app.mailed_token("email_change", "ann.third@example.com").await;
    let answers = join_all((0..8).map(|_| verify(&app, &token))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status.as_u16() == 204).count(), 1);
}

async fn a_wish_can_be_taken_back_repeated_and_replaced(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    change(&ann, NEW).await.expect(202);
    let first = app.mailed_token("email_change", NEW).await;
    ask_again(&ann).await.expect(202);
    let again = app.mailed_token("email_change", NEW).await;
    assert_ne!(first, again);
    verify(&app, &first).await.expect_problem(422, "invalid_token");
    change(&ann, "ann.third@example.com").await.expect(202);
    verify(&app, &again).await.expect_problem(422, "invalid_token");
    let third = app.mailed_token("email_change", "ann.third@example.com").await;
    change(&ann, ANN).await.expect(202);
    verify(&app, &third).await.expect_problem(422, "invalid_token");
    assert_eq!(address(&ann).await, (json!(ANN), json!(false)));
    assert_eq!(app.letters().await.iter().filter(|letter| letter.to == ANN).count(), 3);
}

async fn a_verified_address_is_not_asked_about_again(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let first = app.mailed_token("verification", ANN).await;
    ask_again(&ann).await.expect(202);
    let letters = app.letters_to("verification", ANN).await;
    assert_eq!(letters.len(), 2);
    verify(&app, &first).await.expect_problem(422, "invalid_token");
    verify(&app, &letters[1].token()).await.expect(204);
    ask_again(&ann).await.expect(202);
    assert_eq!(app.letters().await.len(), 2);
    app.client.send(Method::POST, "/v1/me/email-verification", &[], Vec::new()).await.expect(401);
}

async fn a_new_address_voids_what_was_mailed_to_the_old_one(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let verification = app.mailed_token("verification", ANN).await;
    app.post("/v1/password-resets", &json!({"email": ANN})).await.expect(202);
    let reset = app.mailed_token("password_reset", ANN).await;
    change(&ann, NEW).await.expect(202);
    verify(&app, &app.mailed_token("email_change", NEW).await).await.expect(204);
    let body = json!({"token": reset, "new_password": "wet-Marble-37 field"});
    app.post("/v1/password-resets/confirm", &body).await.expect_problem(422, "invalid_token");
    verify(&app, &verification).await.expect_problem(422, "invalid_token");
    app.post("/v1/password-resets", &json!({"email": ANN})).await.expect(202);
    assert_eq!(app.letters_to("password_reset", ANN).await.len(), 1, "nobody has that address now");
}

async fn a_new_address_ends_every_other_session(make: Make) {
    let app = TestApp::start(make);
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    let others = [app.log_in("ann").await, app.log_in("ann").await];
    change(&ann, NEW).await.expect(202);
    // Asked again by another session, it is still the wish of the first.
    ask_again(&others[0]).await.expect(202);
    let token = app.mailed_token("email_change", NEW).await;
    verify(&app, &app.mailed_token("verification", "mail.bob@example.com").await).await.expect(204);
    for person in [&ann, &others[0], &others[1], &bob] {
        person.client.get("/v1/me").await.expect(200);
    }
    let seen = app.events().await.len();
    verify(&app, &token).await.expect(204);
    for other in &others {
        other.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
        app.refresh(other.refresh_token()).await.expect_problem(401, "invalid_refresh_token");
    }
    for person in [&ann, &bob] {
        person.client.get("/v1/me").await.expect(200);
    }
    let told = app.events().await.split_off(seen);
    let kinds: Vec<&str> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user.updated", "session.revoked", "session.revoked"]);
    let mut ended: Vec<&str> =
        told[1..].iter().map(|event| event["data"]["session_id"].as_str().unwrap()).collect();
    ended.sort_unstable();
    let mut expected = others.each_ref().map(Person::session_id);
    expected.sort_unstable();
    assert_eq!(ended, expected);
    // The session that asked may have ended meanwhile: then all others do.
    change(&ann, ANN).await.expect(202);
    let token = app.mailed_token("email_change", ANN).await;
    let phone = app.log_in("ann").await;
    ann.client.delete("/v1/me/sessions/current").await.expect(204);
    verify(&app, &token).await.expect(204);
    phone.client.get("/v1/me").await.expect_problem(401, "unauthenticated");
}

async fn mails_to_one_address_are_limited(make: Make) {
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        settings.rate_limits = Switch::On;
        settings.limits.mails_per_hour = 3;
    });
    let ann = app.register("ann").await;
    for sent in 1..3 {
        assert_eq!(app.letters().await.len(), sent);
        ask_again(&ann).await.expect(202);
    }
    let refused = ask_again(&ann).await.expect_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "3600");
    // The old address would be told, so this waits, too.
    change(&ann, NEW).await.expect_problem(429, "rate_limited");
    assert_eq!(app.letters().await.len(), 3);
    // The token that was mailed last is still the one.
    let token = app.letters_to("verification", ANN).await[2].token();
    // How many mails others have sent to a new address is not told.
    let others = [app.register("bob").await, app.register("cid").await];
    for other in [&others[0], &others[0], &others[1], &others[1]] {
        change(other, NEW).await.expect(202);
        app.letters().await;
    }
    assert_eq!(app.letters_to("email_change", NEW).await.len(), 3);
    verify(&app, &token).await.expect(204);
    clock.advance(HOUR + Duration::from_secs(1));
    let ann = app.log_in("ann").await;
    change(&ann, NEW).await.expect(202);
    assert_eq!(app.letters_to("email_change", NEW).await.len(), 4);
}

async fn requests_for_mails_are_limited_by_network(make: Make) {
    let app = TestApp::start_with(make, |settings| {
        settings.clock = held_clock();
        settings.rate_limits = Switch::On;
        settings.limits.mail_requests_per_hour = 3;
    });
    let ann = app.register("ann").await;
    let nobody = json!({"email": "nobody@example.com"});
    let ask = || app.post("/v1/password-resets", &nobody);
    assert_eq!(ask().await.expect(202).header("x-ratelimit-remaining"), "2");
    ask_again(&ann).await.expect(202);
    ask().await.expect(202);
    let refused = ask().await.expect_problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "3600");
    ask_again(&ann).await.expect_problem(429, "rate_limited");
}
