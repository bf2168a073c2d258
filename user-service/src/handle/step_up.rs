//! Proving again who one is, for a while.

use shared::clock::Micros;
use shared::id::{SessionId, UserId};

use super::{PROOFS_MAX, UserError, UserHandle, mixed_up};
use crate::actors::account::Proved;
use crate::actors::change::{Command, Outcome};
use crate::actors::step_up::StepUp;
use crate::domain::denial::Denial;
use crate::domain::step_up::RawStepUp;

impl UserHandle {
    /// Lets a session change how its person signs in. Returns until when.
    pub async fn step_up(
        &self,
        user: UserId,
        session: SessionId,
        raw: RawStepUp,
    ) -> Result<Micros, UserError> {
        let (password, code) = raw.validate()?;
        for _ in 0..PROOFS_MAX {
            let (_, hash) = self.prove(user, password.clone()).await?;
            let proved = Proved { user, session, hash };
            let asked = StepUp { proved, code: code.clone() };
            let (outcome, _) = self.submit(Command::StepUp(asked)).await?;
            if outcome == Outcome::PasswordReplaced {
                continue;
            }
            let Outcome::SteppedUp(until) = outcome else { return Err(mixed_up()) };
            return Ok(until);
        }
        Err(Denial::WrongPassword.into())
    }
}
