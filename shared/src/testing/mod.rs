//! What the tests of both services stand on: throw-away databases of both kinds, the macro that runs
//! one suite on each, servers that leave nothing behind, and a client that speaks real HTTP.

#![expect(clippy::expect_used, reason = "a test stops where it cannot go on, and says why")]

mod asked;
mod bound;
#[cfg(test)]
mod bound_tests;
mod client;
mod nats;
mod plan;
pub mod postgres;
mod postgres_tls;
mod recorded;
mod residue;
mod schema;
mod server_thread;
mod table;

pub use asked::{numbers, pairs, run, texts};
pub use bound::{Layout, assert_bound};
pub use client::{Answer, Client};
pub use nats::{Message, NatsServer};
pub use plan::reads_little;
pub use postgres_tls::{TlsCluster, is_encrypted};
pub use recorded::{record, recorded};
pub use residue::{columns, residue, tables};
pub use schema::schema_is_made_when_asked;
pub use server_thread::{Running, ServerThread};
pub use table::RouteTable;
use tempfile::TempDir;

use crate::db::DatabaseUrl;

/// An empty database that goes away with the test.
pub struct TestDatabase {
    /// How to open it.
    pub url: DatabaseUrl,
    /// The file's directory, for SQLite.
    _dir: Option<TempDir>,
}

impl TestDatabase {
    /// An embedded database in a directory of its own.
    pub fn sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self { url: DatabaseUrl::sqlite(dir.path().join("test.db")), _dir: Some(dir) }
    }

    /// A database of a throw-away Postgres cluster; `None` where no Postgres is installed.
    pub fn postgres() -> Option<Self> {
        Some(Self { url: DatabaseUrl::Postgres(postgres::new_database()?), _dir: None })
    }
}

/// Makes each async function `fn case(make: fn() -> TestDatabase)` into two tests, `sqlite::case` and
/// `postgres::case`. A case asks `make` for as many databases as it needs; where Postgres is missing
/// the macro skips the case, and [`postgres::VARIABLE`] makes that a failure.
#[macro_export]
macro_rules! on_both_databases {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[actix_web::test]
                async fn $case() {
                    super::$case(|| $crate::testing::TestDatabase::sqlite()).await;
                }
            )+
        }

        $crate::on_postgres!(in postgres: $($case),+);
    };
}

/// The same for what only a server's database can show.
#[macro_export]
macro_rules! on_postgres {
    (in $module:ident: $($case:ident),+) => {
        mod $module {
            $(
                #[actix_web::test]
                async fn $case() {
                    // The first database decides whether there is a server at all.
                    if $crate::testing::TestDatabase::postgres().is_some() {
                        super::$case(|| {
                            $crate::testing::TestDatabase::postgres().expect("it was there a moment ago")
                        })
                        .await;
                    }
                }
            )+
        }
    };
    ($($case:ident),+ $(,)?) => {
        $crate::on_postgres!(in postgres_alone: $($case),+);
    };
}
