//! Every route times every kind of caller, and times every state of the pair. A route without a row fails.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::facts::AccountStatus;
use shared::id::UserId;
use shared::testing::{Client, RouteTable, TestDatabase};

use crate::explain::arrange;
use crate::fake_user_service::FakeUserService;
use crate::person::{Act, Person};
use crate::test_app::TestApp;

/// What is asked concerns somebody else, except where the caller is `self`. `suspended` and `deactivated` hold
/// access tokens from before. `service` has every scope, `scopeless` one that opens nothing here; `expired` was a
/// person's token eleven minutes ago, and `foreign` is signed by another issuer.
const BY_CALLER: &str = "
                                           nobody stranger self suspended deactivated service scopeless expired foreign
GET    /v1/me/export                       401    200      200  401       401         403     403       401     401
GET    /v1/me/exports/blocks.csv           401    200      200  401       401         403     403       401     401
GET    /v1/me/exports/following.csv        401    200      200  401       401         403     403       401     401
GET    /v1/me/exports/mutes.csv            401    200      200  401       401         403     403       401     401
POST   /v1/me/imports                      401    202      202  401       401         403     403       401     401
GET    /v1/me/imports/{id}                 401    404      404  401       401         403     403       401     401
GET    /livez                              200    200      200  200       200         200     200       200     200
GET    /readyz                             200    200      200  200       200         200     200       200     200
GET    /v1/counts                          200    200      200  401       401         403     403       401     401
GET    /v1/events                          401    403      403  401       401         200     403       401     401
GET    /v1/events/stream                   401    403      403  401       401         200     403       401     401
GET    /v1/me/blocks                       401    200      200  401       401         403     403       401     401
PUT    /v1/me/blocks/{id}                  401    200      422  401       401         403     403       401     401
DELETE /v1/me/blocks/{id}                  401    200      422  401       401         403     403       401     401
GET    /v1/me/close-friends                401    200      200  401       401         403     403       401     401
PUT    /v1/me/close-friends/{id}           401    422      422  401       401         403     403       401     401
DELETE /v1/me/close-friends/{id}           401    200      422  401       401         403     403       401     401
GET    /v1/me/explain                      401    200      200  401       401         403     403       401     401
GET    /v1/me/follow-requests              401    200      200  401       401         403     403       401     401
POST   /v1/me/follow-requests/accept-all   401    200      200  401       401         403     403       401     401
POST   /v1/me/follow-requests/reject-all   401    200      200  401       401         403     403       401     401
GET    /v1/me/follow-requests/sent         401    200      200  401       401         403     403       401     401
POST   /v1/me/follow-requests/{id}/accept  401    404      422  401       401         403     403       401     401
POST   /v1/me/follow-requests/{id}/reject  401    404      422  401       401         403     403       401     401
DELETE /v1/me/followers/{id}               401    200      422  401       401         403     403       401     401
POST   /v1/me/following/batch              401    200      200  401       401         403     403       401     401
POST   /v1/me/following/batch-remove       401    200      200  401       401         403     403       401     401
PUT    /v1/me/following/{id}               401    200      422  401       401         403     403       401     401
DELETE /v1/me/following/{id}               401    200      422  401       401         403     403       401     401
GET    /v1/me/mutes                        401    200      200  401       401         403     403       401     401
PUT    /v1/me/mutes/{id}                   401    200      422  401       401         403     403       401     401
DELETE /v1/me/mutes/{id}                   401    200      422  401       401         403     403       401     401
PUT    /v1/me/notes/{id}                   401    200      422  401       401         403     403       401     401
GET    /v1/me/relationships                401    200      200  401       401         403     403       401     401
GET    /v1/me/suggestions                  401    200      200  401       401         403     403       401     401
DELETE /v1/me/suggestions/{id}             401    204      422  401       401         403     403       401     401
GET    /v1/relationships                   401    403      403  401       401         200     403       401     401
GET    /v1/users/{id}/counts               200    200      200  401       401         403     403       401     401
GET    /v1/users/{id}/followers            200    200      200  401       401         403     403       401     401
GET    /v1/users/{id}/followers.ndjson     401    403      403  401       401         200     403       401     401
GET    /v1/users/{id}/followers/known      401    200      200  401       401         403     403       401     401
GET    /v1/users/{id}/following            200    200      200  401       401         403     403       401     401
GET    /v1/users/{id}/following/shared     401    200      200  401       401         403     403       401     401
GET    /v1/users/{id}/friends              200    200      200  401       401         403     403       401     401
GET    /v1/users/{id}/similar              200    200      200  401       401         403     403       401     401
POST   /v1/visibility                      401    403      403  401       401         200     403       401     401
GET    /v1/admin/audit                     401    403      403  401       401         200     403       401     401
POST   /v1/admin/audit                     401    403      403  401       401         200     403       401     401
";

