//! The log of a service, copied into a stream of NATS JetStream: each event once, in order, as it is in the feed.
//!
//! How far the copy has come is asked of the stream whenever the publisher begins, and kept nowhere else. So nothing can
//! disagree: a stream that lost its newest messages, was made anew or was fed by another instance is gone on with where
//! it ends. A write never waits for any of this; what is not published yet is kept in the log for longer
//! ([`crate::http::Retention`]), within a bound.

mod config;
mod source;
mod stream;
mod trouble;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;
use log::warn;
use tokio::time::{sleep, timeout};

pub use config::{InvalidNatsUrl, NatsConfig, NatsUrl, Publishing};
use source::Source;
use stream::Stream;
use trouble::{Told, Trouble};

use crate::actor::start_on_own_thread;
use crate::db::DatabaseUrl;
use crate::http::FeedReaders;
use crate::metric;
use crate::revision::Lookout;

/// Events that are under way at once; the next ones are read when all of these are acknowledged.
pub const PUBLISH_WINDOW: i64 = 512;
/// As whom it reads the feed: no token can have this name.
pub(crate) const READER: &str = "(nats)";
/// How long it waits after the first failure; twice as long after each further one.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// How long it waits at the most.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often an instance asks whether it is its turn.
const TURN_EVERY: Duration = Duration::from_secs(2);
/// How often the figures are brought up to date.
const MEASURE_EVERY: Duration = Duration::from_secs(1);
/// Nobody sends it anything.
const MAILBOX: usize = 1;
/// How far the copy has come, where that is another instance's to say.
const ELSEWHERE: i64 = i64::MAX;
/// And before the stream was reached for the first time: nothing else knows it.
const UNKNOWN: i64 = -1;

/// Copies one log.
pub struct Publisher {
    /// By which its metrics are known.
    pub service: &'static str,
    /// To where.
    pub publishing: Publishing,
    /// From where.
    pub database_url: DatabaseUrl,
    /// Tells when there is something new, and what memory has of it.
    pub lookout: Lookout,
    /// What it has not published is not forgotten.
    pub readers: FeedReaders,
}

impl Publisher {
    /// Starts the actor on a thread of its own; it works for as long as the process lives.
    pub fn start(self) {
        struct Runner(Option<Publisher>);
        impl Actor for Runner {
            type Context = Context<Self>;

            fn started(&mut self, ctx: &mut Self::Context) {
                if let Some(publisher) = self.0.take() {
                    let position = Arc::new(AtomicI64::new(UNKNOWN));
                    let figures = measure(publisher.service, publisher.lookout.clone(), position.clone());
                    ctx.spawn(figures.into_actor(self));
                    ctx.spawn(publisher.run(position).into_actor(self));
                }
            }
        }
        self.readers.expect(READER);
        // It keeps itself alive: nobody has to hold its address.
        drop(start_on_own_thread(MAILBOX, || Runner(Some(self))));
    }

    async fn run(self, position: Arc<AtomicI64>) {
        let connected = metrics::gauge!(metric::PUBLISHER_CONNECTED, "service" => self.service);
        let interruptions = metrics::counter!(metric::PUBLISHER_INTERRUPTIONS, "service" => self.service);
        let mut told = Told::new(&self.publishing.stream);
        let mut failures = 0;
        loop {
            let (began, before) = (Instant::now(), position.load(Ordering::Relaxed));
            let Err(trouble) = self.publish(&position, &mut told, &connected).await;
            connected.set(0.0);
            told.interrupted(&trouble);
            interruptions.increment(1);
            let went_well = began.elapsed() > PAUSE_MAX || position.load(Ordering::Relaxed) > before;
            failures = if went_well { 1 } else { failures + 1 };
            sleep(jittered(backoff(failures))).await;
        }
    }

