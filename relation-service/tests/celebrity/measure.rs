//! A celebrity costs no more than anybody, and nobody waits for one: a measurement on a throw-away database.
//!
//! `cargo run --release --workspace --locked --example celebrity -- sqlite 1000000`

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement stops where it cannot go on, and tells its figures"
)]

mod bystanders;
#[expect(dead_code, reason = "most of it is for tests")]
#[path = "../api/fake_user_service.rs"]
mod fake_user_service;
mod loading;
#[expect(dead_code, reason = "most of it is for tests")]
#[path = "../api/person.rs"]
mod person;
#[expect(dead_code, reason = "most of it is for tests")]
#[path = "../api/test_app.rs"]
mod test_app;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use relation_service::store;
use relation_service::store::list::{List, Order};
use serde_json::json;
use shared::clock::Micros;
use shared::db::open_reader;
use shared::facts::{AccountStatus, UserFacts};
use shared::http::NewServiceToken;
use shared::id::UserId;
use shared::page::PageRequest;
use shared::testing::{Client, TestDatabase};

use bystanders::Bystanders;
use loading::{Loader, fan};

use crate::person::Person;
use crate::test_app::TestApp;

/// How many follow the account beside which the celebrity is measured.
const FEW: usize = 1_000;
/// How many of an account's followers the viewer follows.
const KNOWN: usize = 200;
/// How often a read is measured.
const READS: usize = 40;
/// How long a change of an account is watched, unless a third argument says it in seconds.
const WATCHED: Duration = Duration::from_secs(1_800);
/// How long others are watched while nothing goes on.
const CALM: Duration = Duration::from_secs(10);
/// How long it is watched whether the files are wiped.
const WIPE: Duration = Duration::from_secs(10);
/// How often it is looked at whether a sweep is done.
const LOOK: Duration = Duration::from_millis(10);

/// An account with followers, and one that was private with so many requests.
struct Account {
    star: Person,
    asked: Person,
    followers: usize,
    requests: usize,
}

#[actix_web::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let make: fn() -> TestDatabase = match args.next().as_deref() {
        None | Some("sqlite") => TestDatabase::sqlite,
        Some("postgres") => || TestDatabase::postgres().expect("a server is installed"),
        Some(other) => panic!("{other} is neither sqlite nor postgres"),
    };
    let many = args.next().map_or(1_000_000, |count| count.parse().expect("a number of followers"));
    let watched = args.next().map(|seconds| Duration::from_secs(seconds.parse().expect("seconds")));
    let watched = watched.unwrap_or(WATCHED);
    let (mut app, accounts, [viewer, ann, ben]) = world(make, many).await;
    let targets: Vec<UserId> = (0..500).map(fan).collect();
    let token = |person: &Person| app.users.token(person.id, person.session);
    let bystanders = Bystanders::start(&app.url(""), [token(&ann), token(&ben)], targets);
    let calm = Instant::now();
    watch(CALM, async || false).await;
    println!("calm                        {}", bystanders.since(calm));
    for account in &accounts {
        println!("\n{} followers, {} requests", account.followers, account.requests);
        reads(&app, account, &viewer).await;
        stream(&app, account, &bystanders).await;
        block(&app, account).await;
        phase(&app, account, Phase::Deactivate, &bystanders, watched).await;
        phase(&app, account, Phase::Return, &bystanders, watched).await;
        phase(&app, account, Phase::GoPublic, &bystanders, watched).await;
        phase(&app, account, Phase::Delete, &bystanders, watched).await;
    }
    drop(bystanders);
    app.stop_service();
}

/// The service with two accounts: one with as many followers as a celebrity, one with few.
async fn world(make: impl Fn() -> TestDatabase, many: usize) -> (TestApp, [Account; 2], [Person; 3]) {
    let mut app = TestApp::start(make).await;
    let [star, small, asked, asked_small] = app.people(["star", "small", "asked", "asked_small"]).await;
    let others = app.people(["viewer", "ann", "ben"]).await;
    app.set_private(&asked, true).await;
    app.set_private(&asked_small, true).await;
    app.stop_service();
    let began = Instant::now();
    let mut loader = Loader::new(&app);
    loader.fans(many, star.id);
    println!("{many} people in {:.1?}", began.elapsed());
    let began = Instant::now();
    // In another order than that of their ids, as people come.
    let step = (many / 2 - 1) | 1;
    loader.follows((0..many).map(|number| (fan(number * step % many), star.id)));
    println!("{many} follows in {:.1?}", began.elapsed());
    loader.follows((0..FEW).map(|number| (fan(number), small.id)));
    loader.follows((0..KNOWN).map(|number| (others[0].id, fan(number))));
    for owner in [star.id, small.id] {
        loader.follows((0..KNOWN).map(|number| (owner, fan(number))));
    }
    let requests = many / 10;
    loader.follows((0..requests).map(|number| (fan(number), asked.id)));
    loader.follows((0..FEW).map(|number| (fan(number), asked_small.id)));
    drop(loader);
    app.start_service();
    app.until_ready().await;
    let few = Account { star: small, asked: asked_small, followers: FEW, requests: FEW };
    (app, [few, Account { star, asked, followers: many, requests }], others)
}

/// The median of some answers to the same question.
async fn time(client: &Client, path: &str) -> Duration {
    let mut took = Vec::new();
    for _ in 0..READS {
        let asked = Instant::now();
        client.get(path).await.expect(200);
        took.push(asked.elapsed());
    }
    took.sort_unstable();
    took[READS / 2]
}

