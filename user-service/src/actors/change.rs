//! What the writer does with a batch: each command in order, decided and written on what the earlier
//! ones left, so that uniqueness never rests on an error of the database, which would fail the batch.

use std::sync::Arc;

use shared::cache::Memory;
use shared::clock::Micros;
use shared::db::StoreError;
use shared::event::NewEvent;
use shared::id::{SessionId, UserId};
use shared::secret::Secret;
use shared::writer::Engine;

use super::account::{NewPasswordHash, Proved};
use super::ids::Ids;
use super::mail::Outgoing;
use super::mail_command::MailCommand;
use super::mail_limit::MailLimit;
use super::moderation::Moderate;
use super::outbox::Outbox;
use super::register::{Imported, ImportedUser, NewAccount};
use super::step_up::StepUp;
use super::two_factor::{Begun, TwoFactorChange};
use super::{
    account, deletion, login, mail_command, moderation, names, profile, register, step_up, two_factor, upkeep,
};
use crate::domain::account::{Role, User};
use crate::domain::change::Change;
use crate::domain::denial::Denial;
use crate::domain::idempotency::KeyedRequest;
use crate::domain::privacy::PrivacyPatch;
use crate::domain::profile::ProfilePatch;
use crate::domain::refresh_token::{Presented, RefreshKey, SessionNonce};
use crate::domain::rules::Rules;
use crate::domain::two_factor::Code;
use crate::domain::username::Username;
use crate::store;
use crate::store::cards::Remembering;
use crate::store::session::Session;
use crate::store::told::{Told, Transaction};
use crate::store::upkeep::Chore;

/// One thing to do to the user database.
#[derive(Debug, Clone)]
pub enum Command {
    /// Somebody becomes a member, and is signed in.
    Register(Box<NewAccount>),
    /// People of another system become members, without a password or an address.
    RegisterImported(Vec<ImportedUser>),
    /// Somebody has proved who they are.
    OpenSession(NewSession),
    /// Somebody uses a refresh token.
    Refresh {
        /// The token.
        presented: Presented,
        /// From where the request came.
        network: String,
    },
    /// End one session of a person.
    RevokeSession {
        /// Whose.
        user: UserId,
        /// Which.
        session: SessionId,
    },
    /// End all sessions of a person but one.
    RevokeOthers {
        /// Whose.
        user: UserId,
        /// Which stays.
        keep: SessionId,
    },
    /// Change what a person shows of themselves.
    PatchProfile {
        /// Whose profile.
        user: UserId,
        /// Only if the record still has one of these versions; any if `None`.
        versions: Option<Vec<i64>>,
        /// The change.
        patch: ProfilePatch,
    },
    /// Change who may see and do what.
    PatchPrivacy {
        /// Whose settings.
        user: UserId,
        /// The change.
        patch: PrivacyPatch,
    },
    /// Give a person another name.
    Rename {
        /// Whom.
        user: UserId,
        /// The name asked for.
        name: Username,
    },
    /// Give a person another password.
    ChangePassword(NewPasswordHash),
    /// Close an account until its owner signs in again.
    Deactivate(Proved),
    /// The same, and purge it after the grace unless its owner signs in.
    Delete(Proved),
    /// Something about mails, or what they ask for.
    Mail(MailCommand),
    /// Somebody acts on another's account.
    Moderate(Moderate),
    /// The operator makes an account.
    CreateByOperator(Box<NewAccount>, Role),
    /// Let a session change how its person signs in, for a while.
    StepUp(StepUp),
    /// Set up a second factor, or give it up.
    TwoFactor(Box<TwoFactorChange>),
    /// Do some of what has fallen due.
    Upkeep(Chore),
    /// All files have been wiped since the purges of these people ended.
    Wiped(Vec<UserId>),
    /// Forget the events up to this number.
    ForgetEvents(i64),
}

impl Command {
    /// Whether what it does may need a new id. It is asked before anything is written: a command that fails halfway takes
    /// its neighbours with it.
    const fn may_make_ids(&self) -> bool {
        match self {
            Self::Register(_)
            | Self::RegisterImported(_)
            | Self::CreateByOperator(..)
            | Self::OpenSession(_)
            | Self::ChangePassword(_)
            | Self::TwoFactor(_)
            | Self::Moderate(_)
            | Self::Upkeep(Chore::Suspensions) => true,
            Self::Mail(command) => command.may_make_ids(),
            Self::Refresh { .. }
            | Self::RevokeSession { .. }
            | Self::RevokeOthers { .. }
            | Self::PatchProfile { .. }
            | Self::PatchPrivacy { .. }
            | Self::Rename { .. }
            | Self::Deactivate(_)
            | Self::Delete(_)
            | Self::StepUp(_)
            | Self::Upkeep(_)
            | Self::Wiped(_)
            | Self::ForgetEvents(_) => false,
        }
    }
}

/// A login that was verified.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who.
    pub user: UserId,
    /// The hash that the password matched: it must still be the one.
    pub password_hash: Secret,
    /// Of the same password, where that one is weaker than the settings ask for.
    pub better_hash: Option<Secret>,
    /// What the person calls the device.
    pub device_name: String,
    /// Random.
    pub nonce: SessionNonce,
    /// Of the second factor, if one was shown.
    pub code: Option<Code>,
    /// What the caller named the request, if anything.
    pub request: Option<KeyedRequest>,
    /// From where the request came.
    pub network: String,
}

