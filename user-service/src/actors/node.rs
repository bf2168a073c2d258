//! A number for this instance, by which its ids differ from those of others on the same database. It is taken at the
//! start and said to be in use now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{rt, web};
use log::{error, info, warn};
use shared::db::{DatabaseUrl, StoreError, open_writer};

use super::ids::Ids;
use crate::store::node::{self, Holder};

/// How often the number is said to be in use.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// And after that failed: until it succeeds, ids may not be made.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Why there is no number.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The database does not say.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// All, or the one that was asked for, are in use.
    #[error(
        "another instance on this database makes ids as this --node, or did so in the last 30 seconds: leave it out, or \
         give each a number of its own"
    )]
    InUse,
    /// Tokens of one would not be valid at the other.
    #[error("another instance on this database has another signing or refresh key: all need the same")]
    OtherSecrets,
}

/// The number of this instance.
#[derive(Clone)]
pub struct Node {
    url: DatabaseUrl,
    holder: Holder,
    ids: Arc<Ids>,
}

impl Node {
    /// Takes `wanted` or any number for the ids that `ids` makes.
    pub fn take(
        url: DatabaseUrl,
        secrets: String,
        wanted: Option<u16>,
        ids: Arc<Ids>,
    ) -> Result<Self, NodeError> {
        let holder =
            Holder { id: i64::from(fastrand::u32(..)) << 31 | i64::from(fastrand::u32(..)), secrets };
        let mut conn = open_writer(&url)?;
        let sent = Instant::now();
        let Some(number) = node::take(&mut conn, &holder, wanted)? else { return Err(NodeError::InUse) };
        ids.hold(number, sent);
        let taken = Self { url, holder, ids };
        if node::has_strangers(&mut conn, &taken.holder)? {
            node::give_back(&mut conn, &taken.holder, number)?;
            return Err(NodeError::OtherSecrets);
        }
        info!("ids are made as node {number}");
        Ok(taken)
    }

    /// Keeps the number for as long as the runtime of the caller lives.
    pub fn keep(self) {
        rt::spawn(async move {
            let mut pause = RENEW_EVERY;
            loop {
                rt::time::sleep(pause).await;
                let node = self.clone();
                pause = RENEW_EVERY;
                if let Ok(Err(failure)) = web::block(move || node.renew()).await {
                    warn!("the number of this instance is kept later: {failure}");
                    pause = RETRY_EVERY;
                }
            }
        });
    }

    /// Another has taken the number while the database was away for this instance: then it takes a new one. Until one is
    /// renewed or taken in time, no ids are made.
    fn renew(&self) -> Result<(), StoreError> {
        let mut conn = open_writer(&self.url)?;
        // Before it is sent: at the database, the lease begins later.
        let sent = Instant::now();
        let number = self.ids.node();
        if node::renew(&mut conn, &self.holder, number)? {
            self.ids.hold(number, sent);
            return Ok(());
        }
        self.ids.let_go();
        match node::take(&mut conn, &self.holder, None)? {
            Some(node) => {
                warn!("node {number} has become another instance's: ids are made as {node}");
                self.ids.hold(node, sent);
            }
            None => error!("no number is free for this instance"),
        }
        Ok(())
    }

    /// Gives the number back: nothing is made any more.
    pub fn give_back(&self) -> Result<(), StoreError> {
        self.ids.let_go();
        node::give_back(&mut open_writer(&self.url)?, &self.holder, self.ids.node())
    }
}