/// A person asks about, or acts on, another one who stands to them like this: they are a `follower` of the caller or
/// followed by the caller, were asked by the caller (`requested`) or ask (`asker`), block or are blocked.
const BY_PAIR: &str = "
                                           stranger follower followed requested asker friend blocker blocked muted private hidden
GET    /v1/me/export                       200      200      200      200       200   200    200     200     200   200     200
GET    /v1/me/exports/blocks.csv           200      200      200      200       200   200    200     200     200   200     200
GET    /v1/me/exports/following.csv        200      200      200      200       200   200    200     200     200   200     200
GET    /v1/me/exports/mutes.csv            200      200      200      200       200   200    200     200     200   200     200
POST   /v1/me/imports                      202      202      202      202       202   202    202     202     202   202     202
GET    /v1/me/imports/{id}                 404      404      404      404       404   404    404     404     404   404     404
GET    /livez                              200      200      200      200       200   200    200     200     200   200     200
GET    /readyz                             200      200      200      200       200   200    200     200     200   200     200
GET    /v1/counts                          200      200      200      200       200   200    200     200     200   200     200
GET    /v1/events                          403      403      403      403       403   403    403     403     403   403     403
GET    /v1/events/stream                   403      403      403      403       403   403    403     403     403   403     403
GET    /v1/me/blocks                       200      200      200      200       200   200    200     200     200   200     200
PUT    /v1/me/blocks/{id}                  200      200      200      200       200   200    200     200     200   200     200
DELETE /v1/me/blocks/{id}                  200      200      200      200       200   200    200     200     200   200     200
GET    /v1/me/close-friends                200      200      200      200       200   200    200     200     200   200     200
PUT    /v1/me/close-friends/{id}           422      200      422      422       422   200    422     422     422   422     404
DELETE /v1/me/close-friends/{id}           200      200      200      200       200   200    200     200     200   200     200
GET    /v1/me/explain                      200      200      200      200       200   200    200     200     200   200     200
GET    /v1/me/follow-requests              200      200      200      200       200   200    200     200     200   200     200
POST   /v1/me/follow-requests/accept-all   200      200      200      200       200   200    200     200     200   200     200
POST   /v1/me/follow-requests/reject-all   200      200      200      200       200   200    200     200     200   200     200
GET    /v1/me/follow-requests/sent         200      200      200      200       200   200    200     200     200   200     200
POST   /v1/me/follow-requests/{id}/accept  404      404      404      404       200   404    404     404     404   404     404
POST   /v1/me/follow-requests/{id}/reject  404      404      404      404       200   404    404     404     404   404     404
DELETE /v1/me/followers/{id}               200      200      200      200       200   200    200     200     200   200     200
POST   /v1/me/following/batch              200      200      200      200       200   200    200     200     200   200     200
POST   /v1/me/following/batch-remove       200      200      200      200       200   200    200     200     200   200     200
PUT    /v1/me/following/{id}               200      200      200      200       200   200    404     403     200   200     404
DELETE /v1/me/following/{id}               200      200      200      200       200   200    200     200     200   200     200
GET    /v1/me/mutes                        200      200      200      200       200   200    200     200     200   200     200
PUT    /v1/me/mutes/{id}                   200      200      200      200       200   200    404     200     200   200     404
DELETE /v1/me/mutes/{id}                   200      200      200      200       200   200    200     200     200   200     200
PUT    /v1/me/notes/{id}                   200      200      200      200       200   200    200     200     200   200     404
GET    /v1/me/relationships                200      200      200      200       200   200    200     200     200   200     200
GET    /v1/me/suggestions                  200      200      200      200       200   200    200     200     200   200     200
DELETE /v1/me/suggestions/{id}             204      204      204      204       204   204    204     204     204   204     204
GET    /v1/relationships                   403      403      403      403       403   403    403     403     403   403     403
GET    /v1/users/{id}/counts               200      200      200      200       200   200    404     200     200   200     404
GET    /v1/users/{id}/followers            200      200      200      403       200   200    404     200     200   403     404
GET    /v1/users/{id}/followers.ndjson     403      403      403      403       403   403    403     403     403   403     403
GET    /v1/users/{id}/followers/known      200      200      200      403       200   200    404     200     200   403     404
GET    /v1/users/{id}/following            200      200      200      403       200   200    404     200     200   403     404
GET    /v1/users/{id}/following/shared     200      200      200      403       200   200    404     200     200   403     404
GET    /v1/users/{id}/friends              200      200      200      403       200   200    404     200     200   403     404
GET    /v1/users/{id}/similar              200      200      200      403       200   200    404     200     200   403     404
POST   /v1/visibility                      403      403      403      403       403   403    403     403     403   403     403
GET    /v1/admin/audit                     403      403      403      403       403   403    403     403     403   403     403
POST   /v1/admin/audit                     403      403      403      403       403   403    403     403     403   403     403
";

