//! Every route times every kind of caller. A route without a row fails.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::clock::Micros;
use shared::id::{SessionId, UserId};
use shared::on_both_databases;
use shared::secret::Secret;
use shared::testing::{Client, RouteTable};
use shared::token::TokenSigner;
use user_service::domain::account::Role;

use crate::test_app::{Make, PASSWORD, Person, TestApp};

on_both_databases!(every_route_answers_every_kind_of_caller_as_the_table_says);

/// What is asked concerns somebody else, except where the caller is `self`. `suspended` and `deactivated` hold
/// access tokens from before. `service` has every scope, `scopeless` one that opens nothing here; `expired` was a
/// person's token eleven minutes ago, and `foreign` is signed by another issuer.
const TABLE: &str = "
                                          nobody stranger self suspended deactivated moderator admin service scopeless expired foreign
POST   /v1/me/deletion                    401    202      202  401       401         202       202   403     403       401     401
GET    /v1/me/export                      401    200      200  401       401         200       200   403     403       401     401
GET    /v1/me/two-factor                  401    200      200  401       401         200       200   403     403       401     401
POST   /v1/me/two-factor                  401    201      201  401       401         201       201   403     403       401     401
DELETE /v1/me/two-factor                  401    204      204  401       401         204       204   403     403       401     401
POST   /v1/me/two-factor/confirmation     401    409      409  401       401         409       409   403     403       401     401
POST   /v1/me/two-factor/recovery-codes   401    409      409  401       401         409       409   403     403       401     401
GET    /v1/users/search                   200    200      200  401       401         200       200   403     403       401     401
GET    /.well-known/jwks.json             200    200      200  200       200         200       200   200     200       200     200
GET    /livez                             200    200      200  200       200         200       200   200     200       200     200
GET    /readyz                            200    200      200  200       200         200       200   200     200       200     200
POST   /v1/users                          201    201      201  201       201         201       201   201     201       201     201
GET    /v1/users                          200    200      200  401       401         200       200   403     403       401     401
GET    /v1/users/{id}                     200    200      200  401       401         200       200   403     403       401     401
GET    /v1/users/by-username/{name}       200    200      200  401       401         200       200   403     403       401     401
GET    /v1/usernames/{name}               200    200      200  200       200         200       200   200     200       200     200
POST   /v1/sessions                       201    201      201  201       201         201       201   201     201       201     201
POST   /v1/sessions/refresh               200    200      200  200       200         200       200   200     200       200     200
GET    /v1/me                             401    200      200  401       401         200       200   403     403       401     401
PATCH  /v1/me                             401    200      200  401       401         200       200   403     403       401     401
GET    /v1/me/privacy                     401    200      200  401       401         200       200   403     403       401     401
PATCH  /v1/me/privacy                     401    200      200  401       401         200       200   403     403       401     401
GET    /v1/me/sessions                    401    200      200  401       401         200       200   403     403       401     401
DELETE /v1/me/sessions                    401    204      204  401       401         204       204   403     403       401     401
DELETE /v1/me/sessions/current            401    204      204  401       401         204       204   403     403       401     401
DELETE /v1/me/sessions/{id}               401    404      204  401       401         404       404   403     403       401     401
POST   /v1/me/step-up                     401    200      200  401       401         200       200   403     403       401     401
PUT    /v1/me/username                    401    200      200  401       401         200       200   403     403       401     401
PUT    /v1/me/password                    401    204      204  401       401         204       204   403     403       401     401
POST   /v1/me/deactivation                401    202      202  401       401         202       202   403     403       401     401
GET    /v1/admin/audit-log                401    403      403  401       401         200       200   403     403       401     401
GET    /v1/admin/users                    401    403      403  401       401         200       200   403     403       401     401
GET    /v1/admin/users/{id}               401    403      403  401       401         200       200   403     403       401     401
PUT    /v1/admin/users/{id}/role          401    403      403  401       401         403       200   403     403       401     401
PUT    /v1/admin/users/{id}/suspension    401    403      403  401       401         200       200   403     403       401     401
DELETE /v1/admin/users/{id}/suspension    401    403      403  401       401         200       200   403     403       401     401
PUT    /v1/admin/users/{id}/verification  401    403      403  401       401         200       200   403     403       401     401
DELETE /v1/admin/users/{id}/verification  401    403      403  401       401         200       200   403     403       401     401
GET    /v1/events                         401    403      403  401       401         403       403   200     403       401     401
GET    /v1/events/stream                  401    403      403  401       401         403       403   200     403       401     401
GET    /v1/user-facts                     401    403      403  401       401         403       403   200     403       401     401
POST   /v1/email-verifications            422    422      422  422       422         422       422   422     422       422     422
PUT    /v1/me/email                       401    202      202  401       401         202       202   403     403       401     401
POST   /v1/me/email-verification          401    202      202  401       401         202       202   403     403       401     401
POST   /v1/password-resets                202    202      202  202       202         202       202   202     202       202     202
POST   /v1/password-resets/confirm        422    422      422  422       422         422       422   422     422       422     422
GET    /v1/user-facts/by-username         401    403      403  401       401         403       403   200     403       401     401
GET    /v1/user-facts/all                 401    403      403  401       401         403       403   200     403       401     401
";

const ACCESS_TOKEN_LIFE_OVER: Duration = Duration::from_secs(11 * 60);

