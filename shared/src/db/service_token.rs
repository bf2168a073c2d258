//! The tokens of other backend services, hashed.

use diesel::prelude::*;

use super::schema::service_tokens;
use super::{Conn, StoreError};
use crate::clock::Micros;
use crate::on_backend;

/// What is stored of a live token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldToken {
    /// The hash of its secret.
    pub secret_hash: String,
    /// What it may do, separated by commas.
    pub scopes: String,
}

#[derive(Insertable)]
#[diesel(table_name = service_tokens, treat_none_as_default_value = false)]
struct Row<'a> {
    name: &'a str,
    secret_hash: &'a str,
    scopes: &'a str,
    created_at: i64,
    revoked_at: Option<i64>,
}

/// The live token of the client `name`.
pub fn find(conn: &mut Conn, name: &str) -> Result<Option<HeldToken>, StoreError> {
    let live = service_tokens::table
        .find(name)
        .filter(service_tokens::revoked_at.is_null())
        .select((service_tokens::secret_hash, service_tokens::scopes));
    let row: Option<(String, String)> = on_backend!(conn, |c| live.get_result(c).optional())?;
    Ok(row.map(|(secret_hash, scopes)| HeldToken { secret_hash, scopes }))
}

/// Stores a token, in place of an earlier one of the same client.
pub fn put(
    conn: &mut Conn,
    name: &str,
    secret_hash: &str,
    scopes: &str,
    now: Micros,
) -> Result<(), StoreError> {
    let row = Row { name, secret_hash, scopes, created_at: now.get(), revoked_at: None };
    on_backend!(conn, |c| c.transaction(|c| {
        diesel::delete(service_tokens::table.find(name)).execute(c)?;
        diesel::insert_into(service_tokens::table).values(row).execute(c)
    }))?;
    Ok(())
}

/// Ends the token of the client `name`. Returns whether there was one.
pub fn revoke(conn: &mut Conn, name: &str, now: Micros) -> Result<bool, StoreError> {
    let live = service_tokens::table.find(name).filter(service_tokens::revoked_at.is_null());
    let ended = on_backend!(conn, |c| diesel::update(live)
        .set(service_tokens::revoked_at.eq(Some(now.get())))
        .execute(c))?;
    Ok(ended == 1)
}
