//! R11: follow racing block. `MUTUAL_TEST_ROUNDS` sets how many rounds there are.

use shared::testing::TestDatabase;

use crate::person::{Act, Person};
use crate::random::Random;
use crate::test_app::{TestApp, all};

const ROUNDS: usize = 300;

fn rounds() -> usize {
    std::env::var("MUTUAL_TEST_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"))
}

/// After a round: no block beside anything else, and the counts are those of the two relationships.
async fn assert_whole(one: &Person, other: &Person, what: &str) {
    // A mute stands beside anything.
    let edges = |seen: String| {
        let words: Vec<&str> = seen.split(' ').filter(|word| !word.starts_with("mut")).collect();
        words.join(" ")
    };
    let (mine, theirs) = (edges(one.sees(other).await), edges(other.sees(one).await));
    if mine.contains("blocking") || theirs.contains("blocking") {
        assert!(mine == "blocking" || mine.is_empty(), "{what}: {mine} | {theirs}");
        assert!(theirs == "blocking" || theirs.is_empty(), "{what}: {mine} | {theirs}");
    }
    for (seen, person) in [(&mine, one), (&theirs, other)] {
        let words: Vec<&str> = seen.split(' ').collect();
        let expected = ["followed_by", "following", "friends", "requested_by", "requested"]
            .map(|word| i64::from(words.contains(&word)));
        assert_eq!(person.counts().await, expected, "{what}: {mine} | {theirs}");
    }
}

async fn r11_follow_racing_block_is_never_both(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, private] = app.people(["anna", "ben", "private"]).await;
    app.set_private(&private, true).await;
    let mut followed_first = 0;
    for round in 0..rounds() {
        let target = if round % 3 == 0 { &private } else { &ben };
        let follow = (&anna, Act::Follow, target);
        let block = if round % 2 == 0 { (target, Act::Block, &anna) } else { (&anna, Act::Block, target) };
        let racers = if round % 4 < 2 { [follow, block] } else { [block, follow] };
        let answers = all(racers.map(|(one, act, other)| one.try_act(act, other.id))).await;
        for (answer, (_, act, _)) in answers.iter().zip(racers) {
            let done = answer.status == 200;
            let refused = act == Act::Follow && [404, 403].contains(&answer.status.as_u16());
            assert!(done || refused, "round {round}: {act:?} {}", answer.status);
            followed_first += usize::from(act == Act::Follow && done);
        }
        assert_whole(&anna, target, &format!("round {round}")).await;
        let (blocker, _, blocked) = block;
        assert!(blocker.act(Act::Unblock, blocked).await, "round {round}: the block stands");
    }
    assert!(followed_first > 0, "no follow ever came first: this is no race");
    app.assert_sound().await;
}

async fn r11_everything_at_once_between_two(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    app.set_private(&ben, true).await;
    let mut random = Random::new(11);
    for round in 0..rounds() / 10 {
        let both = [(&anna, &ben), (&ben, &anna)];
        let acts: Vec<_> = (0..12).map(|_| (random.one_of(&both), random.one_of(&Act::ALL))).collect();
        let answers = all(acts.iter().map(|((one, other), act)| one.try_act(*act, other.id))).await;
        for answer in answers {
            assert!([200, 403, 404].contains(&answer.status.as_u16()), "round {round}: {}", answer.status);
        }
        assert_whole(&anna, &ben, &format!("round {round}")).await;
    }
    app.assert_sound().await;
}

shared::on_both_databases!(r11_follow_racing_block_is_never_both, r11_everything_at_once_between_two);
