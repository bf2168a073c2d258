//! `mutual migrate-store`: what was in the embedded databases is on the server, and nothing else is.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::json;
use shared::db::catalog::{Kind, tables};
use shared::db::{Conn, DatabaseUrl, execute, open_writer};
use shared::testing::{Client, numbers, postgres, run, texts};

use crate::world::{Ground, PASSWORD, Person, World};

/// How long a command may take to come to where the test wants it.
const PATIENCE: Duration = Duration::from_secs(60);
/// Rows of a file that is still being worked off when the services end.
const IMPORTED: usize = 2_000;

/// New databases on a server; nothing where there is none.
fn server() -> Option<[String; 2]> {
    Some([postgres::new_database()?, postgres::new_database()?])
}

fn moving<'a>([users, relations]: &'a [String; 2], flags: &[&'a str]) -> Vec<&'a str> {
    let words = ["migrate-store", "--user-database-url", users, "--relation-database-url", relations];
    [&words[..], flags].concat()
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Every row of every table as text, by the database's own means.
fn dump(url: &DatabaseUrl) -> Vec<(String, Vec<String>)> {
    let mut conn = open_writer(url).unwrap();
    let all = tables(&mut conn).unwrap();
    let rows = |table: &shared::db::catalog::Table| {
        let cells: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("COALESCE(CAST(\"{}\" AS TEXT), '-')", column.name))
            .collect();
        let text = format!("SELECT {} FROM {}", cells.join(" || '|' || "), table.name);
        let mut rows = texts(&mut conn, &text);
        rows.sort();
        (table.name.clone(), rows)
    };
    all.iter().map(rows).collect()
}

fn embedded(ground: &Ground) -> [DatabaseUrl; 2] {
    ["user.db", "relation.db"].map(|name| DatabaseUrl::sqlite(ground.dir().join(name)))
}

fn on_server(urls: &[String; 2]) -> [DatabaseUrl; 2] {
    [0, 1].map(|at| DatabaseUrl::Postgres(urls[at].clone()))
}

/// A row of its own in every table: a table that is forgotten, or a column, shows.
fn add_a_row_everywhere(url: &DatabaseUrl) {
    let mut conn = open_writer(url).unwrap();
    for table in tables(&mut conn).unwrap().iter().filter(|table| table.name != "log_head") {
        let names: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let values: Vec<String> = (77..)
            .zip(&table.columns)
            .map(|(number, column)| match column.kind {
                Kind::Int => number.to_string(),
                Kind::Text => format!("'{} \"quoted\" '' \\ ? $1 {{}} Zoë 🦀\t{number}'", table.name),
            })
            .collect();
        let text = format!("INSERT INTO {} ({}) VALUES ({})", table.name, names.join(","), values.join(","));
        run(&mut conn, &text).unwrap();
    }
}

/// What everybody is answered on all kinds of reads.
async fn reads(world: &World, people: &[Person]) -> Vec<(String, u16, String)> {
    let ids: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
    let all = ids.join(",");
    let mut seen = Vec::new();
    for person in people {
        let users = person.users.at(&world.users);
        let relations = person.relations.at(&world.relations);
        let mut of_users: Vec<String> =
            ["/v1/me", "/v1/me/privacy", "/v1/me/sessions", "/v1/me/export"].map(str::to_owned).into();
        of_users.extend(ids.iter().map(|id| format!("/v1/users/{id}")));
        of_users.push(format!("/v1/users?ids={all}"));
        of_users.extend(
            ["ada", "benn", "adler gra"].map(|q| format!("/v1/users/search?q={}", q.replace(' ', "%20"))),
        );
        let mut of_relations: Vec<String> =
            ["follow-requests", "follow-requests/sent", "blocks", "mutes", "close-friends", "suggestions"]
                .map(|list| format!("/v1/me/{list}"))
                .into();
        of_relations.push(format!("/v1/me/relationships?ids={all}"));
        of_relations.push(format!("/v1/counts?ids={all}"));
        of_relations.push("/v1/me/exports/following.csv".to_owned());
        for id in &ids {
            for list in ["followers", "following", "friends", "followers/known", "following/shared", "counts"]
            {
                of_relations.push(format!("/v1/users/{id}/{list}"));
            }
        }
        for (client, paths) in [(users, of_users), (relations, of_relations)] {
            for path in paths {
                let answer = client.get(&path).await;
                let body = String::from_utf8_lossy(&answer.bytes).into_owned();
                // A problem carries the number of its request.
                let body = body.split("\"request_id\"").next().unwrap_or_default().to_owned();
                // An export says when it was made.
                let (made, rest) = body.split_once("\"exported_at\"").unwrap_or((&body, ""));
                let body = format!("{made}{}", rest.split_once(',').map_or("", |(_, rest)| rest));
                // The cursor of a ranking names one that is kept in memory.
                let ranked = path == "/v1/me/suggestions";
                let body = if ranked {
                    body.split("\"next_cursor\"").next().unwrap_or_default().to_owned()
                } else {
                    body
                };
                seen.push((format!("{} {path}", person.id), answer.status.as_u16(), body));
            }
        }
    }
    seen
}

/// People with something of every kind between them.
async fn live(world: &World) -> Vec<Person> {
    let mut people = Vec::new();
    for name in ["annabel", "bennett", "charlotte", "deborah", "eleanor"] {
        people.push(world.register(name).await);
    }
    let [anna, ben, carl, dora, eve] = &people[..] else { unreachable!() };
    dora.go_private(true).await;
    for (one, other) in [(anna, ben), (ben, anna), (carl, anna), (eve, anna), (anna, dora), (ben, carl)] {
        one.follow(other).await;
    }
    carl.block(eve).await;
    let mute = json!({"duration_seconds": 3_000});
    anna.relations.json(Method::PUT, &format!("/v1/me/mutes/{}", ben.id), &mute).await.expect(200);
    anna.relations.put(&format!("/v1/me/close-friends/{}", ben.id)).await.expect(200);
    let note = json!({"note": "met in \"Zürich\" 🦀"});
    anna.relations.json(Method::PUT, &format!("/v1/me/notes/{}", ben.id), &note).await.expect(200);
    ben.users.json(Method::PUT, "/v1/me/username", &json!({"username": "benn.ett"})).await.expect(200);
    people
}

async fn post_file(person: &Person, kind: &str, rows: &str) -> String {
    let path = format!("/v1/me/imports?kind={kind}&mode=merge");
    let file = format!("Account address,Hide notifications\n{rows}").into_bytes();
    let answer = person.relations.send(Method::POST, &path, &[("content-type", "text/csv")], file).await;
    answer.expect(202).json()["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn everything_is_answered_as_before_from_the_server() {
    let Some(urls) = server() else { return };
    let ground = Ground::sqlite().unwrap();
    let world = ground.serve_with(&["--seed-demo"]);
    let people = live(&world).await;
    let users = Client::new(&world.users);
    let registration = json!({"username": "named", "email": "named@example.com", "password": PASSWORD});
    let named = |users: Client| {
        let headers = [("content-type", "application/json"), ("idempotency-key", "k1")];
        let body = registration.to_string().into_bytes();
        async move { users.send(Method::POST, "/v1/users", &headers, body).await.expect(201).json() }
    };
    let first = named(users.clone()).await;
    let login = json!({"login": "annabel", "password": PASSWORD});
    let session =
        users.json(Method::POST, "/v1/sessions", &login).await.expect(201).json()["session"].clone();
    let leaver = world.register("leaver").await;
    let asked = json!({"password": PASSWORD});
    leaver.users.json(Method::POST, "/v1/me/deletion", &asked).await.expect(202);
    let before = reads(&world, &people).await;
    assert!(before.iter().filter(|(_, status, _)| *status == 200).count() > 150, "the reads show nothing");
    // The last word of this world: a file that is not worked off when everything ends.
    let importer = world.register("importer").await;
    let rows: String = (0..IMPORTED).map(|number| format!("nobody{number},true\n")).collect();
    let import = post_file(&importer, "mutes", &rows).await;
    world.crash();

    let moved = ground.run(&moving(&urls, &[]));
    assert!(moved.status.success(), "{}", said(&moved));
    for (from, to) in embedded(&ground).iter().zip(on_server(&urls)) {
        assert!(dump(from) == dump(&to), "{from} and {to} differ");
    }
    let ground = ground.with_urls(urls);
    let world = ground.serve();
    for (expected, found) in before.iter().zip(reads(&world, &people).await) {
        assert_eq!(*expected, found);
    }
    let users = Client::new(&world.users);
    assert_eq!(named(users.clone()).await["user"], first["user"], "the request was made before");
    let refresh = json!({"refresh_token": session["refresh_token"]});
    let refreshed = users.json(Method::POST, "/v1/sessions/refresh", &refresh).await.expect(200).json();
    assert_eq!(refreshed["session"]["id"], session["id"]);
    let anna = world.log_in("annabel", PASSWORD).await;
    assert_eq!(anna.id, people[0].id);
    assert_eq!(
        world.log_in("leaver", PASSWORD).await.id,
        leaver.id,
        "a deletion that is asked for ends by a login"
    );
    let progress = importer.relations.at(&world.relations);
    let started = Instant::now();
    let done = loop {
        let now = progress.get(&format!("/v1/me/imports/{import}")).await.expect(200).json();
        if now["state"] == "done" {
            break now;
        }
        assert!(started.elapsed() < PATIENCE, "the import does not end: {now}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((&done["total"], &done["processed"]), (&json!(IMPORTED), &json!(IMPORTED)));
    anna.follow(&people[3]).await;
    drop(world);
    ground.audit();
}

#[actix_web::test]
async fn every_table_goes_there_and_back() {
    let Some(urls) = server() else { return };
    let ground = Ground::sqlite().unwrap();
    assert!(ground.run(&["seed"]).status.success());
    embedded(&ground).iter().for_each(add_a_row_everywhere);
    let refused = ground.run(&moving(&urls, &[]));
    // Such rows are none that an act would write.
    assert!(
        refused.status.code() == Some(1) && said(&refused).contains("--with-drift"),
        "{}",
        said(&refused)
    );
    let moved = ground.run(&moving(&urls, &["--with-drift"]));
    assert!(moved.status.success() && said(&moved).contains("is removed first"), "{}", said(&moved));
    let back = Ground::not_there();
    let returned = back.run(&moving(&urls, &["--back", "--with-drift"]));
    assert!(returned.status.success(), "{}", said(&returned));
    for ((from, to), again) in embedded(&ground).iter().zip(on_server(&urls)).zip(embedded(&back)) {
        let expected = dump(from);
        assert!(expected.iter().all(|(_, rows)| !rows.is_empty()), "a table without a row shows nothing");
        assert!(expected == dump(&to), "{from} and {to} differ");
        assert!(expected == dump(&again), "{from} and {again} differ");
    }
}

/// Makes inserts into a table, or deletes from it, take longer than any test.
fn hold(url: &str, what: &str, table: &str) -> Conn {
    let mut conn = open_writer(&DatabaseUrl::Postgres(url.to_owned())).unwrap();
    for text in [
        "CREATE OR REPLACE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3600); RETURN NULL; END'".to_owned(),
        format!("CREATE TRIGGER held BEFORE {what} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION held()"),
    ] {
        execute(&mut conn, &text, &[]).unwrap();
    }
    conn
}

fn let_go(url: &str, table: &str) {
    let mut conn = open_writer(&DatabaseUrl::Postgres(url.to_owned())).unwrap();
    // The server has not noticed yet that its client is gone.
    let others = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    numbers(&mut conn, others);
    execute(&mut conn, &format!("DROP TRIGGER held ON {table}"), &[]).unwrap();
}

/// Waits until the command is held up, and kills it there.
fn kill_when_held(mut command: Child, watching: &str) {
    let mut conn = open_writer(&DatabaseUrl::Postgres(watching.to_owned())).unwrap();
    let held = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let started = Instant::now();
    while numbers(&mut conn, held) == [0] {
        assert!(command.try_wait().unwrap().is_none(), "it ended");
        assert!(started.elapsed() < PATIENCE, "it is not held up");
        std::thread::park_timeout(Duration::from_millis(10));
    }
    command.kill().unwrap();
    command.wait().unwrap();
}

/// The cluster is shared by tests that run at once, and the wait is looked for in all of it.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// `serve`, which is expected to refuse.
fn refused_start(ground: &Ground) -> String {
    let words = [
        "serve",
        "--user-listen",
        "127.0.0.1:0",
        "--relation-listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    let output = ground.run(&words);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    said(&output)
}

async fn killed_and_done_again(held: usize, what: &str, table: &str) {
    let _one = ONE_AT_A_TIME.lock().await;
    let (Some(urls), Some(watching)) = (server(), postgres::new_database()) else { return };
    let ground = Ground::sqlite().unwrap();
    assert!(ground.run(&["seed"]).status.success());
    // The schema is there before, for the trigger.
    let [users, relations] = on_server(&urls);
    user_service::store::migrate(&mut open_writer(&users).unwrap()).unwrap();
    relation_service::store::migrate(&mut open_writer(&relations).unwrap()).unwrap();
    drop(hold(&urls[held], what, table));
    let mut command = ground.command(&moving(&urls, &[]));
    kill_when_held(command.stdout(Stdio::null()).spawn().unwrap(), &watching);
    let_go(&urls[held], table);
    let ground = ground.with_urls(urls.clone());
    assert!(refused_start(&ground).contains("only half filled"), "services start on half a database");
    let again = ground.run(&["migrate-store"]);
    assert!(again.status.success(), "{}", said(&again));
    for (from, to) in embedded(&ground).iter().zip(on_server(&urls)) {
        assert!(dump(from) == dump(&to), "{from} and {to} differ");
    }
    drop(ground.serve());
    ground.audit();
    let refused = ground.run(&["migrate-store"]);
    assert!(refused.status.code() == Some(1) && said(&refused).contains("not empty"), "{}", said(&refused));
}

#[actix_web::test]
async fn killed_amid_the_rows_it_begins_afresh() {
    killed_and_done_again(1, "INSERT", "edges_in").await;
}

#[actix_web::test]
async fn killed_between_the_two_ends_it_ends() {
    killed_and_done_again(0, "DELETE", "log_head").await;
}

#[actix_web::test]
async fn what_cannot_be_moved_is_refused() {
    let ground = Ground::not_there();
    let nowhere = ["postgres://nobody@127.0.0.1:1/a", "postgres://nobody@127.0.0.1:1/b"].map(str::to_owned);
    for (words, code) in [
        (vec!["migrate-store"], 2),
        (moving(&["sqlite://a".to_owned(), "sqlite://b".to_owned()], &[]), 2),
        (moving(&nowhere, &[]), 2),
    ] {
        let output = ground.run(&words);
        let line = said(&output);
        assert_eq!((output.status.code(), line.lines().count()), (Some(code), 1), "{words:?}: {line}");
    }
    assert_eq!(ground.run(&moving(&nowhere, &["--back"])).status.code(), Some(1), "nobody is there");
    assert!(!ground.dir().join("user.db").exists(), "nothing was made");
    let Some(urls) = server() else { return };
    let ground = Ground::sqlite().unwrap();
    let world = ground.serve();
    world.register("anna").await;
    let beside = ground.run(&moving(&urls, &[]));
    assert!(beside.status.code() == Some(1) && said(&beside).contains("in use"), "{}", said(&beside));
    drop(world);
    let mut other = open_writer(&DatabaseUrl::Postgres(urls[1].clone())).unwrap();
    let beside = ground.run(&moving(&urls, &[]));
    assert!(
        beside.status.code() == Some(1) && said(&beside).contains("other connections"),
        "{}",
        said(&beside)
    );
    // Of an earlier version.
    relation_service::store::migrate(&mut other).unwrap();
    drop(other);
    let mut source = open_writer(&embedded(&ground)[1]).unwrap();
    let newest = "(SELECT MAX(version) FROM __diesel_schema_migrations)";
    let text = format!("DELETE FROM __diesel_schema_migrations WHERE version = {newest}");
    assert_eq!(execute(&mut source, &text, &[]).unwrap(), 1);
    drop(source);
    let older = ground.run(&moving(&urls, &[]));
    assert!(older.status.code() == Some(1) && said(&older).contains("different schemas"), "{}", said(&older));
}
