//! R47 and R54 across instances that remember: what one has answered is what the other answers next. Each test begins
//! with the one exception, `Mutual-Consistency: fast`, at instances that hear no announcements, and that must be seen to
//! be stale: so a test that finds nothing would have found something.
//!
//! `MUTUAL_TEST_ROUNDS` sets how many trials of each kind there are.

use std::cell::Cell;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::cache::CacheSettings;
use shared::clock::Clock;
use shared::testing::{Answer, Client, ServerThread, TestDatabase};

use crate::person::{Act, Person, true_words};
use crate::test_app::{TestApp, all};

/// Trials of each kind.
const TRIALS: usize = 400;
/// Pairs that are busy at once.
const PAIRS: usize = 16;
const MIB: u32 = 16;
/// How long a busy machine may refuse.
const PATIENCE: Duration = Duration::from_secs(30);
/// How a look is not to be made.
const FAST: [(&str, &str); 1] = [("mutual-consistency", "fast")];

fn trials() -> usize {
    std::env::var("MUTUAL_TEST_ROUNDS").map_or(TRIALS, |rounds| rounds.parse().expect("a number"))
}

struct Pair {
    me: Person,
    them: Person,
}

struct World {
    app: TestApp,
    /// The base of each instance.
    bases: [String; 2],
    service: Client,
    pairs: Vec<Pair>,
    _second: ServerThread,
}

impl World {
    async fn new(make: &impl Fn() -> TestDatabase, deaf: bool) -> Self {
        let cache = CacheSettings { deaf, ..CacheSettings::new(MIB, false) };
        let app = TestApp::remembering(make, cache, Clock::system()).await;
        let (second, base) = app.second_instance().await.expect("a server's database");
        let people = app.crowd("p", 2 * PAIRS).await;
        let pairs =
            people.chunks(2).map(|pair| Pair { me: pair[0].clone(), them: pair[1].clone() }).collect();
        let service = app.service("gateway", &["visibility"]);
        Self { bases: [app.url(""), base], app, service, pairs, _second: second }
    }

    /// Whether one instance lets them see what is mine.
    async fn allows(&self, pair: &Pair, instance: usize, how: &[(&str, &str)]) -> bool {
        let check = json!({"viewer_id": pair.them.id, "owner_id": pair.me.id, "action": "view_content"});
        let body = json!({"checks": [check]}).to_string().into_bytes();
        let json = [("content-type", "application/json")];
        let headers = [&json[..], how].concat();
        let service = self.service.at(self.bases[instance].as_str());
        let send = async || service.send(Method::POST, "/v1/visibility", &headers, body.clone()).await;
        patiently(send).await.0["items"][0]["allow"].as_bool().unwrap()
    }

    async fn act(&self, person: &Person, act: Act, other: &Person, instance: usize) {
        let client = self.app.client_of(person).at(self.bases[instance].as_str());
        let (method, path) = act.request(other.id);
        let send = async || client.send(method.clone(), &path, &[], Vec::new()).await;
        let (answer, refused) = patiently(send).await;
        // What was refused may have been done all the same.
        assert!(answer["changed"] == true || refused, "{act:?}");
    }

    /// What one instance says that they are to me.
    async fn sees(&self, pair: &Pair, instance: usize, how: &[(&str, &str)]) -> Value {
        let client = self.app.client_of(&pair.me).at(self.bases[instance].as_str());
        let path = format!("/v1/me/relationships?ids={}", pair.them.id);
        let send = async || client.send(Method::GET, &path, how, Vec::new()).await;
        patiently(send).await.0["items"][0]["relationship"].clone()
    }

    /// Has every pair make its trials, at once with the others; returns how many were stale.
    #[expect(clippy::print_stderr, reason = "a measurement, where many trials are asked for")]
    async fn stale(&self, trials: usize, trial: impl AsyncFn(&Pair, usize) -> bool) -> usize {
        let (stale, started) = (Cell::new(0), Instant::now());
        // Each ends as it began, so that the next may begin.
        let each = trials.div_ceil(self.pairs.len()).next_multiple_of(2);
        let (stale_ones, trial) = (&stale, &trial);
        all(self.pairs.iter().map(async |pair| {
            for round in 0..each {
                stale_ones.set(stale_ones.get() + usize::from(trial(pair, round).await));
            }
        }))
        .await;
        let made = each * self.pairs.len();
        eprintln!("{} of {made} trials were stale, {:?}", stale.get(), started.elapsed());
        stale.get()
    }

