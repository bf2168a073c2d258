//! Proving again who one is, for a while.

use shared::clock::Micros;
use shared::id::{SessionId, UserId};

use super::{PROOFS_MAX, UserError, UserHandle, mixed_up};
use crate::actors::account::Proved;
use crate::actors::change::{Command, Outcome};
use crate::domain::denial::Denial;
use crate::domain::password_change::RawProof;

impl UserHandle {
    /// Lets a session change how its person signs in. Returns until when.
    pub async fn step_up(
        &self,
        user: UserId,
        session: SessionId,
        raw: RawProof,
    ) -> Result<Micros, UserError> {
        let password = raw.validate()?;
        for _ in 0..PROOFS_MAX {
            let (_, hash) = self.prove(user, password.clone()).await?;
            let (outcome, _) = self.submit(Command::StepUp(Proved { user, session, hash })).await?;
            if outcome == Outcome::PasswordReplaced {
                continue;
            }
            let Outcome::SteppedUp(until) = outcome else { return Err(mixed_up()) };
            return Ok(until);
        }
        Err(Denial::WrongPassword.into())
    }
}
