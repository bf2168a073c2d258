//! R42 and R43 through long random histories of many clients at once. `MUTUAL_TEST_ROUNDS` sets how many thousand
//! commands there are.

use std::cell::RefCell;

use shared::testing::TestDatabase;

use crate::counts::assert_walks_equal_counts;
use crate::model::Model;
use crate::person::{Act, Person};
use crate::random::Random;
use crate::test_app::{LIMITS, TestApp, all};

const THOUSANDS: usize = 1;
const COMMANDS_OF_A_ROUND: usize = 1_000;
const PEOPLE: usize = 50;
const CLIENTS: usize = 16;
const SEED: u64 = 0x2026;

struct Command {
    me: usize,
    act: Act,
    them: usize,
}

/// Deals commands so that all between two people are one client's: each client then knows what to expect, because
/// pairs do not touch each other.
fn deal(random: &mut Random) -> Vec<Vec<Command>> {
    let acts = [&Act::ALL[..], &[Act::Follow; 8], &[Act::Accept; 3]].concat();
    let mut hands: Vec<Vec<Command>> = (0..CLIENTS).map(|_| Vec::new()).collect();
    for _ in 0..COMMANDS_OF_A_ROUND {
        // Neighbours meet often enough to come to every state.
        let me = random.below(PEOPLE);
        let them = (me + 1 + random.below(7)) % PEOPLE;
        let (me, them) = if random.below(2) == 0 { (me, them) } else { (them, me) };
        let act = random.one_of(&acts);
        hands[(me.min(them) * PEOPLE + me.max(them)) % CLIENTS].push(Command { me, act, them });
    }
    hands
}

/// One client's commands, one after the other.
async fn play(commands: Vec<Command>, people: &[Person], model: &RefCell<Model>) {
    for Command { me, act, them } in commands {
        let answer = people[me].try_act(act, people[them].id).await;
        match model.borrow_mut().act(me, act, None, them) {
            Ok(changed) => assert_eq!(answer.expect(200).json()["changed"], changed, "{me} {act:?} {them}"),
            Err(code) => assert_eq!(answer.code(), code, "{me} {act:?} {them}"),
        }
    }
}

async fn r42_r43_sixteen_clients_and_the_plain_rules_agree(make: impl Fn() -> TestDatabase) {
    let rounds =
        std::env::var("MUTUAL_TEST_ROUNDS").map_or(THOUSANDS, |rounds| rounds.parse().expect("a number"));
    let app = TestApp::start(make).await;
    let mut people = app.crowd("person", PEOPLE).await;
    let model = RefCell::new(Model::new(LIMITS));
    for number in (0..PEOPLE).step_by(4) {
        app.set_private(&people[number], true).await;
        model.borrow_mut().private.insert(number);
    }
    let mut random = Random::new(SEED);
    for round in 0..rounds {
        // New tokens each time: a long run outlives them.
        for person in &mut people {
            person.http = app.client_of(person);
        }
        all(deal(&mut random).into_iter().map(|commands| play(commands, &people, &model))).await;
        let model = model.borrow().clone();
        for (number, person) in people.iter().enumerate() {
            assert_eq!(person.counts().await, model.counts(number), "round {round}: {number}");
            assert_walks_equal_counts(person, &[5]).await;
            for near in 1..8 {
                let other = (number + near) % PEOPLE;
                for (me, them) in [(number, other), (other, number)] {
                    let seen = people[me].sees(&people[them]).await;
                    assert_eq!(seen, model.sees(me, them), "round {round}: {me} {them}");
                }
            }
        }
        app.assert_sound().await;
    }
}

shared::on_both_databases!(r42_r43_sixteen_clients_and_the_plain_rules_agree);
