//! Whatever happens at once between two people, each act and each look has its effect at one moment between its
//! request and its answer (Herlihy and Wing, 1990), whichever instance answers. Recorded histories are checked by
//! stateright against the plain telling of the rules. `MUTUAL_TEST_ROUNDS` sets how many pairs there are.

use std::cell::RefCell;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use shared::testing::{Client, TestDatabase};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use crate::model::Model;
use crate::person::{Act, Person, true_words};
use crate::random::Random;
use crate::test_app::{LIMITS, TestApp, all};

const PAIRS: usize = 40;
/// Pairs that are busy at once.
const BUSY_PAIRS: usize = 4;
/// Clients of one pair: two for each side, of which each asks another instance where there are two.
const CLIENTS: usize = 4;
const OPERATIONS_OF_A_CLIENT: usize = 13;
/// How long an order is looked for.
const SEARCH_MAX: Duration = Duration::from_secs(30);
/// So many people make 2,016 pairs.
const PEOPLE: usize = 64;

/// One side does something to the other, or looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    side: usize,
    act: Option<Act>,
}

/// What comes of it: the code of a refusal, or whether it changed anything and what is true then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Refused(String),
    Done { changed: Option<bool>, sees: String },
}

impl SequentialSpec for Model {
    type Op = Operation;
    type Ret = Outcome;

    fn invoke(&mut self, Operation { side, act }: &Operation) -> Outcome {
        let (me, them) = (*side, 1 - side);
        match act.map(|act| self.act(me, act, None, them)).transpose() {
            Ok(changed) => Outcome::Done { changed, sees: self.sees(me, them) },
            Err(code) => Outcome::Refused(code.to_owned()),
        }
    }
}

type History = RefCell<LinearizabilityTester<usize, Model>>;

/// Sends the operation; nothing if what became of it is not known.
async fn carry_out(client: &Client, operation: Operation, other: &Person) -> Option<Outcome> {
    let Some(act) = operation.act else {
        let answer = client.get(&format!("/v1/me/relationships?ids={}", other.id)).await.expect(200).json();
        let sees = true_words(&answer["items"][0]["relationship"]);
        return Some(Outcome::Done { changed: None, sees });
    };
    let (method, path) = act.request(other.id);
    let answer = client.send(method, &path, &[], Vec::new()).await;
    let body = answer.json();
    match answer.status.as_u16() {
        200 => {
            let changed = body["changed"].as_bool();
            let seen: Vec<String> = true_words(&body).split(' ').map(str::to_owned).collect();
            let seen: Vec<String> = seen.into_iter().filter(|word| word != "changed").collect();
            Some(Outcome::Done { changed, sees: seen.join(" ") })
        }
        503 => None,
        status => {
            assert!([403, 404].contains(&status), "{act:?}: {status} {body}");
            Some(Outcome::Refused(answer.code()))
        }
    }
}

/// What one client does, one thing after the other. Returns of how many operations it is not known what became of them.
async fn client(
    number: usize,
    pair: [&Person; 2],
    clients: [Client; 2],
    bases: &[String],
    mut random: Random,
    history: &History,
) -> usize {
    let side = number % 2;
    let client = clients[side].at(bases[number / 2 % bases.len()].as_str());
    let mut thread = number;
    for _ in 0..OPERATIONS_OF_A_CLIENT {
        let act = if random.below(3) == 0 { None } else { Some(random.one_of(&Act::ALL)) };
        let operation = Operation { side, act };
        history.borrow_mut().on_invoke(thread, operation).unwrap();
        match carry_out(&client, operation, pair[1 - side]).await {
            Some(outcome) => drop(history.borrow_mut().on_return(thread, outcome).unwrap()),
            // It stays open for ever, and what comes next is another's.
            None => thread += CLIENTS,
        }
    }
    thread / CLIENTS
}

/// Whether some order explains a history. One that does is found at once; that there is none may take for ever to
/// prove, so it is taken for proven after a while.
fn is_explained(history: LinearizabilityTester<usize, Model>) -> bool {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(history.is_consistent()));
    told.recv_timeout(SEARCH_MAX).unwrap_or(false)
}

fn pairs() -> Vec<(usize, usize)> {
    let count = std::env::var("MUTUAL_TEST_ROUNDS").map_or(PAIRS, |rounds| rounds.parse().expect("a number"));
    let all = (0..PEOPLE).flat_map(|one| (one + 1..PEOPLE).map(move |other| (one, other)));
    all.take(count).collect()
}

async fn what_happens_at_once_happens_in_some_order(make: impl Fn() -> TestDatabase) {
    let app = TestApp::beside_others(make).await;
    // Every third person is private.
    let people = app.crowd("p", PEOPLE).await;
    for person in people.iter().skip(2).step_by(3) {
        app.set_private(person, true).await;
    }
    let second = app.second_instance().await;
    let mut bases = vec![app.url("")];
    bases.extend(second.as_ref().map(|(_, base)| base.clone()));
    let mut random = Random::new(54);
    let mut unknown = 0;
    for group in pairs().chunks(BUSY_PAIRS) {
        let histories: Vec<(usize, usize, History)> = group
            .iter()
            .map(|&(one, other)| {
                let private = [one, other].iter().map(|person| person % 3 == 2).collect::<Vec<_>>();
                let mut model = Model::new(LIMITS);
                model.private.extend((0..2).filter(|side| private[*side]));
                (one, other, RefCell::new(LinearizabilityTester::new(model)))
            })
            .collect();
        let clients = histories.iter().flat_map(|(one, other, history)| {
            let pair = [&people[*one], &people[*other]];
            let seeds: Vec<u64> =
                (0..CLIENTS).map(|_| u64::try_from(random.below(1 << 40)).unwrap()).collect();
            // New tokens for each group: a long run outlives them.
            let clients = pair.map(|person| app.client_of(person));
            let bases = &bases;
            seeds.into_iter().enumerate().map(move |(number, seed)| {
                client(number, pair, clients.clone(), bases, Random::new(seed), history)
            })
        });
        unknown += all(clients.collect::<Vec<_>>()).await.iter().sum::<usize>();
        for (one, other, history) in histories {
            let history = history.into_inner();
            assert!(
                is_explained(history.clone()),
                "no order explains what {one} and {other} saw: {history:#?}"
            );
        }
    }
    assert_eq!(unknown, 0, "nothing was overloaded");
    app.assert_sound().await;
}

shared::on_both_databases!(what_happens_at_once_happens_in_some_order);
