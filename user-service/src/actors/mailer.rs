//! Sends what waits in the outbox, at least once: a row goes when the mail has left, so a crash in between sends it
//! again, with the same `Message-ID`.
//!
//! Some mails are under way at once, each with a time of its own, so that one that is slow keeps no other waiting. To one
//! address there is one at a time, in the order in which they were written; one that has to be tried again lets the
//! next ones pass.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::stream::{FuturesUnordered, StreamExt};
use log::{debug, warn};
use shared::actor::start_on_own_thread;
use shared::clock::Clock;
use shared::db::{Conn, Reads, StoreError};
use shared::metric;
use shared::writer::WriterHandle;
use tokio::sync::Notify;

use super::change::{Command, Outcome, UserEngine};
use super::mail::{Delivered, Outgoing};
use super::mail_command::MailCommand;
use super::mail_transport::{Failure, MailTransport, SEND_WAIT};
use super::outbox::Outbox;
use crate::domain::mail::retry_at;
use crate::store;

/// How often the outbox is counted, and looked at when nobody says that something is there: mails to be tried again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often old files are removed.
const TIDY_EVERY: Duration = Duration::from_secs(60 * 60);
/// Hints that may wait: one is as good as many.
const LOOKS_MAX: usize = 4;
/// Mails that are under way at once, each on a connection of its own.
pub(super) const SENDS_MAX: i64 = 8;
/// For how long a mail that was taken is nobody else's: longer than a try takes. After a crash it is due again then.
pub(super) const LEASE: Duration = SEND_WAIT.saturating_mul(2);

/// The actor.
pub struct Mailer {
    parts: Parts,
    news: Arc<Notify>,
}

/// What the actor works with.
#[derive(Clone)]
pub struct Parts {
    /// Where to write.
    pub writer: WriterHandle<UserEngine>,
    /// Where to look.
    pub reads: Reads,
    /// By which way mails leave.
    pub transport: MailTransport,
    /// Whom to tell how many wait.
    pub outbox: Outbox,
    /// The time.
    pub clock: Clock,
}

/// There may be mails to send.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Look;

impl Mailer {
    /// Starts the actor, which first sends what an earlier run left. It ends when nobody can reach it any more.
    pub fn start(parts: Parts) -> Addr<Self> {
        start_on_own_thread(LOOKS_MAX, || Self { parts, news: Arc::default() })
    }

    fn count(&mut self, ctx: &mut Context<Self>) {
        // The interval alone would keep the actor alive.
        if !ctx.connected() {
            return ctx.stop();
        }
        let (reads, outbox) = (self.parts.reads.clone(), self.parts.outbox.clone());
        let work = async move {
            match reads.run(store::mail::waiting).await {
                Ok(waiting) => {
                    outbox.count(waiting);
                    let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
                    metrics::gauge!(metric::MAILS_WAITING).set(waiting);
                }
                Err(error) => debug!("mails that wait cannot be counted: {error}"),
            }
        };
        ctx.spawn(work.into_actor(self));
    }

    fn tidy(&mut self, ctx: &mut Context<Self>) {
        let transport = self.parts.transport.clone();
        let work = async move {
            match transport.tidy().await {
                Ok(removed) => debug!("{removed} old mails were removed"),
                Err(error) => warn!("old mails cannot be removed: {error}"),
            }
        };
        ctx.spawn(work.into_actor(self));
    }
}

impl Actor for Mailer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(send_all(self.parts.clone(), self.news.clone()).into_actor(self));
        self.count(ctx);
        self.tidy(ctx);
        ctx.run_interval(LOOK_EVERY, Self::count);
        ctx.run_interval(TIDY_EVERY, Self::tidy);
    }
}

impl Handler<Look> for Mailer {
    type Result = ();

    fn handle(&mut self, _: Look, _: &mut Self::Context) {
        self.news.notify_one();
    }
}

