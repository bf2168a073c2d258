//! The writer's engine against the naive model, in batches of random commands.

use std::collections::HashMap;

use relation_service::actors::change::{Answer, Command, Learned, RelationEngine};
use relation_service::domain::{Action, Edge, Limits, Refusal};
use relation_service::store::{self, fact::KnownUser, graph::Remembering};
use shared::clock::Clock;
use shared::db::{Conn, open_writer};
use shared::facts::{AccountStatus, Audience, ListAudience, UserFacts};
use shared::id::UserId;
use shared::testing::TestDatabase;
use shared::writer::commit_batch;

use crate::memory::Witness;
use crate::model::{Holds, Model};
use crate::person::Act;
use crate::random::Random;
use crate::test_app;

pub const PEOPLE: usize = 9;
const COMMANDS: usize = 5_000;
const BATCH_MAX: usize = 40;
const SEED: u64 = 0x5EED;
/// More pairs than anybody here has.
const STEP: u32 = 200;
/// So few that so few people reach them.
const LIMITS: Limits =
    Limits { following_max: 6, requests_sent_max: 3, blocks_max: 4, mutes_max: 4, ..test_app::LIMITS };

pub fn id(person: usize) -> UserId {
    UserId::new(i64::try_from(person).unwrap() + 100)
}

fn action(act: Act, notify: Option<bool>) -> Action {
    match act {
        Act::Follow => Action::Follow { notify },
        Act::Unfollow => Action::Unfollow,
        Act::Accept => Action::Accept,
        Act::Reject => Action::Reject,
        Act::RemoveFollower => Action::RemoveFollower,
        Act::Block => Action::Block,
        Act::Unblock => Action::Unblock,
        Act::Mute => Action::Mute { notifications: true, duration: None },
        Act::Unmute => Action::Unmute,
    }
}

/// One thing that happens, to the engine and to the model.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Act(usize, Act, Option<bool>, usize),
    AnswerAll(usize, bool),
    TogglePrivacy(usize),
    ToggleHidden(usize),
}

impl Step {
    pub fn random(random: &mut Random) -> Self {
        match random.below(40) {
            0 => Self::AnswerAll(random.below(PEOPLE), random.below(2) == 0),
            1 => Self::TogglePrivacy(random.below(PEOPLE)),
            2 => Self::ToggleHidden(random.below(PEOPLE)),
            3 => {
                let me = random.below(PEOPLE);
                Self::Act(me, random.one_of(&Act::ALL), None, me)
            }
            _ => {
                let (me, them) = random.two_below(PEOPLE);
                let acts = [&Act::ALL[..], &[Act::Follow; 5], &[Act::Accept; 2], &[Act::Unblock; 2]].concat();
                let notify = random.one_of(&[None, Some(false), Some(true)]);
                Self::Act(me, random.one_of(&acts), notify, them)
            }
        }
    }
}

pub struct World {
    pub conn: Conn,
    engine: RelationEngine,
    /// Who compares what is remembered with what is stored, after every batch.
    pub witness: Witness,
    /// How many parts were compared.
    pub compared: usize,
    pub model: Model,
    /// The newest event of user-service.
    seq: i64,
}

/// Another process on the same database.
pub struct Beside {
    pub conn: Conn,
    engine: RelationEngine,
    pub witness: Witness,
}

impl Beside {
    pub fn commit(&mut self, commands: &[Command]) {
        commit_batch(&mut self.conn, &self.engine, commands, &Clock::system()).unwrap();
    }
}

impl World {
    pub fn new(database: &TestDatabase, limits: Limits, step: u32) -> Self {
        let mut conn = open_writer(&database.url).unwrap();
        store::migrate(&mut conn).unwrap();
        let witness = Witness::new();
        let memory = Some(witness.memory.clone());
        let engine = RelationEngine { step, at_once: step, memory, ..RelationEngine::new(limits) };
        let mut world = Self { conn, engine, witness, compared: 0, model: Model::new(limits), seq: 0 };
        let everybody: Vec<Command> = (0..PEOPLE).map(|person| world.news_of(person)).collect();
        world.commit(&everybody);
        world
    }

    pub fn commit(&mut self, commands: &[Command]) -> Vec<Answer> {
        self.witness.before(&mut self.conn);
        let answers = commit_batch(&mut self.conn, &self.engine, commands, &Clock::system()).unwrap().0;
        if self.engine.memory.is_some() {
            self.compared += self.witness.after(&mut self.conn);
        }
        answers
    }

    /// Nothing is remembered any more.
    pub fn forget_all(&mut self) {
        self.witness = Witness::new();
        self.engine.memory = Some(self.witness.memory.clone());
    }

    /// Another process beside this one, with a memory of its own.
    pub fn beside(&self, database: &TestDatabase) -> Beside {
        let witness = Witness::new();
        let engine = RelationEngine { memory: Some(witness.memory.clone()), ..self.engine.clone() };
        Beside { conn: open_writer(&database.url).unwrap(), engine, witness }
    }

    /// From here on its writer is one that remembers nothing, as another process.
    pub fn forget_memory(&mut self) -> Option<Remembering> {
        self.engine.memory.take()
    }

