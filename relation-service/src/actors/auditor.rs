//! The audit in the background of a running service: one at a time, on a thread of its own that rests as long as it
//! works, so that requests go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use log::warn;
use shared::actor::start_on_own_thread;
use shared::clock::{Clock, Micros};
use shared::db::{DatabaseUrl, StoreError, open_reader};
use shared::writer::WriterHandle;
use tokio::sync::watch;
use tokio::time::sleep;

use super::audit::{Audited, audit};
use super::change::RelationEngine;
use crate::domain::Limits;
use crate::store::audit::{Finding, Plan, Progress, Walk};

/// Beginnings that may wait: there is never more than one.
const BEGINNINGS_MAX: usize = 4;
/// The shortest and the longest rest between two steps.
const REST_MIN: Duration = Duration::from_millis(1);
const REST_MAX: Duration = Duration::from_secs(1);
/// How long to wait before looking again for what may come by itself.
const SETTLE_REST: Duration = Duration::from_millis(100);

/// An audit that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether it was to repair, too.
    pub repair: bool,
    /// When it began.
    pub started_at: Micros,
    /// When it ended.
    pub finished_at: Micros,
    /// The log's newest event when it ended.
    pub revision: i64,
    /// What it came to.
    pub audited: Audited,
}

/// An audit that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Whether it is to repair, too.
    pub repair: bool,
    /// When it began.
    pub started_at: Micros,
    /// The log's newest event when it began: it sees everything up to that.
    pub revision: i64,
    /// How far it has come; of a repair, how far the look of now has.
    pub progress: Progress,
}

/// What there is to say about audits.
#[derive(Debug, Clone, Default)]
pub struct AuditState {
    /// The one under way.
    pub running: Option<Running>,
    /// The newest one that has ended.
    pub newest: Option<Arc<Report>>,
    /// The last one could not look everywhere.
    pub failed: bool,
    /// How many have ended.
    pub ended: u64,
    /// Another begins when this one ends; whether it is to repair, too.
    next: Option<bool>,
}

/// How the rest of the service reaches the auditor. Clones share it.
#[derive(Clone)]
pub struct Audits {
    auditor: Addr<Auditor>,
    writer: WriterHandle<RelationEngine>,
    state: Arc<watch::Sender<AuditState>>,
    clock: Clock,
}

impl Audits {
    /// Starts the actor.
    pub fn start(
        url: DatabaseUrl,
        writer: WriterHandle<RelationEngine>,
        limits: &Limits,
        clock: Clock,
    ) -> Self {
        let state = Arc::new(watch::Sender::new(AuditState::default()));
        let plan = Plan { held: limits.into(), ..Plan::BESIDE };
        let own = Auditor { url, writer: writer.clone(), plan, clock: clock.clone(), state: state.clone() };
        Self { auditor: start_on_own_thread(BEGINNINGS_MAX, move || own), writer, state, clock }
    }

    /// What there is to say.
    pub fn state(&self) -> AuditState {
        self.state.borrow().clone()
    }

    /// Begins an audit, or joins the one that runs; one that only looks cannot be joined by who wants a repair. Who comes
    /// with something newer than the one that runs has to see joins the next, which begins when that one ends.
    pub fn begin(&self, repair: bool) -> Result<Joined, NotBegun> {
        let revision = self.writer.revision();
        let new = Running::new(repair, &self.clock, revision);
        let (mut joined, mut ends_at) = (None, 0);
        let watched = self.state.subscribe();
        self.state.send_if_modified(|state| {
            joined = state.running;
            ends_at = state.ended + 1;
            match joined {
                Some(running) if repair && !running.repair => {}
                Some(running) if running.revision < revision => {
                    state.next = Some(repair || state.next.unwrap_or_default());
                    ends_at += 1;
                }
                Some(_) => {}
                None => state.running = Some(new),
            }
            false
        });
        match joined {
            Some(running) if repair && !running.repair => return Err(NotBegun::OneOnlyLooks),
            Some(_) => {}
            None => self.auditor.try_send(Begin(new)).map_err(|_| {
                self.state.send_modify(|state| state.running = None);
                NotBegun::Store(StoreError::Overloaded)
            })?,
        }
        Ok(Joined { watched, ends_at })
    }
}

