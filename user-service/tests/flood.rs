//! A flood of logins beside reads: what the reads and the refused logins feel of it. A measurement, so it runs when asked
//! for, in release and on the real program:
//!
//! `cargo test --release -p user-service --test flood -- --ignored --nocapture`

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test stops where it cannot go on")]

#[path = "flood/reader.rs"]
mod reader;
#[path = "flood/server.rs"]
mod server;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::rt;
use actix_web::rt::time::{interval, sleep};
use serde_json::{Value, json};

use reader::Readers;
use server::Server;

const PASSWORD: &str = "plum-Tractor-91 sky";
/// People who log in.
const PEOPLE: usize = 20;
/// How long capacity is measured.
const CAPACITY_SPAN: Duration = Duration::from_secs(3);
/// How many times the capacity comes in.
const OVERLOAD: f64 = 10.0;
/// How often a piece of the flood is sent.
const PIECE: Duration = Duration::from_millis(5);
/// How long what a change of phase stirs up may take.
const SETTLING: Duration = Duration::from_secs(2);
const REFUSED_WITHIN: Duration = Duration::from_millis(50);
const READS_WITHIN: f64 = 1.5;
const MEMORY_GROWTH_MAX_KIB: u64 = 64 * 1024;

/// One answered login.
struct Login {
    status: u16,
    retry_after: bool,
    took: Duration,
}

#[actix_web::test]
#[ignore = "a measurement of about a minute, for release builds"]
async fn reads_do_not_feel_a_flood_of_logins() {
    let flood_secs = std::env::var("MUTUAL_FLOOD_SECS").ok().and_then(|secs| secs.parse().ok()).unwrap_or(20);
    let phase = Duration::from_secs(flood_secs);
    let server = Server::start();
    // As many connections as there are answers to wait for: an open loop does not wait for a free one.
    let http = awc::Client::builder()
        .connector(awc::Connector::new().limit(0))
        .timeout(Duration::from_secs(30))
        .finish();
    let id = register_people(&http, &server.base).await;
    let capacity = capacity(&http, &server.base).await;
    let before = server.resident_kib();
    let readers = Readers::start(server.address, format!("/v1/users/{id}"));

    let first = Instant::now();
    sleep(phase).await;
    let begun = Instant::now();
    let flood = flood(&http, &server, capacity * OVERLOAD, phase).await;
    let ended = Instant::now();
    sleep(SETTLING + phase).await;
    let last = Instant::now();
    let reads = readers.stop();

    let within = |from: Instant, to: Instant| {
        let of_phase = reads.iter().filter(|read| read.due >= from && read.due < to);
        of_phase.map(|read| read.took).collect::<Vec<_>>()
    };
    let flooded = within(begun + SETTLING, ended);
    let calm = [within(first, begun), within(ended + SETTLING, last)].concat();
    let (refused, served): (Vec<&Login>, Vec<&Login>) =
        flood.logins.iter().partition(|login| login.status == 503);
    let times = |logins: &[&Login]| logins.iter().map(|login| login.took).collect::<Vec<_>>();
    println!("capacity          {capacity:.0} logins a second");
    println!("flood             {} logins in {:.1?}", flood.logins.len(), ended - begun);
    println!("reads, calm       {}", Quantiles::of(&calm));
    println!("reads, flooded    {}", Quantiles::of(&flooded));
    println!("logins, refused   {}", Quantiles::of(&times(&refused)));
    println!("logins, served    {}", Quantiles::of(&times(&served)));
    println!("resident memory   {before} KiB before, {} KiB at most", flood.peak_kib);

    assert!(refused.len() > served.len(), "this was no flood");
    assert!(!served.is_empty(), "nobody got in");
    assert!(served.iter().all(|login| [201, 401].contains(&login.status)));
    assert!(refused.iter().all(|login| login.retry_after));
    assert!(Quantiles::of(&times(&refused)).p99 <= REFUSED_WITHIN);
    assert!(flood.peak_kib <= before + MEMORY_GROWTH_MAX_KIB);
    let (calm, flooded) = (Quantiles::of(&calm), Quantiles::of(&flooded));
    let ratio = flooded.p99.as_secs_f64() / calm.p99.as_secs_f64();
    println!("reads, p99        {ratio:.2} times that of calm");
    assert!(ratio <= READS_WITHIN, "{ratio:.2}");
}

