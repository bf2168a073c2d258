//! Looking through all people, as moderators do.

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;

use super::{UserError, UserHandle};
use crate::domain::account::User;
use crate::domain::denial::Denial;
use crate::domain::email::Email;
use crate::domain::moderation::Suspension;
use crate::domain::roster::Filter;
use crate::domain::username::Username;
use crate::store;
use crate::store::roster::Before;

/// A person as moderators see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterRow {
    /// The whole record.
    pub user: User,
    /// Why it is closed, if it is.
    pub suspension: Option<Suspension>,
    /// When the person opened a session last.
    pub last_sign_in_at: Option<Micros>,
}

/// How people are looked for, and from where a page goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// All, newest first.
    ByAge(Option<Before>),
    /// Those whose names begin so, by name.
    ByName {
        /// In lower case.
        prefix: String,
        /// The last of the page before.
        after: Option<Username>,
    },
    /// The one with the address.
    ByEmail {
        /// The address; nobody has it if it cannot be one.
        email: Option<Email>,
        /// What the name must begin with, too.
        prefix: Option<String>,
    },
}

impl UserHandle {
    /// At most `limit` people.
    pub async fn roster(
        &self,
        looked: Looked,
        filter: Filter,
        limit: i64,
    ) -> Result<Vec<RosterRow>, UserError> {
        let read = move |conn: &mut Conn| {
            let ids = match &looked {
                Looked::ByAge(before) => store::roster::by_age(conn, filter, *before, limit)?,
                Looked::ByName { prefix, after } => {
                    let after = after.as_ref().map(Username::as_str);
                    store::roster::by_name(conn, filter, prefix, after, limit)?
                }
                Looked::ByEmail { email: None, .. } => Vec::new(),
                Looked::ByEmail { email: Some(email), .. } => {
                    store::claim::addresses(conn, &[&email.key()])?.into_values().collect()
                }
            };
            let mut rows = rows(conn, &ids)?;
            if let Looked::ByEmail { prefix, .. } = &looked {
                // An address leads to somebody whatever they are.
                rows.retain(|row| filter.matches(&row.user) && begins(&row.user, prefix.as_deref()));
            }
            Ok(rows)
        };
        Ok(self.reads.run(read).await?)
    }

    /// One person, whatever became of them.
    pub async fn roster_row(&self, user: UserId) -> Result<RosterRow, UserError> {
        let found = self.reads.run(move |conn| rows(conn, &[user])).await?;
        Ok(found.into_iter().next().ok_or(Denial::UserNotFound)?)
    }
}

fn begins(user: &User, prefix: Option<&str>) -> bool {
    prefix.is_none_or(|prefix| user.username.as_str().starts_with(prefix))
}

/// These people, in this order.
fn rows(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<RosterRow>, StoreError> {
    let mut users = store::user::users(conn, ids)?;
    let mut suspensions = store::suspension::of(conn, ids)?;
    let mut sign_ins = store::user::last_sign_ins(conn, ids)?;
    let row = |id: &UserId| {
        Some(RosterRow {
            user: users.remove(id)?,
            suspension: suspensions.remove(id),
            last_sign_in_at: sign_ins.remove(id),
        })
    };
    Ok(ids.iter().filter_map(row).collect())
}