async fn reads(app: &TestApp, account: &Account, viewer: &Person) {
    let star = &account.star;
    let client = app.client_of(viewer);
    let followers = star.list("followers");
    for (what, path) in [
        ("followers, first page", followers.clone()),
        ("followers, middle page", format!("{followers}?cursor={}", middle(app, account, Order::Newest))),
        (
            "oldest first, middle page",
            format!("{followers}?order=oldest&cursor={}", middle(app, account, Order::Oldest)),
        ),
        ("known followers", star.list("followers/known")),
        ("friends", star.list("friends")),
        ("counts", star.list("counts")),
    ] {
        println!("{what:27} {:.2?}", time(&client, &path).await);
    }
}

/// A cursor to the page in the middle of the list: page 25,000 of a million.
fn middle(app: &TestApp, account: &Account, order: Order) -> String {
    let owner = account.star.id;
    let name = format!("{:?}:{owner}:{order:?}", List::Followers);
    let half = PageRequest { limit: i64::try_from(account.followers / 2).unwrap(), after: None };
    let mut conn = open_reader(app.database_url()).unwrap();
    let rows = store::list::page(&mut conn, List::Followers, owner, order, half, None).unwrap();
    let place = rows.last().unwrap().position();
    let page = PageRequest { limit: 1, after: None }.page(&name, vec![place, place], |place| *place);
    page.next_cursor.unwrap()
}

async fn stream(app: &TestApp, account: &Account, bystanders: &Bystanders) {
    let token = NewServiceToken::new("delivery", &["fanout".to_owned()]).unwrap();
    token.store(&mut app.writer(), Micros::new(1)).unwrap();
    let http = awc::Client::builder().timeout(Duration::from_secs(60)).finish();
    let request =
        http.get(app.url(&account.star.list("followers.ndjson"))).bearer_auth(token.token().reveal());
    let began = Instant::now();
    let mut answer = request.send().await.unwrap();
    let (mut lines, mut bytes, mut last) = (0, 0, Vec::new());
    while let Some(piece) = answer.next().await {
        let piece = piece.unwrap();
        lines += piece.iter().filter(|byte| **byte == b'\n').count();
        bytes += piece.len();
        last = piece.to_vec();
    }
    assert!(String::from_utf8_lossy(&last).contains("\"complete\":true"));
    let took = began.elapsed();
    println!("{:27} {took:.2?}: {lines} lines, {} KiB", "all followers, streamed", bytes / 1024);
    println!("{:27} {}", "", bystanders.since(began));
}

/// The account blocks some who follow it, and some who follow it block the account.
async fn block(app: &TestApp, account: &Account) {
    let star = app.again(&account.star);
    let mut took = Vec::new();
    for number in 0..READS {
        let asked = Instant::now();
        star.http.put(&format!("/v1/me/blocks/{}", fan(number))).await.expect(200);
        took.push(asked.elapsed());
    }
    took.sort_unstable();
    println!("{:27} {:.2?}", "block a follower", took[READS / 2]);
}

/// What becomes of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Deactivate,
    Return,
    GoPublic,
    Delete,
}

impl Phase {
    fn begin(self, app: &TestApp, account: &Account) {
        let change = |person: &Person, kind, change: &dyn Fn(&mut UserFacts)| {
            app.users.change(person.id, kind, change)
        };
        match self {
            Self::Deactivate => change(&account.star, "user.deactivated", &|facts| {
                facts.status = AccountStatus::Deactivated;
            }),
            Self::Return => change(&account.star, "user.reactivated", &|facts| {
                facts.status = AccountStatus::Active;
            }),
            Self::GoPublic => change(&account.asked, "user.privacy_changed", &|facts| {
                facts.private_account = false;
            }),
            Self::Delete => app.users.append("user.deleted", account.star.id, json!({}), None),
        }
    }
}

/// Waits until `met` holds, but no longer than this; whether it did.
async fn watch(longest: Duration, met: impl AsyncFn() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < longest {
        if met().await {
            return true;
        }
        tokio::time::sleep(LOOK).await;
    }
    false
}

/// How long it takes until it is in force, how long the work behind it goes on, and what others feel meanwhile.
async fn phase(app: &TestApp, account: &Account, phase: Phase, bystanders: &Bystanders, watched: Duration) {
    let began = Instant::now();
    phase.begin(app, account);
    app.users.applied().await;
    let in_force = began.elapsed();
    let conn = RefCell::new(open_reader(app.database_url()).unwrap());
    let swept = async || store::sweep::open(&mut conn.borrow_mut(), 1).unwrap().is_empty();
    let done = if watch(watched, swept).await { "done" } else { "not done" };
    println!(
        "{:27} in force after {in_force:.2?}, {done} after {:.2?}",
        format!("{phase:?}"),
        began.elapsed()
    );
    println!("{:27} {}", "", bystanders.since(began));
    if phase == Phase::Delete && done == "done" {
        let wiped = async || !store::sweep::is_unwiped(&mut conn.borrow_mut()).unwrap();
        let began = Instant::now();
        let done = if watch(WIPE, wiped).await { "wiped" } else { "not wiped, since somebody writes," };
        println!("{:27} {done} after {:.2?}", "the files", began.elapsed());
        println!("{:27} {}", "", bystanders.since(began));
    }
}