/// What became of a command.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was done, or why not.
    pub outcome: Result<Outcome, Denial>,
    /// The sessions that ended before their time, also where the outcome is a denial.
    pub ended: Vec<SessionId>,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Who.
    pub user: User,
    /// Where.
    pub session: Session,
    /// Whether this opened an account that was closed: by its owner, or by a suspension that is over.
    pub reopened: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A person is signed in.
    Opened(Box<Opened>),
    /// People of another system are members: one entry for each.
    Imported(Vec<Imported>),
    /// A refresh token may be answered: the one of the session's generation.
    Refreshed(Session),
    /// The sessions have ended.
    Ended,
    /// The account is closed, and purged from this moment on.
    Deleting {
        /// When.
        purge_at: Micros,
    },
    /// The session counts as having proved its person until then.
    SteppedUp(Micros),
    /// A second factor waits for its first code.
    TwoFactorBegun(Box<Begun>),
    /// It is as was asked for.
    Done,
    /// A step of what was due.
    Stepped,
    /// Nothing: the password that was verified is no longer the one. Verify again.
    PasswordReplaced,
    /// The record as it is now.
    Record(Box<User>),
    /// What was asked for is noted.
    Accepted,
    /// Mails to send.
    Mails(Vec<Outgoing>),
}

impl From<Result<Outcome, Denial>> for Answer {
    fn from(outcome: Result<Outcome, Denial>) -> Self {
        Self { outcome, ended: Vec::new() }
    }
}

/// The engine of this service's writer.
#[derive(Clone)]
pub struct UserEngine {
    /// Makes the ids of people and sessions.
    pub ids: Arc<Ids>,
    /// What refresh tokens are made with.
    pub refresh_key: RefreshKey,
    /// How many mails one address gets; no limit if `None`.
    pub mail_limit: Option<MailLimit>,
    /// How many mails wait.
    pub outbox: Outbox,
    /// The numbers of the rules.
    pub rules: Rules,
    /// What has to hear of each commit, if anything is remembered.
    pub memory: Option<Remembering>,
    /// Whether no other process writes to the database.
    pub alone: bool,
}

impl Engine for UserEngine {
    type Command = Command;
    type Answer = Answer;
    type Told = Told;

    fn apply(&self, tx: &mut Transaction<'_>, commands: &[Command]) -> Result<Vec<Answer>, StoreError> {
        commands.iter().map(|command| self.apply_one(tx, command)).collect()
    }

    fn memory(&self) -> Option<&dyn Memory<Told>> {
        let memory: &dyn Memory<Told> = self.memory.as_ref()?;
        Some(memory)
    }

    fn is_alone(&self) -> bool {
        self.alone
    }
}

impl UserEngine {
    fn apply_one(&self, tx: &mut Transaction<'_>, command: &Command) -> Result<Answer, StoreError> {
        if command.may_make_ids() && !self.ids.can_be_made() {
            return Ok(Err(Denial::Unavailable).into());
        }
        let now = tx.tick();
        match command {
            Command::Register(account) => register::register(self, tx, account, now).map(Answer::from),
            Command::RegisterImported(users) => register::import(self, tx, users).map(Answer::from),
            Command::OpenSession(new) => login::open(self, tx, new, now),
            Command::Refresh { presented, network } => login::refresh(self, tx, presented, network, now),
            Command::RevokeSession { user, session } => login::revoke(tx, *user, *session, now),
            Command::RevokeOthers { user, keep } => login::revoke_others(tx, *user, *keep, now),
            Command::PatchProfile { user, versions, patch } => {
                profile::patch(tx, *user, versions.as_deref(), patch, now).map(Answer::from)
            }
            Command::PatchPrivacy { user, patch } => {
                profile::patch_privacy(tx, *user, *patch, now).map(Answer::from)
            }
            Command::ChangePassword(change) => account::change_password(self, tx, change, now),
            Command::Deactivate(proved) => account::close(tx, proved, now),
            Command::Delete(proved) => deletion::delete(self, tx, proved, now),
            Command::StepUp(asked) => step_up::step_up(self, tx, asked, now).map(Answer::from),
            Command::TwoFactor(asked) => two_factor::change(self, tx, asked, now),
            Command::Moderate(act) => moderation::moderate(self, tx, act, now),
            Command::CreateByOperator(account, role) => {
                register::create_by_operator(self, tx, account, *role, now).map(Answer::from)
            }
            Command::Upkeep(chore) => {
                upkeep::step(self, tx, *chore, now)?;
                Ok(Ok(Outcome::Stepped).into())
            }
            Command::Wiped(people) => {
                store::deletion::wiped(tx.conn, people)?;
                tx.wrote();
                Ok(Ok(Outcome::Stepped).into())
            }
            Command::ForgetEvents(through) => {
                shared::db::log::forget(tx.conn, *through)?;
                tx.wrote();
                Ok(Ok(Outcome::Stepped).into())
            }
            Command::Mail(command) => mail_command::apply(self, tx, command, now),
            Command::Rename { user, name } => {
                names::rename(&self.rules.rename, tx, *user, name, now).map(Answer::from)
            }
        }
    }
}

/// Tells the world about a person: all that other services know of them, as it is now, and who changed it.
pub(super) fn emit_facts(
    tx: &mut Transaction<'_>,
    change: Change,
    user: &User,
    actor: Option<UserId>,
    at: Micros,
) -> Result<(), StoreError> {
    let data = serde_json::to_string(&user.facts());
    let data = data.map_err(|error| StoreError::Unreadable(error.to_string()))?;
    tx.emit(NewEvent { kind: change.as_str(), at, actor, subject: Some(user.id), cause: None, data });
    Ok(())
}