/// Sends what is due, for as long as the process lives.
async fn send_all(parts: Parts, news: Arc<Notify>) {
    let mut under_way = FuturesUnordered::new();
    let mut busy: Vec<String> = Vec::new();
    loop {
        match parts.take(&busy).await {
            Ok(taken) => {
                busy.extend(taken.iter().map(|outgoing| outgoing.mail.recipient.clone()));
                under_way.extend(taken.into_iter().map(|outgoing| parts.clone().deliver(outgoing)));
            }
            Err(error) => warn!("mails wait for the next look: {error}"),
        }
        tokio::select! {
            Some((recipient, settled)) = under_way.next() => {
                busy.retain(|held| *held != recipient);
                if let Err(error) = settled {
                    warn!("what became of a mail could not be written: {error}");
                }
            }
            () = news.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

impl Parts {
    /// Takes mails that are due to others than `busy`, as many as there is room for.
    async fn take(&self, busy: &[String]) -> Result<Vec<Outgoing>, StoreError> {
        let mut taken: Vec<Outgoing> = Vec::new();
        loop {
            let mut busy = busy.to_vec();
            busy.extend(taken.iter().map(|outgoing| outgoing.mail.recipient.clone()));
            let room = SENDS_MAX - i64::try_from(busy.len()).unwrap_or(SENDS_MAX);
            if room <= 0 || !self.is_due(busy.clone()).await? {
                return Ok(taken);
            }
            // What it takes is in hand: a failure of the next must not lose it.
            match self.submit(MailCommand::Take { room, busy }).await {
                Ok(Ok(Outcome::Mails(mails))) => taken.extend(mails),
                Ok(_) => return Ok(taken),
                Err(error) if taken.is_empty() => return Err(error),
                Err(_) => return Ok(taken),
            }
        }
    }

    async fn is_due(&self, busy: Vec<String>) -> Result<bool, StoreError> {
        let now = self.clock.now();
        // What was written a moment ago may be ahead of the clock, as the log's time is.
        let due = move |conn: &mut Conn| {
            let written = shared::db::log::head(conn)?.at;
            store::mail::is_due(conn, now.max(written), &busy)
        };
        self.reads.run(due).await
    }

    /// Sends a mail and writes what became of it. Returns to whom it was.
    async fn deliver(self, outgoing: Outgoing) -> (String, Result<(), StoreError>) {
        let (mail, kind) = (&outgoing.mail, outgoing.mail.kind.as_str());
        let sent = self.transport.send(&outgoing, self.clock.now()).await;
        // Whose mail it is, and not the address: logs are read by more people than the database.
        let (delivered, outcome) = match sent {
            Ok(()) => (Delivered::Sent, "sent"),
            Err(Failure::Temporary(why)) => {
                warn!(
                    "mail {} ({kind}) about user {} was not sent, try {}: {why}",
                    mail.id, mail.user, mail.tries
                );
                let jitter = fastrand::u32(0..1_000);
                let next = retry_at(mail.tries, mail.expires_at, self.clock.now(), jitter);
                (next.map_or(Delivered::Never, Delivered::Later), "failed")
            }
            Err(Failure::Permanent(why)) => {
                warn!("mail {} ({kind}) about user {} was refused: {why}", mail.id, mail.user);
                (Delivered::Never, "refused")
            }
        };
        metrics::counter!(metric::MAILS, "kind" => kind, "outcome" => outcome).increment(1);
        let settle = MailCommand::Settle { user: mail.user, id: mail.id, delivered };
        let settled = match self.submit(settle).await {
            // Purged while the mail was under way: what has become a file since is nobody's.
            Ok(Err(_)) => self.transport.forget(vec![mail.user]).await,
            settled => settled.map(drop),
        };
        (outgoing.mail.recipient, settled)
    }

    async fn submit(
        &self,
        command: MailCommand,
    ) -> Result<Result<Outcome, crate::domain::denial::Denial>, StoreError> {
        Ok(self.writer.submit(Command::Mail(command)).await?.answer.outcome)
    }
}