    /// Publishes until something is in the way.
    async fn publish(
        &self,
        position: &AtomicI64,
        told: &mut Told,
        connected: &metrics::Gauge,
    ) -> Result<Infallible, Trouble> {
        // First NATS: who cannot reach it must not have the turn.
        let mut stream = Stream::open(&self.publishing).await?;
        let mut source = Source::open(self.database_url.clone()).await?;
        while !source.take_turn().await? {
            told.interrupted(&Trouble::Turn);
            position.store(ELSEWHERE, Ordering::Relaxed);
            tokio::select! {
                () = sleep(jittered(TURN_EVERY)) => {}
                () = stream.closed() => return Err(Trouble::closed()),
            }
        }
        let mut at = stream.last().await?;
        is_copy(&mut source, &stream, at).await?;
        position.store(at, Ordering::Relaxed);
        connected.set(1.0);
        told.connected(at);
        let published = metrics::counter!(metric::PUBLISHER_PUBLISHED, "service" => self.service);
        loop {
            self.readers.has_read(READER, at);
            tokio::select! {
                () = self.lookout.moved_past(at) => {}
                () = stream.closed() => return Err(Trouble::closed()),
            }
            // No further than memory: who hears of an event may ask about it at once.
            let (oldest, events) = source.page(at, self.lookout.revision(), PUBLISH_WINDOW).await?;
            if at + 1 < oldest {
                warn!(
                    "events {} to {} are no longer kept and not published; {stream} begins anew",
                    at + 1,
                    oldest - 1,
                    stream = self.publishing.stream
                );
                stream.begin_at(oldest).await?;
                at = oldest - 1;
                continue;
            }
            let Some(last) = events.last() else {
                return Err(Trouble::Foreign(format!("the log ends before event {}", at + 1)));
            };
            stream.publish(&events).await?;
            at = last.seq;
            position.store(at, Ordering::Relaxed);
            published.increment(u64::try_from(events.len()).unwrap_or_default());
        }
    }
}

/// Whether the stream, which has come to `at`, is a copy of this log, as far as both still tell.
async fn is_copy(source: &mut Source, stream: &Stream, at: i64) -> Result<(), Trouble> {
    let newest = source.newest().await?;
    if at > newest {
        return Err(Trouble::Foreign(format!("it has come to {at}, the log only to {newest}")));
    }
    let Some(copied) = (if at > 0 { stream.copied(at).await? } else { None }) else { return Ok(()) };
    let (oldest, events) = source.page(at - 1, at, 1).await?;
    match events.first() {
        Some(event) if oldest <= at && !copied.is(event) => {
            Err(Trouble::Foreign(format!("its message {at} is another event {at}")))
        }
        _ => Ok(()),
    }
}

/// A part of a pause: not all instances at once, nor all services.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// How long to wait after so many failures one after the other.
fn backoff(failures: u32) -> Duration {
    PAUSE_MIN.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(PAUSE_MAX)
}

/// How far the copy is behind the newest event, where that is known.
fn lag(newest: i64, position: i64) -> Option<i64> {
    (position != UNKNOWN).then(|| newest.saturating_sub(position).max(0))
}

/// Tells how far the copy is behind the log, for as long as the process lives.
async fn measure(service: &'static str, lookout: Lookout, position: Arc<AtomicI64>) {
    loop {
        let newest = lookout.revision();
        if let Some(lag) = lag(newest, position.load(Ordering::Relaxed)) {
            // Not made before: one that is made says 0.
            metrics::gauge!(metric::PUBLISHER_LAG, "service" => service).set(metric::count(lag));
        }
        let moved = timeout(MEASURE_EVERY, lookout.moved_past(newest)).await.is_ok();
        if moved {
            // Not for each of many.
            sleep(MEASURE_EVERY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        assert_eq!([1, 2, 3].map(backoff), [100, 200, 400].map(Duration::from_millis));
        assert_eq!([0, 40, u32::MAX].map(backoff), [PAUSE_MIN, PAUSE_MAX, PAUSE_MAX]);
    }

    #[test]
    fn how_far_it_is_behind_is_not_known_before_the_stream_was_reached() {
        let lags = [UNKNOWN, 0, 3, 7, 8, ELSEWHERE].map(|position| lag(7, position));
        assert_eq!(lags, [None, Some(7), Some(4), Some(0), Some(0), Some(0)]);
    }
}