    /// From here on its writer tells this memory.
    pub fn engine_with(&mut self, memory: Option<Remembering>) {
        self.engine.memory = memory;
    }

    fn news_of(&mut self, person: usize) -> Command {
        self.seq += 1;
        let hidden = self.model.hidden.contains(&person);
        let facts = UserFacts {
            username: format!("person{person}"),
            display_name: String::new(),
            avatar_url: None,
            verified: false,
            status: if hidden { AccountStatus::Suspended } else { AccountStatus::Active },
            private_account: self.model.private.contains(&person),
            show_relations: ListAudience::Everyone,
            show_counts: true,
            suggest_to_others: true,
            messages_from: Audience::Everyone,
            comments_from: Audience::Everyone,
            mentions_from: Audience::Everyone,
        };
        let users = vec![KnownUser { id: id(person), seq: self.seq, facts }];
        Command::Learn(Learned { users, position: Some(self.seq), ..Learned::default() })
    }

    /// The command of a step, which the model is told of too as far as it is news.
    pub fn command(&mut self, step: Step) -> Command {
        match step {
            Step::TogglePrivacy(person) => toggle(&mut self.model.private, person),
            Step::ToggleHidden(person) => toggle(&mut self.model.hidden, person),
            Step::Act(..) | Step::AnswerAll(..) => {}
        }
        self.told(step)
    }

    fn told(&mut self, step: Step) -> Command {
        match step {
            Step::Act(me, act, notify, them) => {
                Command::Act { source: id(me), target: id(them), action: action(act, notify) }
            }
            Step::AnswerAll(user, accept) => Command::AnswerRequests { user: id(user), accept, after: None },
            Step::TogglePrivacy(person) | Step::ToggleHidden(person) => self.news_of(person),
        }
    }

    /// One batch. The engine takes news first, then acts, then answers to all requests.
    pub fn batch(&mut self, steps: &[Step], what: &str) {
        for step in steps {
            match *step {
                Step::TogglePrivacy(person) => toggle(&mut self.model.private, person),
                Step::ToggleHidden(person) => toggle(&mut self.model.hidden, person),
                Step::Act(..) | Step::AnswerAll(..) => {}
            }
        }
        let commands: Vec<Command> = steps.iter().map(|step| self.told(*step)).collect();
        let answers = self.commit(&commands);
        let (mut acts, mut sweeps) = (Vec::new(), Vec::new());
        for (step, answer) in steps.iter().zip(answers) {
            match step {
                Step::Act(..) => acts.push((*step, answer)),
                Step::AnswerAll(..) => sweeps.push((*step, answer)),
                Step::TogglePrivacy(_) | Step::ToggleHidden(_) => assert_eq!(answer, Answer::Noted),
            }
        }
        for (step, answer) in acts.into_iter().chain(sweeps) {
            self.compare(step, &answer, what);
        }
    }

    fn compare(&mut self, step: Step, answer: &Answer, what: &str) {
        match step {
            Step::Act(me, act, notify, them) => {
                let told = match answer {
                    Answer::Acted(acted) => Ok(acted.changed),
                    Answer::Refused(refusal) => Err(refusal.code()),
                    Answer::UnknownTarget
                    | Answer::Answered { .. }
                    | Answer::Requests { .. }
                    | Answer::Import(_)
                    | Answer::Noted
                    | Answer::Void
                    | Answer::Mended(_) => {
                        panic!("{what}: {answer:?}")
                    }
                };
                assert_eq!(told, self.model.act(me, act, notify, them), "{what}: {step:?}");
            }
            Step::AnswerAll(user, accept) => {
                let count = u32::try_from(self.model.answer_all(user, accept)).unwrap();
                assert_eq!(answer, &Answer::Requests { count, next: None }, "{what}: {step:?}");
            }
            Step::TogglePrivacy(_) | Step::ToggleHidden(_) => {}
        }
    }

    /// The tables say what the model says.
    pub fn compare_tables(&mut self, what: &str) {
        let ways: Vec<(usize, usize)> = (0..PEOPLE)
            .flat_map(|one| (0..PEOPLE).map(move |other| (one, other)))
            .filter(|(a, b)| a != b)
            .collect();
        let keys: Vec<_> = ways.iter().map(|&(one, other)| (id(one), id(other))).collect();
        let pairs = store::pair::pairs(&mut self.conn, &keys).unwrap();
        for (way, key) in ways.iter().zip(&keys) {
            let held = match pairs[key].forward {
                Edge::None => None,
                Edge::Follow { notify, .. } => Some(Holds::Follow { notify }),
                Edge::Request { notify, .. } => Some(Holds::Request { notify }),
                Edge::Block { .. } => Some(Holds::Block),
            };
            assert_eq!(held.as_ref(), self.model.holds.get(way), "{what}: {way:?}");
        }
        let everybody: Vec<UserId> = (0..PEOPLE).map(id).collect();
        let stored: HashMap<_, _> = store::count::counts(&mut self.conn, &everybody).unwrap();
        for person in 0..PEOPLE {
            let counts = stored.get(&id(person)).copied().unwrap_or_default();
            let told = [
                counts.followers,
                counts.following,
                counts.friends,
                counts.requests_received,
                counts.requests_sent,
            ];
            assert_eq!(
                (told, counts.blocks),
                (self.model.counts(person), self.model.blocked(person)),
                "{what}"
            );
        }
    }
}

