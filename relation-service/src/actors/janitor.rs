//! Long work in bounded steps: each is one command of the writer, so other commands go on in between,
//! and what is open stands in a table, so a crash loses nothing.

use std::time::Duration;

use actix::prelude::*;
use log::{info, warn};
use shared::actor::start_on_own_thread;
use shared::db::{Reads, StoreError};
use shared::id::UserId;
use shared::writer::WriterHandle;

use super::change::{Answer, Command, RelationEngine};
use crate::store;

/// How often the table of open work is looked at when nobody says that there is some.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Hints that may wait: one is as good as many.
const LOOKS_MAX: usize = 4;

/// The actor: at most one sweep at a time.
pub struct Janitor {
    writer: WriterHandle<RelationEngine>,
    reads: Reads,
    working: bool,
    /// Told of new work while working: look again afterwards.
    again: bool,
}

/// There may be open work.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Look;

impl Janitor {
    /// Starts the actor, which first finishes what an earlier run left.
    pub fn start(writer: WriterHandle<RelationEngine>, reads: Reads) -> Addr<Self> {
        start_on_own_thread(LOOKS_MAX, || Self { writer, reads, working: false, again: false })
    }
}

impl Actor for Janitor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.look(ctx);
        ctx.run_interval(LOOK_EVERY, |janitor, ctx| janitor.look(ctx));
    }
}

impl Handler<Look> for Janitor {
    type Result = ();

    fn handle(&mut self, _: Look, ctx: &mut Self::Context) {
        self.look(ctx);
    }
}

impl Janitor {
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.working {
            self.again = true;
            return;
        }
        self.working = true;
        let (writer, reads) = (self.writer.clone(), self.reads.clone());
        let work = async move {
            let open = reads.run(store::sweep::open).await?;
            for user in open {
                accept_all(&writer, user).await?;
            }
            Ok::<_, StoreError>(())
        };
        ctx.spawn(work.into_actor(self).map(|done, janitor, ctx| {
            if let Err(error) = done {
                warn!("open work waits for the next look: {error}");
            }
            janitor.working = false;
            if std::mem::take(&mut janitor.again) {
                janitor.look(ctx);
            }
        }));
    }
}

async fn accept_all(writer: &WriterHandle<RelationEngine>, user: UserId) -> Result<(), StoreError> {
    let mut total = 0;
    loop {
        let step = Command::AnswerRequests { user, accept: true, only_if_public: true };
        let Answer::Answered { count, more } = writer.submit(step).await?.answer else { return Ok(()) };
        total += count;
        if !more {
            info!("user {user} went public: {total} requests accepted");
            return Ok(());
        }
    }
}
