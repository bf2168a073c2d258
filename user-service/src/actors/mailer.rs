//! Sends what waits in the outbox, at least once: a row goes when the mail has left, so a crash in between sends it
//! again, with the same `Message-ID`.

use std::time::Duration;

use actix::prelude::*;
use futures_util::future::join_all;
use log::{debug, warn};
use shared::actor::start_on_own_thread;
use shared::clock::Clock;
use shared::db::{Conn, Reads, StoreError};
use shared::writer::WriterHandle;

use super::change::{Command, Outcome, UserEngine};
use super::mail::{Delivered, Outgoing};
use super::mail_command::MailCommand;
use super::mail_transport::{Failure, MailTransport, SEND_WAIT};
use crate::domain::mail::retry_at;
use crate::store;

/// How often the outbox is looked at when nobody says that something is there: mails to be tried again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often old files are removed.
const TIDY_EVERY: Duration = Duration::from_secs(60 * 60);
/// Hints that may wait: one is as good as many.
const LOOKS_MAX: usize = 4;
/// Mails that are taken and sent at once, each on a connection of its own.
pub(super) const SENDS_MAX: i64 = 8;
/// For how long a mail that was taken is nobody else's: longer than a try takes. After a crash it is due again then.
pub(super) const LEASE: Duration = SEND_WAIT.saturating_mul(2);

/// The actor: one round at a time.
pub struct Mailer {
    rounds: Rounds,
    working: bool,
    /// Told of new mails while working: look again afterwards.
    again: bool,
}

/// What a round works with.
#[derive(Clone)]
struct Rounds {
    writer: WriterHandle<UserEngine>,
    reads: Reads,
    transport: MailTransport,
    clock: Clock,
}

/// There may be mails to send.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Look;

impl Mailer {
    /// Starts the actor, which first sends what an earlier run left. It ends when nobody can reach it any more.
    pub fn start(
        writer: WriterHandle<UserEngine>,
        reads: Reads,
        transport: MailTransport,
        clock: Clock,
    ) -> Addr<Self> {
        let rounds = Rounds { writer, reads, transport, clock };
        start_on_own_thread(LOOKS_MAX, || Self { rounds, working: false, again: false })
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.working {
            self.again = true;
            return;
        }
        self.working = true;
        let rounds = self.rounds.clone();
        let work = async move { rounds.run().await };
        ctx.spawn(work.into_actor(self).map(|done, mailer, ctx| {
            if let Err(error) = done {
                warn!("mails wait for the next look: {error}");
            }
            mailer.working = false;
            if std::mem::take(&mut mailer.again) {
                mailer.look(ctx);
            }
        }));
    }

    fn tidy(&mut self, ctx: &mut Context<Self>) {
        let transport = self.rounds.transport.clone();
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
        self.look(ctx);
        self.tidy(ctx);
        ctx.run_interval(LOOK_EVERY, |mailer, ctx| {
            // The interval alone would keep the actor alive.
            if ctx.connected() { mailer.look(ctx) } else { ctx.stop() }
        });
        ctx.run_interval(TIDY_EVERY, Self::tidy);
    }
}

impl Handler<Look> for Mailer {
    type Result = ();

    fn handle(&mut self, _: Look, ctx: &mut Self::Context) {
        self.look(ctx);
    }
}

impl Rounds {
    /// Sends until nothing is due.
    async fn run(&self) -> Result<(), StoreError> {
        loop {
            let now = self.clock.now();
            // What was written a moment ago may be ahead of the clock, as the log's time is.
            let due = move |conn: &mut Conn| {
                let written = shared::db::log::head(conn)?.at;
                store::mail::is_due(conn, now.max(written))
            };
            if !self.reads.run(due).await? {
                return Ok(());
            }
            let taken = self.submit(MailCommand::Take).await?;
            let Ok(Outcome::Mails(mails)) = taken else { return Ok(()) };
            for settled in join_all(mails.iter().map(|mail| self.send(mail))).await {
                settled?;
            }
        }
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<(), StoreError> {
        let (mail, kind) = (&outgoing.mail, outgoing.mail.kind.as_str());
        let sent = self.transport.send(outgoing, self.clock.now()).await;
        let (delivered, outcome) = match sent {
            Ok(()) => (Delivered::Sent, "sent"),
            Err(Failure::Temporary(why)) => {
                warn!(
                    "mail {} ({kind}) to {} was not sent, try {}: {why}",
                    mail.id, mail.recipient, mail.tries
                );
                let jitter = fastrand::u32(0..1_000);
                let next = retry_at(mail.tries, mail.expires_at, self.clock.now(), jitter);
                (next.map_or(Delivered::Never, Delivered::Later), "failed")
            }
            Err(Failure::Permanent(why)) => {
                warn!("mail {} ({kind}) to {} was refused: {why}", mail.id, mail.recipient);
                (Delivered::Never, "refused")
            }
        };
        metrics::counter!("mutual_mails_total", "kind" => kind, "outcome" => outcome).increment(1);
        self.submit(MailCommand::Settle { user: mail.user, id: mail.id, delivered }).await.map(drop)
    }

    async fn submit(
        &self,
        command: MailCommand,
    ) -> Result<Result<Outcome, crate::domain::denial::Denial>, StoreError> {
        Ok(self.writer.submit(Command::Mail(command)).await?.answer.outcome)
    }
}
