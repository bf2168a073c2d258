//! Everything that is held about a person, for them.

use shared::clock::Micros;
use shared::event::Event;
use shared::http::DOCUMENT_PAGE_ROWS;
use shared::id::UserId;

use super::{UserError, UserHandle};
use crate::domain::account::User;
use crate::domain::audit_log::{Entry, EntryFilter, EntryId};
use crate::domain::denial::Denial;
use crate::domain::mail_token::{MailToken, Purpose};
use crate::domain::two_factor::TwoFactor;
use crate::store;
use crate::store::mail::Mail;
use crate::store::session::Session;

/// Sessions in an export: more than a person may have, and those that were ended a while ago.
const SESSIONS_MAX: i64 = 2_000;
/// Mails in an export: more than may wait for one person.
const MAILS_MAX: i64 = 1_000;

/// What is held about a person and is short.
#[derive(Debug)]
pub struct Held {
    /// When this was so.
    pub at: Micros,
    /// The record.
    pub user: User,
    /// Names that were given up, each with until when it is kept.
    pub former_names: Vec<(String, Micros)>,
    /// Also those that have ended.
    pub sessions: Vec<Session>,
    /// Those that are not sent yet.
    pub mails: Vec<Mail>,
    /// Those that were mailed and not used yet.
    pub tokens: Vec<MailToken>,
    /// When the person signed in last; imported people never did.
    pub last_sign_in_at: Option<Micros>,
    /// The second factor, also one that waits for its first code.
    pub two_factor: Option<TwoFactor>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: usize,
    /// When the person was last seen in each network that is known of them.
    pub networks_seen_at: Vec<Micros>,
}

impl UserHandle {
    /// What is held about a person and is short.
    pub async fn held(&self, id: UserId) -> Result<Held, UserError> {
        let at = self.clock.now();
        let read = move |conn: &mut shared::db::Conn| {
            let Some(user) = store::user::user(conn, id)?.filter(User::is_visible) else { return Ok(None) };
            let former_names = store::claim::given_up(conn, id)?;
            let sessions = store::session::all(conn, id, SESSIONS_MAX)?;
            let mails = store::mail::of(conn, id, MAILS_MAX)?;
            let mut tokens = Vec::new();
            for purpose in Purpose::ALL {
                tokens.extend(store::mail_token::token(conn, id, purpose)?);
            }
            Ok(Some(Held {
                at,
                user,
                former_names,
                sessions,
                mails,
                tokens,
                last_sign_in_at: store::user::last_sign_ins(conn, &[id])?.remove(&id),
                two_factor: store::two_factor::two_factor(conn, id)?,
                recovery_codes_left: store::two_factor::recovery_codes(conn, id)?.len(),
                networks_seen_at: store::known_network::all_seen_at(conn, id)?,
            }))
        };
        let snapshot = move |conn: &mut shared::db::Conn| store::snapshot(conn, read);
        let (held, _) = self.reads.run(snapshot).await?;
        Ok(held.ok_or(Denial::AccountGone)?)
    }

    /// Some of what was done to a person's account by others, newest first.
    pub async fn held_entries(&self, id: UserId, before: Option<i64>) -> Result<Vec<Entry>, UserError> {
        let filter = EntryFilter { subject: Some(id), ..EntryFilter::default() };
        let read = move |conn: &mut shared::db::Conn| {
            store::audit_log::entries(conn, filter, before.map(EntryId::new), DOCUMENT_PAGE_ROWS)
        };
        Ok(self.reads.run(read).await?)
    }

    /// Some of the events about a person, oldest first.
    pub async fn held_events(&self, id: UserId, after: Option<i64>) -> Result<Vec<Event>, UserError> {
        let read = move |conn: &mut shared::db::Conn| {
            shared::db::log::about(conn, id, after.unwrap_or(0), DOCUMENT_PAGE_ROWS)
        };
        Ok(self.reads.run(read).await?)
    }
}