/// Who is asked about, or loses something.
struct Target {
    person: Person,
    name: String,
}

/// A caller of one kind; `own` is the target where that is themselves.
async fn caller(app: &TestApp, admin: &Person, kind: &str, name: &str, own: &Target) -> Client {
    let sign = |signer: &TokenSigner, at: Micros| {
        let person: UserId = own.person.id.parse().unwrap();
        let session: SessionId = own.person.session_id().parse().unwrap();
        app.client.with_token(signer.sign(person, session, at).unwrap())
    };
    let now = app.settings.clock.now();
    match kind {
        "nobody" => app.client.clone(),
        "self" => own.person.client.clone(),
        "stranger" => app.register(name).await.client,
        "moderator" => app.with_role(name, Role::Moderator).await.client,
        "admin" => app.with_role(name, Role::Admin).await.client,
        "suspended" => {
            let person = app.register(name).await;
            let path = format!("/v1/admin/users/{}/suspension", person.id);
            let why = json!({"reason": "spam"});
            let suspended = admin.client.json(Method::PUT, &path, &why).await;
            assert!(suspended.status.is_success(), "{}", suspended.json());
            person.client
        }
        "deactivated" => {
            let person = app.register(name).await;
            let proof = json!({"password": PASSWORD});
            person.client.json(Method::POST, "/v1/me/deactivation", &proof).await.expect(202);
            person.client
        }
        "service" => app.service_named(&name.replace('.', "-"), &["events", "facts"]),
        "scopeless" => app.service_named(&name.replace('.', "-"), &["audit"]),
        "expired" => {
            let signer = TokenSigner::new(&app.settings.signing_key).unwrap();
            sign(&signer, now.before(ACCESS_TOKEN_LIFE_OVER))
        }
        "foreign" => sign(&TokenSigner::new(&Secret::random().unwrap()).unwrap(), now),
        other => panic!("there are no callers called {other}"),
    }
}

/// The path and the body with which a route is tried.
fn request(route: &str, target: &Target, fresh: &str) -> (String, Option<Value>) {
    let Target { person, name } = target;
    let (_, path) = route.split_once(' ').unwrap();
    let id = if path == "/v1/me/sessions/{id}" { person.session_id() } else { &person.id };
    let path = path.replace("{id}", id).replace("{name}", name);
    let email = format!("mail.{fresh}@example.com");
    let body = match route {
        "POST /v1/users" => json!({"username": fresh, "email": email, "password": PASSWORD}),
        "POST /v1/sessions" => json!({"login": name, "password": PASSWORD}),
        "POST /v1/sessions/refresh" => json!({"refresh_token": person.refresh_token()}),
        "PATCH /v1/me" => json!({"bio": "new"}),
        "PATCH /v1/me/privacy" => json!({"private_account": true}),
        "PUT /v1/me/username" => json!({"username": fresh}),
        "PUT /v1/me/password" => json!({"current_password": PASSWORD, "new_password": "Gravel.harbour-27"}),
        "POST /v1/me/step-up" | "POST /v1/me/deactivation" | "POST /v1/me/deletion" => {
            json!({"password": PASSWORD})
        }
        "PUT /v1/me/email" => json!({"email": email, "password": PASSWORD}),
        "POST /v1/password-resets" => json!({"email": email}),
        "POST /v1/email-verifications" => json!({"token": "of nobody"}),
        "POST /v1/password-resets/confirm" => json!({"token": "of nobody", "new_password": PASSWORD}),
        "PUT /v1/admin/users/{id}/role" => json!({"role": "moderator"}),
        "PUT /v1/admin/users/{id}/suspension" => json!({"reason": "spam"}),
        "POST /v1/me/two-factor/confirmation" => json!({"code": "000000"}),
        "GET /v1/users/search" => return (format!("{path}?q={name}"), None),
        "GET /v1/users" => return (format!("{path}?ids={}", person.id), None),
        "GET /v1/user-facts/by-username" => return (format!("{path}?usernames=nobody"), None),
        "GET /v1/user-facts" => return (format!("{path}?ids={}", person.id), None),
        _ => return (path, None),
    };
    (path, Some(body))
}

async fn every_route_answers_every_kind_of_caller_as_the_table_says(make: Make) {
    let table = RouteTable::parse(TABLE);
    table.assert_covers(&serde_json::to_value(user_service::http::openapi()).unwrap());
    let app = TestApp::start(make);
    let admin = app.with_role("theadmin", Role::Admin).await;
    let mut seen = Vec::new();
    for (row, (route, _)) in table.rows.iter().enumerate() {
        let mut statuses = Vec::new();
        for (column, kind) in table.columns.iter().enumerate() {
            let name = format!("target.{row}.{column}");
            let target = Target { person: app.register(&name).await, name };
            let client = caller(&app, &admin, kind, &format!("caller.{row}.{column}"), &target).await;
            let (path, body) = request(route, &target, &format!("fresh.{row}.{column}"));
            let method = Method::from_bytes(route.split(' ').next().unwrap().as_bytes()).unwrap();
            let headers: &[_] = if body.is_some() { &[("content-type", "application/json")] } else { &[] };
            let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
            statuses.push(client.status(method, &path, headers, body).await);
        }
        seen.push((route.clone(), statuses));
    }
    table.assert_seen(&seen);
}
