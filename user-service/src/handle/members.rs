//! Becoming a member.

use shared::db::Conn;
use shared::secret::random_bytes;

use super::{SignedIn, UserError, UserHandle, mixed_up};
use crate::actors::change::{Command, Outcome};
use crate::actors::hasher::Job;
use crate::actors::register::{Imported, ImportedUser, NewAccount};
use crate::domain::denial::Denial;
use crate::domain::idempotency::{IdempotencyKey, KeyedRequest};
use crate::domain::refresh_token::SessionNonce;
use crate::domain::registration::RawRegistration;
use crate::store;

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
        let request = key.map(|key| key.of_request(&self.refresh_key, REGISTRATION, &raw.parts()));
        if let Some(request) = request.clone() {
            self.refuse_reused(request).await?;
        }
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

    /// Refuses a key that was sent with another body, before that is judged or hashed. The writer looks again.
    async fn refuse_reused(&self, request: KeyedRequest) -> Result<(), UserError> {
        let (slot, now) = (request.slot, self.clock.now());
        let read = move |conn: &mut Conn| store::idempotency::answered(conn, &slot, now);
        match self.reads.run(read).await? {
            Some(answered) if answered.body_digest != request.body_digest => {
                Err(Denial::IdempotencyKeyReused.into())
            }
            Some(_) | None => Ok(()),
        }
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