async fn post(http: &awc::Client, url: String, body: &Value) -> Login {
    let started = Instant::now();
    let answer =
        http.post(url).insert_header(("content-type", "application/json")).send_body(body.to_string());
    let mut answer = answer.await.expect("an answer");
    answer.body().await.expect("a body");
    let retry_after = answer.headers().contains_key("retry-after");
    Login { status: answer.status().as_u16(), retry_after, took: started.elapsed() }
}

/// Returns the id of one of them.
async fn register_people(http: &awc::Client, base: &str) -> String {
    for number in 0..PEOPLE {
        let body = json!({"username": name(number), "email": format!("{}@example.com", name(number)), "password": PASSWORD});
        assert_eq!(post(http, format!("{base}/v1/users"), &body).await.status, 201);
    }
    let url = format!("{base}/v1/users/by-username/{}", name(0));
    let person: Value = http.get(url).send().await.expect("an answer").json().await.expect("JSON");
    person["id"].as_str().expect("an id").to_owned()
}

fn name(number: usize) -> String {
    format!("person{number}")
}

/// In turns a right password, a wrong one, and a login that nobody has.
fn login(number: usize) -> Value {
    match number % 3 {
        0 => json!({"login": name(number / 3 % PEOPLE), "password": PASSWORD}),
        1 => json!({"login": name(number / 3 % PEOPLE), "password": "wrong password"}),
        _ => json!({"login": format!("nobody{number}"), "password": PASSWORD}),
    }
}

/// Logins a second, when a few at a time wait for their answers.
async fn capacity(http: &awc::Client, base: &str) -> f64 {
    let started = Instant::now();
    let one_after_the_other = |start: usize| async move {
        let mut done = 0;
        while started.elapsed() < CAPACITY_SPAN {
            assert_ne!(post(http, format!("{base}/v1/sessions"), &login(start + 2 * done)).await.status, 503);
            done += 1;
        }
        done
    };
    let done = futures_util::future::join_all((0..2).map(one_after_the_other)).await;
    f64::from(u32::try_from(done.into_iter().sum::<usize>()).unwrap()) / started.elapsed().as_secs_f64()
}

struct Flood {
    logins: Vec<Login>,
    peak_kib: u64,
}

/// Sends `rate` logins a second, whatever becomes of them.
async fn flood(http: &awc::Client, server: &Server, rate: f64, span: Duration) -> Flood {
    let logins = Rc::new(RefCell::new(Vec::new()));
    let (started, mut sent, mut peak_kib) = (Instant::now(), 0_usize, 0);
    let mut pieces = interval(PIECE);
    let mut under_way = Vec::new();
    while started.elapsed() < span {
        pieces.tick().await;
        while f64::from(u32::try_from(sent).unwrap()) < started.elapsed().as_secs_f64() * rate {
            let (http, url, logins) = (http.clone(), format!("{}/v1/sessions", server.base), logins.clone());
            let body = login(sent);
            under_way.push(rt::spawn(async move {
                let login = post(&http, url, &body).await;
                logins.borrow_mut().push(login);
            }));
            sent += 1;
        }
        peak_kib = server.resident_kib().max(peak_kib);
    }
    for one in under_way {
        one.await.expect("an answer");
    }
    Flood { logins: logins.take(), peak_kib }
}

struct Quantiles {
    count: usize,
    p50: Duration,
    p99: Duration,
    max: Duration,
}

impl Quantiles {
    fn of(times: &[Duration]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default();
        Self {
            count: sorted.len(),
            p50: at(50),
            p99: at(99),
            max: sorted.last().copied().unwrap_or_default(),
        }
    }
}

impl std::fmt::Display for Quantiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { count, p50, p99, max } = self;
        write!(f, "{count}: p50 {p50:.2?}, p99 {p99:.2?}, max {max:.2?}")
    }
}
