//! Access tokens that only whoever has the key could make, and still are none: the form is checked, not the
//! signature alone.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::on_both_databases;

use crate::test_app::{Make, TestApp, held_clock};

on_both_databases!(
    only_a_whole_token_of_this_service_opens,
    no_other_key_and_no_other_form_opens,
    every_way_that_ends_sessions_tells_of_each,
);

fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Whoever has the key.
struct Forger {
    app: TestApp,
    key: SigningKey,
    header: Value,
    claims: Value,
}

impl Forger {
    async fn start(make: Make) -> Self {
        let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
        let ann = app.register("ann").await;
        let key = SigningKey::from_bytes(&app.settings.signing_key.to_bytes().unwrap());
        let keys = app.client.get("/.well-known/jwks.json").await.expect(200).json();
        let now = app.settings.clock.now().as_secs();
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": keys["keys"][0]["kid"]});
        let claims = json!({
            "sub": ann.id, "sid": ann.session_id(), "iss": "mutual", "aud": "mutual",
            "exp": now + 600, "nbf": now, "iat": now,
        });
        let forger = Self { app, key, header, claims };
        let whole = forger.sign(&forger.header.to_string(), &forger.claims.to_string());
        assert_eq!(forger.status(&whole).await, 200, "the test makes tokens");
        forger
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        signed_by(&self.key, header, claims)
    }

    async fn status(&self, token: &str) -> u16 {
        self.app.client.with_token(token).get("/v1/me").await.status.as_u16()
    }
}

fn signed_by(key: &SigningKey, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes()))
}

/// The same with another value; without it for null.
fn with(whole: &Value, name: &str, value: &Value) -> String {
    let mut other = whole.clone();
    if value.is_null() {
        other.as_object_mut().unwrap().remove(name);
    } else {
        other[name] = value.clone();
    }
    other.to_string()
}

async fn only_a_whole_token_of_this_service_opens(make: Make) {
    let forger = Forger::start(make).await;
    let now = forger.app.settings.clock.now().as_secs();
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!(["EdDSA"])),
        ("alg", Value::Null),
        ("typ", json!("JWT")),
        ("typ", json!("")),
        ("typ", Value::Null),
        ("kid", json!("other")),
        ("kid", json!("../signing-key")),
        ("kid", Value::Null),
    ] {
        let token = forger.sign(&with(&forger.header, name, &value), &forger.claims.to_string());
        assert_eq!(forger.status(&token).await, 401, "{name} {value}");
    }
    for (name, value) in [
        ("iss", json!("other")),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", Value::Null),
        ("exp", json!((now + 600).to_string())),
        ("exp", json!(now)),
        ("exp", json!(1e300)),
        ("exp", Value::Null),
        ("nbf", json!(now.to_string())),
        ("nbf", json!(now + 60)),
        ("nbf", Value::Null),
        ("sub", json!(7)),
        ("sub", json!("0")),
        ("sub", json!(["1"])),
        ("sub", Value::Null),
        ("sid", Value::Null),
    ] {
        let token = forger.sign(&forger.header.to_string(), &with(&forger.claims, name, &value));
        assert_eq!(forger.status(&token).await, 401, "{name} {value}");
    }
}

async fn no_other_key_and_no_other_form_opens(make: Make) {
    let forger = Forger::start(make).await;
    let (header, claims) = (forger.header.to_string(), forger.claims.to_string());
    // Claims that are there twice: which one holds must not be a matter of the reader.
    let twice = claims.replacen('{', r#"{"sub":"1","#, 1);
    assert_eq!(forger.status(&forger.sign(&header, &twice)).await, 401, "{twice}");
    // The public key as the secret of another algorithm, and a key that the token brings along.
    let signed = format!("{}.{}", part(&with(&forger.header, "alg", &json!("HS256"))), part(&claims));
    let secret = forger.key.verifying_key();
    let tag = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.finalize().into_bytes()));
    assert_eq!(forger.status(&token).await, 401);
    let other = SigningKey::from_bytes(&[7; 32]);
    let x = URL_SAFE_NO_PAD.encode(other.verifying_key().as_bytes());
    let brought = with(&forger.header, "jwk", &json!({"kty": "OKP", "crv": "Ed25519", "x": x}));
    assert_eq!(forger.status(&signed_by(&other, &brought, &claims)).await, 401);
    // Longer than any that is made.
    let long = forger.sign(&header, &with(&forger.claims, "jti", &json!("x".repeat(3_000))));
    assert_eq!(forger.status(&long).await, 401);
    assert_eq!(forger.status(&"x".repeat(30_000)).await, 401);
    forger.app.settings.clock.advance(Duration::from_secs(1));
    assert_eq!(forger.status(&forger.sign(&header, &claims)).await, 200);
}

