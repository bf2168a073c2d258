//! Working off the files that people bring, a step of each in turn: each is one command of the writer, so other
//! commands go on in between, and what is open stands in a table, so a crash loses nothing.

use std::collections::HashSet;
use std::time::Duration;

use actix::prelude::*;
use log::{debug, warn};
use shared::actor::start_on_own_thread;
use shared::clock::Clock;
use shared::db::{Conn, Reads, StoreError};
use shared::id::UserId;
use shared::writer::WriterHandle;
use tokio::sync::oneshot;

use super::change::{Answer, Command, RelationEngine};
use super::feed::UserFeed;
use super::import::{ImportAnswer, ImportCommand, Told};
use super::names::AskNames;
use crate::domain::{IMPORT_KEPT_FOR, ImportId};
use crate::store;

/// How often the table is looked at when nobody says that there is something in it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Hints that may wait: one is as good as many.
const LOOKS_MAX: usize = 4;
/// Imports that advance in turn; others wait until one of these is done.
const OPEN_MAX: i64 = 32;
/// How often a step may ask about names: each answer leaves it fewer to ask about, unless people are renamed meanwhile.
const QUESTIONS_MAX: usize = 4;

/// The actor: one step at a time. It waits for user-service, which nothing else may wait for.
pub struct Importer {
    parts: Parts,
    working: bool,
    /// Told of a new one while working: look again afterwards.
    again: bool,
}

/// What the actor works with.
#[derive(Clone)]
pub struct Parts {
    /// What foresees.
    pub engine: RelationEngine,
    /// Where to write.
    pub writer: WriterHandle<RelationEngine>,
    /// The database, for reading.
    pub reads: Reads,
    /// Whom to ask about names.
    pub feed: Addr<UserFeed>,
    /// The time.
    pub clock: Clock,
}

/// There may be something to import.
#[derive(Message)]
#[rtype(result = "()")]
pub struct LookForImports;

/// Where a look at one import ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Advance {
    /// A step is done.
    Stepped,
    /// Nothing can be done now.
    Stuck,
}

impl Importer {
    /// Starts the actor, which first goes on with what an earlier run left.
    pub fn start(parts: Parts) -> Addr<Self> {
        start_on_own_thread(LOOKS_MAX, || Self { parts, working: false, again: false })
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.working {
            self.again = true;
            return;
        }
        self.working = true;
        let parts = self.parts.clone();
        ctx.spawn(async move { parts.work().await }.into_actor(self).map(|done, importer, ctx| {
            if let Err(error) = done {
                warn!("imports wait for the next look: {error}");
            }
            importer.working = false;
            if std::mem::take(&mut importer.again) {
                importer.look(ctx);
            }
        }));
    }
}

impl Actor for Importer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.look(ctx);
        ctx.run_interval(LOOK_EVERY, |importer, ctx| importer.look(ctx));
    }
}

impl Handler<LookForImports> for Importer {
    type Result = ();

    fn handle(&mut self, _: LookForImports, ctx: &mut Self::Context) {
        self.look(ctx);
    }
}

impl Parts {
    /// One step of each import in turn, until there is none that can go on.
    async fn work(&self) -> Result<(), StoreError> {
        let mut stuck: HashSet<(UserId, ImportId)> = HashSet::new();
        // One that cannot be asked now is not asked again for the next import: each time would take its time.
        let mut away = false;
        loop {
            let mut open = self.reads.run(|conn| store::import::open(conn, OPEN_MAX)).await?;
            open.retain(|key| !stuck.contains(key));
            if open.is_empty() {
                return self.forget_old().await;
            }
            for (user, id) in open {
                let advance = self.advance(user, id, &mut away).await.unwrap_or_else(|error| {
                    warn!("import {id} of user {user} waits for the next look: {error}");
                    Advance::Stuck
                });
                if advance == Advance::Stuck {
                    stuck.insert((user, id));
                }
            }
        }
    }

    async fn advance(&self, user: UserId, id: ImportId, away: &mut bool) -> Result<Advance, StoreError> {
        let mut told = Told::new();
        for _ in 0..QUESTIONS_MAX {
            let step = ImportCommand::Step { user, id, told: told.clone() };
            let names = match self.submit(step).await? {
                ImportAnswer::Unknown(names) => names,
                ImportAnswer::ToForesee(import) => {
                    let (engine, now) = (self.engine.clone(), self.clock.now());
                    let read = move |conn: &mut Conn| engine.foresee_import(conn, &import, now);
                    let foreseen = self.reads.run(read).await?;
                    self.submit(ImportCommand::Foreseen { user, id, foreseen }).await?;
                    return Ok(Advance::Stepped);
                }
                ImportAnswer::Stepped | ImportAnswer::Begun(_) | ImportAnswer::Denied(_) => {
                    return Ok(Advance::Stepped);
                }
            };
            match if *away { None } else { self.ask(names).await } {
                Some(answers) => told.extend(answers),
                None => {
                    *away = true;
                    self.submit(ImportCommand::Wait { user, id }).await?;
                    break;
                }
            }
        }
        Ok(Advance::Stuck)
    }

    /// Whom user-service says that the names lead to; `None` if it does not answer.
    async fn ask(&self, names: Vec<String>) -> Option<Told> {
        let (reply, answered) = oneshot::channel();
        self.feed.try_send(AskNames { names, reply }).ok()?;
        let answer = answered.await.ok()?;
        answer.inspect_err(|error| debug!("user-service does not say whom names lead to: {error}")).ok()
    }

    async fn forget_old(&self) -> Result<(), StoreError> {
        let through = self.clock.now().before(IMPORT_KEPT_FOR);
        while !self.reads.run(move |conn| store::import::old(conn, through, 1)).await?.is_empty() {
            self.submit(ImportCommand::ForgetOld).await?;
        }
        Ok(())
    }

    async fn submit(&self, command: ImportCommand) -> Result<ImportAnswer, StoreError> {
        let answer = self.writer.submit(Command::Import(command)).await?.answer;
        let Answer::Import(answer) = answer else { return Err(Answer::stray()) };
        Ok(answer)
    }
}
