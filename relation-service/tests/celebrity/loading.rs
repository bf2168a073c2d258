//! A large world, loaded as `mutual import-graph` loads one: by the engine, in large transactions.

use relation_service::actors::change::{Answer, Command, RelationEngine};
use relation_service::domain::Action;
use shared::clock::Clock;
use shared::db::{Conn, Value, execute, open_bulk_writer, with_time_limit, without_time_limit};
use shared::id::UserId;
use shared::writer::commit_batch;

use crate::test_app::{LIMITS, TestApp};

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

    /// The first `count` fans, who are like `model`: in one statement, since each is one row and nothing follows from it.
    pub fn fans(&mut self, count: usize, model: UserId) {
        const LIKE: &str = "display_name, avatar_url, verified, status, private_account, show_relations,
            show_counts, suggest_to_others, messages_from, comments_from, mentions_from";
        let text = format!(
            "WITH RECURSIVE fans (number) AS (
                SELECT CAST(0 AS BIGINT) UNION ALL SELECT number + 1 FROM fans WHERE number + 1 < ?)
             INSERT INTO user_facts (user_id, seq, username, {LIKE})
             SELECT ? + number * ?, seq, 'fan' || CAST(number AS TEXT), {LIKE}
             FROM fans CROSS JOIN user_facts WHERE user_id = ?"
        );
        let count = i64::try_from(count).unwrap();
        without_time_limit(&mut self.conn).unwrap();
        execute(&mut self.conn, &text, &[count, FIRST_FAN, FAN_STEP, model.get()].map(Value::Int)).unwrap();
        with_time_limit(&mut self.conn).unwrap();
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