/// Requests that cannot be read to the routes that are for services.
const UNREADABLE: &[(&str, &str, &str)] = &[
    ("POST", "/v1/visibility", "no json"),
    ("POST", "/v1/visibility", "{\"checks\": 5, \"other\": 1}"),
    ("POST", "/v1/visibility", ""),
    ("GET", "/v1/relationships?ids=x&viewer_id=y", ""),
    ("GET", "/v1/relationships", ""),
    ("GET", "/v1/events?after=x", ""),
    ("GET", "/v1/events?what=1", ""),
    ("GET", "/v1/events/stream?after=-1", ""),
    ("GET", "/v1/users/x/followers.ndjson", ""),
    ("GET", "/v1/users/1/followers.ndjson?shard=1&what=1", ""),
    ("POST", "/v1/admin/audit", "no json"),
];

async fn who_may_not_ask_is_told_so_whatever_they_ask(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let (with, without) = (app.service("with", ALL_SCOPES), app.service("without", &["facts"]));
    for &(method, path, body) in UNREADABLE {
        let send = async |client: &Client| {
            let (method, headers) = (method.parse().unwrap(), [("content-type", "application/json")]);
            client.send(method, path, &headers, body.as_bytes().to_vec()).await
        };
        send(&app.nobody).await.expect_problem(401, "unauthenticated");
        for wrong in ["mst_with.wrong", "nonsense"] {
            send(&app.nobody.with_token(wrong)).await.expect_problem(401, "unauthenticated");
        }
        send(&anna.http).await.expect_problem(403, "only_for_services");
        send(&without).await.expect_problem(403, "missing_scope");
        send(&with).await.expect(400);
    }
}

const ALL_SCOPES: &[&str] = &["events", "visibility", "relationships", "fanout", "audit"];
const ACCESS_TOKEN_LIFE_OVER: Duration = Duration::from_secs(11 * 60);

async fn caller(app: &TestApp, others: &FakeUserService, kind: &str, own: &Person) -> Client {
    let left = async |status| {
        let [person] = app.people(["left"]).await;
        app.users.revoke_session(person.id, person.session);
        app.set_status(&person, status).await;
        person.http
    };
    match kind {
        "nobody" => app.nobody.clone(),
        "self" => own.http.clone(),
        "stranger" => app.people(["stranger"]).await[0].http.clone(),
        "suspended" => left(AccountStatus::Suspended).await,
        "deactivated" => left(AccountStatus::Deactivated).await,
        "service" => app.service("all", ALL_SCOPES),
        "scopeless" => app.service("none", &["facts"]),
        "expired" => app.nobody.with_token(app.users.old_token(own.id, own.session, ACCESS_TOKEN_LIFE_OVER)),
        "foreign" => app.nobody.with_token(others.token(own.id, own.session)),
        other => panic!("there are no callers called {other}"),
    }
}

