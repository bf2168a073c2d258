//! R42 and R43: what is counted is what is listed, through any history.

use serde_json::json;
use shared::testing::TestDatabase;

use crate::model::Model;
use crate::person::{Act, Person};
use crate::random::Random;
use crate::test_app::{LIMITS, TestApp, all};

const PEOPLE: usize = 8;
const COMMANDS: usize = 300;
const SEED: u64 = 0x4242;

async fn r42_walks_equal_counts_through_a_random_history(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let people = app.crowd("person", PEOPLE).await;
    let mut model = Model::new(LIMITS);
    let mut random = Random::new(SEED);
    for number in [1, 4] {
        app.set_private(&people[number], true).await;
        model.private.insert(number);
    }
    let acts = [&Act::ALL[..], &[Act::Follow; 8], &[Act::Accept; 3]].concat();
    for step in 0..COMMANDS {
        let (me, them) = random.two_below(PEOPLE);
        let act = random.one_of(&acts);
        let answer = people[me].try_act(act, people[them].id).await;
        let modelled = model.act(me, act, None, them);
        match modelled {
            Ok(changed) => {
                assert_eq!(answer.expect(200).json()["changed"], changed, "step {step}: {me} {act:?} {them}")
            }
            Err(code) => assert_eq!(answer.code(), code, "step {step}: {me} {act:?} {them}"),
        }
        if step % 10 == 0 {
            for number in [me, them] {
                assert_eq!(people[number].counts().await, model.counts(number), "step {step}");
                assert_walks_equal_counts(&people[number], &[100]).await;
            }
        }
    }
    for (number, person) in people.iter().enumerate() {
        assert_eq!(person.counts().await, model.counts(number));
        assert_walks_equal_counts(person, &[1, 2, 5, 100]).await;
        for (other, them) in people.iter().enumerate() {
            assert_eq!(person.sees(them).await, model.sees(number, other), "{number} {other}");
        }
    }
    assert_friends_are_symmetric(&people).await;
    app.assert_sound().await;
}

/// Every list of a person, in both orders and at each page size, is as long as its count.
pub async fn assert_walks_equal_counts(person: &Person, limits: &[usize]) {
    let [followers, following, friends, received, sent] = person.counts().await;
    let lists = [("followers", followers), ("following", following), ("friends", friends)];
    for (list, count) in lists {
        let path = person.list(list);
        let whole = person.walk(&path, 100).await;
        assert_eq!(i64::try_from(whole.len()).unwrap(), count, "{list}");
        let reversed: Vec<_> = whole.iter().rev().copied().collect();
        for &limit in limits {
            assert_eq!(person.walk(&path, limit).await, whole, "{list} {limit}");
            let oldest = person.walk(&format!("{path}?order=oldest"), limit).await;
            assert_eq!(oldest, reversed, "{list} {limit}");
        }
    }
    for (path, count) in [("/v1/me/follow-requests", received), ("/v1/me/follow-requests/sent", sent)] {
        for &limit in limits {
            assert_eq!(i64::try_from(person.walk(path, limit).await.len()).unwrap(), count, "{path}");
        }
    }
}

async fn assert_friends_are_symmetric(people: &[Person]) {
    for person in people {
        for friend in person.walk(&person.list("friends"), 100).await {
            let other = people.iter().find(|other| other.id == friend).unwrap();
            assert!(other.walk(&other.list("friends"), 100).await.contains(&person.id));
        }
    }
}

async fn r43_counts_are_never_negative_under_parallel_endings(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben] = app.people(["anna", "ben"]).await;
    for _ in 0..10 {
        crate::friends::befriend(&anna, &ben).await;
        let endings = [
            (&anna, Act::Unfollow, &ben),
            (&anna, Act::RemoveFollower, &ben),
            (&ben, Act::Unfollow, &anna),
            (&ben, Act::RemoveFollower, &anna),
            (&ben, Act::Block, &anna),
            (&ben, Act::Unblock, &anna),
        ];
        for answer in all(endings.map(|(one, act, other)| one.try_act(act, other.id))).await {
            answer.expect(200);
        }
        ben.act(Act::Unblock, &anna).await;
        assert_eq!((anna.counts().await, ben.counts().await), ([0; 5], [0; 5]));
    }
    app.assert_sound().await;
}

async fn many_counts_are_the_single_ones_in_order(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    anna.follow(&ben).await;
    carl.follow(&ben).await;
    for viewer in [&app.nobody, &anna.http] {
        let path = format!("/v1/counts?ids={},1,{},{},{}", ben.id, anna.id, ben.id, carl.id);
        let many = viewer.get(&path).await.expect(200).json();
        let mut singles = Vec::new();
        for id in [ben.id.get(), 1, anna.id.get(), carl.id.get()] {
            let single = viewer.get(&format!("/v1/users/{id}/counts")).await;
            let counts = if single.status == 200 { single.json() } else { json!(null) };
            singles.push(json!({"id": id.to_string(), "counts": counts}));
        }
        assert_eq!(many, json!({"items": singles}));
    }
    let crowd: Vec<String> = (1..=101).map(|id| id.to_string()).collect();
    app.nobody.get(&format!("/v1/counts?ids={}", crowd.join(","))).await.expect_problem(400, "too_many_ids");
    app.nobody.get(&format!("/v1/counts?ids={}", crowd[..100].join(","))).await.expect(200);
}

shared::on_both_databases!(
    r42_walks_equal_counts_through_a_random_history,
    r43_counts_are_never_negative_under_parallel_endings,
    many_counts_are_the_single_ones_in_order,
);
