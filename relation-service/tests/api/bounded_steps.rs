//! Steps of long work that meet many hidden people: each reads a bounded number of them, and the next goes on behind.

use relation_service::actors::change::{Answer, Command, Learned};
use relation_service::actors::import::{ImportAnswer, ImportCommand, NewImport, Told};
use relation_service::domain::{Action, ImportKind, ImportMode, ImportPhase, read_file};
use relation_service::store::fact::{self, KnownUser};
use relation_service::store::import::{self, Import, RequestName};
use relation_service::store::sweep::{self, Kind};
use shared::facts::{AccountStatus, UserFacts};
use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::engine::{World, id};
use crate::test_app::LIMITS;

shared::on_both_databases!(
    a_sweep_reads_past_hidden_people_in_steps,
    a_sweep_that_begins_again_begins_at_the_oldest_request,
    all_requests_are_answered_past_hidden_people_in_steps,
    an_import_reads_past_hidden_people_in_steps,
);

/// What a step touches at the most; it reads 40 rows for that.
const STEP: u32 = 1;
/// So many that two steps find nobody else.
const HIDDEN: i64 = 90;

/// A world in which news have ever greater numbers.
struct Crowded {
    world: World,
    seq: i64,
}

fn hidden_ones() -> impl Iterator<Item = UserId> {
    (1..=HIDDEN).map(UserId::new)
}

impl Crowded {
    fn new(database: &TestDatabase) -> Self {
        let mut told = Self { world: World::new(database, LIMITS, STEP), seq: 1_000 };
        told.know(hidden_ones(), |_| {});
        told
    }

    fn know(&mut self, who: impl Iterator<Item = UserId>, change: impl Fn(&mut UserFacts)) {
        let template = fact::known_one(&mut self.world.conn, id(8)).unwrap().unwrap();
        let users: Vec<KnownUser> = who
            .map(|user| {
                self.seq += 1;
                let mut facts = UserFacts { username: format!("u{user}"), ..template.clone() };
                change(&mut facts);
                KnownUser { id: user, seq: self.seq, facts }
            })
            .collect();
        self.world.commit(&[Command::Learn(Learned { users, ..Learned::default() })]);
    }

    fn set_private(&mut self, user: UserId, private: bool) {
        self.know(std::iter::once(user), |facts| facts.private_account = private);
    }

    fn hide(&mut self, who: impl Iterator<Item = UserId>, hidden: bool) {
        let status = if hidden { AccountStatus::Deactivated } else { AccountStatus::Active };
        self.know(who, |facts| facts.status = status);
    }

    /// Everybody of `sources` acts towards everybody of `targets`, in this order.
    fn act(&mut self, sources: &[UserId], targets: &[UserId]) {
        let acts = sources.iter().flat_map(|&source| {
            let action = Action::Follow { notify: None };
            targets.iter().map(move |&target| Command::Act { source, target, action })
        });
        let acts: Vec<Command> = acts.collect();
        self.world.commit(&acts);
    }

    /// Somebody private whom the hidden ones have asked first, and two others after them.
    fn asked(database: &TestDatabase) -> Self {
        let mut told = Self::new(database);
        told.set_private(id(0), true);
        let askers: Vec<UserId> = hidden_ones().chain([id(1), id(2)]).collect();
        told.act(&askers, &[id(0)]);
        told.hide(hidden_ones(), true);
        told
    }

    fn followers(&mut self) -> i64 {
        shared::db::audit::count(
            &mut self.world.conn,
            &format!("SELECT source FROM edges_in WHERE target = {} AND state = 1", id(0)),
        )
        .unwrap()
    }

    /// Steps of a sweep until the last: what each touched.
    fn sweep(&mut self, user: UserId, kind: Kind) -> Vec<u32> {
        let mut counts = Vec::new();
        loop {
            let answer = self.world.commit(&[Command::Sweep { user, kind }]).remove(0);
            let Answer::Answered { count, more } = answer else { panic!("{answer:?}") };
            counts.push(count);
            if !more {
                return counts;
            }
        }
    }

