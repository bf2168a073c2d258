//! The writer on both databases: one order, one durable answer each, refusal when too much waits.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use shared::clock::Clock;
use shared::db::{Conn, DatabaseUrl, StoreError, execute, log, open_reader, open_writer};
use shared::event::NewEvent;
use shared::testing::TestDatabase;
use shared::writer::{ANSWER_WAIT, Engine, Transaction, WRITE_QUEUE_MAX, WriterHandle};

const SCHEMA: [&str; 4] = [
    "CREATE TABLE log_head (partition SMALLINT NOT NULL PRIMARY KEY, seq BIGINT NOT NULL, at BIGINT NOT NULL)",
    "INSERT INTO log_head VALUES (0, 0, 0)",
    "CREATE TABLE events (partition SMALLINT NOT NULL, seq BIGINT NOT NULL, type TEXT NOT NULL, at BIGINT NOT NULL,
        actor_id BIGINT, subject_id BIGINT, cause TEXT, data TEXT NOT NULL, PRIMARY KEY (partition, seq))",
    "CREATE TABLE touched (at BIGINT NOT NULL PRIMARY KEY, prior BIGINT NOT NULL, told TEXT NOT NULL)",
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    /// Adds an event.
    Write,
    /// Changes nothing.
    Refuse,
    /// Adds an event, then finds the database away.
    Break,
    /// Adds an event, then finds a row that cannot be read.
    Spoil,
}

/// Writes an event for each wish; holds still while it is held.
#[derive(Clone, Default)]
struct Wishes {
    held: Arc<(Mutex<bool>, Condvar)>,
}

impl Wishes {
    fn hold(&self, still: bool) {
        let (held, changed) = &*self.held;
        *held.lock().unwrap() = still;
        changed.notify_all();
    }

    fn wait_while_held(&self) {
        let (held, changed) = &*self.held;
        drop(changed.wait_while(held.lock().unwrap(), |held| *held).unwrap());
    }
}

impl Engine for Wishes {
    type Command = Wish;
    type Answer = Wish;
    type Told = ();

    fn apply(&self, tx: &mut Transaction<'_, ()>, commands: &[Wish]) -> Result<Vec<Wish>, StoreError> {
        self.wait_while_held();
        for command in commands {
            let at = tx.tick();
            if *command != Wish::Refuse {
                let data = "{}".to_owned();
                tx.emit(NewEvent { kind: "wish.made", at, actor: None, subject: None, cause: None, data });
            }
            if *command == Wish::Break {
                return Err(StoreError::Unavailable("as asked".into()));
            }
            if *command == Wish::Spoil {
                return Err(StoreError::Unreadable("as asked".into()));
            }
        }
        Ok(commands.to_vec())
    }
}

fn prepared(make: &impl Fn() -> TestDatabase) -> TestDatabase {
    let database = make();
    let mut conn = open_writer(&database.url).unwrap();
    for statement in SCHEMA {
        execute(&mut conn, statement, &[]).unwrap();
    }
    database
}

fn start(url: &DatabaseUrl, engine: Wishes) -> WriterHandle<Wishes> {
    WriterHandle::start("test", engine, url.clone(), Clock::system(), 0)
}

fn all_events(conn: &mut Conn) -> Vec<i64> {
    let events = log::after(conn, 0, 1_000_000).unwrap();
    assert!(events.windows(2).all(|pair| pair[0].at < pair[1].at), "times do not increase");
    events.iter().map(|event| event.seq).collect()
}

shared::on_both_databases!(
    two_writers_make_one_contiguous_log,
    a_refusal_leaves_no_trace,
    a_failing_batch_fails_alone,
    a_spoilt_command_spares_its_neighbours,
    too_much_work_is_refused_at_once,
    nobody_waits_for_ever_for_a_writer_that_stands_still,
);

