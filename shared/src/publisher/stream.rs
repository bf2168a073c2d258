//! The stream that the log is copied into.
//!
//! A message has the number of its event, in the stream too. So the stream's last number says how far the copy has come,
//! and each message is taken only as the next one after it (`Nats-Expected-Last-Sequence`): no repetition, late arrival
//! or second publisher can put anything in twice or out of order, whatever the window of duplicates.

use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{ContextBuilder, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, StorageType, Stream as Remote};
use async_nats::{Client, Event as Change, ServerAddr};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;

use super::config::{Login, NatsUrl, Publishing};
use super::trouble::Trouble;
use crate::clock::Micros;
use crate::event::Event;

/// How long NATS may take to answer: to a connection, a question, or a message.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// How long a whole page may take until it is acknowledged.
const PAGE_WAIT: Duration = Duration::from_secs(30);
/// How long NATS remembers the ids of messages, in a stream that is made here.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// By which NATS knows the connection.
const CLIENT_NAME: &str = "mutual-publisher";

/// The stream, for as long as the connection lasts.
pub(super) struct Stream {
    context: Context,
    remote: Remote,
    name: String,
    subjects: String,
    closed: watch::Receiver<bool>,
    /// The next message begins after a gap.
    after_gap: bool,
}

/// What the last message of a stream says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Copied {
    seq: i64,
    #[serde(rename = "type")]
    kind: String,
    at: String,
}

impl Copied {
    /// Whether it is this event. Not by its data: those are forgotten in the log when their person is deleted.
    pub(super) fn is(&self, event: &Event) -> bool {
        (self.seq, &self.kind, &self.at) == (event.seq, &event.kind, &text_of(event.at))
    }
}

