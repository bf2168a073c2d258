//! A new password without the old one.

use shared::db::Conn;

use super::{UserError, UserHandle};
use crate::actors::change::Command;
use crate::actors::hasher::Task;
use crate::actors::mail_command::MailCommand;
use crate::actors::password_reset::ResetPassword;
use crate::domain::denial::Denial;
use crate::domain::email::Email;
use crate::domain::password_change::NewPassword;
use crate::domain::password_reset::{RawReset, RawResetRequest, Reset};
use crate::store;

impl UserHandle {
    /// Has a token mailed to whoever has the address. Nothing is looked up here, so that the answer says nothing.
    pub async fn request_reset(&self, raw: RawResetRequest) -> Result<(), UserError> {
        match raw.validate()? {
            Some(email_key) => self.submit_mail(MailCommand::RequestReset { email_key }).await.map(drop),
            None => Ok(()),
        }
    }

    /// Sets a new password and ends every session of the person. Who proves the mailbox is the owner: what others have
    /// guessed makes nobody wait any more.
    pub async fn reset_password(&self, raw: RawReset) -> Result<(), UserError> {
        let Reset { token, new } = raw.validate()?;
        let token = token?;
        let read = move |conn: &mut Conn| {
            let held = store::mail_token::token(conn, token.user, token.purpose)?;
            Ok((held, store::user::user(conn, token.user)?))
        };
        let (held, person) = self.reads.run(read).await?;
        // Before the password is judged: that takes time, which is for who has a token alone.
        let valid = held.is_some_and(|held| token.is(&held, &self.refresh_key, self.clock.now()));
        let person = person.filter(|_| valid).ok_or(Denial::InvalidToken)?;
        let new = NewPassword {
            password: new,
            username: person.username.as_str().to_owned(),
            email: person.email.as_ref().map(Email::as_str).map(str::to_owned),
        };
        let to = self.hasher.run(self.hasher.place()?, |reply| Task::Renew { new, reply }).await??;
        let reset = MailCommand::ResetPassword(ResetPassword { token, to });
        self.submit(Command::Mail(reset)).await?;
        if let Some(guard) = &self.guard {
            let address = person.email.as_ref().map(Email::key).unwrap_or_default();
            guard.forgive(person.id, &[person.username.as_str(), &address]);
        }
        self.look_for_mails();
        Ok(())
    }
}
