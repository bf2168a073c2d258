//! The second factor: set up, looked at, given up.

use shared::clock::Micros;
use shared::id::{SessionId, UserId};
use shared::secret::{Secret, random_bytes};

use super::{UserError, UserHandle, mixed_up};
use crate::actors::change::{Command, Outcome};
use crate::actors::two_factor::{TwoFactorAct, TwoFactorChange};
use crate::domain::account::User;
use crate::domain::denial::Denial;
use crate::domain::field::FieldProblem;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::limits::{RECOVERY_CODE_CHARS, RECOVERY_CODES, TOTP_SECRET_BYTES};
use crate::domain::sealed::SEAL_NONCE_BYTES;
use crate::domain::totp::TotpSecret;
use crate::domain::two_factor::Code;
use crate::domain::{recovery_code, sealed};
use crate::store;

/// To which route a key belongs.
const BEGINNING: &str = "POST /v1/me/two-factor";

/// How a person's second factor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoFactorState {
    /// Since when it is in force; nothing if it is not.
    pub since: Option<Micros>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: usize,
}

/// What an authenticator app needs: answered, and not shown again.
#[derive(Debug)]
pub struct NewTwoFactor {
    /// In base32.
    pub secret: Secret,
    /// The same with all that an app wants to know.
    pub otpauth_url: Secret,
}

impl UserHandle {
    /// How a person's second factor stands.
    pub async fn two_factor(&self, user: UserId) -> Result<TwoFactorState, UserError> {
        let read = move |conn: &mut shared::db::Conn| {
            let person = store::user::user(conn, user)?;
            let held = store::two_factor::two_factor(conn, user)?;
            Ok((person, held, store::two_factor::recovery_codes(conn, user)?.len()))
        };
        let (person, held, recovery_codes_left) = self.reads.run(read).await?;
        person.filter(User::is_visible).ok_or(Denial::AccountGone)?;
        Ok(TwoFactorState { since: held.and_then(|held| held.enabled_at), recovery_codes_left })
    }

    /// Makes the secret of a second factor, which is not in force until it is confirmed.
    pub async fn begin_two_factor(
        &self,
        user: UserId,
        session: SessionId,
        key: Option<IdempotencyKey>,
    ) -> Result<NewTwoFactor, UserError> {
        let request = self.named(key, BEGINNING, &[]).await?;
        let secret = TotpSecret::new(random::<TOTP_SECRET_BYTES>()?);
        let nonce = random::<SEAL_NONCE_BYTES>()?;
        let sealed_secret = sealed::seal(&self.refresh_key, user, &secret, nonce).ok_or_else(unsealed)?;
        let act = TwoFactorAct::Begin { sealed_secret, request };
        let Outcome::TwoFactorBegun(begun) = self.change_two_factor(user, session, act).await? else {
            return Err(mixed_up());
        };
        // Of an earlier answer, where the request was repeated.
        let secret = sealed::open(&self.refresh_key, user, &begun.sealed_secret).ok_or_else(unsealed)?;
        let url = secret.to_url(&self.two_factor_issuer, begun.username.as_str());
        let otpauth_url = url.ok_or_else(|| UserError::Internal("no address for an app".into()))?;
        Ok(NewTwoFactor { secret: secret.to_base32(), otpauth_url })
    }

    /// Puts a second factor into force, if the code is right. Returns the recovery codes.
    pub async fn confirm_two_factor(
        &self,
        user: UserId,
        session: SessionId,
        code: Option<String>,
    ) -> Result<Vec<Secret>, UserError> {
        let code = code.as_deref().and_then(Code::parse);
        let code = code.ok_or_else(|| vec![FieldProblem::required("code")])?;
        let (codes, digests) = self.new_recovery_codes(user)?;
        self.change_two_factor(user, session, TwoFactorAct::Confirm { code, digests }).await?;
        Ok(codes)
    }

    /// Gives a person other recovery codes.
    pub async fn replace_recovery_codes(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Vec<Secret>, UserError> {
        let (codes, digests) = self.new_recovery_codes(user)?;
        self.change_two_factor(user, session, TwoFactorAct::ReplaceRecoveryCodes { digests }).await?;
        Ok(codes)
    }

    /// From here on, the password is enough.
    pub async fn end_two_factor(&self, user: UserId, session: SessionId) -> Result<(), UserError> {
        self.change_two_factor(user, session, TwoFactorAct::End).await.map(drop)
    }

    async fn change_two_factor(
        &self,
        user: UserId,
        session: SessionId,
        act: TwoFactorAct,
    ) -> Result<Outcome, UserError> {
        let change = TwoFactorChange { user, session, act };
        Ok(self.submit(Command::TwoFactor(Box::new(change))).await?.0)
    }

    fn new_recovery_codes(&self, user: UserId) -> Result<(Vec<Secret>, Vec<String>), UserError> {
        let made: Result<Vec<Secret>, UserError> =
            (0..RECOVERY_CODES).map(|_| Ok(recovery_code::make(&random::<RECOVERY_CODE_CHARS>()?))).collect();
        let made = made?;
        let read = made.iter().filter_map(|code| recovery_code::parse(code.reveal()));
        let digests = read.map(|code| recovery_code::digest(&self.refresh_key, user, &code)).collect();
        Ok((made, digests))
    }
}

fn unsealed() -> UserError {
    UserError::Internal("a two-factor secret cannot be encrypted or read".into())
}

fn random<const N: usize>() -> Result<[u8; N], UserError> {
    random_bytes().map_err(|error| UserError::Internal(format!("no randomness: {error}")))
}
