//! Signing in, staying signed in, signing out.

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::facts::AccountStatus;
use shared::id::{SessionId, UserId};
use shared::secret::Secret;
use shared::token::ACCESS_TOKEN_LIFE;

use super::guard::{Caller, Place};
use super::members::new_nonce;
use super::{PROOFS_MAX, UserError, UserHandle, mixed_up};
use crate::actors::change::{Command, NewSession, Opened, Outcome};
use crate::actors::hasher::Task;
use crate::domain::account::User;
use crate::domain::denial::Denial;
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::known_network;
use crate::domain::login::{Credentials, Login, RawCredentials};
use crate::domain::refresh_token::{self, Presented, RefreshKey};
use crate::domain::session::SessionState;
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
        caller: Caller,
        key: Option<IdempotencyKey>,
    ) -> Result<SignedIn, UserError> {
        let request = self.named(key, LOGIN, &raw.parts()).await?;
        let credentials = Credentials::validate(raw)?;
        for _ in 0..PROOFS_MAX {
            let new = self.verify(credentials.clone(), &caller).await?;
            let new = NewSession { request: request.clone(), ..new };
            let (outcome, revision) = self.submit(Command::OpenSession(new)).await?;
            if outcome == Outcome::PasswordReplaced {
                continue;
            }
            let Outcome::Opened(opened) = outcome else { return Err(mixed_up()) };
            // Back everywhere, once this is answered.
            let pending = opened.reopened && self.pending(revision).await;
            // As of the session's beginning, so that the same request brings the same tokens; but not ahead of this
            // clock, as the log's time may be where several instances write to it.
            let since = opened.session.state.created_at.min(self.clock.now());
            return Ok(SignedIn { pending, ..self.signed_in(*opened, since)? });
        }
        Err(Denial::InvalidCredentials.into())
    }

    /// Whose login it is, if the password is theirs.
    async fn verify(&self, credentials: Credentials, caller: &Caller) -> Result<NewSession, UserError> {
        let Credentials { login, login_text, password, device_name, code } = credentials;
        if let Some(guard) = self.guard.as_ref().filter(|_| caller.device.is_none()) {
            guard.waits(&login_text, &caller.network)?;
        }
        // Who cannot be served in time is told before anything is done for them.
        let place = self.hasher.place()?;
        let found = self.find(login, caller).await?;
        let counted = self.guard.as_ref().map(|guard| {
            let network = Place::Network { network: &caller.network, known: found.network_known };
            guard.begin(&login_text, found.user, found.device.map_or(network, Place::Device))
        });
        let counted = counted.transpose()?;
        let believed = counted.as_ref().is_none_or(|counted| counted.believed);
        let held = found.hash.filter(|_| believed);
        let hash = held.clone();
        let verdict = self.hasher.run(place, |reply| Task::Verify { password, hash, reply }).await;
        if let Some(counted) = counted {
            counted.settle(&verdict);
        }
        let verdict = verdict?;
        let (user, password_hash) =
            found.user.zip(held).filter(|_| verdict.is_right()).ok_or(Denial::InvalidCredentials)?;
        let (nonce, network) = (new_nonce()?, caller.network.clone());
        let better_hash = verdict.better_hash();
        Ok(NewSession { user, password_hash, better_hash, device_name, nonce, network, code, request: None })
    }

    async fn find(&self, login: Option<Login>, caller: &Caller) -> Result<Found, UserError> {
        let now = self.clock.now();
        let Some(networks) = self.guard.as_ref().map(|guard| guard.networks) else {
            let (user, hash) = self.reads.run(move |conn| account(conn, login.as_ref(), now)).await?;
            return Ok(Found { user, hash, network_known: false, device: None });
        };
        let (key, network) = (self.refresh_key.clone(), caller.network.clone());
        let device = caller.device.as_ref().and_then(|token| refresh_token::parse(token.reveal()));
        let read = move |conn: &mut Conn| {
            let (user, hash) = account(conn, login.as_ref(), now)?;
            // The same is asked for nobody, so that it takes as long.
            let whose = user.unwrap_or(NOBODY);
            let digest = known_network::digest(&key, whose, &network);
            let seen_at = store::known_network::seen_at(conn, whose, &digest)?;
            let device = match device {
                Some(device) => session_of(conn, &device, &key)?.filter(|state| state.user_id == whose),
                None => None,
            };
            let network_known = seen_at.is_some_and(|seen_at| networks.is_known(seen_at, now));
            Ok(Found { user, hash, network_known, device: device.map(|state| state.id) })
        };
        Ok(self.reads.run(read).await?)
    }

    /// Answers the next tokens for a refresh token.
    pub async fn refresh(&self, token: &Secret, network: String) -> Result<Tokens, UserError> {
        let presented = refresh_token::parse(token.reveal()).ok_or(Denial::InvalidRefreshToken)?;
        let key = self.refresh_key.clone();
        // Forged ones must not keep the writer from its work, which looks again.
        let held = self.reads.run(move |conn| session_of(conn, &presented, &key)).await?;
        held.ok_or(Denial::InvalidRefreshToken)?;
        let command = Command::Refresh { presented, network };
        let (Outcome::Refreshed(session), _) = self.submit(command).await? else { return Err(mixed_up()) };
        // As of the rotation, so that a repeated answer is the same; but not ahead of this clock: see [`Self::log_in`].
        let since = session.state.rotated_at.min(self.clock.now());
        self.tokens_of(&session, since)
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

/// What is found about a login.
struct Found {
    /// Whose it is; nobody for people without a password.
    user: Option<UserId>,
    /// What the password must match, if one opens the account.
    hash: Option<Secret>,
    /// Whether that person has signed in from this network before.
    network_known: bool,
    /// The session of that person which the caller's device has had.
    device: Option<SessionId>,
}

/// The id that nobody has.
const NOBODY: UserId = UserId::new(0);

/// Whose login it is, and the hash that the password must match: none where no password opens the account, so that
/// the right one is like any other. The same is asked for nobody, so that it takes as long.
fn account(
    conn: &mut Conn,
    login: Option<&Login>,
    now: Micros,
) -> Result<(Option<UserId>, Option<Secret>), StoreError> {
    let user = match login {
        None => None,
        // A name that was given up still leads to its former owner, but is no login any more.
        Some(Login::Name(name)) => {
            store::claim::name(conn, name, now)?.filter(NameHolder::is_in_use).map(|holder| holder.user)
        }
        Some(Login::Address(key)) => store::claim::addresses(conn, &[key])?.into_values().next(),
    };
    let whose = user.unwrap_or(NOBODY);
    let hash = store::user::password_hash(conn, whose)?.map(Secret::new);
    let is_closed = is_closed(conn, whose, now)?;
    Ok((user.filter(|_| hash.is_some()), hash.filter(|_| !is_closed)))
}

/// Whether a login cannot open the account: it is suspended, or its owner asked too long ago for its end.
fn is_closed(conn: &mut Conn, user: UserId, now: Micros) -> Result<bool, StoreError> {
    let status = store::user::user(conn, user)?.map(|user| user.status);
    Ok(match status {
        Some(AccountStatus::Active) => false,
        Some(AccountStatus::Deactivated) => {
            store::deletion::purge_at(conn, user)?.is_some_and(|purge_at| purge_at <= now)
        }
        Some(AccountStatus::Suspended) => {
            let held = store::suspension::of(conn, &[user])?.remove(&user);
            !held.is_some_and(|held| held.is_over(now))
        }
        Some(AccountStatus::Deleted) | None => true,
    })
}

/// The session that a refresh token was made for, unless somebody ended it. The token itself may be used or expired:
/// that the device had it is what counts.
fn session_of(
    conn: &mut Conn,
    token: &Presented,
    key: &RefreshKey,
) -> Result<Option<SessionState>, StoreError> {
    let found = store::session::session(conn, token.user_id, token.session_id)?;
    let proved = found.filter(|held| held.state.revoked_at.is_none() && token.verify(key, &held.nonce));
    Ok(proved.map(|held| held.state))
}
