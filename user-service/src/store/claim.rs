//! Whose a name, a look or an address is: three tables of claims, each keyed by what is claimed.

use std::collections::HashMap;

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, chunks, execute};
use shared::id::UserId;
use shared::on_backend;

use super::rows_of_binds;
use super::schema::{name_skeletons, user_emails, user_names};
use crate::domain::rename::FormerName;
use crate::domain::username::Username;

/// Whose a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameHolder {
    /// Who has it, or had it.
    pub user: UserId,
    /// For a name that was given up: until when it still leads to its former owner.
    pub quarantined_until: Option<Micros>,
}

impl NameHolder {
    /// Whether it is the name that the holder goes by.
    pub fn is_in_use(&self) -> bool {
        self.quarantined_until.is_none()
    }

    /// Whether the name leads to its holder.
    pub fn holds(&self, now: Micros) -> bool {
        self.quarantined_until.is_none_or(|until| now < until)
    }
}

/// The holders of those of `names` that are claimed, also where the claim is over.
pub fn names(conn: &mut Conn, names: &[&str]) -> Result<HashMap<String, NameHolder>, StoreError> {
    let mut found = HashMap::new();
    for piece in chunks(names) {
        let wanted = user_names::table.filter(user_names::name.eq_any(piece)).select((
            user_names::name,
            user_names::user_id,
            user_names::quarantined_until,
        ));
        let rows: Vec<(String, i64, Option<i64>)> = on_backend!(conn, |c| wanted.load(c))?;
        found.extend(rows.into_iter().map(|(name, user, until)| {
            (name, NameHolder { user: UserId::new(user), quarantined_until: until.map(Micros::new) })
        }));
    }
    Ok(found)
}

/// The holder of one name, unless the claim is over.
pub fn name(conn: &mut Conn, wanted: &Username, now: Micros) -> Result<Option<NameHolder>, StoreError> {
    Ok(names(conn, &[wanted.as_str()])?.into_values().find(|holder| holder.holds(now)))
}

/// The names that each of `users` gave up, also where the quarantine is over.
pub fn former(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, Vec<FormerName>>, StoreError> {
    let mut found: HashMap<UserId, Vec<FormerName>> = HashMap::new();
    for piece in chunks(users) {
        let wanted = user_names::table
            .filter(user_names::user_id.eq_any(piece.iter().map(|user| user.get())))
            .filter(user_names::quarantined_until.is_not_null())
            .select((
                user_names::user_id,
                user_names::skeleton,
                user_names::quarantined_until.assume_not_null(),
            ));
        let rows: Vec<(i64, String, i64)> = on_backend!(conn, |c| wanted.load(c))?;
        for (user, look, until) in rows {
            let name = FormerName { look, quarantined_until: Micros::new(until) };
            found.entry(UserId::new(user)).or_default().push(name);
        }
    }
    Ok(found)
}

/// The holders of those of `looks` that are claimed, also where the claim is over.
pub fn looks(conn: &mut Conn, looks: &[&str]) -> Result<HashMap<String, UserId>, StoreError> {
    let mut found = HashMap::new();
    for piece in chunks(looks) {
        let wanted = name_skeletons::table.filter(name_skeletons::skeleton.eq_any(piece));
        let rows: Vec<(String, i64)> = on_backend!(conn, |c| wanted.load(c))?;
        found.extend(rows.into_iter().map(|(look, user)| (look, UserId::new(user))));
    }
    Ok(found)
}

/// The holders of those of `addresses`, given by their keys, that are claimed.
pub fn addresses(conn: &mut Conn, addresses: &[&str]) -> Result<HashMap<String, UserId>, StoreError> {
    let mut found = HashMap::new();
    for piece in chunks(addresses) {
        let wanted = user_emails::table.filter(user_emails::email_key.eq_any(piece));
        let rows: Vec<(String, i64)> = on_backend!(conn, |c| wanted.load(c))?;
        found.extend(rows.into_iter().map(|(address, user)| (address, UserId::new(user))));
    }
    Ok(found)
}

/// Keeps a name that was in use for its owner until `until`.
pub fn give_up(conn: &mut Conn, name: &Username, until: Micros) -> Result<(), StoreError> {
    let held = user_names::table.find(name.as_str());
    let kept = user_names::quarantined_until.eq(Some(until.get()));
    on_backend!(conn, |c| diesel::update(held).set(kept).execute(c))?;
    Ok(())
}

/// A name that a person takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewName<'a> {
    /// Who.
    pub user: UserId,
    /// The name.
    pub name: &'a str,
    /// What the name looks like.
    pub look: &'a str,
}

