//! Signing in, staying signed in, signing out.

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::{SessionId, UserId};
use shared::secret::Secret;
use shared::token::ACCESS_TOKEN_LIFE;

use super::members::new_nonce;
use super::{PROOFS_MAX, UserError, UserHandle, mixed_up};
use crate::actors::change::{Command, NewSession, Opened, Outcome};
use crate::actors::hasher::Job;
use crate::domain::account::User;
use crate::domain::denial::Denial;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::login::{Credentials, Login, RawCredentials};
use crate::domain::refresh_token;
use crate::store;
use crate::store::claim::NameHolder;
use crate::store::session::Session;

/// To which route a key belongs.
const LOGIN: &str = "POST /v1/sessions";

/// A person who has just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// With what.
    pub tokens: Tokens,
    /// The other service has not said yet that the account is open again.
    pub pending: bool,
}

/// The tokens of a session.
#[derive(Debug)]
pub struct Tokens {
    /// Which session.
    pub session: SessionId,
    /// For requests.
    pub access_token: Secret,
    /// Until when.
    pub access_expires_at: Micros,
    /// For the next tokens.
    pub refresh_token: Secret,
    /// Until when.
    pub refresh_expires_at: Micros,
}

impl UserHandle {
    /// Opens a session. Whatever is wrong, it takes as long and answers the same.
    /// With a key, the same request brings the same session for a day.
    pub async fn log_in(
        &self,
        raw: RawCredentials,
        key: Option<IdempotencyKey>,
    ) -> Result<SignedIn, UserError> {
        let request = self.named(key, LOGIN, &raw.parts()).await?;
        let credentials = Credentials::validate(raw)?;
        for _ in 0..PROOFS_MAX {
            let new = NewSession { request: request.clone(), ..self.verify(credentials.clone()).await? };
            let (outcome, revision) = self.submit(Command::OpenSession(new)).await?;
            if outcome == Outcome::PasswordReplaced {
                continue;
            }
            let Outcome::Opened(opened) = outcome else { return Err(mixed_up()) };
            // Back everywhere, once this is answered.
            let pending = opened.reactivated && self.pending(revision).await;
            // As of the session's beginning, so that the same request brings the same tokens; but not ahead of this
            // clock, as the log's time may be where several instances write to it.
            let since = opened.session.state.created_at.min(self.clock.now());
            return Ok(SignedIn { pending, ..self.signed_in(*opened, since)? });
        }
        Err(Denial::InvalidCredentials.into())
    }

    /// Whose login it is, if the password is theirs.
    async fn verify(&self, credentials: Credentials) -> Result<NewSession, UserError> {
        let Credentials { login, password, device_name, code } = credentials;
        let now = self.clock.now();
        let found = self.reads.run(move |conn| find(conn, login.as_ref(), now)).await?;
        let hash = found.as_ref().map(|(_, hash)| hash.clone());
        let verdict = self.hash(|reply| Job::Verify { password, hash, reply }).await?;
        let (user, password_hash) = found.filter(|_| verdict.is_right()).ok_or(Denial::InvalidCredentials)?;
        let nonce = new_nonce()?;
        let better_hash = verdict.better_hash();
        Ok(NewSession { user, password_hash, better_hash, device_name, nonce, code, request: None })
    }

    /// Answers the next tokens for a refresh token.
    pub async fn refresh(&self, token: &Secret) -> Result<Tokens, UserError> {
        let presented = refresh_token::parse(token.reveal()).ok_or(Denial::InvalidRefreshToken)?;
        let (Outcome::Refreshed(session), _) = self.submit(Command::Refresh(presented)).await? else {
            return Err(mixed_up());
        };
        self.tokens_of(&session, self.clock.now())
    }

    /// The sessions of a person that count, newest first.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, UserError> {
        let now = self.clock.now();
        Ok(self.reads.run(move |conn| store::session::live(conn, user, now)).await?)
    }

    /// Ends one session of a person: its tokens are refused from here on.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<(), UserError> {
        self.submit(Command::RevokeSession { user, session }).await.map(drop)
    }

    /// Ends all sessions of a person but one.
    pub async fn end_other_sessions(&self, user: UserId, keep: SessionId) -> Result<(), UserError> {
        self.submit(Command::RevokeOthers { user, keep }).await.map(drop)
    }

    /// Somebody with tokens that are made at `now`.
    pub(super) fn signed_in(&self, opened: Opened, now: Micros) -> Result<SignedIn, UserError> {
        Ok(SignedIn { tokens: self.tokens_of(&opened.session, now)?, user: opened.user, pending: false })
    }

    fn tokens_of(&self, session: &Session, now: Micros) -> Result<Tokens, UserError> {
        let state = session.state;
        let signed = self.signer.sign(state.user_id, state.id, now);
        let access_token = signed.map_err(|error| UserError::Internal(format!("cannot sign: {error}")))?;
        let refresh_token =
            refresh_token::mint(&self.refresh_key, state.user_id, state.id, state.generation, &session.nonce);
        Ok(Tokens {
            session: state.id,
            access_token: Secret::new(access_token),
            // The token counts in whole seconds.
            access_expires_at: Micros::from_millis(now.after(ACCESS_TOKEN_LIFE).as_secs() * 1_000),
            refresh_token: Secret::new(refresh_token),
            refresh_expires_at: state.expires_at,
        })
    }
}

/// Whose login it is and the hash of their password; nothing for nobody and for people without one.
fn find(conn: &mut Conn, login: Option<&Login>, now: Micros) -> Result<Option<(UserId, Secret)>, StoreError> {
    let user = match login {
        None => None,
        // A name that was given up still leads to its former owner, but is no login any more.
        Some(Login::Name(name)) => {
            store::claim::name(conn, name, now)?.filter(NameHolder::is_in_use).map(|holder| holder.user)
        }
        Some(Login::Address(key)) => store::claim::addresses(conn, &[key])?.into_values().next(),
    };
    let Some(user) = user else { return Ok(None) };
    Ok(store::user::password_hash(conn, user)?.map(|hash| (user, Secret::new(hash))))
}
