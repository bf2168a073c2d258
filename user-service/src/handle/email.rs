//! One's e-mail address.

use shared::id::{SessionId, UserId};

use super::{PROOFS_MAX, UserError, UserHandle};
use crate::actors::change::Outcome;
use crate::actors::email::NewAddress;
use crate::actors::mail_command::MailCommand;
use crate::domain::denial::Denial;
use crate::domain::email_change::{EmailChange, RawEmailChange, RawToken};

impl UserHandle {
    /// Notes that a person wants another address. It is in force when a mail to it was answered.
    pub async fn change_email(
        &self,
        user: UserId,
        session: SessionId,
        raw: RawEmailChange,
    ) -> Result<(), UserError> {
        let EmailChange { email, password } = raw.validate()?;
        for _ in 0..PROOFS_MAX {
            let hash = match password.clone() {
                Some(password) => Some(self.prove(user, password).await?.1),
                None => None,
            };
            let new = NewAddress { user, session, hash, email: email.clone() };
            let outcome = self.submit_mail(MailCommand::ChangeEmail(Box::new(new))).await?;
            if outcome != Outcome::PasswordReplaced {
                return Ok(());
            }
        }
        Err(Denial::WrongPassword.into())
    }

    /// Asks a person again whether the address that is not verified yet is theirs.
    pub async fn ask_again(&self, user: UserId) -> Result<(), UserError> {
        self.submit_mail(MailCommand::AskAgain { user }).await.map(drop)
    }

    /// Takes an address for its owner's, by the token that was mailed to it.
    pub async fn verify_email(&self, raw: RawToken) -> Result<(), UserError> {
        let token = raw.validate()??;
        self.submit_mail(MailCommand::VerifyEmail(token)).await.map(drop)
    }
}
