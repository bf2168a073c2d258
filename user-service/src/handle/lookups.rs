//! Reading about people.

use std::collections::HashMap;
use std::sync::Arc;

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::facts::{NamedFacts, NamedFactsItem, NamedFactsPage, UserFactsItem, UserFactsPage};
use shared::id::UserId;

use super::{UserError, UserHandle};
use crate::actors::names::{Claimed, Claims};
use crate::domain::account::{Status, User};
use crate::domain::denial::Denial;
use crate::domain::username::{Username, UsernameProblem};
use crate::store;

/// Whether somebody may register a name, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameState {
    /// Nobody has it.
    Available,
    /// Somebody has it, or one that looks like it.
    Taken,
    /// The service keeps it for itself.
    Reserved,
    /// It is not of the form that names have.
    Invalid,
    /// It, or one that looks like it, was given up lately.
    Quarantined,
}

impl UserHandle {
    /// One person, if others may see them.
    pub async fn user(&self, id: UserId) -> Result<Arc<User>, UserError> {
        self.current().await?;
        let user = match self.cards.as_ref().and_then(|cards| cards.get(id)) {
            Some(user) => Some(user),
            None => self.load(&[id]).await?.pop(),
        };
        Ok(user.filter(|user| user.is_visible()).ok_or(Denial::UserNotFound)?)
    }

    /// The same, if they are remembered and that needs no word from the database.
    pub fn recall_user(&self, id: UserId) -> Option<Arc<User>> {
        let cards = self.cards.as_ref().filter(|_| self.freshness.is_none())?;
        cards.get(id).filter(|user| user.is_visible())
    }

    /// Those of `ids` who are there, whatever became of them; remembered from here on. Whoever else wants the same waits
    /// for this one.
    async fn load(&self, ids: &[UserId]) -> Result<Vec<Arc<User>>, UserError> {
        let Some(cards) = &self.cards else {
            let wanted = ids.to_vec();
            let found = self.reads.run(move |conn| store::user::users(conn, &wanted)).await?;
            return Ok(found.into_values().map(Arc::new).collect());
        };
        let (own, others) = cards.flights().board(ids);
        others.landed().await;
        let of_others = ids.iter().filter(|id| own.as_ref().is_none_or(|own| !own.keys.contains(id)));
        let mut found: Vec<Arc<User>> = of_others.filter_map(|id| cards.get(*id)).collect();
        // Also what others have loaded and nobody has kept.
        let wanted: Vec<UserId> =
            ids.iter().filter(|id| found.iter().all(|user| user.id != **id)).copied().collect();
        if !wanted.is_empty() {
            let cards = cards.clone();
            found.extend(self.reads.run(move |conn| cards.load(conn, &wanted)).await?);
        }
        Ok(found)
    }

    /// The person whom a name leads to, if others may see them. What cannot be a name leads to nobody.
    pub async fn user_by_name(&self, raw: &str) -> Result<User, UserError> {
        let name = Username::parse_any(raw).map_err(|_| Denial::UserNotFound)?;
        let now = self.clock.now();
        visible(self.reads.run(move |conn| by_name(conn, &name, now)).await?)
    }

    /// The people of `ids` in that order; nothing where others may not see anybody.
    pub async fn users(&self, ids: Vec<UserId>) -> Result<Vec<(UserId, Option<Arc<User>>)>, UserError> {
        self.current().await?;
        let remembered = |id: &UserId| self.cards.as_ref().and_then(|cards| cards.get(*id));
        let mut people: Vec<Option<Arc<User>>> = ids.iter().map(remembered).collect();
        let missing: Vec<UserId> =
            ids.iter().zip(&people).filter(|(_, user)| user.is_none()).map(|(id, _)| *id).collect();
        if !missing.is_empty() {
            let loaded = self.load(&missing).await?;
            let mut loaded: HashMap<UserId, Arc<User>> =
                loaded.into_iter().map(|user| (user.id, user)).collect();
            for (id, user) in ids.iter().zip(&mut people).filter(|(_, user)| user.is_none()) {
                *user = loaded.remove(id);
            }
        }
        Ok(ids
            .into_iter()
            .zip(people.into_iter().map(|user| user.filter(|user| user.is_visible())))
            .collect())
    }