/// Two people who stand to each other as the column says.
async fn pair(app: &TestApp, state: &str) -> [Person; 2] {
    let [me, them] = app.people(["me", "them"]).await;
    let situation = match state {
        "stranger" => "strangers",
        "follower" => "they follow",
        "followed" => "i follow",
        "requested" => "i have asked",
        "asker" => "they have asked",
        "friend" => "friends",
        "blocker" => "they block",
        "blocked" => "i block",
        "private" => "they are private",
        "hidden" => "they are suspended",
        "muted" => {
            me.act(Act::Mute, &them).await;
            return [me, them];
        }
        other => panic!("no two people are called {other}"),
    };
    arrange(app, situation, &me, &them).await;
    [me, them]
}

/// The path and the body with which a route is tried on somebody.
pub fn request(route: &str, them: UserId) -> (String, Option<Value>) {
    let (_, path) = route.split_once(' ').unwrap();
    let id = them.to_string();
    let path = path.replace("{id}", &id);
    match route {
        "POST /v1/me/following/batch" | "POST /v1/me/following/batch-remove" => {
            (path, Some(json!({"user_ids": [id]})))
        }
        "PUT /v1/me/notes/{id}" => (path, Some(json!({"note": "met at the fair"}))),
        "POST /v1/visibility" => {
            let check = json!({"viewer_id": id, "owner_id": id, "action": "view_content"});
            (path, Some(json!({"checks": [check]})))
        }
        "POST /v1/me/imports" => (format!("{path}?kind=blocks"), None),
        "GET /v1/me/explain" => (format!("{path}?action=follow&user_id={id}"), None),
        "GET /v1/relationships" => (format!("{path}?viewer_id={id}&ids={id}"), None),
        "GET /v1/me/relationships" | "GET /v1/counts" => (format!("{path}?ids={id}"), None),
        _ => (path, None),
    }
}

async fn ask(client: &Client, route: &str, them: &Person) -> u16 {
    let (path, body) = request(route, them.id);
    let method = Method::from_bytes(route.split(' ').next().unwrap().as_bytes()).unwrap();
    let (media, body) = match body {
        // A file that names them.
        _ if path.starts_with("/v1/me/imports?") => ("text/csv", "Account address\nthem\n".into()),
        Some(body) => ("application/json", body.to_string().into_bytes()),
        None => ("", Vec::new()),
    };
    let headers: &[_] = if media.is_empty() { &[] } else { &[("content-type", media)] };
    client.status(method, &path, headers, body).await
}

fn table(text: &str) -> RouteTable {
    let table = RouteTable::parse(text);
    table.assert_covers(&serde_json::to_value(relation_service::http::openapi()).unwrap());
    table
}

async fn every_route_answers_every_kind_of_caller_as_the_table_says(make: impl Fn() -> TestDatabase) {
    let table = table(BY_CALLER);
    let app = TestApp::start(make).await;
    let others = FakeUserService::start(app.clock.clone());
    let mut seen = Vec::new();
    for (route, _) in &table.rows {
        let mut statuses = Vec::new();
        for kind in &table.columns {
            let [them] = app.people(["them"]).await;
            let client = caller(&app, &others, kind, &them).await;
            statuses.push(ask(&client, route, &them).await);
        }
        seen.push((route.clone(), statuses));
    }
    table.assert_seen(&seen);
}

async fn every_route_answers_every_state_of_the_pair_as_the_table_says(make: impl Fn() -> TestDatabase) {
    let table = table(BY_PAIR);
    let app = TestApp::start(make).await;
    let mut seen = Vec::new();
    for (route, _) in &table.rows {
        let mut statuses = Vec::new();
        for state in &table.columns {
            let [me, them] = pair(&app, state).await;
            statuses.push(ask(&me.http, route, &them).await);
        }
        seen.push((route.clone(), statuses));
    }
    table.assert_seen(&seen);
    app.assert_sound().await;
}

shared::on_both_databases!(
    who_may_not_ask_is_told_so_whatever_they_ask,
    every_route_answers_every_kind_of_caller_as_the_table_says,
    every_route_answers_every_state_of_the_pair_as_the_table_says,
);
