//! Where something of a person is kept: the one list, by which a purge removes it.
//!
//! A table that is new belongs in one of the two lists here; a test walks the schema. Another does so with the columns,
//! each of which an export shows, or leaves out for a reason.

use shared::db::{Conn, StoreError, Value, execute};
use shared::id::UserId;

/// A table that holds something of people.
#[derive(Debug, Clone, Copy)]
pub struct Personal {
    /// Which.
    pub table: &'static str,
    /// Removes some of one person's rows, or what they say. Each `?` is the person's id and `#` is a number of rows;
    /// where no `#` is, the rows are few by their nature.
    erase: &'static str,
}

/// Every table with something of people, in the order in which a purge goes through them: what finds rows of another
/// table comes after it.
pub const PERSONAL: &[Personal] = &[
    Personal {
        table: "sessions",
        erase: "DELETE FROM sessions WHERE (user_id, id) IN (
                    SELECT user_id, id FROM sessions WHERE user_id = ? LIMIT #)",
    },
    Personal {
        table: "idempotency_keys",
        erase: "DELETE FROM idempotency_keys WHERE slot IN (
                    SELECT slot FROM idempotency_keys WHERE user_id = ? LIMIT #)",
    },
    Personal {
        table: "known_networks",
        erase: "DELETE FROM known_networks WHERE user_id = ?",
    },
    Personal {
        table: "two_factors",
        erase: "DELETE FROM two_factors WHERE user_id = ?",
    },
    Personal {
        table: "recovery_codes",
        erase: "DELETE FROM recovery_codes WHERE user_id = ?",
    },
    Personal {
        table: "mails",
        erase: "DELETE FROM mails WHERE (user_id, id) IN (SELECT user_id, id FROM mails WHERE user_id = ? LIMIT #)",
    },
    Personal {
        table: "mail_tokens",
        erase: "DELETE FROM mail_tokens WHERE user_id = ?",
    },
    Personal {
        table: "password_reset_requests",
        erase: "DELETE FROM password_reset_requests WHERE email_key IN (
                    SELECT LOWER(email) FROM users WHERE id = ?)",
    },
    Personal {
        // The numbers stay, so that the log stays contiguous, and so do the ids; what was said goes.
        table: "events",
        erase: "UPDATE events SET data = '{}' WHERE (partition, seq) IN (
                    SELECT partition, seq FROM events WHERE subject_id = ? AND data <> '{}' LIMIT #)",
    },
    Personal {
        table: "suspensions",
        erase: "DELETE FROM suspensions WHERE user_id = ?",
    },
    Personal {
        // That somebody did something to this account stays; what it was about goes.
        table: "audit_log",
        erase: "UPDATE audit_log SET reason = NULL, before = NULL, after = NULL WHERE id IN (
                    SELECT id FROM audit_log WHERE subject_id = ?
                        AND (reason IS NOT NULL OR before IS NOT NULL OR after IS NOT NULL) LIMIT #)",
    },
    Personal {
        table: "name_skeletons",
        erase: "DELETE FROM name_skeletons WHERE user_id = ? AND skeleton IN (
                    SELECT skeleton FROM user_names WHERE name IN (SELECT username FROM users WHERE id = ?)
                    UNION SELECT skeleton FROM user_names WHERE user_id = ? AND quarantined_until IS NOT NULL)",
    },
    Personal {
        table: "user_names",
        erase: "DELETE FROM user_names WHERE name IN (
                    SELECT username FROM users WHERE id = ?
                    UNION SELECT name FROM user_names WHERE user_id = ? AND quarantined_until IS NOT NULL)",
    },
    Personal {
        table: "user_emails",
        erase: "DELETE FROM user_emails WHERE user_id = ? AND email_key IN (
                    SELECT LOWER(email) FROM users WHERE id = ?)",
    },
    // Last: the others are found by it.
    Personal { table: "users", erase: "DELETE FROM users WHERE id = ?" },
];

/// Every other table, and why a purge leaves it.
pub const IMPERSONAL: &[(&str, &str)] = &[
    ("__diesel_schema_migrations", "the version of the schema"),
    ("log_head", "the end of the log"),
    ("nodes", "the instances that run"),
    ("touched", "what changed, for other processes: forgotten after a minute"),
    ("service_tokens", "other services"),
    ("feed_readers", "other services"),
    ("search_terms", "visible people alone: who is purged left it when they were hidden"),
    ("search_spellings", "words of visible people alone"),
    ("search_index", "how far the index is built"),
    ("deletions", "the purge itself, which removes the row at its end"),
];

/// Removes at most about `rows` rows of a person. Returns whether there may be more.
pub fn erase(conn: &mut Conn, user: UserId, rows: i64) -> Result<bool, StoreError> {
    let mut left = rows;
    for personal in PERSONAL {
        let binds = personal.erase.chars().filter_map(|mark| match mark {
            '?' => Some(Value::Int(user.get())),
            '#' => Some(Value::Int(left)),
            _ => None,
        });
        let binds: Vec<Value<'_>> = binds.collect();
        let erased = execute(conn, &personal.erase.replace('#', "?"), &binds)?;
        left -= i64::try_from(erased).unwrap_or(left);
        if left <= 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
