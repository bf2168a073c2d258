//! The search index as rows: kept with every change of a person, completed at the start, compared by the audit.

use std::collections::BTreeSet;

use diesel::sql_types::{BigInt, Text};
use shared::db::audit::Finding;
use shared::db::log::take_head;
use shared::db::{Conn, StoreError, Value, begin_write, chunks, end_write, execute, query};
use shared::id::UserId;

use super::rows_of_binds;
use super::user::users;
use crate::domain::account::User;
use crate::domain::search::{INDEX_VERSION, Term, TermKind, terms};
use crate::domain::spelling::keys;

/// People indexed in one transaction at the start, and compared at a time by the audit.
const PEOPLE_PER_STEP: i64 = 1_000;
/// Steps between two lines of the log.
const STEPS_PER_LINE: usize = 100;
/// Words compared at a time by the audit.
const WORDS_PER_LOOK: i64 = 1_000;

/// Adds new people.
pub(super) fn add<'a>(conn: &mut Conn, people: impl Iterator<Item = &'a User>) -> Result<(), StoreError> {
    // In the order of the keys, so that neighbours are written together.
    let rows: BTreeSet<(Term, UserId)> =
        people.flat_map(|user| terms(user).into_iter().map(|term| (term, user.id))).collect();
    insert(conn, &rows.into_iter().collect::<Vec<_>>())
}

/// Replaces what a person is found by.
pub(super) fn replace(conn: &mut Conn, before: &User, after: &User) -> Result<(), StoreError> {
    let (old, new) = (terms(before), terms(after));
    for gone in old.difference(&new) {
        remove(conn, gone, before.id)?;
    }
    let rows: Vec<(Term, UserId)> = new.difference(&old).map(|term| (term.clone(), after.id)).collect();
    insert(conn, &rows)
}

fn insert(conn: &mut Conn, rows: &[(Term, UserId)]) -> Result<(), StoreError> {
    for piece in chunks(rows) {
        let text = format!(
            "INSERT INTO search_terms (kind, term, user_id) VALUES {} ON CONFLICT DO NOTHING",
            rows_of_binds(piece.len(), 3)
        );
        execute(conn, &text, &binds(piece))?;
    }
    let words = rows.iter().map(|(term, _)| term).filter(|term| term.kind == TermKind::Word);
    let words: BTreeSet<&str> = words.map(|term| term.text.as_str()).collect();
    for piece in chunks(&spellings(words)) {
        let text = format!(
            "INSERT INTO search_spellings (spelling, word) VALUES {} ON CONFLICT DO NOTHING",
            rows_of_binds(piece.len(), 2)
        );
        execute(conn, &text, &spelling_binds(piece))?;
    }
    Ok(())
}

fn remove(conn: &mut Conn, term: &Term, user: UserId) -> Result<(), StoreError> {
    let [kind, text]: [Value<'_>; 2] = [term.kind.to_code().into(), term.text.as_str().into()];
    let deletion = "DELETE FROM search_terms WHERE kind = ? AND term = ? AND user_id = ?";
    execute(conn, deletion, &[kind, text, user.get().into()])?;
    if term.kind != TermKind::Word {
        return Ok(());
    }
    let holder = "SELECT user_id FROM search_terms WHERE kind = ? AND term = ? LIMIT 1";
    let held: Vec<i64> = query::<BigInt, _>(conn, holder, &[kind, text])?;
    if held.is_empty() {
        for key in keys(&term.text) {
            let deletion = "DELETE FROM search_spellings WHERE spelling = ? AND word = ?";
            execute(conn, deletion, &[key.into(), text])?;
        }
    }
    Ok(())
}

/// The rows of words, in the order of their key.
fn spellings<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<(i64, &'a str)> {
    let rows = words.into_iter().flat_map(|word| keys(word).into_iter().map(move |key| (key, word)));
    rows.collect::<BTreeSet<_>>().into_iter().collect()
}

fn binds(rows: &[(Term, UserId)]) -> Vec<Value<'_>> {
    let numbers =
        rows.iter().map(|(term, user)| (Value::from(term.kind.to_code()), term, Value::from(user.get())));
    numbers.flat_map(|(kind, term, user)| [kind, term.text.as_str().into(), user]).collect()
}

fn spelling_binds<'a>(rows: &[(i64, &'a str)]) -> Vec<Value<'a>> {
    rows.iter().flat_map(|(key, word)| [Value::from(*key), Value::from(*word)]).collect()
}

/// Brings everybody into the index who is not there yet, in steps: after a crash it goes on where it was.
pub(super) fn complete(conn: &mut Conn) -> Result<(), StoreError> {
    let mut steps = 0;
    while progress(conn)? != Some((INDEX_VERSION, i64::MAX)) {
        begin_write(conn)?;
        let done = step(conn);
        end_write(conn, done.is_ok())?;
        done?;
        steps += 1;
        if steps % STEPS_PER_LINE == 0 {
            log::info!(
                "indexing people for search: {} so far",
                steps * usize::try_from(PEOPLE_PER_STEP).unwrap_or(0)
            );
        }
    }
    Ok(())
}

