//! `kill -9` amid writes: what was acknowledged is there afterwards, and everything adds up.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::rt;

use crate::world::{Ground, Person, on_both_grounds, rounds};

on_both_grounds!(acknowledged_follows_survive_a_crash);

const PEOPLE: usize = 24;
/// Enough writers at once that batches hold several commands.
const WRITERS: usize = 16;
const FIRST_CRASH_AFTER_ANSWERS: usize = 80;
const LOOK_EVERY: Duration = Duration::from_millis(1);

async fn acknowledged_follows_survive_a_crash(ground: Ground) {
    let mut world = ground.serve();
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(world.register(&format!("person_{number}")).await);
    }
    // The state that each directed pair has for sure: the last acknowledged one.
    let mut acknowledged = 0;
    for round in 0..rounds(3) {
        let known: Rc<RefCell<Vec<Option<bool>>>> = Rc::new(RefCell::new(vec![None; PEOPLE * PEOPLE]));
        let answers = Rc::new(Cell::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (known, answers) = (known.clone(), answers.clone());
                rt::spawn(write_until_it_ends(people.clone(), writer, round, known, answers))
            })
            .collect();
        while answers.get() < FIRST_CRASH_AFTER_ANSWERS + round * 37 % 400 {
            assert!(writers.iter().any(|writer| !writer.is_finished()), "nobody writes any more");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        world.crash();
        for writer in writers {
            writer.await.unwrap();
        }
        world = ground.serve();
        for person in &mut people {
            person.relations = person.relations.at(&world.relations);
            person.users = person.users.at(&world.users);
        }
        acknowledged += check(&people, known.take()).await;
        ground.audit();
    }
    assert!(acknowledged > 100, "only {acknowledged} writes were acknowledged: the test shows nothing");
}

/// Each writer owns the sources whose number leaves its remainder, so that it knows their state.
async fn write_until_it_ends(
    people: Vec<Person>,
    writer: usize,
    round: usize,
    known: Rc<RefCell<Vec<Option<bool>>>>,
    answers: Rc<Cell<usize>>,
) {
    for step in 0.. {
        let source = writer % PEOPLE;
        let target = (source + 1 + (step * 7 + round) % (PEOPLE - 1)) % PEOPLE;
        let follow = (step / PEOPLE).is_multiple_of(2);
        let method = if follow { Method::PUT } else { Method::DELETE };
        let path = format!("/v1/me/following/{}", people[target].id);
        let place = source * PEOPLE + target;
        // Until the answer comes, either outcome is possible.
        known.borrow_mut()[place] = None;
        match people[source].relations.try_send(method, &path, &[], Vec::new()).await {
            Ok(answer) => {
                answer.expect(200);
                known.borrow_mut()[place] = Some(follow);
                answers.set(answers.get() + 1);
            }
            Err(_) => return,
        }
    }
}

async fn check(people: &[Person], known: Vec<Option<bool>>) -> usize {
    let mut checked = 0;
    for (place, state) in known.into_iter().enumerate() {
        let Some(following) = state else { continue };
        let (source, target) = (&people[place / PEOPLE], &people[place % PEOPLE]);
        assert_eq!(
            source.relationship(target).await["following"],
            following,
            "an acknowledged write is lost"
        );
        checked += 1;
    }
    checked
}