/// T5: as many events as sessions, whoever ends them.
async fn every_way_that_ends_sessions_tells_of_each(make: Make) {
    use crate::deactivation::deactivate;
    use crate::moderation::{spam, suspend, unsuspend};
    use crate::test_app::PASSWORD;
    use actix_web::http::Method;
    use user_service::domain::account::Role;

    const NEW: &str = "wet-Marble-37 field";
    let app = TestApp::start_with(make, |settings| settings.limits.sessions_max = 3);
    let judge = app.with_role("judge", Role::Moderator).await;
    app.register("ann").await;
    let ended = async || {
        let events = app.events().await;
        events.iter().filter(|event| event["type"] == "session.revoked").count()
    };
    let log_in = async |password: &str| {
        let answer = app.try_log_in("ann", password).await.expect(201);
        crate::test_app::Person::from(&app.client, &answer)
    };
    let mut seen = 0;
    let mut more = async |by: usize, what: &str| {
        seen += by;
        assert_eq!(ended().await, seen, "{what}");
    };
    let (one, two) = (log_in(PASSWORD).await, log_in(PASSWORD).await);
    let three = log_in(PASSWORD).await;
    more(1, "one too many").await;
    three.client.delete("/v1/me/sessions/current").await.expect(204);
    more(1, "its own").await;
    two.client.delete(&format!("/v1/me/sessions/{}", one.session_id())).await.expect(204);
    more(1, "another").await;
    log_in(PASSWORD).await;
    two.client.delete("/v1/me/sessions").await.expect(204);
    more(1, "all others").await;
    app.refresh(two.refresh_token()).await.expect(200);
    let used = app.refresh(two.refresh_token()).await.expect(200).json();
    app.refresh(used["session"]["refresh_token"].as_str().unwrap()).await.expect(200);
    app.refresh(two.refresh_token()).await.expect(401);
    more(1, "a token that was used").await;
    let (one, _) = (log_in(PASSWORD).await, log_in(PASSWORD).await);
    let body = json!({"current_password": PASSWORD, "new_password": NEW});
    one.client.json(Method::PUT, "/v1/me/password", &body).await.expect(204);
    more(1, "a new password").await;
    let body = json!({"email": "ann.new@example.com", "password": NEW});
    let two = log_in(NEW).await;
    two.client.json(Method::PUT, "/v1/me/email", &body).await.expect(202);
    let token = app.mailed_token("email_change", "ann.new@example.com").await;
    app.post("/v1/email-verifications", &json!({"token": token})).await.expect(204);
    more(1, "a new address").await;
    app.post("/v1/password-resets", &json!({"email": "ann.new@example.com"})).await.expect(202);
    let token = app.mailed_token("password_reset", "ann.new@example.com").await;
    let body = json!({"token": token, "new_password": PASSWORD});
    app.post("/v1/password-resets/confirm", &body).await.expect(204);
    more(1, "a new password by mail").await;
    let (one, _) = (log_in(PASSWORD).await, log_in(PASSWORD).await);
    suspend(&judge, &one, &spam()).await.expect(200);
    more(2, "a suspension").await;
    unsuspend(&judge, &one).await.expect(200);
    let (one, _) = (log_in(PASSWORD).await, log_in(PASSWORD).await);
    deactivate(&one, PASSWORD).await.expect(202);
    more(2, "a deactivation").await;
    let (one, _) = (log_in(PASSWORD).await, log_in(PASSWORD).await);
    one.client.json(Method::POST, "/v1/me/deletion", &json!({"password": PASSWORD})).await.expect(202);
    more(2, "a deletion").await;
}
