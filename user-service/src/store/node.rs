//! Which instances run on one server's database, each under a number of its own for a while.

use std::time::Duration;

use diesel::sql_types::{BigInt, Text};
use shared::db::{Conn, StoreError, Value, execute, query};
use shared::id::NODE_MAX;

/// How long a number stays an instance's after it has last said so.
pub const LEASE: Duration = Duration::from_secs(30);
/// The database's clock, so that those of the machines do not matter.
const NOW: &str = "CAST(EXTRACT(EPOCH FROM CLOCK_TIMESTAMP()) * 1000000 AS BIGINT)";
/// Two that start at once may want the same one.
const TRIES_MAX: usize = 10;

/// An instance, as it takes a number.
#[derive(Debug, Clone)]
pub struct Holder {
    /// A random number of its own.
    pub id: i64,
    /// A hash of the secrets that all instances share.
    pub secrets: String,
}

fn lease_micros() -> i64 {
    i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX)
}

/// Takes the number `wanted`, or any that is free; nothing if there is none. The operator's commands have the last.
pub fn take(conn: &mut Conn, holder: &Holder, wanted: Option<u16>) -> Result<Option<u16>, StoreError> {
    let (first, last) = wanted.map_or((0, NODE_MAX - 1), |wanted| (wanted, wanted));
    let text = format!(
        "INSERT INTO nodes (node, holder, until, secrets)
         SELECT n, ?, {NOW} + ?, ? FROM generate_series(?::BIGINT, ?::BIGINT) n
         WHERE NOT EXISTS (SELECT 1 FROM nodes WHERE node = n AND until >= {NOW}) ORDER BY n LIMIT 1
         ON CONFLICT (node) DO UPDATE SET holder = excluded.holder, until = excluded.until, secrets = excluded.secrets
         WHERE nodes.until < {NOW} RETURNING node"
    );
    let binds = [
        Value::Int(holder.id),
        Value::Int(lease_micros()),
        Value::MaybeText(Some(&holder.secrets)),
        Value::Int(first.into()),
        Value::Int(last.into()),
    ];
    for _ in 0..TRIES_MAX {
        if let Some(node) = query::<BigInt, i64>(conn, &text, &binds)?.first() {
            return Ok(u16::try_from(*node).ok());
        }
        if wanted.is_some() {
            break;
        }
    }
    Ok(None)
}

/// Whether an instance that runs has other secrets.
pub fn has_strangers(conn: &mut Conn, holder: &Holder) -> Result<bool, StoreError> {
    let text = format!("SELECT secrets FROM nodes WHERE until >= {NOW} AND secrets <> ? LIMIT 1");
    let binds = [Value::MaybeText(Some(&holder.secrets))];
    Ok(!query::<Text, String>(conn, &text, &binds)?.is_empty())
}

/// Keeps the number for a while longer; false if it is another's by now.
pub fn renew(conn: &mut Conn, holder: &Holder, node: u16) -> Result<bool, StoreError> {
    let text = format!("UPDATE nodes SET until = {NOW} + ? WHERE node = ? AND holder = ?");
    let binds = [lease_micros(), node.into(), holder.id].map(Value::Int);
    Ok(execute(conn, &text, &binds)? == 1)
}

/// Gives the number back.
pub fn give_back(conn: &mut Conn, holder: &Holder, node: u16) -> Result<(), StoreError> {
    let text = "DELETE FROM nodes WHERE node = ? AND holder = ?";
    execute(conn, text, &[i64::from(node), holder.id].map(Value::Int)).map(drop)
}
