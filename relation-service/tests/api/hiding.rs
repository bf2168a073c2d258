//! R45 in steps: histories in which people are hidden and return while acts go on, against the naive
//! model, with steps so small that every history stops half-way many times.

use relation_service::actors::change::{Answer, Command};
use relation_service::store::audit::Finding;
use relation_service::store::list::{List, Order, page};
use relation_service::store::sweep::{self, Kind};
use relation_service::store::{audit, count};
use shared::testing::TestDatabase;

use crate::engine::{PEOPLE, Step, World, id};
use crate::random::Random;
use crate::test_app::LIMITS;

const ROUNDS: usize = 1_500;
const SEED: u64 = 0x45;
const COUNTED: &str = "counters equal recounted edges";

fn random_step(random: &mut Random) -> Step {
    match random.below(8) {
        0 => Step::ToggleHidden(random.below(PEOPLE)),
        1 => Step::TogglePrivacy(random.below(PEOPLE)),
        _ => Step::random(random),
    }
}

fn drift(world: &mut World) -> Vec<Finding> {
    let findings = audit::audit(&mut world.conn).unwrap();
    findings.into_iter().filter(|finding| finding.drift != 0).collect()
}

/// One step of one piece of open work; requests are answered to the end. Returns whether there was any.
fn work(world: &mut World, random: &mut Random) -> bool {
    let open = sweep::open(&mut world.conn, 100).unwrap();
    if open.is_empty() {
        return false;
    }
    let (user, kind) = random.one_of(&open);
    let person = (0..PEOPLE).find(|person| id(*person) == user).unwrap();
    let visible = !world.model.hidden.contains(&person);
    loop {
        let answer = world.commit(&[Command::Sweep { user, kind }]).remove(0);
        let Answer::Answered { more, .. } = answer else { panic!("{answer:?}") };
        if !more || kind == Kind::Count {
            break;
        }
    }
    match kind {
        Kind::AcceptReceived if visible && !world.model.private.contains(&person) => {
            world.model.answer_all(person, true);
        }
        Kind::AcceptSent if visible => world.model.accept_sent(person),
        Kind::AcceptReceived | Kind::AcceptSent | Kind::Count | Kind::Purge | Kind::Wipe => {}
    }
    true
}

/// Nothing is open: counts are those of the model, and as long as the lists.
fn compare_at_rest(world: &mut World, what: &str) {
    assert_eq!(drift(world), [], "{what}");
    world.compare_tables(what);
    compare_lists(world, what);
}

/// Shown counts are as long as the lists, whoever is half hidden (R42).
fn compare_lists(world: &mut World, what: &str) {
    for person in 0..PEOPLE {
        let counts = count::shown(&mut world.conn, &[id(person)]).unwrap();
        let counts = counts.get(&id(person)).copied().unwrap_or_default();
        let lists = [
            (List::Followers, counts.followers),
            (List::Following, counts.following),
            (List::Friends, counts.friends),
            (List::RequestsReceived, counts.requests_received),
            (List::RequestsSent, counts.requests_sent),
        ];
        for (list, count) in lists {
            let request = shared::page::PageRequest { limit: 100, after: None };
            let rows = page(&mut world.conn, list, id(person), Order::Newest, request, None).unwrap();
            assert_eq!(i64::try_from(rows.len()).unwrap(), count, "{what}: {person} {list:?}");
        }
    }
}

async fn r45_counts_are_right_at_rest_and_never_wrong_on_the_way(make: impl Fn() -> TestDatabase) {
    let mut random = Random::new(SEED);
    for step in [1, 2, 3] {
        let database = make();
        let mut world = World::new(&database, LIMITS, step);
        let (mut rests, mut halves) = (0, 0);
        for round in 0..ROUNDS / 3 {
            let what = format!("seed {SEED:#x}, step {step}, round {round}");
            let steps: Vec<Step> = (0..=random.below(6))
                .map(|_| random_step(&mut random))
                .filter(|step| !matches!(step, Step::AnswerAll(..)))
                .collect();
            world.batch(&steps, &what);
            // Often fewer steps than the work needs, so that people return half hidden.
            for _ in 0..random.below(5) {
                work(&mut world, &mut random);
            }
            if round % 10 == 5 {
                compare_lists(&mut world, &what);
                halves += usize::from(sweep::is_counting(&mut world.conn).unwrap());
            }
            if round % 20 == 0 {
                let wrong = drift(&mut world);
                assert!(wrong.iter().all(|finding| finding.rule != COUNTED), "{what}: {wrong:?}");
            }
            if round % 50 == 0 {
                while work(&mut world, &mut random) {}
                compare_at_rest(&mut world, &what);
                rests += i32::from(!world.model.hidden.is_empty());
            }
        }
        while work(&mut world, &mut random) {}
        compare_at_rest(&mut world, "the end");
        assert!(rests > 3, "a history in which hardly anybody is hidden");
        assert!(halves > 3, "a history in which hardly anybody is half hidden");
        let back = world.model.hidden.iter().map(|person| Step::ToggleHidden(*person)).collect::<Vec<_>>();
        world.batch(&back, "all return");
        while work(&mut world, &mut random) {}
        compare_at_rest(&mut world, "all are back");
    }
}

shared::on_both_databases!(r45_counts_are_right_at_rest_and_never_wrong_on_the_way);
