//! What a database and the files beside it still hold, as bytes: for showing that something is gone.

use std::path::Path;

use diesel::sql_types::Text;

use crate::db::{Conn, DatabaseUrl, open_reader, query};

/// The names of all tables.
pub fn tables(conn: &mut Conn) -> Vec<String> {
    let text = match conn {
        Conn::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        Conn::Postgres(_) => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'"
        }
    };
    query::<Text, String>(conn, text, &[]).expect("the tables")
}

/// The names of a table's columns.
pub fn columns(conn: &mut Conn, table: &str) -> Vec<String> {
    let text = match conn {
        Conn::Sqlite(_) => "SELECT name FROM pragma_table_info(?)",
        Conn::Postgres(_) => {
            "SELECT column_name::text FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = ?"
        }
    };
    query::<Text, String>(conn, text, &[table.into()]).expect("the columns")
}

/// Those of `markers` that are anywhere in the database: for SQLite in the bytes of its files, used or not; for
/// Postgres in any row of any table. Also those in the names or bytes of the files in `dirs`.
pub fn residue(url: &DatabaseUrl, dirs: &[&Path], markers: &[String]) -> Vec<String> {
    let mut held: Vec<u8> = match url {
        DatabaseUrl::Sqlite(path) => {
            let files = ["", "-wal", "-shm"].map(|end| format!("{}{end}", path.display()));
            files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect()
        }
        DatabaseUrl::Postgres(_) => dump(&mut open_reader(url).expect("a connection")),
    };
    for file in dirs.iter().flat_map(|dir| std::fs::read_dir(dir).expect("a directory")) {
        let path = file.expect("a file").path();
        held.extend(path.as_os_str().as_encoded_bytes());
        held.extend(std::fs::read(path).unwrap_or_default());
    }
    let held = String::from_utf8_lossy(&held);
    markers.iter().filter(|marker| held.contains(marker.as_str())).cloned().collect()
}

fn dump(conn: &mut Conn) -> Vec<u8> {
    let mut held = Vec::new();
    for table in tables(conn) {
        let rows: Vec<String> =
            query::<Text, _>(conn, &format!("SELECT t::text FROM \"{table}\" t"), &[]).expect("the rows");
        held.extend(rows.join("\n").into_bytes());
    }
    held
}