    /// What other services need to know about the people of `ids`, hidden ones included, and as of when.
    pub async fn facts(&self, ids: Vec<UserId>) -> Result<UserFactsPage, UserError> {
        let wanted = ids.clone();
        let read = move |conn: &mut Conn| store::snapshot(conn, |conn| store::user::users(conn, &wanted));
        let (found, seq) = self.reads.run(read).await?;
        // Of those who are being purged nothing is told any more.
        let known = |id| found.get(&id).filter(|user| user.status != Status::Deleted).map(User::facts);
        let items = ids.into_iter().map(|id| UserFactsItem { id, facts: known(id) });
        Ok(UserFactsPage { items: items.collect(), seq })
    }

    /// What other services need to know about the people to whom `names` lead, hidden ones included, and as of when.
    pub async fn named_facts(&self, names: Vec<String>) -> Result<NamedFactsPage, UserError> {
        let now = self.clock.now();
        let read = move |conn: &mut Conn| store::snapshot(conn, |conn| named_facts(conn, &names, now));
        let (items, seq) = self.reads.run(read).await?;
        Ok(NamedFactsPage { items, seq })
    }

    /// The same about at most `limit` people by id, after the id `after`.
    pub async fn all_facts(&self, after: Option<UserId>, limit: i64) -> Result<UserFactsPage, UserError> {
        let after = after.map_or(0, UserId::get);
        let read = move |conn: &mut Conn| {
            store::snapshot(conn, |conn| store::audit::facts_after(conn, after, limit))
        };
        let (found, seq) = self.reads.run(read).await?;
        let items = found.into_iter().map(|(id, facts)| UserFactsItem { id, facts: Some(facts) });
        Ok(UserFactsPage { items: items.collect(), seq })
    }

    /// Whether somebody may register the name.
    pub async fn name_state(&self, raw: &str) -> Result<NameState, UserError> {
        let name = match Username::parse(raw) {
            Ok(name) => name,
            Err(UsernameProblem::Reserved) => return Ok(NameState::Reserved),
            Err(
                UsernameProblem::TooShort
                | UsernameProblem::TooLong
                | UsernameProblem::InvalidCharacters
                | UsernameProblem::MisplacedDot,
            ) => return Ok(NameState::Invalid),
        };
        let now = self.clock.now();
        Ok(self.reads.run(move |conn| state_of(conn, &name, now)).await?)
    }
}

fn visible(user: Option<User>) -> Result<User, UserError> {
    Ok(user.filter(User::is_visible).ok_or(Denial::UserNotFound)?)
}

fn by_name(conn: &mut Conn, name: &Username, now: Micros) -> Result<Option<User>, StoreError> {
    match store::claim::name(conn, name, now)? {
        Some(holder) => store::user::user(conn, holder.user),
        None => Ok(None),
    }
}

fn named_facts(conn: &mut Conn, names: &[String], now: Micros) -> Result<Vec<NamedFactsItem>, StoreError> {
    let spelled: Vec<Option<Username>> = names.iter().map(|raw| Username::parse_any(raw).ok()).collect();
    let wanted: Vec<&str> = spelled.iter().flatten().map(Username::as_str).collect();
    let holders = store::claim::names(conn, &wanted)?;
    let ids: Vec<UserId> =
        holders.values().filter(|holder| holder.holds(now)).map(|holder| holder.user).collect();
    let users = store::user::users(conn, &ids)?;
    let found = |name: &Username| {
        let holder = holders.get(name.as_str()).filter(|holder| holder.holds(now))?;
        let user = users.get(&holder.user).filter(|user| user.status != Status::Deleted)?;
        Some(NamedFacts { id: holder.user, facts: user.facts() })
    };
    let items = names.iter().zip(&spelled);
    Ok(items
        .map(|(raw, name)| NamedFactsItem { username: raw.clone(), found: name.as_ref().and_then(found) })
        .collect())
}

fn state_of(conn: &mut Conn, name: &Username, now: Micros) -> Result<NameState, StoreError> {
    Ok(match Claims::load(conn, &[name], now)?.of(name) {
        Claimed::Free => NameState::Available,
        Claimed::InUse(_) | Claimed::Alike(_) => NameState::Taken,
        Claimed::Kept(_) => NameState::Quarantined,
    })
}