    fn is_open(&mut self, kind: Kind) -> bool {
        sweep::open(&mut self.world.conn, 1_000).unwrap().contains(&(id(0), kind))
    }
}

async fn a_sweep_reads_past_hidden_people_in_steps(make: impl Fn() -> TestDatabase) {
    let mut told = Crowded::asked(&make());
    told.set_private(id(0), false);
    assert!(told.is_open(Kind::AcceptReceived));
    assert_eq!(told.sweep(id(0), Kind::AcceptReceived), [0, 0, 1, 1, 0]);
    assert!(!told.is_open(Kind::AcceptReceived));
    assert_eq!(told.followers(), 2);
}

async fn a_sweep_that_begins_again_begins_at_the_oldest_request(make: impl Fn() -> TestDatabase) {
    let mut told = Crowded::asked(&make());
    told.set_private(id(0), false);
    let first = told.world.commit(&[Command::Sweep { user: id(0), kind: Kind::AcceptReceived }]);
    assert_eq!(first, [Answer::Answered { count: 0, more: true }]);
    // Who was read past comes back while the account is private: their request waits.
    told.set_private(id(0), true);
    let back = UserId::new(1);
    told.hide(std::iter::once(back), false);
    assert_eq!(told.sweep(back, Kind::AcceptSent).iter().sum::<u32>(), 0);
    assert!(told.is_open(Kind::AcceptReceived), "no step has seen that it is private");
    told.set_private(id(0), false);
    assert_eq!(told.sweep(id(0), Kind::AcceptReceived).iter().sum::<u32>(), 3);
    assert_eq!(told.followers(), 3);
}

async fn all_requests_are_answered_past_hidden_people_in_steps(make: impl Fn() -> TestDatabase) {
    let mut told = Crowded::asked(&make());
    let (mut after, mut counts) = (None, Vec::new());
    loop {
        let step = Command::AnswerRequests { user: id(0), accept: true, after };
        let answer = told.world.commit(&[step]).remove(0);
        let Answer::Requests { count, next } = answer else { panic!("{answer:?}") };
        counts.push(count);
        if next.is_none() {
            break;
        }
        after = next;
    }
    assert_eq!((counts, told.followers()), (vec![0, 0, 1, 1, 0], 2));
}

async fn an_import_reads_past_hidden_people_in_steps(make: impl Fn() -> TestDatabase) {
    let mut told = Crowded::new(&make());
    let me = id(0);
    let all: Vec<UserId> = hidden_ones().chain([id(1), id(2)]).collect();
    told.act(&[me], &all);
    told.hide(hidden_ones(), true);
    let hosts = "localhost".parse().unwrap();
    let file = read_file(b"Account address\nperson2\n", ImportKind::Following, &hosts).unwrap();
    let (kind, mode) = (ImportKind::Following, ImportMode::Overwrite);
    let new = NewImport { user: me, kind, mode, dry_run: false, file, name: RequestName::default() };
    let answer = told.world.commit(&[Command::Import(ImportCommand::Begin(Box::new(new)))]).remove(0);
    let Answer::Import(ImportAnswer::Begun(begun)) = answer else { panic!("{answer:?}") };
    let mut removing = Vec::new();
    loop {
        let now = import::find(&mut told.world.conn, me, begun.id).unwrap().unwrap();
        if !now.is_open() {
            break;
        }
        if now.phase == ImportPhase::Remove {
            let Import { resolved, removed, .. } = now;
            removing.push((resolved, removed));
        }
        let step = ImportCommand::Step { user: me, id: begun.id, told: Told::new() };
        told.world.commit(&[Command::Import(step)]);
    }
    // It begins each of these steps behind whom it has read, and then removed.
    let left_out = id(1).get();
    assert_eq!(removing, [(0, 0), (40, 0), (80, 0), (left_out, 1)]);
}
