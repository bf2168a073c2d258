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
use shared::telemetry::Trace;
use shared::token::TokenVerifier;
use shared::writer::WriterHandle;
use tokio::sync::{Semaphore, oneshot, watch};

pub use act::{Asked, Explained};
pub use ask::Recall;
pub use error::RelationError;
pub use fanout::{FANOUT_STALL_MAX, FANOUT_TIME_MAX, FollowerStream, Part};
pub use import::{Brought, FILES_AT_ONCE};
pub use lists::{ListRequest, ListRow};
pub use overlaps::{Overlap, OverlapRequest};
pub use relationships::Standing;
pub use suggestions::{Basis, Suggestion, SuggestionRequest};
pub use visibility::Check;

use crate::actors::auditor::Audits;
use crate::actors::change::RelationEngine;
use crate::actors::feed::{Ask, FeedState, UserFeed};
use crate::actors::importer::Importer;
use crate::config::Waits;
use crate::domain::{AccountHosts, Limits, Onlooker, Pair};
use crate::store::sight::Sight;
use ask::Known;

/// The service, for anybody on any thread. Clones share everything.
#[derive(Clone)]
pub struct RelationHandle {
    engine: RelationEngine,
    writer: WriterHandle<RelationEngine>,
    reads: Reads,
    recall: Option<Recall>,
    snapshots: Snapshots,
    feed: Addr<UserFeed>,
    feed_state: FeedState,
    importer: Addr<Importer>,
    account_hosts: AccountHosts,
    /// Places for files that are being read.
    files: Arc<Semaphore>,
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
            reads: parts.reads,
            recall: parts.recall,
            snapshots: parts.snapshots,
            feed: parts.feed,
            feed_state: parts.feed_state,
            importer: parts.importer,
            account_hosts: parts.account_hosts,
            files: Arc::new(Semaphore::new(FILES_AT_ONCE)),
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

    /// How long a reader waits for the revision that it asks for.
    pub const fn catch_up_wait(&self) -> Duration {
        self.waits.catch_up_wait
    }

    /// Watches the newest committed event.
    pub fn watch_revision(&self) -> watch::Receiver<i64> {
        self.writer.watch_revision()
    }

    /// What keeps the service from answering well: the database, the writer, user-service's keys or feed.
    pub async fn not_ready(&self) -> Option<&'static str> {
        if self.reads.run(shared::db::quick_check).await.is_err() {
            return Some("the database does not answer");
        }
        if !self.writer.is_alive() {
            return Some("the writer has stopped");
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
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the feed has stopped".into())))
    }

    /// Runs `read`; where it names people who are not known yet, asks about them and runs it again.
    async fn read_known<T, F>(&self, read: F) -> Result<T, RelationError>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> Result<Known<T>, StoreError> + Send + Clone + 'static,
    {
        let first = self.reads.run(read.clone()).await?;
        if first.unknown.is_empty() {
            return Ok(first.value);
        }
        self.learn(first.unknown).await?;
        Ok(self.reads.run(read).await?.value)
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