    /// Blocks or unblocks on one instance, and asks the other. Whether that was stale.
    async fn block(&self, pair: &Pair, round: usize, how: &[(&str, &str)]) -> bool {
        let allowed = round % 2 == 1;
        let (here, there) = sides(round, how);
        let act = if allowed { Act::Unblock } else { Act::Block };
        self.act(&pair.me, act, &pair.them, here).await;
        self.allows(pair, there, how).await != allowed
    }

    /// The same of following, as one sees it oneself.
    async fn follow(&self, pair: &Pair, round: usize, how: &[(&str, &str)]) -> bool {
        let following = round.is_multiple_of(2);
        let (here, there) = sides(round, how);
        let act = if following { Act::Follow } else { Act::Unfollow };
        self.act(&pair.me, act, &pair.them, here).await;
        let seen = self.sees(pair, there, how).await;
        assert!(["", "following"].contains(&true_words(&seen).as_str()), "{seen}");
        (seen["following"] == true) != following
    }

    /// Goes private or public, which is answered once it is acknowledged, and asks each instance in turn.
    async fn privacy(&self, pair: &Pair, round: usize, how: &[(&str, &str)]) -> bool {
        let private = round.is_multiple_of(2);
        self.app.set_private(&pair.me, private).await;
        self.allows(pair, round / 2 % 2, how).await == private
    }
}

/// Asks again where a busy machine refuses; the answer, and whether it did.
async fn patiently(send: impl AsyncFn() -> Answer) -> (Value, bool) {
    let started = Instant::now();
    let mut refused = false;
    loop {
        let answer = send().await;
        if answer.status != 503 {
            return (answer.expect(200).json(), refused);
        }
        assert!(started.elapsed() < PATIENCE, "refused for {PATIENCE:?}");
        refused = true;
    }
}

/// Where is written and where is read: in turn, but for a look in haste, since who writes follows the others first.
fn sides(round: usize, how: &[(&str, &str)]) -> (usize, usize) {
    let here = if how.is_empty() { round / 2 % 2 } else { 0 };
    (here, 1 - here)
}

async fn r54_after_a_block_no_instance_allows(make: impl Fn() -> TestDatabase) {
    let control = World::new(&make, true).await;
    let stale = control.stale(TRIALS, async |pair, round| control.block(pair, round, &FAST).await).await;
    assert!(stale > 0, "who does not ask whether memory is current is told something old now and then");
    // Neither do those who ask rest on announcements.
    assert_eq!(control.stale(TRIALS, async |pair, round| control.block(pair, round, &[]).await).await, 0);
    drop(control);
    let world = World::new(&make, false).await;
    assert_eq!(world.stale(trials(), async |pair, round| world.block(pair, round, &[]).await).await, 0);
    world.app.assert_sound().await;
}

async fn r47_what_one_instance_wrote_another_reads(make: impl Fn() -> TestDatabase) {
    let control = World::new(&make, true).await;
    let stale = control.stale(TRIALS, async |pair, round| control.follow(pair, round, &FAST).await).await;
    assert!(stale > 0, "who does not ask whether memory is current is told something old now and then");
    // Neither do those who ask rest on announcements.
    assert_eq!(control.stale(TRIALS, async |pair, round| control.follow(pair, round, &[]).await).await, 0);
    drop(control);
    let world = World::new(&make, false).await;
    assert_eq!(world.stale(trials(), async |pair, round| world.follow(pair, round, &[]).await).await, 0);
    world.app.assert_sound().await;
}

async fn r54_who_went_private_is_private_on_every_instance(make: impl Fn() -> TestDatabase) {
    let world = World::new(&make, false).await;
    let trials = trials().div_ceil(10);
    assert_eq!(world.stale(trials, async |pair, round| world.privacy(pair, round, &[]).await).await, 0);
    world.app.assert_sound().await;
}

async fn what_is_asked_of_consistency_is_understood_or_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna] = app.people(["anna"]).await;
    let path = anna.list("followers");
    for (asked, status) in [("fast", 200), ("slow", 400), ("", 400)] {
        let answer = app.nobody.send(Method::GET, &path, &[("mutual-consistency", asked)], Vec::new()).await;
        assert_eq!(answer.status, status, "{asked}");
    }
}

shared::on_postgres!(
    r54_after_a_block_no_instance_allows,
    r47_what_one_instance_wrote_another_reads,
    r54_who_went_private_is_private_on_every_instance,
);
shared::on_both_databases!(what_is_asked_of_consistency_is_understood_or_refused);
