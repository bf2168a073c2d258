//! What is remembered is what is stored: after every batch, whatever it did, each part that is remembered is what a load
//! would bring. So no way to write can forget to tell memory.

use std::collections::HashMap;
use std::sync::Arc;

use relation_service::actors::change::{Answer, Command};
use relation_service::domain::{Action, Note};
use relation_service::store::audit::{Mend, Slice};
use relation_service::store::graph::{Graph, Key, Part, Record, Remembering, load};
use relation_service::store::sweep::Kind;
use shared::cache::{CacheSize, Memory};
use shared::db::{Conn, execute, log as event_log, touched};
use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::engine::{PEOPLE, Step, World, id};
use crate::random::Random;
use crate::test_app;

const MIB: u32 = 4;
const PARTS: [Part; 4] = [Part::Person, Part::Outbound, Part::Inbound, Part::Kept];
const BATCHES: usize = 300;
const BATCH_MAX: usize = 12;
const SEED: u64 = 0xCAC4E;
const SWEEPS: [Kind; 3] = [Kind::AcceptReceived, Kind::AcceptSent, Kind::Count];

/// A memory, and which parts are looked at.
pub struct Witness {
    pub memory: Remembering,
    rounds: usize,
}

impl Witness {
    pub fn new() -> Self {
        Self { memory: Remembering(Arc::new(Graph::new(CacheSize::of_mib(MIB).unwrap()))), rounds: 0 }
    }

    fn keys() -> Vec<Key> {
        let people = (0..PEOPLE).map(id);
        people.flat_map(|user| PARTS.map(|part| Key { part, user })).collect()
    }

    /// Has some parts remembered, others each time; none where others have committed what is not followed yet, since
    /// what is loaded then has to wait.
    pub fn before(&mut self, conn: &mut Conn) {
        self.rounds += 1;
        let head = event_log::head(conn).unwrap().at;
        if self.memory.commits().place().is_some_and(|place| place != head) {
            return;
        }
        let keys = Self::keys();
        let some: Vec<Key> = keys.into_iter().skip(self.rounds % 3).step_by(2).collect();
        for part in load(conn, &self.memory.0, &some).unwrap() {
            self.memory.0.keep(&part);
        }
    }

    /// Comes to where the database is. Whether a link was missing.
    pub fn follow(&self, conn: &mut Conn) -> bool {
        let commits = self.memory.commits();
        let news = touched::news(conn, commits.place().unwrap_or_default()).unwrap();
        assert!(news.whole);
        commits.catch_up(&self.memory, conn, &news).unwrap().dropped
    }

    /// Compares what is remembered. Returns how many parts that was.
    pub fn after(&self, conn: &mut Conn) -> usize {
        let stored = load(conn, &self.memory.0, &Self::keys()).unwrap();
        let stored: HashMap<Key, Record> = stored.into_iter().map(|part| (part.key, part.record)).collect();
        let remembered = Self::keys().into_iter().filter_map(|key| Some((key, self.memory.0.part(key)?)));
        let compared = remembered.inspect(|(key, record)| {
            assert_eq!(Some(record), stored.get(key), "{key:?} in round {}", self.rounds);
        });
        compared.count()
    }
}

fn random_command(random: &mut Random) -> Command {
    let (source, target) = random.two_below(PEOPLE);
    let (source, target) = (id(source), id(target));
    match random.below(7) {
        6 => Command::Dismiss { user: source, target },
        0 => Command::Act { source, target, action: Action::MarkClose },
        1 => Command::Act { source, target, action: Action::UnmarkClose },
        2 => {
            let text = "n".repeat(random.below(3) * 200);
            Command::Note { source, target, note: Note::parse(text, 2_000).unwrap() }
        }
        3 if random.below(10) == 0 => Command::Sweep { user: source, kind: Kind::Purge },
        3 | 4 => Command::Sweep { user: source, kind: random.one_of(&SWEEPS) },
        _ => Command::AnswerRequests { user: source, accept: random.below(2) == 0, after: None },
    }
}

async fn no_way_to_write_forgets_to_tell(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut world = World::new(&database, test_app::LIMITS, 3);
    let mut random = Random::new(SEED);
    for _ in 0..BATCHES {
        let mut commands: Vec<Command> = (0..3).map(|_| random_command(&mut random)).collect();
        let steps = (0..=random.below(BATCH_MAX)).map(|_| Step::random(&mut random));
        commands.extend(steps.map(|step| world.command(step)));
        world.commit(&commands);
    }
    assert!(world.compared > BATCHES * PEOPLE, "too little was remembered: {}", world.compared);
}

/// Derived rows that are wrong, in ways that memory takes over when it loads them.
const BREAKAGES: [&str; 5] = [
    "UPDATE counters SET followers = followers + 5, blocks = 7 WHERE user_id < 105",
    "DELETE FROM edges_in WHERE source < 104",
    "UPDATE edges_in SET neg_since = neg_since - 1 WHERE source > 103",
    "UPDATE edges_out SET back_since = 7",
    "INSERT INTO close_friends (user_id, target, since) SELECT 100, user_id, 5 FROM user_facts WHERE user_id > 100
     ON CONFLICT DO NOTHING",
];
/// Steps of three rows, enough for all.
const MENDS_MAX: usize = 30;
const MENDS: [Mend; 4] = [Mend::ByTarget, Mend::BackSince, Mend::Counters, Mend::CloseFriends];

