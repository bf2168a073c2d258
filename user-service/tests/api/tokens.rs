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

on_both_databases!(only_a_whole_token_of_this_service_opens, every_way_that_ends_sessions_tells_of_each);

fn part(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

async fn only_a_whole_token_of_this_service_opens(make: Make) {
    let app = TestApp::start_with(make, |settings| settings.clock = held_clock());
    let ann = app.register("ann").await;
    let key = SigningKey::from_bytes(&app.settings.signing_key.to_bytes().unwrap());
    let keys = app.client.get("/.well-known/jwks.json").await.expect(200).json();
    let public = keys["keys"][0].clone();
    let now = app.settings.clock.now().as_secs();
    let sign = |header: &str, claims: &str| {
        let signed = format!("{}.{}", part(header), part(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes()))
    };
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": public["kid"]});
    let claims = json!({
        "sub": ann.id, "sid": ann.session_id(), "iss": "mutual", "aud": "mutual",
        "exp": now + 600, "nbf": now, "iat": now,
    });
    let status = async |token: &str| app.client.with_token(token).get("/v1/me").await.status.as_u16();
    assert_eq!(status(&sign(&header.to_string(), &claims.to_string())).await, 200, "the test makes tokens");

    let with = |whole: &Value, name: &str, value: Value| {
        let mut other = whole.clone();
        match value {
            Value::Null => drop(other.as_object_mut().unwrap().remove(name)),
            value => other[name] = value,
        }
        other.to_string()
    };
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
        let token = sign(&with(&header, name, value.clone()), &claims.to_string());
        assert_eq!(status(&token).await, 401, "{name} {value}");
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
        ("sub", json!(ann.id.parse::<i64>().unwrap())),
        ("sub", json!("0")),
        ("sub", json!(["1"])),
        ("sub", Value::Null),
        ("sid", Value::Null),
    ] {
        let token = sign(&header.to_string(), &with(&claims, name, value.clone()));
        assert_eq!(status(&token).await, 401, "{name} {value}");
    }
    // Claims that are there twice: which one holds must not be a matter of the reader.
    let twice = claims.to_string().replacen('{', r#"{"sub":"1","#, 1);
    assert_eq!(status(&sign(&header.to_string(), &twice)).await, 401, "{twice}");
    // The public key as the secret of another algorithm, and a key that the token brings along.
    let x = URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap();
    let signed = format!("{}.{}", part(&with(&header, "alg", json!("HS256"))), part(&claims.to_string()));
    let tag = Hmac::<Sha256>::new_from_slice(&x).unwrap().chain_update(signed.as_bytes()).finalize();
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.into_bytes()));
    assert_eq!(status(&token).await, 401);
    let other = SigningKey::from_bytes(&[7; 32]);
    let x = URL_SAFE_NO_PAD.encode(other.verifying_key().as_bytes());
    let brought = with(&header, "jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": x}));
    let signed = format!("{}.{}", part(&brought), part(&claims.to_string()));
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(other.sign(signed.as_bytes()).to_bytes()));
    assert_eq!(status(&token).await, 401);
    // Longer than any that is made.
    let long = sign(&header.to_string(), &with(&claims, "jti", json!("x".repeat(3_000))));
    assert_eq!(status(&long).await, 401);
    assert_eq!(status(&"x".repeat(30_000)).await, 401);
    app.settings.clock.advance(Duration::from_secs(1));
    assert_eq!(status(ann.access_token()).await, 200);
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
