//! What this service can do, as async functions: the only thing that HTTP sees.

mod act;
mod ask;
mod audit;
mod counts;
mod error;
mod export;
mod export_file;
mod fanout;
mod import;
mod lists;
mod overlaps;
mod ranking;
mod relationships;
mod suggestions;
mod visibility;

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use shared::clock::Clock;
use shared::db::{Conn, Reads, Snapshots, StoreError};
use shared::id::UserId;
use shared::revision::Lookout;
use shared::telemetry::Trace;
use shared::token::TokenVerifier;
use shared::writer::WriterHandle;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

pub use act::{Asked, Decided, Explained};
pub use ask::Recall;
pub use error::RelationError;
pub use fanout::{FANOUT_STALL_MAX, FANOUT_TIME_MAX, FollowerStream, Part};
pub use import::{Brought, FILES_AT_ONCE, FilePlace};
pub use lists::{ListRequest, ListRow};
pub use overlaps::{Overlap, OverlapRequest};
pub use relationships::{Standing, Standings};
pub use suggestions::{Basis, Suggestion, SuggestionRequest};
pub use visibility::Check;

use crate::actors::absent::Absent;
use crate::actors::auditor::Audits;
use crate::actors::change::RelationEngine;
use crate::actors::feed::{Ask, FeedState, UserFeed};
use crate::actors::importer::Importer;
use crate::config::Waits;
use crate::domain::{AccountHosts, Limits, Onlooker, Pair};
use crate::store::sight::Sight;
use ask::Known;
use import::FilePlaces;

/// How long anybody waits for user-service to say who somebody is; whoever is before them in the queue included.
const LEARN_WAIT: Duration = Duration::from_secs(2);

/// The service, for anybody on any thread. Clones share everything.
#[derive(Clone)]
pub struct RelationHandle {
    engine: RelationEngine,
    writer: WriterHandle<RelationEngine>,
    lookout: Lookout,
    reads: Reads,
    recall: Option<Recall>,
    snapshots: Snapshots,
    feed: Addr<UserFeed>,
    feed_state: FeedState,
    absent: Absent,
    importer: Addr<Importer>,
    account_hosts: AccountHosts,
    files: FilePlaces,
    tokens: Arc<TokenVerifier>,
    audits: Audits,
    waits: Waits,
    clock: Clock,
    walks: suggestions::Walks,
    rankings: ranking::Rankings,
    closing: watch::Sender<bool>,
}

/// What a [`RelationHandle`] is made of.
pub struct Parts {
    /// The rules' settings.
    pub engine: RelationEngine,
    /// The only way to change a table.
    pub writer: WriterHandle<RelationEngine>,
    /// Who waits for what is committed.
    pub lookout: Lookout,
    /// The database, for reading.
    pub reads: Reads,
    /// What is remembered of it, if anything is.
    pub recall: Option<Recall>,
    /// On how many connections.
    pub read_connections: u32,
    /// The database, for long reads of one moment.
    pub snapshots: Snapshots,
    /// Whom to ask about people.
    pub feed: Addr<UserFeed>,
    /// How current the copy of user facts is.
    pub feed_state: FeedState,
    /// Who is nobody.
    pub absent: Absent,
    /// Who works off files.
    pub importer: Addr<Importer>,
    /// The hosts that an account of ours may name.
    pub account_hosts: AccountHosts,
    /// Who verifies the callers.
    pub tokens: Arc<TokenVerifier>,
    /// Who recounts everything.
    pub audits: Audits,
    /// How long things may take.
    pub waits: Waits,
    /// The time.
    pub clock: Clock,
    /// True when the server stops.
    pub closing: watch::Sender<bool>,
}

impl RelationHandle {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self {
            engine: parts.engine,
            writer: parts.writer,
            lookout: parts.lookout,
            reads: parts.reads,
            recall: parts.recall,
            snapshots: parts.snapshots,
            feed: parts.feed,
            feed_state: parts.feed_state,
            absent: parts.absent,
            importer: parts.importer,
            account_hosts: parts.account_hosts,
            files: FilePlaces::default(),
            tokens: parts.tokens,
            audits: parts.audits,
            waits: parts.waits,
            clock: parts.clock,
            walks: suggestions::Walks::default(),
            rankings: ranking::Rankings::beside(parts.read_connections),
            closing: parts.closing,
        }
    }

    /// The limits of the rules.
    pub fn limits(&self) -> &Limits {
        &self.engine.limits
    }

    /// The newest committed event: every answer is as true as this.
    pub fn revision(&self) -> i64 {
        self.writer.revision()
    }

    /// Waits for a revision that somebody was told of, also by another instance. Whether it came in time.
    pub async fn caught_up(&self, wanted: i64) -> bool {
        timeout(self.waits.catch_up_wait, self.lookout.reached(wanted)).await.is_ok()
    }

    /// What keeps the service from answering well: the database, the writer, the tail, user-service's keys or feed.
    pub async fn not_ready(&self) -> Option<&'static str> {
        if shared::process::is_stopping() {
            return Some("it is stopping");
        }
        if self.reads.run(shared::db::quick_check).await.is_err() {
            return Some("the database does not answer");
        }
        if !self.writer.is_alive() {
            return Some("the writer has stopped");
        }
        if let Some(recall) = &self.recall
            && recall.current().await.is_err()
        {
            return Some("it does not keep up with other instances");
        }
        if !self.tokens.is_ready() {
            return Some("user-service has not told its keys yet");
        }
        let lags = self.feed_state.lag(&self.clock) > self.waits.feed_lag_max;
        lags.then_some("user-service's feed is not heard of")
    }

    /// Asks user-service about people whom the feed has not brought yet.
    async fn learn(&self, users: Vec<UserId>) -> Result<(), StoreError> {
        let (reply, answered) = oneshot::channel();
        let trace = Trace::current();
        self.feed.try_send(Ask { users, trace, reply }).map_err(|_| StoreError::Overloaded)?;
        let away = |what: &str| StoreError::Unavailable(what.into());
        let answer = timeout(LEARN_WAIT, answered).await;
        let answer = answer.map_err(|_| away("user-service does not answer in time"))?;
        answer.unwrap_or_else(|_| Err(away("the feed has stopped")))
    }

    /// The same for a read: who was nobody a moment ago is not asked about again. Whether anybody was asked about.
    async fn learn_to_read(&self, unknown: Vec<UserId>) -> Result<bool, StoreError> {
        let users = self.absent.leave_out(unknown);
        if users.is_empty() {
            return Ok(false);
        }
        self.learn(users).await.map(|()| true)
    }

    /// Runs `read` on one moment; where it names people who are not known yet, asks about them and runs it again.
    async fn read_known<T, F>(&self, read: F) -> Result<T, RelationError>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<Known<T>, StoreError> + Send + Clone + 'static,
    {
        let first = self.reads.run_in_snapshot(read.clone()).await?;
        if !self.learn_to_read(first.unknown).await? {
            return Ok(first.value);
        }
        Ok(self.reads.run_in_snapshot(read).await?.value)
    }
}

/// How the viewer stands to the owner of something.
fn onlooker(sight: &mut dyn Sight, viewer: Option<UserId>, owner: UserId) -> Onlooker {
    match viewer {
        Some(viewer) if viewer == owner => Onlooker::Owner,
        Some(viewer) => Onlooker::Other(sight.pair(viewer, owner)),
        None => Onlooker::Other(Pair::default()),
    }
}