impl Running {
    fn new(repair: bool, clock: &Clock, revision: i64) -> Self {
        let progress = Progress { done: 0, total: 0, waits: false };
        Self { repair, started_at: clock.now(), revision, progress }
    }
}

/// An audit that somebody waits for.
pub struct Joined {
    watched: watch::Receiver<AuditState>,
    /// How many have ended when it has.
    ends_at: u64,
}

impl Joined {
    /// Waits for its end.
    pub async fn ended(&mut self) {
        // The service has stopped if nobody tells any more.
        let _ = self.watched.wait_for(|state| state.ended >= self.ends_at).await;
    }

    /// What there is to say now, and whether it has ended.
    pub fn state(&self) -> (AuditState, bool) {
        let state = self.watched.borrow().clone();
        let ended = state.ended >= self.ends_at;
        (state, ended)
    }
}

/// Why no audit begins.
#[derive(Debug)]
pub enum NotBegun {
    /// One runs that changes nothing.
    OneOnlyLooks,
    /// The actor takes nothing.
    Store(StoreError),
}

/// The actor.
struct Auditor {
    url: DatabaseUrl,
    writer: WriterHandle<RelationEngine>,
    plan: Plan,
    clock: Clock,
    state: Arc<watch::Sender<AuditState>>,
}

impl Actor for Auditor {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Begin(Running);

impl Handler<Begin> for Auditor {
    type Result = ();

    fn handle(&mut self, Begin(running): Begin, ctx: &mut Self::Context) {
        let (url, writer, plan) = (self.url.clone(), self.writer.clone(), self.plan);
        let (clock, state) = (self.clock.clone(), self.state.clone());
        ctx.spawn(
            async move {
                let mut next = Some(running);
                while let Some(running) = next {
                    let look = async || look_everywhere(&url, plan, &state).await;
                    let submit = async |command| Ok(writer.submit(command).await?.answer);
                    let done = audit(running.repair, look, submit).await;
                    let ended = done.map(|audited| Report {
                        repair: running.repair,
                        started_at: running.started_at,
                        finished_at: clock.now(),
                        revision: writer.revision(),
                        audited,
                    });
                    state.send_modify(|state| {
                        end(state, ended);
                        let new = |repair| Running::new(repair, &clock, writer.revision());
                        state.running = state.next.take().map(new);
                        next = state.running;
                    });
                }
            }
            .into_actor(self),
        );
    }
}

fn end(state: &mut AuditState, ended: Result<Report, StoreError>) {
    state.ended += 1;
    state.failed = ended.is_err();
    match ended {
        Ok(report) => state.newest = Some(Arc::new(report)),
        Err(error) => warn!("the audit could not look everywhere: {error}"),
    }
}

/// Looks at everything. The steps block this thread, which nobody else uses.
async fn look_everywhere(
    url: &DatabaseUrl,
    plan: Plan,
    state: &watch::Sender<AuditState>,
) -> Result<Vec<Finding>, StoreError> {
    let mut conn = open_reader(url)?;
    let mut walk = Walk::begin(&mut conn, plan)?;
    loop {
        let started = Instant::now();
        let Some(progress) = walk.step(&mut conn)? else { return Ok(walk.finish()) };
        let worked = started.elapsed();
        // Nobody is woken for this.
        state.send_if_modified(|state| {
            if let Some(running) = &mut state.running {
                running.progress = progress;
            }
            false
        });
        sleep(if progress.waits { SETTLE_REST } else { worked.clamp(REST_MIN, REST_MAX) }).await;
    }
}
