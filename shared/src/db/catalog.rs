//! What a database says of its own tables: for what handles all of them alike.

use diesel::sql_types::{BigInt, Text};

use super::{Conn, StoreError, query};

/// The table in which the versions of the schema are kept: each database's own.
pub const MIGRATIONS: &str = "__diesel_schema_migrations";

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in the order of their names, which is the same on every database.
    pub columns: Vec<Column>,
    /// Which of them are its primary key, in the order of the key.
    pub key: Vec<usize>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What a column holds. There is no more in these schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An integer of any size.
    Int,
    /// A text.
    Text,
}

/// All tables but that of the schema's versions, in the order of their names.
pub fn tables(conn: &mut Conn) -> Result<Vec<Table>, StoreError> {
    let text = match conn {
        Conn::Sqlite(_) => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> ?"
        }
        Conn::Postgres(_) => {
            "SELECT table_name::text FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> ?"
        }
    };
    let mut names: Vec<String> = query::<Text, _>(conn, text, &[MIGRATIONS.into()])?;
    names.sort_unstable();
    names.into_iter().map(|name| table(conn, name)).collect()
}

fn table(conn: &mut Conn, name: String) -> Result<Table, StoreError> {
    // The place in the key is 0 for a column that is not in it.
    let text = match conn {
        Conn::Sqlite(_) => "SELECT name, LOWER(type), pk FROM pragma_table_info(?)",
        Conn::Postgres(_) => {
            "SELECT c.column_name::text, c.data_type::text, COALESCE(k.ordinal_position, 0)::bigint
             FROM information_schema.columns c
             LEFT JOIN information_schema.table_constraints t ON t.constraint_type = 'PRIMARY KEY'
                 AND t.table_schema = c.table_schema AND t.table_name = c.table_name
             LEFT JOIN information_schema.key_column_usage k ON k.constraint_name = t.constraint_name
                 AND k.table_schema = t.table_schema AND k.table_name = t.table_name
                 AND k.column_name = c.column_name
             WHERE c.table_schema = current_schema() AND c.table_name = ?"
        }
    };
    let mut rows: Vec<(String, String, i64)> =
        query::<(Text, Text, BigInt), _>(conn, text, &[name.as_str().into()])?;
    rows.sort_unstable();
    let mut key: Vec<(i64, usize)> = rows
        .iter()
        .enumerate()
        .filter(|(_, (_, _, place))| *place > 0)
        .map(|(at, (_, _, place))| (*place, at))
        .collect();
    key.sort_unstable();
    if key.is_empty() {
        return Err(StoreError::Unreadable(format!("the table {name} has no primary key")));
    }
    let columns = rows
        .into_iter()
        .map(|(column, kind, _)| match kind.as_str() {
            "bigint" | "integer" | "smallint" => Ok(Column { name: column, kind: Kind::Int }),
            "text" => Ok(Column { name: column, kind: Kind::Text }),
            other => {
                Err(StoreError::Unreadable(format!("{name}.{column} is {other}, not a number or a text")))
            }
        })
        .collect::<Result<_, _>>()?;
    Ok(Table { name, columns, key: key.into_iter().map(|(_, at)| at).collect() })
}
