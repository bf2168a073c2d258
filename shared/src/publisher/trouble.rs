//! Why nothing is published for a while, and who is told of it.

use std::fmt::Display;
use std::mem::{Discriminant, discriminant};

use log::{debug, info, warn};

use crate::db::StoreError;

/// Why nothing is published.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Another instance on this database publishes.
    #[error("another instance publishes")]
    Turn,
    /// NATS cannot be reached, or does not answer.
    #[error("NATS is away: {0}")]
    Away(String),
    /// NATS does not do what it is asked to.
    #[error("NATS refuses: {0}")]
    Refused(String),
    /// The stream's end is elsewhere than it was a moment ago.
    #[error("another has published meanwhile")]
    Moved,
    /// The stream is no copy of this log.
    #[error(
        "the stream holds something else than this log: {0}. Delete the stream, and it is made anew from the log; or \
         choose another --nats-prefix"
    )]
    Foreign(String),
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Trouble {
    pub(super) fn refused(error: impl Display) -> Self {
        Self::Refused(error.to_string())
    }

    pub(super) fn closed() -> Self {
        Self::Away("the connection has ended".into())
    }
}

/// Tells the operator when something changes, not each time that something is tried.
pub(super) struct Told {
    stream: String,
    /// `None` while events are published; at the start, nothing was told.
    trouble: Option<Option<Discriminant<Trouble>>>,
}

impl Told {
    pub(super) fn new(stream: &str) -> Self {
        Self { stream: stream.to_owned(), trouble: None }
    }

    /// The stream is there, and has come to `seq`.
    pub(super) fn connected(&mut self, seq: i64) {
        if self.trouble != Some(None) {
            info!("events after {seq} are published to the NATS stream {}", self.stream);
        }
        self.trouble = Some(None);
    }

    /// Nothing is published at the moment.
    pub(super) fn interrupted(&mut self, trouble: &Trouble) {
        let stream = &self.stream;
        let kind = Some(discriminant(trouble));
        match trouble {
            _ if self.trouble == Some(kind) => debug!("nothing is published to {stream} still: {trouble}"),
            Trouble::Turn => info!("nothing is published to the NATS stream {stream} from here: {trouble}"),
            // It goes on at once.
            Trouble::Moved => return debug!("{stream}: {trouble}"),
            Trouble::Away(_) | Trouble::Refused(_) | Trouble::Foreign(_) | Trouble::Store(_) => {
                warn!("events wait to be published to the NATS stream {stream}: {trouble}; it is tried again")
            }
        }
        self.trouble = Some(kind);
    }
}
