//! What one does to one's own account after proving again who one is.

use shared::id::{SessionId, UserId};
use shared::secret::Secret;

use super::{PROOFS_MAX, UserError, UserHandle};
use crate::actors::account::{NewPasswordHash, Proved};
use crate::actors::change::{Command, Outcome};
use crate::actors::hasher::Job;
use crate::domain::account::User;
use crate::domain::denial::Denial;
use crate::domain::email::Email;
use crate::domain::password_change::{NewPassword, PasswordChange, RawPasswordChange, RawProof};
use crate::store;

impl UserHandle {
    /// Replaces a person's password and ends all their sessions but `keep`.
    pub async fn change_password(
        &self,
        user: UserId,
        keep: SessionId,
        raw: RawPasswordChange,
    ) -> Result<(), UserError> {
        let PasswordChange { current, new } = raw.validate()?;
        for _ in 0..PROOFS_MAX {
            let (person, from) = self.prove(user, current.clone()).await?;
            let new = NewPassword {
                password: new.clone(),
                username: person.username.as_str().to_owned(),
                email: person.email.as_ref().map(Email::as_str).map(str::to_owned),
            };
            let to = self.hash(|reply| Job::Renew { new, reply }).await??;
            let change = NewPasswordHash { user, keep, from, to };
            if self.submit(Command::ChangePassword(change)).await?.0 != Outcome::PasswordReplaced {
                self.look_for_mails();
                return Ok(());
            }
        }
        Err(Denial::WrongPassword.into())
    }

    /// Closes an account until its owner signs in again. "I am gone" is to be true in both services once it is
    /// answered; returns whether the other one has not said yet that it honours it.
    pub async fn deactivate(
        &self,
        user: UserId,
        session: SessionId,
        raw: RawProof,
    ) -> Result<bool, UserError> {
        let password = raw.validate()?;
        for _ in 0..PROOFS_MAX {
            let (_, hash) = self.prove(user, password.clone()).await?;
            let command = Command::Deactivate(Proved { user, session, hash });
            let (outcome, revision) = self.submit(command).await?;
            if outcome != Outcome::PasswordReplaced {
                return Ok(self.pending(revision).await);
            }
        }
        Err(Denial::WrongPassword.into())
    }

    /// The record of a signed-in person and the hash that the password matches. A wrong password takes as long,
    /// and so does one for an account that has none.
    pub(super) async fn prove(&self, user: UserId, password: Secret) -> Result<(User, Secret), UserError> {
        let read = move |conn: &mut shared::db::Conn| {
            Ok((store::user::user(conn, user)?, store::user::password_hash(conn, user)?))
        };
        let (person, hash) = self.reads.run(read).await?;
        let person = person.filter(User::is_visible).ok_or(Denial::AccountGone)?;
        let hash = hash.map(Secret::new);
        let verify = |hash| move |reply| Job::Verify { password, hash, reply };
        let counted = self.guard.as_ref().map(|guard| guard.begin_proof(user)).transpose()?;
        let verdict = self.hash(verify(hash.clone())).await;
        if let Some(counted) = counted {
            counted.settle(&verdict);
        }
        let right = verdict?.is_right();
        Ok((person, hash.filter(|_| right).ok_or(Denial::WrongPassword)?))
    }
}
