//! Reading the search index: who may be found by a term. Each read has a bound, and none has an order of its own:
//! the rules rank whom it brings.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use shared::db::{Conn, StoreError, Value, chunks, query};
use shared::id::UserId;
use shared::on_backend;

use super::schema::users;
use crate::domain::limits::{SEARCH_RESULTS_MAX, SEARCH_WORDS_PER_KEY_MAX};
use crate::domain::ranking::Candidate;
use crate::domain::search::TermKind;

/// People with one exact term, where many terms are asked for: each is a guess at what was meant.
const HOLDERS_PER_TERM_MAX: usize = 100;

/// The terms that begin so, with those who have them, in the order of the alphabet.
pub fn beginning(
    conn: &mut Conn,
    kind: TermKind,
    beginning: &str,
) -> Result<Vec<(String, UserId)>, StoreError> {
    // The last character that there is, which is in no text, ends the range. The limit is no bind, so that a plan
    // made for all binds knows how little is read.
    let text = format!(
        "SELECT term, user_id FROM search_terms WHERE kind = ? AND term >= ? AND term < ?
         ORDER BY term, user_id LIMIT {SEARCH_RESULTS_MAX}"
    );
    let end = format!("{beginning}{}", char::MAX);
    let binds = [kind.to_code().into(), beginning.into(), end.as_str().into()];
    let rows: Vec<(String, i64)> = query::<(Text, BigInt), _>(conn, &text, &binds)?;
    Ok(rows.into_iter().map(|(term, user)| (term, UserId::new(user))).collect())
}

/// Some of those who have one of `terms`.
pub fn holders(conn: &mut Conn, kind: TermKind, terms: &[String]) -> Result<Vec<UserId>, StoreError> {
    let one = format!(
        "SELECT user_id FROM (SELECT user_id FROM search_terms WHERE kind = ? AND term = ?
         ORDER BY user_id LIMIT {HOLDERS_PER_TERM_MAX}) AS found"
    );
    let mut found = Vec::new();
    for piece in chunks(terms) {
        let binds: Vec<Value<'_>> =
            piece.iter().flat_map(|term| [kind.to_code().into(), term.as_str().into()]).collect();
        let text = vec![one.as_str(); piece.len()].join(" UNION ALL ");
        found.extend(query::<BigInt, i64>(conn, &text, &binds)?.into_iter().map(UserId::new));
    }
    Ok(found)
}

/// Words that have one of these keys of spellings.
pub fn words_spelt(conn: &mut Conn, keys: &[i64]) -> Result<BTreeSet<String>, StoreError> {
    let one = format!(
        "SELECT word FROM (SELECT word FROM search_spellings WHERE spelling = ?
         ORDER BY word LIMIT {SEARCH_WORDS_PER_KEY_MAX}) AS found"
    );
    let mut found = BTreeSet::new();
    for piece in chunks(keys) {
        let binds: Vec<Value<'_>> = piece.iter().map(|key| Value::from(*key)).collect();
        let text = vec![one.as_str(); piece.len()].join(" UNION ALL ");
        found.extend(query::<Text, String>(conn, &text, &binds)?);
    }
    Ok(found)
}

/// What the rules need to know of people.
pub fn candidates(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<Candidate>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for piece in chunks(ids) {
        let ids = piece.iter().map(|id| id.get());
        let wanted = users::table.filter(users::id.eq_any(ids)).select((
            users::id,
            users::username,
            users::display_name,
        ));
        let rows: Vec<(i64, String, String)> = on_backend!(conn, |c| wanted.load(c))?;
        found.extend(rows.into_iter().map(|(id, username, display_name)| Candidate {
            id: UserId::new(id),
            username,
            display_name,
        }));
    }
    Ok(found)
}