fn toggle(set: &mut std::collections::BTreeSet<usize>, person: usize) {
    if !set.remove(&person) {
        set.insert(person);
    }
}

async fn batches_of_random_commands_agree_with_the_naive_model(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut world = World::new(&database, LIMITS, STEP);
    let mut random = Random::new(SEED);
    let (mut done, mut batches, mut edges_seen) = (0, 0, 0);
    while done < COMMANDS {
        let steps: Vec<Step> = (0..=random.below(BATCH_MAX)).map(|_| Step::random(&mut random)).collect();
        let what = format!("seed {SEED:#x}, batch {batches}");
        world.batch(&steps, &what);
        (done, batches) = (done + steps.len(), batches + 1);
        world.compare_tables(&what);
        edges_seen = edges_seen.max(world.model.holds.len());
    }
    assert!(edges_seen > PEOPLE * 2, "a history in which little happens: {edges_seen}");
    let findings = store::audit::audit(&mut world.conn).unwrap();
    assert!(findings.iter().all(|finding| finding.drift == 0), "{findings:?}");
}

async fn a_batch_that_fails_leaves_nothing(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut world = World::new(&database, LIMITS, STEP);
    let follow =
        |me, them| Command::Act { source: id(me), target: id(them), action: action(Act::Follow, None) };
    world.commit(&[follow(0, 1)]);
    shared::db::execute(&mut world.conn, "ALTER TABLE counters RENAME TO counters_away", &[]).unwrap();
    let failed =
        commit_batch(&mut world.conn, &world.engine, &[follow(0, 2), follow(0, 3)], &Clock::system());
    assert!(failed.is_err());
    shared::db::execute(&mut world.conn, "ALTER TABLE counters_away RENAME TO counters", &[]).unwrap();
    world.model.act(0, Act::Follow, None, 1).unwrap();
    world.compare_tables("after the failure");
    world.batch(&[Step::Act(0, Act::Follow, None, 2)], "after the failure");
    world.compare_tables("afterwards");
    let findings = store::audit::audit(&mut world.conn).unwrap();
    assert!(findings.iter().all(|finding| finding.drift == 0), "{findings:?}");
}

async fn a_follow_that_is_taken_back_in_the_same_batch_counts(make: impl Fn() -> TestDatabase) {
    let database = make();
    let mut world = World::new(&database, Limits { follows_per_24h: 2, ..LIMITS }, STEP);
    let act = |act, them| Command::Act { source: id(0), target: id(them), action: action(act, None) };
    for round in 0..2 {
        let answers = world.commit(&[act(Act::Follow, 1), act(Act::Unfollow, 1)]);
        let done = answers.iter().filter(|answer| matches!(answer, Answer::Acted(acted) if acted.changed));
        assert_eq!(done.count(), 2, "round {round}: {answers:?}");
    }
    let answers = world.commit(&[act(Act::Follow, 2)]);
    let refused = |answer: &Answer| matches!(answer, Answer::Refused(Refusal::FollowQuotaExceeded { .. }));
    assert!(refused(&answers[0]), "{answers:?}");
}

async fn long_work_of_one_batch_shares_one_step(make: impl Fn() -> TestDatabase) {
    const ASKED: [usize; 3] = [0, 1, 2];
    const STEP: u32 = 4;
    let database = make();
    let mut world = World::new(&database, LIMITS, STEP);
    world.batch(&ASKED.map(Step::TogglePrivacy), "private");
    let ask = |asker| ASKED.map(|asked| Step::Act(asker, Act::Follow, None, asked));
    let requests: Vec<Step> = (ASKED.len()..PEOPLE).flat_map(ask).collect();
    world.batch(&requests, "requests");
    let all = ASKED.map(|asked| Command::AnswerRequests { user: id(asked), accept: true, after: None });
    let (mut total, mut open) = (0, true);
    while open {
        let answers = world.commit(&all).into_iter().map(|answer| {
            let Answer::Requests { count, next } = answer else { panic!("{answer:?}") };
            (count, next.is_some())
        });
        let answers: Vec<(u32, bool)> = answers.collect();
        let pairs: u32 = answers.iter().map(|(count, _)| count).sum();
        assert!(pairs <= STEP, "{answers:?}");
        assert!(answers.iter().all(|&(count, more)| count > 0 || !more), "{answers:?}");
        (total, open) = (total + pairs, answers.iter().any(|(_, more)| *more));
    }
    assert_eq!(usize::try_from(total).unwrap(), requests.len());
    for asked in ASKED {
        world.model.answer_all(asked, true);
    }
    world.compare_tables("accepted");
}

shared::on_both_databases!(
    a_follow_that_is_taken_back_in_the_same_batch_counts,
    long_work_of_one_batch_shares_one_step,
    batches_of_random_commands_agree_with_the_naive_model,
    a_batch_that_fails_leaves_nothing,
);
