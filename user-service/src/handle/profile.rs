//! One's own record.

use shared::id::UserId;

use super::{UserError, UserHandle, mixed_up};
use crate::actors::change::{Command, Outcome};
use crate::domain::account::User;
use crate::domain::denial::Denial;
use crate::domain::privacy::{Privacy, PrivacyPatch, RawPrivacyPatch};
use crate::domain::profile::{ProfilePatch, RawProfilePatch};
use crate::domain::rename::RawRename;
use crate::store;

/// Privacy settings after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrivacyChanged {
    /// As they are now.
    pub privacy: Privacy,
    /// The other service has not said yet that it honours them.
    pub pending: bool,
}

impl UserHandle {
    /// The record of a signed-in person.
    pub async fn me(&self, user: UserId) -> Result<User, UserError> {
        let found = self.reads.run(move |conn| store::user::user(conn, user)).await?;
        Ok(found.filter(User::is_visible).ok_or(Denial::AccountGone)?)
    }

    /// Changes a profile, if the record still has one of `versions`.
    pub async fn patch_profile(
        &self,
        user: UserId,
        versions: Option<Vec<i64>>,
        raw: RawProfilePatch,
    ) -> Result<User, UserError> {
        let patch = ProfilePatch::validate(raw)?;
        Ok(self.record(Command::PatchProfile { user, versions, patch }).await?.0)
    }

    /// Changes privacy settings. "I went private" is to be true in both services once it is answered, so
    /// the answer waits for the other one.
    pub async fn patch_privacy(
        &self,
        user: UserId,
        raw: RawPrivacyPatch,
    ) -> Result<PrivacyChanged, UserError> {
        let patch = PrivacyPatch::validate(raw)?;
        let (user, revision) = self.record(Command::PatchPrivacy { user, patch }).await?;
        Ok(PrivacyChanged { privacy: user.privacy, pending: self.pending(revision).await })
    }

    /// Gives a person another name.
    pub async fn rename(&self, user: UserId, raw: RawRename) -> Result<User, UserError> {
        let name = raw.validate()?;
        Ok(self.record(Command::Rename { user, name }).await?.0)
    }

    async fn record(&self, command: Command) -> Result<(User, i64), UserError> {
        let (Outcome::Record(user), revision) = self.submit(command).await? else {
            return Err(mixed_up());
        };
        Ok((*user, revision))
    }
}
