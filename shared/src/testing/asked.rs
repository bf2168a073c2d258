//! Questions to a database in words of its own.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Text};

use crate::db::{Conn, query};

/// The rows of a statement with one column of texts.
pub fn texts(conn: &mut Conn, text: &str) -> Vec<String> {
    query::<Text, _>(conn, text, &[]).expect("an answer")
}

/// The rows of a statement with one column of numbers.
pub fn numbers(conn: &mut Conn, text: &str) -> Vec<i64> {
    query::<BigInt, _>(conn, text, &[]).expect("an answer")
}

/// The rows of a statement with two columns of texts.
pub fn pairs(conn: &mut Conn, text: &str) -> Vec<(String, String)> {
    query::<(Text, Text), _>(conn, text, &[]).expect("an answer")
}

/// Runs statements one after the other, and says what the database says of the first that fails.
pub fn run(conn: &mut Conn, statements: &str) -> Result<(), String> {
    crate::on_backend!(conn, |c| c.batch_execute(statements)).map_err(|error| error.to_string())
}