fn text_of(at: Micros) -> String {
    serde_json::to_value(at).ok().and_then(|at| at.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Stream {
    /// Connects, and makes the stream if it is not there.
    pub(super) async fn open(publishing: &Publishing) -> Result<Self, Trouble> {
        let (client, closed) = connect(&publishing.servers).await?;
        let context = ContextBuilder::new().timeout(ANSWER_WAIT).build(client);
        let config = Config {
            name: publishing.stream.clone(),
            subjects: vec![format!("{}.>", publishing.subjects)],
            storage: StorageType::File,
            num_replicas: publishing.replicas,
            max_age: publishing.keep,
            duplicate_window: DUPLICATE_WINDOW,
            ..Config::default()
        };
        let remote = context.get_or_create_stream(config).await.map_err(Trouble::refused)?;
        let (name, subjects) = (publishing.stream.clone(), publishing.subjects.clone());
        Ok(Self { context, remote, name, subjects, closed, after_gap: false })
    }

    /// The number of its last message; 0 before the first.
    pub(super) async fn last(&self) -> Result<i64, Trouble> {
        let last = self.remote.get_info().await.map_err(Trouble::refused)?.state.last_sequence;
        i64::try_from(last).map_err(|_| Trouble::Foreign(format!("its message {last} is none of ours")))
    }

    /// What the message of this number says of itself; `None` if the stream does not keep it any longer.
    pub(super) async fn copied(&self, seq: i64) -> Result<Option<Copied>, Trouble> {
        let number = u64::try_from(seq).map_err(Trouble::refused)?;
        let Ok(message) = self.remote.get_raw_message(number).await else {
            // An old server has no word of its own for a message that is gone: the stream says what it has.
            let state = self.remote.get_info().await.map_err(Trouble::refused)?.state;
            let gone = state.messages == 0 || state.first_sequence > number;
            return if gone { Ok(None) } else { Err(Trouble::Away(format!("message {seq} cannot be read"))) };
        };
        let id = message.headers.get(NATS_MESSAGE_ID).map(|id| id.as_str().to_owned());
        let copied = serde_json::from_slice::<Copied>(&message.payload).ok();
        let ours = copied.filter(|copied| copied.seq == seq && id == Some(seq.to_string()));
        let foreign = || Trouble::Foreign(format!("its message {seq} is not event {seq} of this log"));
        ours.map(Some).ok_or_else(foreign)
    }

    /// Leaves out what comes before `seq`, because the log has no longer got it. What the stream has before it goes too.
    pub(super) async fn begin_at(&mut self, seq: i64) -> Result<(), Trouble> {
        let number = u64::try_from(seq).map_err(Trouble::refused)?;
        self.remote.purge().sequence(number).await.map_err(Trouble::refused)?;
        // Not every server compares with the number to which it was just told to go.
        self.after_gap = true;
        Ok(())
    }

    /// Publishes a page of events in order, and returns once all of them are kept.
    pub(super) async fn publish(&mut self, events: &[Event]) -> Result<(), Trouble> {
        let late =
            |_| Trouble::Away(format!("{} messages were not acknowledged in {PAGE_WAIT:?}", events.len()));
        let mut closed = self.closed.clone();
        tokio::select! {
            done = timeout(PAGE_WAIT, self.publish_all(events)) => done.map_err(late)?,
            () = gone(&mut closed) => Err(Trouble::closed()),
        }
    }

    async fn publish_all(&mut self, events: &[Event]) -> Result<(), Trouble> {
        let mut acks = Vec::with_capacity(events.len());
        for event in events {
            let message = self.message(event)?;
            let sent = self.context.send_publish(format!("{}.{}", self.subjects, event.kind), message);
            acks.push((event.seq, sent.await.map_err(Trouble::refused)?));
        }
        for (seq, ack) in acks {
            let kept = ack.await.map_err(|error| {
                let moved = error.kind() == PublishErrorKind::WrongLastSequence;
                if moved { Trouble::Moved } else { Trouble::refused(error) }
            })?;
            if i64::try_from(kept.sequence) != Ok(seq) {
                return Err(Trouble::Foreign(format!("event {seq} became its message {}", kept.sequence)));
            }
        }
        Ok(())
    }

    fn message(&mut self, event: &Event) -> Result<PublishMessage, Trouble> {
        let payload = serde_json::to_vec(event).map_err(Trouble::refused)?;
        let before = u64::try_from(event.seq - 1).map_err(Trouble::refused)?;
        let message = PublishMessage::build()
            .payload(payload.into())
            .message_id(event.seq.to_string())
            .expected_stream(&self.name);
        let after_gap = std::mem::take(&mut self.after_gap);
        Ok(if after_gap { message } else { message.expected_last_sequence(before) })
    }

    /// Waits until the connection is gone.
    pub(super) async fn closed(&self) {
        gone(&mut self.closed.clone()).await;
    }
}

async fn gone(closed: &mut watch::Receiver<bool>) {
    // Nobody tells any more: then it is gone as well.
    let _ = closed.wait_for(|closed| *closed).await;
}

async fn connect(url: &NatsUrl) -> Result<(Client, watch::Receiver<bool>), Trouble> {
    let (tell, closed) = watch::channel(false);
    let servers: Vec<ServerAddr> =
        url.servers.iter().cloned().filter_map(|url| ServerAddr::from_url(url).ok()).collect();
    let options = ConnectOptions::new()
        .name(CLIENT_NAME)
        .connection_timeout(ANSWER_WAIT)
        .request_timeout(Some(ANSWER_WAIT))
        // One round: who has to try again looks at the stream first.
        .max_reconnects(servers.len())
        .reconnect_delay_callback(|_| Duration::ZERO)
        .event_callback(move |change| {
            if matches!(change, Change::Disconnected | Change::Closed | Change::LameDuckMode) {
                tell.send_replace(true);
            }
            std::future::ready(())
        });
    let options = match url.login.clone() {
        None => options,
        Some(Login::Token(token)) => options.token(token.reveal().to_owned()),
        Some(Login::User(user, password)) => options.user_and_password(user, password.reveal().to_owned()),
    };
    let client = options.connect(servers).await.map_err(|error| Trouble::Away(error.to_string()))?;
    Ok((client, closed))
}
