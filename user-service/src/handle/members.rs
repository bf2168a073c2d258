//! Becoming a member.

use shared::secret::random_bytes;

use super::{SignedIn, UserError, UserHandle, mixed_up};
use crate::actors::change::{Command, Outcome};
use crate::actors::hasher::Job;
use crate::actors::register::{Imported, ImportedUser, NewAccount};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::refresh_token::SessionNonce;
use crate::domain::registration::RawRegistration;

/// To which route a key belongs.
const REGISTRATION: &str = "POST /v1/users";
/// People of another system in one transaction: it leaves room for other commands.
const IMPORT_STEP: usize = 1_000;

impl UserHandle {
    /// Makes an account and signs its owner in. With a key, the same request is answered the same for a day.
    pub async fn register(
        &self,
        raw: RawRegistration,
        key: Option<IdempotencyKey>,
        network: String,
    ) -> Result<SignedIn, UserError> {
        let request = self.named(key, REGISTRATION, &raw.parts()).await?;
        let (registration, password_hash) = self.hash(|reply| Job::Judge { raw, reply }).await??;
        let account = NewAccount {
            username: registration.username,
            email: registration.email,
            password_hash,
            display_name: registration.display_name,
            nonce: new_nonce()?,
            request,
            network,
        };
        let (Outcome::Opened(opened), _) = self.submit(Command::Register(Box::new(account))).await? else {
            return Err(mixed_up());
        };
        self.look_for_mails();
        // As of the session's beginning, so that the same request brings the same tokens; but not ahead of this
        // clock, as the log's time may be where several instances write to it.
        let since = opened.session.state.created_at.min(self.clock.now());
        self.signed_in(*opened, since)
    }

    /// Makes many accounts without a password or an address, and says of each what became of it.
    pub async fn register_imported(&self, users: Vec<ImportedUser>) -> Result<Vec<Imported>, UserError> {
        let mut imported = Vec::with_capacity(users.len());
        for step in users.chunks(IMPORT_STEP) {
            let (Outcome::Imported(done), _) = self.submit(Command::RegisterImported(step.to_vec())).await?
            else {
                return Err(mixed_up());
            };
            imported.extend(done);
        }
        Ok(imported)
    }
}

pub(super) fn new_nonce() -> Result<SessionNonce, UserError> {
    let bytes = random_bytes().map_err(|error| UserError::Internal(format!("no randomness: {error}")))?;
    Ok(SessionNonce::new(bytes))
}
