//! Long work in bounded steps: each is one command of the writer, so other commands go on in between,
//! and what is open stands in a table, so a crash loses nothing.

use std::time::Duration;

use actix::prelude::*;
use log::{debug, warn};
use shared::actor::start_on_own_thread;
use shared::clock::{Clock, Micros};
use shared::db::{Conn, Reads, StoreError, Wiper};
use shared::id::UserId;
use shared::tail::forget_old;
use shared::writer::WriterHandle;

use super::change::{Answer, Command, RelationEngine};
use crate::store;
use crate::store::sweep::Kind;

/// How often the table of open work is looked at when nobody says that there is some.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Hints that may wait: one is as good as many.
const LOOKS_MAX: usize = 4;

/// Sweeps that advance in turn; others wait until one of these is done.
const OPEN_MAX: i64 = 32;

/// The actor: one step at a time.
pub struct Janitor {
    writer: WriterHandle<RelationEngine>,
    reads: Reads,
    wiper: Wiper,
    clock: Clock,
    /// Others write to the database, and this process does not follow them.
    forgets: bool,
    working: bool,
    /// Told of new work while working: look again afterwards.
    again: bool,
}

/// There may be open work.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Look;

impl Janitor {
    /// Starts the actor, which first finishes what an earlier run left. Where it `forgets`, also what others were told.
    pub fn start(
        writer: WriterHandle<RelationEngine>,
        reads: Reads,
        wiper: Wiper,
        clock: Clock,
        forgets: bool,
    ) -> Addr<Self> {
        let (working, again) = (false, false);
        start_on_own_thread(LOOKS_MAX, move || Self { writer, reads, wiper, clock, forgets, working, again })
    }
}

impl Actor for Janitor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.look(ctx);
        ctx.run_interval(LOOK_EVERY, |janitor, ctx| janitor.look(ctx));
        if self.forgets {
            // Beside the sweeps: what these tell is to be forgotten too, however long they take.
            let forgetting = forget_old(self.reads.clone(), self.clock.clone());
            ctx.spawn(forgetting.into_actor(self).map(|never, _, _| match never {}));
        }
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
        let (wiper, clock) = (self.wiper.clone(), self.clock.clone());
        let work = async move {
            loop {
                let open = reads.run(|conn| store::sweep::open(conn, OPEN_MAX)).await?;
                if open.is_empty() {
                    return wipe(&writer, &reads, &wiper, clock.now()).await;
                }
                // One step of each, so that a long sweep does not keep the short ones waiting.
                for (user, kind) in open {
                    step(&writer, &reads, user, kind).await?;
                }
            }
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

/// Wipes the files if somebody was purged since the last time, unless it is too early for that.
async fn wipe(
    writer: &WriterHandle<RelationEngine>,
    reads: &Reads,
    wiper: &Wiper,
    now: Micros,
) -> Result<(), StoreError> {
    if reads.run(store::sweep::is_unwiped).await? && wiper.next(now).is_none() {
        wiper.wipe(now).await?;
        writer.submit(Command::Wiped).await?;
    }
    Ok(())
}

async fn step(
    writer: &WriterHandle<RelationEngine>,
    reads: &Reads,
    user: UserId,
    kind: Kind,
) -> Result<(), StoreError> {
    if kind == Kind::Purge {
        // Beside the writer: the first look at rows that went is the long one, and it marks them for the next.
        let look = move |conn: &mut Conn| {
            let from = store::purge::place(conn, user)?;
            store::purge::others(conn, user, from, 1).map(drop)
        };
        reads.run(look).await?;
    }
    let answer = writer.submit(Command::Sweep { user, kind }).await?.answer;
    if let Answer::Answered { count, more } = answer {
        debug!("{kind:?} of user {user}: {count} pairs{}", if more { " so far" } else { ", done" });
    }
    Ok(())
}