async fn two_writers_make_one_contiguous_log(make: impl Fn() -> TestDatabase) {
    let database = prepared(&make);
    let writers = [start(&database.url, Wishes::default()), start(&database.url, Wishes::default())];
    let wishes = (0..400).map(|number: usize| writers[number % 2].submit(Wish::Write));
    let answers = futures_util::future::join_all(wishes).await;
    assert!(answers.iter().all(Result::is_ok));
    let mut conn = open_reader(&database.url).unwrap();
    assert_eq!(all_events(&mut conn), (1..=400).collect::<Vec<i64>>());
    assert_eq!(log::head(&mut conn).unwrap().seq, 400);
    let newest = answers.iter().map(|answer| answer.as_ref().unwrap().revision).max();
    assert_eq!(newest, Some(400));
}

async fn a_refusal_leaves_no_trace(make: impl Fn() -> TestDatabase) {
    let database = prepared(&make);
    let writer = start(&database.url, Wishes::default());
    assert_eq!(writer.submit(Wish::Write).await.unwrap().revision, 1);
    assert_eq!(writer.submit(Wish::Refuse).await.unwrap().revision, 1);
    assert_eq!(writer.submit(Wish::Write).await.unwrap().revision, 2);
    assert_eq!(writer.revision(), 2);
}

async fn a_failing_batch_fails_alone(make: impl Fn() -> TestDatabase) {
    let database = prepared(&make);
    let writer = start(&database.url, Wishes::default());
    assert!(matches!(writer.submit(Wish::Break).await, Err(StoreError::Unavailable(_))));
    assert_eq!(writer.submit(Wish::Write).await.unwrap().revision, 1);
    let mut conn = open_reader(&database.url).unwrap();
    assert_eq!(all_events(&mut conn), [1]);
}

async fn a_spoilt_command_spares_its_neighbours(make: impl Fn() -> TestDatabase) {
    let database = prepared(&make);
    let engine = Wishes::default();
    let writer = start(&database.url, engine.clone());
    // While the first holds the writer, the others gather into one batch.
    engine.hold(true);
    let wishes = [Wish::Write, Wish::Write, Wish::Spoil, Wish::Write].map(|wish| writer.submit(wish));
    let (outcomes, ()) = futures_util::future::join(futures_util::future::join_all(wishes), async {
        engine.hold(false);
    })
    .await;
    let spared: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(spared, [true, true, false, true]);
    assert!(matches!(outcomes[2], Err(StoreError::Unreadable(_))));
    let mut conn = open_reader(&database.url).unwrap();
    assert_eq!(all_events(&mut conn), [1, 2, 3]);
}

async fn nobody_waits_for_ever_for_a_writer_that_stands_still(make: impl Fn() -> TestDatabase) {
    let database = prepared(&make);
    let engine = Wishes::default();
    let writer = start(&database.url, engine.clone());
    engine.hold(true);
    let refused = writer.submit_within(Duration::from_millis(100), Wish::Write).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    engine.hold(false);
    // What was not answered in time may be done all the same, and stands in no one's way.
    let next = writer.submit_within(ANSWER_WAIT, Wish::Write).await.unwrap();
    assert_eq!(next.revision, 2);
}

async fn too_much_work_is_refused_at_once(make: impl Fn() -> TestDatabase) {
    let database = prepared(&make);
    let engine = Wishes::default();
    let writer = start(&database.url, engine.clone());
    engine.hold(true);
    // More than the batch under way, the queue and the mailbox hold together.
    let count = 3 * WRITE_QUEUE_MAX;
    let waiting: Vec<_> = (0..count)
        .map(|_| {
            let writer = writer.clone();
            actix_web::rt::spawn(async move { writer.submit(Wish::Write).await })
        })
        .collect();
    let refused = actix_web::rt::spawn({
        let writer = writer.clone();
        async move {
            // One that comes when all is full is refused while nothing moves.
            loop {
                if let Err(StoreError::Overloaded) = writer.submit(Wish::Write).await {
                    return;
                }
            }
        }
    });
    refused.await.unwrap();
    engine.hold(false);
    let mut kept = 0;
    for wish in waiting {
        match wish.await.unwrap() {
            Ok(_) => kept += 1,
            Err(error) => assert!(matches!(error, StoreError::Overloaded), "{error}"),
        }
    }
    assert!((WRITE_QUEUE_MAX..count).contains(&kept), "{kept} of {count} were kept");
    let mut conn = open_reader(&database.url).unwrap();
    assert_eq!(all_events(&mut conn).len(), kept, "what was refused was not written");
}
