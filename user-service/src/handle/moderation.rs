//! What moderators and admins do to others' accounts.

use shared::id::UserId;

use super::{RosterRow, UserError, UserHandle};
use crate::actors::change::Command;
use crate::actors::moderation::Moderate;
use crate::domain::account::{Role, User};
use crate::domain::audit_log::Doer;
use crate::domain::denial::Denial;
use crate::domain::moderation::{Measure, RawReason, RawRole, RawSuspension};

/// An account after an act.
#[derive(Debug)]
pub struct Moderated {
    /// As it is now.
    pub row: RosterRow,
    /// The other service has not said yet that it honours it.
    pub pending: bool,
}

impl UserHandle {
    /// Refuses a signed-in person whose role, as it is now, is below `least`.
    pub async fn require_role(&self, user: UserId, least: Role) -> Result<(), UserError> {
        let User { role, .. } = self.me(user).await?;
        if role < least { Err(Denial::Forbidden.into()) } else { Ok(()) }
    }

    /// Closes an account. Once this is answered, both services are to know it: see [`Moderated::pending`].
    pub async fn suspend(
        &self,
        actor: UserId,
        subject: UserId,
        raw: RawSuspension,
    ) -> Result<Moderated, UserError> {
        let sentence = raw.validate(self.clock.now())?;
        self.moderate(actor, subject, Measure::Suspend(sentence), None).await
    }

    /// Opens an account again, as it was.
    pub async fn unsuspend(
        &self,
        actor: UserId,
        subject: UserId,
        raw: RawReason,
    ) -> Result<Moderated, UserError> {
        self.moderate(actor, subject, Measure::Unsuspend, raw.validate()?).await
    }

    /// Gives the badge, or takes it.
    pub async fn set_badge(
        &self,
        actor: UserId,
        subject: UserId,
        verified: bool,
        raw: RawReason,
    ) -> Result<Moderated, UserError> {
        self.moderate(actor, subject, Measure::Verify(verified), raw.validate()?).await
    }

    /// Gives a role.
    pub async fn set_role(
        &self,
        actor: UserId,
        subject: UserId,
        raw: RawRole,
    ) -> Result<Moderated, UserError> {
        let (role, reason) = raw.validate()?;
        self.moderate(actor, subject, Measure::SetRole(role), reason).await
    }

    async fn moderate(
        &self,
        actor: UserId,
        subject: UserId,
        measure: Measure,
        reason: Option<String>,
    ) -> Result<Moderated, UserError> {
        let hides = matches!(measure, Measure::Suspend(_) | Measure::Unsuspend);
        let act = Moderate { by: Doer::Person(actor), subject, measure, reason };
        let (_, revision) = self.submit(Command::Moderate(act)).await?;
        if hides {
            // It may end by itself, sooner than what the janitor waits for.
            self.hint_due();
        }
        let pending = hides && self.pending(revision).await;
        Ok(Moderated { row: self.roster_row(subject).await?, pending })
    }
}
