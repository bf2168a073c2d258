//! Where something of a person is kept: the one list, by which a purge removes it and an export shows it (R46).
//!
//! A table that is new belongs in one of the two lists here; a test walks the schema.

use diesel::sql_types::{BigInt, SmallInt};
use shared::db::{Conn, StoreError, Value, chunks, execute, query};
use shared::id::UserId;

use super::graph::{Told, Transaction};
use super::pair::{Key, key_binds};
use super::rows_of_binds;
use crate::domain::Place;

/// A table that holds something of people.
#[derive(Debug, Clone, Copy)]
pub struct Personal {
    /// Which.
    pub table: &'static str,
    /// How its person sees it.
    pub shown: Shown,
    goes: Goes,
}

/// What an export tells of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The parts of the export with these names.
    As(&'static [&'static str]),
    /// Nothing, because of this.
    Not(&'static str),
}

/// How a person's rows go.
#[derive(Debug, Clone, Copy)]
enum Goes {
    /// With the pair, by the rules of pairs. Each statement finds some of the people at the other ends: of the person
    /// and a number of rows.
    ByPair(&'static [&'static str]),
    /// With the pair, from the place on that earlier steps have come to: rows without end, and on Postgres those that
    /// went stay in the index for a while.
    Onward,
    /// By statements: each `?` is the person's id and `#` is a number of rows; where no `#` is, the rows are few by
    /// their nature.
    ByPerson(&'static [&'static str]),
}

