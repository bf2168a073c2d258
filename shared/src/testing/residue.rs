//! What a database still holds, as bytes: for showing that something is gone.

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

/// Those of `markers` that are anywhere in the database: for SQLite in the bytes of its files, used or not; for
/// Postgres in any row of any table.
pub fn residue(url: &DatabaseUrl, markers: &[String]) -> Vec<String> {
    let held: Vec<u8> = match url {
        DatabaseUrl::Sqlite(path) => {
            let files = ["", "-wal", "-shm"].map(|end| format!("{}{end}", path.display()));
            files.iter().flat_map(|file| std::fs::read(file).unwrap_or_default()).collect()
        }
        DatabaseUrl::Postgres(_) => dump(&mut open_reader(url).expect("a connection")),
    };
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
