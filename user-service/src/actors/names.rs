//! Names: who has which, and changing one's own. Quarantines end by themselves: whether one is over is looked
//! at whenever a name is asked for, and what is left of it goes when somebody claims the name or the look.

use std::collections::HashMap;

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;

use super::change::Outcome;
use super::profile::{Patched, changed, own};
use crate::domain::change::Change;
use crate::domain::denial::Denial;
use crate::domain::rename::{Hold, RenameRules, hold};
use crate::domain::username::Username;
use crate::store;
use crate::store::claim::{NameHolder, NewName};
use crate::store::told::Transaction;

/// How a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// Nobody has it.
    Free,
    /// This person uses it.
    InUse(UserId),
    /// It is kept for this person, who gave up the name or one that looks like it.
    Kept(UserId),
    /// It looks like the name that this person uses.
    Alike(UserId),
}

/// The names and looks that are claimed, as far as a question asks for them.
pub struct Claims {
    names: HashMap<String, NameHolder>,
    looks: HashMap<String, (UserId, Hold)>,
}

impl Claims {
    /// Looks up `wanted`, for all of them at once.
    pub fn load(conn: &mut Conn, wanted: &[&Username], now: Micros) -> Result<Self, StoreError> {
        let texts: Vec<&str> = wanted.iter().map(|name| name.as_str()).collect();
        let mut names = store::claim::names(conn, &texts)?;
        names.retain(|_, holder| holder.holds(now));
        // A name in use is itself the answer, whatever it looks like.
        let in_use = |name: &Username| names.get(name.as_str()).is_some_and(NameHolder::is_in_use);
        let looks: Vec<String> =
            wanted.iter().filter(|name| !in_use(name)).map(|name| name.skeleton()).collect();
        let looks: Vec<&str> = looks.iter().map(String::as_str).collect();
        let looks = store::claim::looks(conn, &looks)?;
        let mut holders: Vec<UserId> = looks.values().copied().collect();
        holders.sort_unstable();
        holders.dedup();
        let people = store::user::users(conn, &holders)?;
        let former = store::claim::former(conn, &holders)?;
        let held = |(look, user): (String, UserId)| {
            let in_use = people.get(&user).map(|person| &person.username);
            let hold = hold(&look, in_use, former.get(&user).map_or(&[], Vec::as_slice), now);
            (look, (user, hold))
        };
        Ok(Self { names, looks: looks.into_iter().map(held).collect() })
    }

    /// How `name` stands.
    pub fn of(&self, name: &Username) -> Claimed {
        match (self.names.get(name.as_str()), self.looks.get(&name.skeleton())) {
            (Some(NameHolder { user, quarantined_until: None }), _) => Claimed::InUse(*user),
            (Some(NameHolder { user, quarantined_until: Some(_) }), _) | (None, Some((user, Hold::Kept))) => {
                Claimed::Kept(*user)
            }
            (None, Some((user, Hold::InUse))) => Claimed::Alike(*user),
            (None, Some((_, Hold::Over)) | None) => Claimed::Free,
        }
    }

    /// Who holds the names.
    pub(super) fn holders(&self) -> Vec<UserId> {
        self.names.values().map(|holder| holder.user).collect()
    }

    /// Notes that `user` takes `name`.
    pub(super) fn add(&mut self, name: &Username, user: UserId) {
        self.names.insert(name.as_str().to_owned(), NameHolder { user, quarantined_until: None });
        self.looks.insert(name.skeleton(), (user, Hold::InUse));
    }

    /// Removes what former owners left of the looks that are free.
    pub(super) fn release(&self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        for (look, (user, hold)) in &self.looks {
            if *hold == Hold::Over {
                store::claim::release(tx.conn, *user, look)?;
                tx.wrote();
            }
        }
        Ok(())
    }
}

/// Gives a person another name, and keeps the old one for them for a while.
pub(super) fn rename(
    rules: &RenameRules,
    tx: &mut Transaction<'_>,
    user: UserId,
    name: &Username,
    now: Micros,
) -> Patched {
    let Some(mut user) = own(tx, user)? else { return Ok(Err(Denial::AccountGone)) };
    // A repeated request has its wish already.
    if user.username == *name {
        return Ok(Ok(Outcome::Record(Box::new(user))));
    }
    let former = store::claim::former(tx.conn, &[user.id])?.remove(&user.id).unwrap_or_default();
    if rules.renamed_recently(&former, now) {
        return Ok(Err(Denial::RenamedRecently));
    }
    let claims = Claims::load(tx.conn, &[name], now)?;
    match claims.of(name) {
        Claimed::InUse(holder) | Claimed::Kept(holder) | Claimed::Alike(holder) if holder != user.id => {
            return Ok(Err(Denial::UsernameTaken));
        }
        Claimed::Free | Claimed::InUse(_) | Claimed::Kept(_) | Claimed::Alike(_) => {}
    }
    claims.release(tx)?;
    store::claim::give_up(tx.conn, &user.username, rules.quarantine_end(now))?;
    store::claim::take(tx.conn, &NewName { user: user.id, name: name.as_str(), look: &name.skeleton() })?;
    user.username = name.clone();
    changed(tx, &mut user, Change::Renamed, now)?;
    Ok(Ok(Outcome::Record(Box::new(user))))
}
