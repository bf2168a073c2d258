//! How far each consumer of the feed has come: asking for what comes after `n` acknowledges `n`.
//!
//! Where several instances serve one log, each tells the others through the table of readers what it has heard, and looks
//! there while somebody waits for a reader that may be another's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{rt, web};
use log::debug;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::db::{Conn, DatabaseUrl, Reads, StoreError, feed_reader, open_hint_writer, open_writer};

/// How often is looked for what other instances have heard, while somebody waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often they are told: what is heard in between is told together.
const TELL_EVERY: Duration = Duration::from_millis(20);

type Positions = HashMap<String, i64>;

/// The readers. Clones share them.
#[derive(Clone, Default)]
pub struct FeedReaders {
    positions: Arc<watch::Sender<Positions>>,
    url: Option<DatabaseUrl>,
    others: Option<Others>,
}

/// Instances beside this one.
#[derive(Clone)]
struct Others {
    reads: Reads,
    heard: Arc<Notify>,
}

impl FeedReaders {
    /// Readers of whom the `known` ones have read before this start; new ones are written down before they get their
    /// first page.
    pub fn new(known: Vec<(String, i64)>, url: DatabaseUrl) -> Self {
        let positions = known.into_iter().map(|(name, _)| (name, 0)).collect();
        Self { positions: Arc::new(watch::Sender::new(positions)), url: Some(url), others: None }
    }

    /// The same beside other instances on the database that `reads` reads.
    pub fn beside_others(self, reads: Reads) -> Self {
        let heard = Arc::new(Notify::new());
        if let Some(url) = self.url.clone() {
            rt::spawn(tell(url, self.positions.subscribe(), heard.clone()));
        }
        Self { others: Some(Others { reads, heard }), ..self }
    }

    pub(super) async fn acknowledge(&self, reader: &str, after: i64) -> Result<(), StoreError> {
        let known = self.positions.borrow().contains_key(reader);
        if let Some(url) = self.url.clone().filter(|_| !known) {
            let name = reader.to_owned();
            let remember = move || feed_reader::remember(&mut open_writer(&url)?, &name);
            web::block(remember).await.map_err(|_| StoreError::Overloaded)??;
        }
        if self.has_come_to(reader, after)
            && let Some(others) = &self.others
        {
            others.heard.notify_one();
        }
        Ok(())
    }

    /// Counts a reader of this process in, which has read nothing yet; it need not be remembered for the next start.
    pub(crate) fn expect(&self, reader: &str) {
        self.has_come_to(reader, 0);
    }

    /// A reader of this process has come to `after`.
    pub(crate) fn has_read(&self, reader: &str, after: i64) {
        self.has_come_to(reader, after);
    }

    /// Whether that was news.
    fn has_come_to(&self, reader: &str, position: i64) -> bool {
        self.positions.send_if_modified(|positions| match positions.get_mut(reader) {
            Some(held) if *held >= position => false,
            Some(held) => {
                *held = position;
                true
            }
            None => positions.insert(reader.to_owned(), position).is_none(),
        })
    }

    /// Takes over what other instances have heard, if there may be any.
    pub(super) async fn hear_of_others(&self) {
        let Some(others) = &self.others else { return };
        match others.reads.run(feed_reader::readers).await {
            Ok(all) => {
                for (name, position) in all {
                    self.has_come_to(&name, position);
                }
            }
            Err(error) => debug!("readers of other instances are not heard of: {error}"),
        }
    }

    /// Up to where all known readers have read; a reader that has not come back since this start counts as one that has
    /// read nothing.
    pub(super) fn all_have_read(&self) -> i64 {
        self.positions.borrow().values().copied().min().unwrap_or(i64::MAX)
    }

    /// How far each has come.
    pub(super) fn positions(&self) -> watch::Ref<'_, Positions> {
        self.positions.borrow()
    }

    /// Watches how far the readers have come.
    pub(super) fn watch(&self) -> watch::Receiver<Positions> {
        self.positions.subscribe()
    }

    /// Waits until `reader` has acknowledged `seq`, and returns whether it came in time. `None` if nobody
    /// of that name has ever read the feed: whoever begins later begins with what is true now.
    pub async fn reached(&self, reader: &str, seq: i64, patience: Duration) -> Option<bool> {
        self.hear_of_others().await;
        let mut positions = self.positions.subscribe();
        if !positions.borrow().contains_key(reader) {
            return None;
        }
        let there = |held: &Positions| held.get(reader).is_some_and(|position| *position >= seq);
        tokio::select! {
            waited = timeout(patience, positions.wait_for(there)) => Some(matches!(waited, Ok(Ok(_)))),
            () = self.keep_hearing() => Some(false),
        }
    }

    /// For as long as the caller waits.
    async fn keep_hearing(&self) {
        loop {
            sleep(LOOK_EVERY).await;
            self.hear_of_others().await;
        }
    }
}

/// Tells other instances what this one has heard, for as long as somebody may hear anything.
async fn tell(url: DatabaseUrl, mut positions: watch::Receiver<Positions>, heard: Arc<Notify>) {
    let (mut conn, mut told) = (None, Positions::new());
    loop {
        tokio::select! {
            () = heard.notified() => {}
            // What is taken over from others is no news for them.
            gone = async { while positions.changed().await.is_ok() {} } => return gone,
        }
        let newest = positions.borrow().clone();
        let news: Vec<(String, i64)> = newest
            .iter()
            .filter(|(name, at)| told.get(*name) != Some(at))
            .map(|(n, at)| (n.clone(), *at))
            .collect();
        let (url, held) = (url.clone(), conn.take());
        match web::block(move || write(&url, held, &news)).await {
            Ok(Ok(held)) => (conn, told) = (Some(held), newest),
            Ok(Err(error)) => {
                debug!("other instances are told of readers later: {error}");
                heard.notify_one();
            }
            Err(_) => return,
        }
        sleep(TELL_EVERY).await;
    }
}

fn write(url: &DatabaseUrl, held: Option<Conn>, news: &[(String, i64)]) -> Result<Conn, StoreError> {
    let mut conn = match held {
        Some(conn) => conn,
        None => open_hint_writer(url)?,
    };
    for (name, position) in news {
        feed_reader::move_to(&mut conn, name, *position)?;
    }
    Ok(conn)
}