fn step(conn: &mut Conn) -> Result<(), StoreError> {
    // Nobody else writes meanwhile.
    take_head(conn)?;
    let after = match progress(conn)? {
        Some((INDEX_VERSION, upto)) => upto,
        Some(_) | None => {
            execute(conn, "DELETE FROM search_terms", &[])?;
            execute(conn, "DELETE FROM search_spellings", &[])?;
            0
        }
    };
    let people = people_after(conn, after)?;
    add(conn, people.iter())?;
    let upto = people.last().map_or(i64::MAX, |last| last.id.get());
    let text = "INSERT INTO search_index (partition, version, indexed_upto) VALUES (0,?,?)
        ON CONFLICT (partition) DO UPDATE SET version = excluded.version, indexed_upto = excluded.indexed_upto";
    execute(conn, text, &[INDEX_VERSION.into(), upto.into()])?;
    Ok(())
}

/// The version of the index, and up to whom it holds everybody.
fn progress(conn: &mut Conn) -> Result<Option<(i64, i64)>, StoreError> {
    let text = "SELECT version, indexed_upto FROM search_index WHERE partition = 0";
    Ok(query::<(BigInt, BigInt), (i64, i64)>(conn, text, &[])?.first().copied())
}

fn people_after(conn: &mut Conn, after: i64) -> Result<Vec<User>, StoreError> {
    let text = "SELECT id FROM users WHERE id > ? ORDER BY id LIMIT ?";
    let ids: Vec<i64> = query::<BigInt, _>(conn, text, &[after.into(), PEOPLE_PER_STEP.into()])?;
    let ids: Vec<UserId> = ids.into_iter().map(UserId::new).collect();
    let mut found = users(conn, &ids)?;
    Ok(ids.into_iter().filter_map(|id| found.remove(&id)).collect())
}

/// Compares the index with the people: rows that are missing, and rows that should not be.
pub(super) fn audit(conn: &mut Conn) -> Result<[Finding; 2], StoreError> {
    Ok([
        Finding { rule: "everybody whom others see is found, and nobody else", drift: drift_of_terms(conn)? },
        Finding {
            rule: "each word that is searched is found by its spellings",
            drift: drift_of_spellings(conn)?,
        },
    ])
}

fn drift_of_terms(conn: &mut Conn) -> Result<i64, StoreError> {
    let (mut expected, mut there, mut after) = (0, 0, 0);
    loop {
        let people = people_after(conn, after)?;
        let Some(last) = people.last() else { break };
        after = last.id.get();
        let rows: Vec<(Term, UserId)> =
            people.iter().flat_map(|user| terms(user).into_iter().map(|term| (term, user.id))).collect();
        expected += count(rows.len());
        for piece in chunks(&rows) {
            let text = format!(
                "SELECT COUNT(*) FROM search_terms WHERE (kind, term, user_id) IN (VALUES {})",
                rows_of_binds(piece.len(), 3)
            );
            there += counted(conn, &text, &binds(piece))?;
        }
    }
    let all = counted(conn, "SELECT COUNT(*) FROM search_terms", &[])?;
    Ok((expected - there) + (all - there))
}

fn drift_of_spellings(conn: &mut Conn) -> Result<i64, StoreError> {
    let (mut expected, mut there, mut after) = (0, 0, String::new());
    loop {
        let text = "SELECT DISTINCT term FROM search_terms WHERE kind = ? AND term > ? ORDER BY term LIMIT ?";
        let of = [TermKind::Word.to_code().into(), after.as_str().into(), WORDS_PER_LOOK.into()];
        let words: Vec<String> = query::<Text, _>(conn, text, &of)?;
        let Some(last) = words.last() else { break };
        after.clone_from(last);
        let rows = spellings(words.iter().map(String::as_str));
        expected += count(rows.len());
        for piece in chunks(&rows) {
            let text = format!(
                "SELECT COUNT(*) FROM search_spellings WHERE (spelling, word) IN (VALUES {})",
                rows_of_binds(piece.len(), 2)
            );
            there += counted(conn, &text, &spelling_binds(piece))?;
        }
    }
    let all = counted(conn, "SELECT COUNT(*) FROM search_spellings", &[])?;
    Ok((expected - there) + (all - there))
}

fn counted(conn: &mut Conn, text: &str, binds: &[Value<'_>]) -> Result<i64, StoreError> {
    Ok(query::<BigInt, i64>(conn, text, binds)?.first().copied().unwrap_or_default())
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
