//! Streams of everybody who follows a person, each of one moment.

use std::time::Duration;

use log::{debug, warn};
use shared::db::{Conn, Snapshot, StoreError, log as event_log};
use shared::facts::AccountStatus;
use shared::id::UserId;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::{RelationError, RelationHandle};
use crate::domain::{Refusal, Shard};
use crate::store;
use crate::store::fanout::{Follower, Place, page};

/// Followers that are looked at in one statement.
const PAGE_ROWS: usize = 1_024;
/// Pages that wait for a client: with what the system keeps for the connection, all that a stream holds in memory.
const PAGES_AHEAD: usize = 2;
/// How long a client may take nothing before its stream is cut off.
pub const FANOUT_STALL_MAX: Duration = Duration::from_secs(5);
/// How long a stream may take: as long as it lasts, the database keeps everything as it was when it began.
pub const FANOUT_TIME_MAX: Duration = Duration::from_secs(60);

/// Who follows a person, as of one moment.
pub struct FollowerStream {
    /// The newest event that the moment includes.
    pub revision: i64,
    /// The newest event of user-service that the moment includes: who is hidden is as of that.
    pub users_revision: i64,
    parts: mpsc::Receiver<Part>,
}

/// What comes next in a stream. A stream that ends without its end was cut off.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// Some followers, newest first.
    Rows(Vec<Follower>),
    /// The end.
    End {
        /// How many there were.
        rows: usize,
    },
}

impl FollowerStream {
    /// The next part; none if the stream was cut off.
    pub async fn next(&mut self) -> Option<Part> {
        self.parts.recv().await
    }
}

/// As of when a stream is, if its owner is there; `None` if nobody has heard of the owner.
struct Moment {
    revision: i64,
    users_revision: i64,
    owner: Option<AccountStatus>,
}

impl RelationHandle {
    /// Begins to read who follows `owner`. The stream goes on by itself for as long as somebody takes its parts.
    pub async fn followers_at_once(
        &self,
        owner: UserId,
        shard: Shard,
    ) -> Result<FollowerStream, RelationError> {
        let (mut snapshot, mut moment) = self.moment(owner).await?;
        if moment.owner.is_none() {
            snapshot.end().await;
            self.learn(vec![owner]).await?;
            (snapshot, moment) = self.moment(owner).await?;
        }
        if moment.owner != Some(AccountStatus::Active) {
            snapshot.end().await;
            return Err(RelationError::Refused(Refusal::UserNotFound));
        }
        let (send, parts) = mpsc::channel(PAGES_AHEAD);
        let closing = self.closing.subscribe();
        tokio::task::spawn_local(until_the_end(snapshot, owner, shard, send, closing));
        let Moment { revision, users_revision, .. } = moment;
        Ok(FollowerStream { revision, users_revision, parts })
    }

    async fn moment(&self, owner: UserId) -> Result<(Snapshot, Moment), StoreError> {
        let mut snapshot = self.snapshots.begin().await?;
        let moment = snapshot.read(move |conn| moment(conn, owner)).await?;
        Ok((snapshot, moment))
    }
}

fn moment(conn: &mut Conn, owner: UserId) -> Result<Moment, StoreError> {
    Ok(Moment {
        revision: event_log::head(conn)?.seq,
        users_revision: store::fact::feed_position(conn)?,
        owner: store::fact::known_one(conn, owner)?.map(|facts| facts.status),
    })
}

/// Reads ahead of the client, whose answer is not asked for more while it takes nothing: so the waiting is done here.
async fn until_the_end(
    mut snapshot: Snapshot,
    owner: UserId,
    shard: Shard,
    parts: mpsc::Sender<Part>,
    mut closing: watch::Receiver<bool>,
) {
    let reading = timeout(FANOUT_TIME_MAX, read_all(&mut snapshot, owner, shard, parts));
    let why_cut = tokio::select! {
        done = reading => match done {
            Ok(Ok(())) => None,
            Ok(Err(cut)) => Some(cut),
            Err(_) => Some(Cut::TooLong),
        },
        _ = closing.wait_for(|closing| *closing) => Some(Cut::Closing),
    };
    snapshot.end().await;
    match why_cut {
        None => {}
        Some(Cut::Left | Cut::Closing) => debug!("the stream of who follows user {owner} was left"),
        Some(cut) => warn!("the stream of who follows user {owner} was cut off: {cut}"),
    }
}

/// Why a stream ends before its end.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("the client went away")]
    Left,
    #[error("the client takes nothing")]
    Stalled,
    #[error("it takes too long")]
    TooLong,
    #[error("the service stops")]
    Closing,
    #[error(transparent)]
    Store(#[from] StoreError),
}

async fn read_all(
    snapshot: &mut Snapshot,
    owner: UserId,
    shard: Shard,
    parts: mpsc::Sender<Part>,
) -> Result<(), Cut> {
    let (mut after, mut rows) = (Some(Place::START), 0);
    while let Some(place) = after {
        let (followers, next) = snapshot.read(move |conn| page(conn, owner, shard, place, PAGE_ROWS)).await?;
        after = next;
        rows += followers.len();
        if followers.is_empty() && !parts.is_closed() {
            continue;
        }
        put(&parts, Part::Rows(followers)).await?;
    }
    put(&parts, Part::End { rows }).await
}

async fn put(parts: &mpsc::Sender<Part>, part: Part) -> Result<(), Cut> {
    timeout(FANOUT_STALL_MAX, parts.send(part)).await.map_err(|_| Cut::Stalled)?.map_err(|_| Cut::Left)
}
