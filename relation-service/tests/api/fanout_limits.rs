//! Streams of followers do not hold for ever what others need.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use awc::ClientResponse;
use awc::error::PayloadError;
use futures_util::{Stream, StreamExt};
use relation_service::handle::FANOUT_STALL_MAX;
use shared::db::{SNAPSHOTS_MAX, Value, execute, without_time_limit};
use shared::http::{DRAIN_SECS, NewServiceToken};
use shared::testing::{Client, TestDatabase};

use crate::fanout::{path, whole};
use crate::person::Person;
use crate::test_app::{TestApp, until, within};

/// More than what a connection takes that nobody reads from.
const MANY: usize = 150_000;
/// How much later than promised a stream may be cut off, on a machine that has much to do.
const SLACK: Duration = Duration::from_secs(15);

/// Lets so many follow `star`, whom nobody knows otherwise. The service must not run.
pub fn add_followers(app: &TestApp, star: &Person, count: usize) {
    let people = "WITH RECURSIVE fan (id) AS (SELECT ? UNION ALL SELECT id + 1 FROM fan WHERE id < ?)";
    let (first, last) = (Value::Int(1), Value::Int(i64::try_from(count).unwrap()));
    let star = Value::Int(star.id.get());
    let out = format!(
        "INSERT INTO edges_out (source, target, state, notify, since, back_since)
         {people} SELECT id, ?, 1, 0, id, 0 FROM fan"
    );
    let back = format!(
        "INSERT INTO edges_in (target, state, neg_since, source) {people} SELECT ?, 1, -id, id FROM fan"
    );
    let mut conn = app.writer();
    without_time_limit(&mut conn).unwrap();
    for text in [out, back] {
        assert_eq!(execute(&mut conn, &text, &[first, last, star]).unwrap(), count);
    }
    let counts = "INSERT INTO counters VALUES (?, ?, 0, 0, 0, 0, 0)";
    execute(&mut conn, counts, &[star, last]).unwrap();
}

/// A service with a person whom many follow, and a token for streams.
async fn with_many(make: impl Fn() -> TestDatabase) -> (TestApp, Person, Client, String) {
    let mut app = TestApp::start(make).await;
    let [star] = app.people(["star"]).await;
    let token = NewServiceToken::new("delivery", &["fanout".to_owned(), "events".to_owned()]).unwrap();
    token.store(&mut app.writer(), shared::clock::Micros::new(1)).unwrap();
    let token = token.token().reveal().to_owned();
    app.stop_service();
    add_followers(&app, &star, MANY);
    app.start_service();
    app.until_ready().await;
    let (star, service) = (app.again(&star), app.nobody.with_token(token.as_str()));
    (app, star, service, token)
}

/// Asks for a stream and reads no more of it than that it has begun.
fn ask_and_wait(app: &TestApp, star: &Person, token: &str) -> TcpStream {
    let mut socket = TcpStream::connect(app.url("").strip_prefix("http://").unwrap()).unwrap();
    let head = format!("GET {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n", path(star));
    socket.write_all(head.as_bytes()).unwrap();
    let mut status = [0; 12];
    socket.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    socket
}

/// Reads what the connection still gives.
fn read_rest(mut socket: TcpStream) -> String {
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut bytes = Vec::new();
    // A connection that was cut off may end with an error.
    let _ = socket.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn clients_that_take_nothing_are_cut_off_and_hold_up_nobody(make: impl Fn() -> TestDatabase) {
    let (app, star, service, token) = with_many(make).await;
    let open: Vec<TcpStream> = (0..SNAPSHOTS_MAX).map(|_| ask_and_wait(&app, &star, &token)).collect();
    let refused = service.get(&path(&star)).await.expect_problem(503, "overloaded");
    assert!(!refused.header("retry-after").is_empty());
    // All connections of the pool are free, and so is the writer.
    let [ann, ben] = app.people(["ann", "ben"]).await;
    assert_eq!(star.counts().await[0], i64::try_from(MANY).unwrap());
    assert!(ann.follow(&ben).await);
    let answered = Cell::new(None);
    let ask_again = async || {
        let answer = service.get(&path(&star)).await;
        let taken = answer.status == 200;
        answered.set(taken.then_some(answer));
        taken
    };
    within(FANOUT_STALL_MAX + SLACK, "cut off", ask_again).await;
    assert_eq!(whole(answered.take().unwrap()).rows.len(), MANY);
    for socket in open {
        let rest = read_rest(socket);
        assert!(rest.contains("\"revision\":") && !rest.contains("\"complete\":"), "{} bytes", rest.len());
    }
}

/// The first piece of a stream, and the rest of it.
async fn begun(
    app: &TestApp,
    star: &Person,
    token: &str,
) -> ClientResponse<impl Stream<Item = Piece> + Unpin> {
    let http = awc::Client::builder().timeout(Duration::from_secs(20)).finish();
    let mut response = http.get(app.url(&path(star))).bearer_auth(token).send().await.unwrap();
    assert!(response.next().await.unwrap().unwrap().starts_with(b"{\"revision\":"));
    response
}

type Piece = Result<actix_web::web::Bytes, PayloadError>;

/// Reads a stream to where it is cut off.
async fn assert_cut_off(mut response: ClientResponse<impl Stream<Item = Piece> + Unpin>) {
    let mut text = Vec::new();
    while let Some(Ok(piece)) = response.next().await {
        text.extend_from_slice(&piece);
    }
    assert!(!String::from_utf8_lossy(&text).contains("\"complete\":"), "{} bytes", text.len());
}

async fn a_service_that_stops_ends_its_streams(make: impl Fn() -> TestDatabase) {
    let (app, star, _, token) = with_many(make).await;
    let stream = begun(&app, &star, &token).await;
    let asked = Instant::now();
    let stopped = app.stop_gracefully();
    assert_cut_off(stream).await;
    stopped.await;
    assert!(asked.elapsed() < Duration::from_secs(DRAIN_SECS), "{:?}", asked.elapsed());
}

async fn a_token_that_is_revoked_ends_its_streams(make: impl Fn() -> TestDatabase) {
    let (app, star, service, token) = with_many(make).await;
    let stream = begun(&app, &star, &token).await;
    let gone = execute(&mut app.writer(), "DELETE FROM service_tokens", &[]).unwrap();
    assert_eq!(gone, 1);
    until("revoked", async || service.get("/v1/events").await.status == 401).await;
    assert_cut_off(stream).await;
}

shared::on_both_databases!(
    clients_that_take_nothing_are_cut_off_and_hold_up_nobody,
    a_service_that_stops_ends_its_streams,
    a_token_that_is_revoked_ends_its_streams,
);
