//! Which rules can be checked from the tables of users.

use std::collections::HashSet;

use diesel::sql_types::BigInt;
use shared::db::audit::{Check, Finding, LOG_CHECK, at_one_moment, check_all};
use shared::db::{Conn, StoreError, query};
use shared::facts::UserFacts;
use shared::id::UserId;

use super::search_index;
use super::user::users;

const NAMES: &str = "each account's name is its own, and nobody else's";
const ADDRESSES: &str = "each account's address is its own, and nobody else's";
const MAILS: &str = "each mail, and each token that was mailed, is a person's";
const CLOSED: &str = "each suspended account says why, and no other";

/// Each statement selects the rows that break its rule.
const CHECKS: [Check; 15] = [
    (NAMES, "SELECT username, id FROM users EXCEPT SELECT name, user_id FROM user_names"),
    (
        NAMES,
        "SELECT name, user_id FROM user_names WHERE quarantined_until IS NULL
         EXCEPT SELECT username, id FROM users",
    ),
    (
        "no two people have names that look alike",
        "SELECT skeleton, user_id FROM user_names EXCEPT SELECT skeleton, user_id FROM name_skeletons",
    ),
    (
        ADDRESSES,
        "SELECT LOWER(email), id FROM users WHERE email IS NOT NULL
         EXCEPT SELECT email_key, user_id FROM user_emails",
    ),
    (
        ADDRESSES,
        "SELECT email_key, user_id FROM user_emails
         EXCEPT SELECT LOWER(email), id FROM users WHERE email IS NOT NULL",
    ),
    (CLOSED, "SELECT id FROM users WHERE status = 1 EXCEPT SELECT user_id FROM suspensions"),
    (CLOSED, "SELECT user_id FROM suspensions EXCEPT SELECT id FROM users WHERE status = 1"),
    ("each session is a person's", "SELECT user_id FROM sessions EXCEPT SELECT id FROM users"),
    (MAILS, "SELECT user_id FROM mails EXCEPT SELECT id FROM users"),
    (MAILS, "SELECT user_id FROM mail_tokens EXCEPT SELECT id FROM users"),
    ("each mail can be read: none is set aside", "SELECT id FROM mails WHERE due_at = 9223372036854775807"),
    (
        "recovery codes are for a second factor in force",
        "SELECT user_id FROM recovery_codes
         EXCEPT SELECT user_id FROM two_factors WHERE enabled_at IS NOT NULL",
    ),
    (
        "each account is in the log, as long as the log is whole",
        "SELECT id FROM users WHERE EXISTS (SELECT 1 FROM events WHERE seq = 1)
         EXCEPT SELECT subject_id FROM events WHERE type = 'user.registered'",
    ),
    (
        "each session that was ended is in the log, as long as the log is whole",
        "SELECT user_id FROM sessions
         WHERE revoked_at IS NOT NULL AND EXISTS (SELECT 1 FROM events WHERE seq = 1)
         EXCEPT SELECT subject_id FROM events WHERE type = 'session.revoked'",
    ),
    LOG_CHECK,
];

/// Checks every rule, all at one moment.
pub fn audit(conn: &mut Conn) -> Result<Vec<Finding>, StoreError> {
    at_one_moment(conn, |conn| {
        let mut findings = check_all(conn, &CHECKS)?;
        findings.extend(search_index::audit(conn)?);
        Ok(findings)
    })
}

/// What other services are told of the next `limit` people after the id `after`, in the order of ids. Of those who are
/// being purged nothing is told any more.
pub fn facts_after(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<(UserId, UserFacts)>, StoreError> {
    let text = "SELECT id FROM users WHERE id > ? AND status <> 3 ORDER BY id LIMIT ?";
    let ids: Vec<i64> = query::<BigInt, _>(conn, text, &[after.into(), limit.into()])?;
    let ids: Vec<UserId> = ids.into_iter().map(UserId::new).collect();
    let found = users(conn, &ids)?;
    Ok(ids.into_iter().filter_map(|id| Some((id, found.get(&id)?.facts()))).collect())
}

/// About whom there are events after the number `seq`.
pub fn changed_since(conn: &mut Conn, seq: i64) -> Result<HashSet<UserId>, StoreError> {
    let text = "SELECT DISTINCT subject_id FROM events WHERE seq > ? AND subject_id IS NOT NULL";
    let ids: Vec<i64> = query::<BigInt, _>(conn, text, &[seq.into()])?;
    Ok(ids.into_iter().map(UserId::new).collect())
}