/// Writes a name that the caller has found free or the person's own, in this transaction.
pub fn take(conn: &mut Conn, new: &NewName<'_>) -> Result<(), StoreError> {
    let NewName { user, name, look } = *new;
    let text = "INSERT INTO user_names (name, user_id, skeleton) VALUES (?,?,?)
        ON CONFLICT (name) DO UPDATE SET quarantined_until = NULL";
    execute(conn, text, &[name.into(), user.get().into(), look.into()])?;
    let text =
        "INSERT INTO name_skeletons (skeleton, user_id) VALUES (?,?) ON CONFLICT (skeleton) DO NOTHING";
    execute(conn, text, &[look.into(), user.get().into()])?;
    Ok(())
}

/// Gives an address, which the caller has found free or the person's own, to a person in the place of the one
/// before. Both are given by their keys.
pub fn move_address(conn: &mut Conn, user: UserId, from: Option<&str>, to: &str) -> Result<(), StoreError> {
    if let Some(from) = from {
        let held = user_emails::table.find(from).filter(user_emails::user_id.eq(user.get()));
        on_backend!(conn, |c| diesel::delete(held).execute(c))?;
    }
    let text = "INSERT INTO user_emails (email_key, user_id) VALUES (?,?)";
    execute(conn, text, &[to.into(), user.get().into()])?;
    Ok(())
}

/// Removes a look with the former names that have it: the caller has found them free.
pub fn release(conn: &mut Conn, user: UserId, look: &str) -> Result<(), StoreError> {
    let former = user_names::table
        .filter(user_names::user_id.eq(user.get()))
        .filter(user_names::quarantined_until.is_not_null())
        .filter(user_names::skeleton.eq(look));
    on_backend!(conn, |c| diesel::delete(former).execute(c))?;
    on_backend!(conn, |c| diesel::delete(name_skeletons::table.find(look)).execute(c))?;
    Ok(())
}

/// Forgets those names of this look that a person gave up and whose quarantine is over at `now`.
pub fn forget_former(conn: &mut Conn, user: UserId, look: &str, now: Micros) -> Result<(), StoreError> {
    let over = user_names::table
        .filter(user_names::user_id.eq(user.get()))
        .filter(user_names::quarantined_until.le(now.get()))
        .filter(user_names::skeleton.eq(look));
    on_backend!(conn, |c| diesel::delete(over).execute(c))?;
    Ok(())
}

/// What one person claims on becoming a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClaim {
    /// Who.
    pub user: UserId,
    /// The name.
    pub name: String,
    /// What the name looks like.
    pub look: String,
    /// The key of the address, if there is one.
    pub address: Option<String>,
}

/// Writes claims that the caller has found free, in this transaction.
pub fn insert(conn: &mut Conn, claims: &[NewClaim]) -> Result<(), StoreError> {
    for piece in chunks(claims) {
        let names: Vec<Value<'_>> = piece
            .iter()
            .flat_map(|c| [c.name.as_str().into(), c.user.get().into(), c.look.as_str().into()])
            .collect();
        let text = format!(
            "INSERT INTO user_names (name, user_id, skeleton) VALUES {}",
            rows_of_binds(piece.len(), 3)
        );
        execute(conn, &text, &names)?;
        let looks: Vec<Value<'_>> =
            piece.iter().flat_map(|c| [c.look.as_str().into(), c.user.get().into()]).collect();
        let text = format!(
            "INSERT INTO name_skeletons (skeleton, user_id) VALUES {}",
            rows_of_binds(piece.len(), 2)
        );
        execute(conn, &text, &looks)?;
    }
    let addresses: Vec<(&str, UserId)> =
        claims.iter().filter_map(|claim| Some((claim.address.as_deref()?, claim.user))).collect();
    for piece in chunks(&addresses) {
        let binds: Vec<Value<'_>> =
            piece.iter().flat_map(|(address, user)| [(*address).into(), user.get().into()]).collect();
        let text =
            format!("INSERT INTO user_emails (email_key, user_id) VALUES {}", rows_of_binds(piece.len(), 2));
        execute(conn, &text, &binds)?;
    }
    Ok(())
}
