//! One text of SQL for both databases, prepared once: for the statements of the hot path that
//! diesel's builder cannot say on both, or cannot cache (many rows, row values, upserts).
//!
//! The text marks its binds with `?`, so no literal in it may hold one. Texts come from code, never
//! from input. A statement is cached by its text: see [`super::chunks`] for keeping texts few.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::pg::PgConnection;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Nullable, Text};
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, QueryResult, RunQueryDsl};

use super::{Conn, StoreError};
use crate::on_backend;

/// A value bound to one `?`.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A number, in a column of any integer type.
    Int(i64),
    /// A number or NULL.
    MaybeInt(Option<i64>),
    /// A text or NULL.
    MaybeText(Option<&'a str>),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::MaybeText(Some(value))
    }
}

/// A text with its binds, whose rows have the SQL type `ST`.
pub struct Prepared<'a, ST> {
    text: &'a str,
    binds: &'a [Value<'a>],
    row: PhantomData<ST>,
}

impl<ST> QueryId for Prepared<'_, ST> {
    type QueryId = ();
    /// Not by type but by text: the number of rows is part of it.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Prepared<'_, ST> {
    type SqlType = ST;
}

impl<ST, C: Connection> RunQueryDsl<C> for Prepared<'_, ST> {}

impl<ST, DB> QueryFragment<DB> for Prepared<'_, ST>
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Text>,
    i64: ToSql<BigInt, DB>,
    Option<i64>: ToSql<Nullable<BigInt>, DB>,
    for<'t> Option<&'t str>: ToSql<Nullable<Text>, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut parts = self.text.split('?');
        out.push_sql(parts.next().unwrap_or_default());
        for (part, bind) in parts.zip(self.binds) {
            match bind {
                Value::Int(value) => out.push_bind_param::<BigInt, i64>(value)?,
                Value::MaybeInt(value) => out.push_bind_param::<Nullable<BigInt>, Option<i64>>(value)?,
                Value::MaybeText(value) => out.push_bind_param::<Nullable<Text>, Option<&str>>(value)?,
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

/// Runs `text` and returns its rows.
pub fn query<ST, U>(conn: &mut Conn, text: &str, binds: &[Value<'_>]) -> Result<Vec<U>, StoreError>
where
    for<'q> Prepared<'q, ST>: LoadQuery<'q, SqliteConnection, U> + LoadQuery<'q, PgConnection, U>,
{
    let prepared = Prepared { text, binds, row: PhantomData::<ST> };
    Ok(on_backend!(conn, |c| RunQueryDsl::load::<U>(prepared, c))?)
}

/// Runs `text` and returns how many rows it changed.
pub fn execute(conn: &mut Conn, text: &str, binds: &[Value<'_>]) -> Result<usize, StoreError> {
    let prepared = Prepared { text, binds, row: PhantomData::<BigInt> };
    Ok(on_backend!(conn, |c| prepared.execute(c))?)
}