/// Every table with something of people, in the order in which a purge goes through them.
pub const PERSONAL: &[Personal] = &[
    Personal {
        table: "edges_out",
        shown: Shown::As(&["following", "requests_sent", "blocks"]),
        goes: Goes::ByPair(&["SELECT target FROM edges_out WHERE source = ? ORDER BY target LIMIT ?"]),
    },
    Personal { table: "edges_in", shown: Shown::As(&["followers", "requests_received"]), goes: Goes::Onward },
    Personal {
        table: "mutes",
        shown: Shown::As(&["mutes"]),
        goes: Goes::ByPair(&[
            "SELECT target FROM mutes WHERE user_id = ? ORDER BY target LIMIT ?",
            "SELECT user_id FROM mutes WHERE target = ? LIMIT ?",
        ]),
    },
    Personal {
        // Who has marked the person is a person whom they follow.
        table: "close_friends",
        shown: Shown::As(&["close_friends"]),
        goes: Goes::ByPair(&["SELECT target FROM close_friends WHERE user_id = ? ORDER BY target LIMIT ?"]),
    },
    Personal {
        table: "notes",
        shown: Shown::As(&["notes"]),
        goes: Goes::ByPair(&[
            "SELECT target FROM notes WHERE user_id = ? ORDER BY target LIMIT ?",
            "SELECT user_id FROM notes WHERE target = ? LIMIT ?",
        ]),
    },
    Personal {
        table: "dismissals",
        shown: Shown::As(&["dismissals"]),
        goes: Goes::ByPerson(&["DELETE FROM dismissals WHERE (user_id, target) IN (
                SELECT user_id, target FROM dismissals WHERE user_id = ? OR target = ? LIMIT #)"]),
    },
    Personal {
        // The numbers stay, so that the log stays contiguous, and so do the ids; what was said goes.
        table: "events",
        shown: Shown::Not("who did what to whom; what stands is in the other parts"),
        goes: Goes::ByPerson(&["UPDATE events SET data = '{}' WHERE (partition, seq) IN (
                SELECT partition, seq FROM events WHERE actor_id = ? AND data <> '{}' LIMIT #)"]),
    },
    Personal {
        table: "follow_starts",
        shown: Shown::Not("times alone, for a day, where there is a quota"),
        goes: Goes::ByPerson(&["DELETE FROM follow_starts WHERE user_id = ?"]),
    },
    Personal {
        table: "import_rows",
        shown: Shown::Not(
            "rows of the person's own files, until they are done; the import tells which failed",
        ),
        goes: Goes::ByPerson(&["DELETE FROM import_rows WHERE (user_id, import_id, number) IN (
                SELECT user_id, import_id, number FROM import_rows WHERE user_id = ? LIMIT #)",
            // Rows of others that name the person fail, and no longer say whom they named.
            "UPDATE import_rows SET account = '', username = '', choice = 0, target = 0, code = 'user_not_found'
             WHERE (user_id, import_id, number) IN (
                SELECT user_id, import_id, number FROM import_rows WHERE target = ? LIMIT #)",
            "UPDATE import_rows SET account = '', username = '', choice = 0, code = 'user_not_found'
             WHERE (user_id, import_id, number) IN (
                SELECT user_id, import_id, number FROM import_rows
                WHERE username = (SELECT username FROM user_facts WHERE user_id = ?)
                    AND username <> '' AND target = 0 LIMIT #)",
        ]),
    },
    Personal {
        table: "imports",
        shown: Shown::As(&["imports"]),
        goes: Goes::ByPerson(&["DELETE FROM imports WHERE user_id = ?"]),
    },
    Personal {
        table: "private_spans",
        shown: Shown::Not("since when an account is private; user-service exports that it is"),
        goes: Goes::ByPerson(&["DELETE FROM private_spans WHERE user_id = ?"]),
    },
    Personal {
        table: "counters",
        shown: Shown::As(&["counts"]),
        goes: Goes::ByPerson(&["DELETE FROM counters WHERE user_id = ?"]),
    },
    Personal {
        table: "shadows",
        shown: Shown::Not("how far hiding an account has come; nobody who can ask is hidden"),
        goes: Goes::ByPerson(&["DELETE FROM shadows WHERE user_id = ?"]),
    },
    Personal {
        table: "user_facts",
        shown: Shown::Not("a copy of what user-service exports"),
        goes: Goes::ByPerson(&["DELETE FROM user_facts WHERE user_id = ?"]),
    },
    Personal {
        table: "purges",
        shown: Shown::Not("how far the purge has come"),
        goes: Goes::ByPerson(&["DELETE FROM purges WHERE user_id = ?"]),
    },
    Personal {
        table: "sweeps",
        shown: Shown::Not("work that is under way"),
        // The purge itself goes when it has ended.
        goes: Goes::ByPerson(&["DELETE FROM sweeps WHERE user_id = ? AND kind <> 4"]),
    },
];

/// Every other table, and why a purge leaves it.
pub const IMPERSONAL: &[(&str, &str)] = &[
    ("__diesel_schema_migrations", "the version of the schema"),
    ("log_head", "the end of the log"),
    ("touched", "what changed, for other processes: forgotten after a minute"),
    ("service_tokens", "other services"),
    ("feed_readers", "other services"),
    ("feed_position", "how far a feed was read"),
    ("parked_events", "numbers of events, and the reason in words of ours"),
    ("revoked_sessions", "numbers of sessions, for ten minutes"),
    ("trusted_keys", "the keys of user-service"),
];

/// Some of the people with whom somebody has a pair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// The people.
    pub ids: Vec<UserId>,
    /// The last of the edges to the person that were looked at; `None` if there was none.
    pub last: Option<Place>,
}

/// At most `limit` people with whom `user` has a pair of any kind, without those whose edges are up to `from`.
pub fn others(conn: &mut Conn, user: UserId, from: Place, limit: i64) -> Result<Others, StoreError> {
    let (mut found, mut last) = (Vec::new(), None);
    for personal in PERSONAL {
        let left = |found: &[UserId]| limit - i64::try_from(found.len()).unwrap_or(limit);
        match personal.goes {
            Goes::ByPair(statements) => {
                for text in statements {
                    let binds = [Value::Int(user.get()), Value::Int(left(&found))];
                    found.extend(query::<BigInt, i64>(conn, text, &binds)?.into_iter().map(UserId::new));
                }
            }
            Goes::Onward => {
                let places = incoming(conn, user, from, left(&found))?;
                last = places.last().copied();
                found.extend(places.iter().map(|place| place.source));
            }
            Goes::ByPerson(_) => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(Others { ids: found, last })
}

fn incoming(conn: &mut Conn, user: UserId, from: Place, limit: i64) -> Result<Vec<Place>, StoreError> {
    let text = "SELECT state, neg_since, source FROM edges_in
                WHERE target = ? AND (state, neg_since, source) > (?, ?, ?)
                ORDER BY state, neg_since, source LIMIT ?";
    let (state, neg_since, source) = columns(from);
    let binds = [user.get(), state, neg_since, source, limit].map(Value::Int);
    places(conn, text, &binds)
}

/// Where the purge of `user` has come to.
pub fn place(conn: &mut Conn, user: UserId) -> Result<Place, StoreError> {
    let text = "SELECT in_state, in_neg_since, in_source FROM purges WHERE user_id = ?";
    Ok(places(conn, text, &[Value::Int(user.get())])?.first().copied().unwrap_or(Place::START))
}

/// Keeps where the purge of `user` has come to.
pub fn put_place(conn: &mut Conn, user: UserId, at: Place) -> Result<(), StoreError> {
    let (state, neg_since, source) = columns(at);
    let text = "INSERT INTO purges (user_id, in_state, in_neg_since, in_source) VALUES (?, ?, ?, ?)
                ON CONFLICT (user_id) DO UPDATE SET in_state = excluded.in_state,
                    in_neg_since = excluded.in_neg_since, in_source = excluded.in_source";
    execute(conn, text, &[user.get(), state, neg_since, source].map(Value::Int)).map(drop)
}

fn columns(place: Place) -> (i64, i64, i64) {
    (i64::from(place.rank), -place.since.0.get(), place.source.get())
}

fn places(conn: &mut Conn, text: &str, binds: &[Value<'_>]) -> Result<Vec<Place>, StoreError> {
    let rows: Vec<(i16, i64, i64)> = query::<(SmallInt, BigInt, BigInt), _>(conn, text, binds)?;
    Ok(rows.into_iter().map(super::shadow::place).collect())
}

/// Forgets the notes of these keys.
pub fn forget_notes(tx: &mut Transaction<'_>, keys: &[Key]) -> Result<(), StoreError> {
    for piece in chunks(keys) {
        let rows = rows_of_binds(piece.len(), 2);
        let text = format!("DELETE FROM notes WHERE (user_id, target) IN (VALUES {rows})");
        execute(tx.conn, &text, &key_binds(piece))?;
    }
    keys.iter().for_each(|key| tx.tell(|| Told::Note(*key, String::new())));
    Ok(())
}

/// Removes at most about `rows` rows of a person who has no pair any more. Returns whether there may be more.
pub fn erase(tx: &mut Transaction<'_>, user: UserId, rows: i64) -> Result<bool, StoreError> {
    tx.tell(|| Told::Rows(vec![user]));
    let mut left = rows;
    for personal in PERSONAL {
        let Goes::ByPerson(statements) = personal.goes else { continue };
        for text in statements {
            let binds = text.chars().filter_map(|mark| match mark {
                '?' => Some(Value::Int(user.get())),
                '#' => Some(Value::Int(left)),
                _ => None,
            });
            let binds: Vec<Value<'_>> = binds.collect();
            let erased = execute(tx.conn, &text.replace('#', "?"), &binds)?;
            left -= i64::try_from(erased).unwrap_or(left);
            if left <= 0 {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
