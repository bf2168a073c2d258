//! A large world, loaded as `mutual import-graph` loads one: by the engine, in large transactions.

use relation_service::actors::change::{Answer, Command, Learned, RelationEngine};
use relation_service::domain::Action;
use relation_service::store::fact::{KnownUser, feed_position};
use shared::clock::Clock;
use shared::db::{Conn, open_bulk_writer};
use shared::facts::UserFacts;
use shared::id::UserId;
use shared::writer::commit_batch;

use crate::test_app::{LIMITS, TestApp};

const PEOPLE_PER_COMMIT: usize = 5_000;
const FOLLOWS_PER_COMMIT: usize = 65_536;
/// Far below the ids of people who register.
const FIRST_FAN: i64 = 1 << 40;
/// Between two ids, as between those of people who register in the same second.
const FAN_STEP: i64 = 1 << 12;

/// The fan with this number.
pub fn fan(number: usize) -> UserId {
    UserId::new(FIRST_FAN + i64::try_from(number).unwrap() * FAN_STEP)
}

/// Writes into the database of a service that does not run.
pub struct Loader {
    conn: Conn,
    engine: RelationEngine,
}

impl Loader {
    pub fn new(app: &TestApp) -> Self {
        Self { conn: open_bulk_writer(app.database_url()).unwrap(), engine: RelationEngine::new(LIMITS) }
    }

    /// The first `count` fans, who are like `facts`.
    pub fn fans(&mut self, count: usize, facts: &UserFacts) {
        let seq = feed_position(&mut self.conn).unwrap();
        let fans: Vec<usize> = (0..count).collect();
        for piece in fans.chunks(PEOPLE_PER_COMMIT) {
            let known = |&number: &usize| {
                let username = format!("fan{number}");
                KnownUser { id: fan(number), seq, facts: UserFacts { username, ..facts.clone() } }
            };
            let users = piece.iter().map(known).collect();
            self.commit(&[Command::Learn(Learned { users, ..Learned::default() })]);
        }
    }

    /// Follows, or requests where the target is private, in this order.
    pub fn follows(&mut self, edges: impl Iterator<Item = (UserId, UserId)>) {
        let follow =
            |(source, target)| Command::Act { source, target, action: Action::Follow { notify: None } };
        let commands: Vec<Command> = edges.map(follow).collect();
        for piece in commands.chunks(FOLLOWS_PER_COMMIT) {
            for answer in self.commit(piece) {
                assert!(matches!(answer, Answer::Acted(acted) if acted.changed));
            }
        }
    }

    fn commit(&mut self, commands: &[Command]) -> Vec<Answer> {
        commit_batch(&mut self.conn, &self.engine, commands, &Clock::system()).unwrap().0
    }
}
