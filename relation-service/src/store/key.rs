//! The key set with which tokens were last verified.

use diesel::prelude::*;
use diesel::upsert::excluded;
use shared::db::{Conn, StoreError};
use shared::on_backend;
use shared::token::{ISSUER, KeySet};

use super::schema::trusted_keys;

/// The key set that was last stored, if one was.
pub fn key_set(conn: &mut Conn) -> Result<Option<KeySet>, StoreError> {
    let wanted = trusted_keys::table.find(ISSUER).select(trusted_keys::key_set);
    let text: Option<String> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    let parse = |text: String| serde_json::from_str(&text).map_err(|e| StoreError::Unreadable(e.to_string()));
    text.map(parse).transpose()
}

/// Keeps a key set for the next start.
pub fn set_key_set(conn: &mut Conn, keys: &KeySet) -> Result<(), StoreError> {
    let text = serde_json::to_string(keys).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    on_backend!(conn, |c| diesel::insert_into(trusted_keys::table)
        .values((trusted_keys::issuer.eq(ISSUER), trusted_keys::key_set.eq(&text)))
        .on_conflict(trusted_keys::issuer)
        .do_update()
        .set(trusted_keys::key_set.eq(excluded(trusted_keys::key_set)))
        .execute(c))?;
    Ok(())
}
