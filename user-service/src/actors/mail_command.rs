//! The commands of the writer that are about mails and what they ask for.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::UserId;

use super::change::{Answer, UserEngine};
use super::email::NewAddress;
use super::mail::Delivered;
use super::password_reset::ResetPassword;
use super::{email, mail, password_reset};
use crate::domain::mail_token::Presented;
use crate::store::told::Transaction;

/// One of them.
#[derive(Debug, Clone)]
pub enum MailCommand {
    /// Note that a person wants another address.
    ChangeEmail(Box<NewAddress>),
    /// Ask a person again whether an address is theirs.
    AskAgain {
        /// Whom.
        user: UserId,
    },
    /// Somebody shows a token about an address.
    VerifyEmail(Presented),
    /// Somebody asks for a new password.
    RequestReset {
        /// For the address of this key.
        email_key: String,
    },
    /// Somebody sets a new password with a token.
    ResetPassword(ResetPassword),
    /// Take mails to send.
    Take {
        /// How many.
        room: i64,
        /// Addresses that another mail is under way to.
        busy: Vec<String>,
    },
    /// Note what became of a mail.
    Settle {
        /// Whose account the mail is about.
        user: UserId,
        /// Which of their mails.
        id: i64,
        /// What became of it.
        delivered: Delivered,
    },
}

impl MailCommand {
    /// Whether what it does may need a new id: that of a mail or of its token.
    pub(super) const fn may_make_ids(&self) -> bool {
        match self {
            Self::ChangeEmail(_)
            | Self::AskAgain { .. }
            | Self::VerifyEmail(_)
            | Self::ResetPassword(_)
            | Self::Take { .. } => true,
            Self::RequestReset { .. } | Self::Settle { .. } => false,
        }
    }
}

pub(super) fn apply(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    command: &MailCommand,
    now: Micros,
) -> Result<Answer, StoreError> {
    match command {
        MailCommand::ChangeEmail(new) => email::change(engine, tx, new, now).map(Answer::from),
        MailCommand::AskAgain { user } => email::ask_again(engine, tx, *user, now).map(Answer::from),
        MailCommand::VerifyEmail(token) => email::verify(engine, tx, token, now),
        MailCommand::RequestReset { email_key } => {
            password_reset::request(engine, tx, email_key, now).map(Answer::from)
        }
        MailCommand::ResetPassword(reset) => password_reset::reset(engine, tx, reset, now),
        MailCommand::Take { room, busy } => mail::take(engine, tx, *room, busy, now).map(Answer::from),
        MailCommand::Settle { user, id, delivered } => {
            mail::settle(tx, *user, *id, *delivered, now).map(Answer::from)
        }
    }
}
