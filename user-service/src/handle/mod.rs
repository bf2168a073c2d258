//! What this service can do, as async functions: the only thing that HTTP sees.

mod account;
mod audit_log;
mod email;
mod error;
mod export;
mod guard;
mod idempotency;
mod lookups;
mod members;
mod moderation;
mod password_reset;
mod profile;
mod roster;
mod search;
mod sessions;
mod step_up;
mod two_factor;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use shared::clock::Clock;
use shared::db::{Reads, StoreError};
use shared::http::{FeedReaders, INTERNAL_CLIENT};
use shared::tail::Freshness;
use shared::token::{KeySet, TokenSigner, TokenVerifier};
use shared::writer::{ANSWER_WAIT, WriterHandle, too_late};
use tokio::time::timeout;

pub use error::UserError;
pub use export::Held;
pub use guard::{Caller, Guard};
pub use lookups::NameState;
pub use moderation::Moderated;
pub use profile::PrivacyChanged;
pub use roster::{Looked, RosterRow};
pub use sessions::{SignedIn, Tokens};
pub use two_factor::{NewTwoFactor, TwoFactorState};

use crate::actors::change::{Answer, Command, Outcome, UserEngine};
use crate::actors::hasher::PasswordHasher;
use crate::actors::janitor::Janitor;
use crate::actors::mail_command::MailCommand;
use crate::actors::mailer::{Look, Mailer};
use crate::actors::relation_client::Relations;
use crate::domain::refresh_token::RefreshKey;
use crate::store::cards::Cards;

/// How long an answer waits for the other service to honour a change.
const ACKNOWLEDGED_WAIT: Duration = Duration::from_secs(1);
/// How often a password is verified for one act: it may be replaced while it is, by the owner or, at a login
/// after the cost was raised, by a better hash of the same.
const PROOFS_MAX: usize = 2;

/// The service, for anybody on any thread. Clones share everything.
#[derive(Clone)]
pub struct UserHandle {
    writer: WriterHandle<UserEngine>,
    reads: Reads,
    cards: Option<Arc<Cards>>,
    freshness: Option<Freshness>,
    hasher: PasswordHasher,
    mailer: Addr<Mailer>,
    janitor: Addr<Janitor>,
    relations: Relations,
    signer: Arc<TokenSigner>,
    refresh_key: RefreshKey,
    tokens: Arc<TokenVerifier>,
    readers: FeedReaders,
    two_factor_issuer: String,
    guard: Option<Guard>,
    clock: Clock,
}

/// What a [`UserHandle`] is made of.
pub struct Parts {
    /// The only way to change a table.
    pub writer: WriterHandle<UserEngine>,
    /// The database, for reading.
    pub reads: Reads,
    /// What is remembered of people, if anything is.
    pub cards: Option<Arc<Cards>>,
    /// Where other processes commit too: whether that is current.
    pub freshness: Option<Freshness>,
    /// Whom to ask about passwords.
    pub hasher: PasswordHasher,
    /// Sends mails.
    pub mailer: Addr<Mailer>,
    /// Whom to tell of work that falls due.
    pub janitor: Addr<Janitor>,
    /// Whom to ask who blocks whom.
    pub relations: Relations,
    /// Signs access tokens.
    pub signer: Arc<TokenSigner>,
    /// What refresh tokens are made with.
    pub refresh_key: RefreshKey,
    /// Who verifies the callers.
    pub tokens: Arc<TokenVerifier>,
    /// Who reads the feed, and how far.
    pub readers: FeedReaders,
    /// What an authenticator app shows beside the username.
    pub two_factor_issuer: String,
    /// Counts wrong passwords, unless limits are off.
    pub guard: Option<Guard>,
    /// The time.
    pub clock: Clock,
}

impl UserHandle {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            writer,
            reads,
            cards,
            freshness,
            hasher,
            mailer,
            janitor,
            relations,
            signer,
            refresh_key,
            tokens,
            readers,
            two_factor_issuer,
            guard,
            clock,
        } = parts;
        Self {
            writer,
            reads,
            cards,
            freshness,
            hasher,
            mailer,
            janitor,
            relations,
            signer,
            refresh_key,
            tokens,
            readers,
            two_factor_issuer,
            guard,
            clock,
        }
    }

    /// Says where relation-service is, where that was not known at the start.
    pub fn relations_are_at(&self, url: String) {
        self.relations.are_at(url);
    }

    /// Waits until what is remembered is at least as new as the database was when this was called.
    async fn current(&self) -> Result<(), StoreError> {
        match (&self.cards, &self.freshness) {
            (Some(_), Some(freshness)) => freshness.current().await,
            _ => Ok(()),
        }
    }

    /// The newest committed event.
    pub fn revision(&self) -> i64 {
        self.writer.revision()
    }

    /// The keys by which anybody may verify access tokens.
    pub fn key_set(&self) -> KeySet {
        self.signer.key_set()
    }

    /// What keeps the service from answering well: the database, the writer, the tail or the hasher.
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
        // Also where no cards are remembered: sessions that ended elsewhere are.
        if let Some(freshness) = &self.freshness
            && freshness.current().await.is_err()
        {
            return Some("it does not keep up with other instances");
        }
        (!self.hasher.is_alive()).then_some("the password hasher has stopped")
    }

    /// Has `command` decided and durably written; returns what was done, and the revision that includes it.
    ///
    /// On a task of its own: also for a caller that hangs up, sessions that ended must be refused from here on.
    async fn submit(&self, command: Command) -> Result<(Outcome, i64), UserError> {
        let (writer, revoked, clock) =
            (self.writer.clone(), self.tokens.revoked().clone(), self.clock.clone());
        let task = actix::spawn(async move {
            let committed = writer.submit(command).await?;
            for session in &committed.answer.ended {
                revoked.add(*session, clock.now());
            }
            Ok::<_, StoreError>(committed)
        });
        let done = timeout(ANSWER_WAIT, task).await.map_err(|_| too_late())?;
        let committed = done.map_err(|error| UserError::Internal(error.to_string()))??;
        let Answer { outcome, .. } = committed.answer;
        Ok((outcome?, committed.revision))
    }

    /// As [`UserHandle::submit`], for what is about mails.
    async fn submit_mail(&self, command: MailCommand) -> Result<Outcome, UserError> {
        let (outcome, _) = self.submit(Command::Mail(command)).await?;
        self.look_for_mails();
        Ok(outcome)
    }

    /// Has the mailer look now. It looks by itself, so a hint that finds no room is no loss.
    fn look_for_mails(&self) {
        let _ = self.mailer.try_send(Look);
    }

    /// Waits, within bounds, until the other service honours everything up to `revision`. Returns whether it has
    /// not said yet that it does.
    async fn pending(&self, revision: i64) -> bool {
        // Nobody to wait for is as good as done: who has never read the feed will begin with what is true
        // now.
        self.readers.reached(INTERNAL_CLIENT, revision, ACKNOWLEDGED_WAIT).await == Some(false)
    }
}

/// The writer answered a command with what belongs to another.
fn mixed_up() -> UserError {
    UserError::Internal("the writer answered something else".into())
}