async fn a_repair_is_remembered(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut world = World::new(&database, test_app::LIMITS, 3);
    let mut random = Random::new(SEED);
    for breakage in BREAKAGES {
        for _ in 0..20 {
            let steps: Vec<Step> = (0..BATCH_MAX).map(|_| Step::random(&mut random)).collect();
            let commands: Vec<Command> = steps.into_iter().map(|step| world.command(step)).collect();
            world.commit(&commands);
        }
        world.forget_all();
        assert!(execute(&mut world.conn, breakage, &[]).unwrap() > 0, "{breakage}");
        // What is wrong is remembered, as by whoever has asked.
        for _ in 0..3 {
            world.witness.before(&mut world.conn);
        }
        let everybody = Slice { after: 0, through: 1_000 };
        let mut rows = 0;
        for mend in MENDS {
            for _ in 0..MENDS_MAX {
                let answers = world.commit(&[Command::Mend(mend, everybody)]);
                let [Answer::Mended(mended)] = &answers[..] else { panic!("{answers:?}") };
                rows += mended.len();
            }
        }
        assert!(rows > 0, "nothing was mended of: {breakage}");
    }
}

async fn a_commit_of_another_process_is_noticed(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut here = World::new(&database, test_app::LIMITS, 3);
    here.commit(&[]);
    let key = Key { part: Part::Person, user: UserId::new(100) };
    here.commit(&[follow(1)]);
    here.witness.before(&mut here.conn);
    here.witness.before(&mut here.conn);
    assert!(here.witness.memory.0.part(key).is_some());
    let memory = here.forget_memory();
    here.commit(&[follow(2)]);
    here.engine_with(memory);
    // What the one has told the other follows; on an embedded database nobody tells.
    here.commit(&[follow(3)]);
    let followed = here.witness.memory.0.part(key).is_some();
    assert_eq!(followed, matches!(here.conn, Conn::Postgres(_)));
}

fn follow(them: usize) -> Command {
    Command::Act { source: id(0), target: id(them), action: Action::Follow { notify: None } }
}

/// Each of two processes, whichever commits, remembers what a load would bring.
async fn what_others_commit_is_followed(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut here = World::new(&database, test_app::LIMITS, 3);
    let mut there = here.beside(&database);
    there.witness.follow(&mut there.conn);
    let (mut random, mut compared) = (Random::new(SEED + 1), 0);
    for _ in 0..BATCHES {
        let mut commands: Vec<Command> = (0..3).map(|_| random_command(&mut random)).collect();
        let steps = (0..=random.below(BATCH_MAX)).map(|_| Step::random(&mut random));
        commands.extend(steps.map(|step| here.command(step)));
        there.witness.before(&mut there.conn);
        // Some are followed by the writer itself, before its own commit.
        match random.below(4) {
            0 => there.commit(&commands),
            1 => drop(here.commit(&commands)),
            kind => {
                there.commit(&commands[..2]);
                if kind == 3 {
                    assert!(!here.witness.follow(&mut here.conn));
                }
                here.commit(&commands[2..]);
            }
        }
        assert!(!here.witness.follow(&mut here.conn), "a link is missing");
        assert!(!there.witness.follow(&mut there.conn), "a link is missing");
        compared += there.witness.after(&mut there.conn) + here.witness.after(&mut here.conn);
    }
    assert!(compared > BATCHES * PEOPLE, "too little was remembered: {compared}");
}

/// A link that is missing is noticed, and nothing old stays.
async fn where_a_link_is_missing_all_begin_anew(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut here = World::new(&database, test_app::LIMITS, 3);
    let mut there = here.beside(&database);
    there.witness.follow(&mut there.conn);
    for (round, missing) in ["at = (SELECT MIN(at) FROM touched)", "TRUE"].into_iter().enumerate() {
        there.witness.before(&mut there.conn);
        execute(&mut here.conn, "DELETE FROM touched", &[]).unwrap();
        for them in [2 * round + 1, 2 * round + 2] {
            here.commit(&[follow(them)]);
        }
        execute(&mut here.conn, &format!("DELETE FROM touched WHERE {missing}"), &[]).unwrap();
        assert!(there.witness.follow(&mut there.conn), "round {round}");
        assert_eq!(there.witness.after(&mut there.conn), 0, "round {round}");
        there.witness.before(&mut there.conn);
        assert!(there.witness.after(&mut there.conn) > 0, "round {round}");
    }
}

shared::on_both_databases!(
    no_way_to_write_forgets_to_tell,
    a_repair_is_remembered,
    a_commit_of_another_process_is_noticed
);
shared::on_postgres!(what_others_commit_is_followed, where_a_link_is_missing_all_begin_anew);
