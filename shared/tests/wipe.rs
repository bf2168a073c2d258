//! Files are wiped without writers waiting for it.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use shared::clock::Micros;
use shared::db::{Conn, DatabaseUrl, Wiper, execute, open_writer};

const NOW: Micros = Micros::new(1_000_000);
const QUIET: Duration = Duration::from_secs(5);

/// A database with `rows` rows of a KiB.
fn filled(path: &Path, rows: u32) -> Conn {
    let mut conn = open_writer(&DatabaseUrl::sqlite(path)).unwrap();
    execute(&mut conn, "CREATE TABLE t (n BIGINT PRIMARY KEY, b TEXT NOT NULL)", &[]).unwrap();
    let text = format!(
        "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {rows})
         INSERT INTO t SELECT n, hex(zeroblob(512)) FROM c"
    );
    execute(&mut conn, &text, &[]).unwrap();
    conn
}

#[actix_web::test]
async fn a_file_that_takes_long_is_rewritten_only_where_nobody_writes() {
    let dir = tempfile::tempdir().unwrap();
    for (rows, small) in [(10, true), (2_000, false)] {
        let path = dir.path().join(format!("{rows}.db"));
        let mut conn = filled(&path, rows);
        let wiper = Wiper::new(DatabaseUrl::sqlite(&path));
        wiper.wipe(NOW).await.unwrap();
        execute(&mut conn, "DELETE FROM t WHERE n = 1", &[]).unwrap();
        assert_eq!(wiper.next(NOW).is_none(), small, "{rows} rows");
        assert!(wiper.next(NOW).is_none_or(|next| next <= NOW.after(QUIET)));
        let log = std::fs::File::options().append(true).open(dir.path().join(format!("{rows}.db-wal")));
        log.unwrap().set_modified(SystemTime::now() - QUIET).unwrap();
        assert_eq!(wiper.next(NOW), None, "{rows} rows");
    }
}

#[actix_web::test]
async fn a_reader_in_the_way_does_not_make_writers_wait() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.db");
    let mut conn = filled(&path, 10);
    let mut reader = filled(&dir.path().join("other.db"), 1);
    let attach = format!("ATTACH '{}' AS t", path.display());
    execute(&mut reader, &attach, &[]).unwrap();
    execute(&mut reader, "BEGIN", &[]).unwrap();
    execute(&mut reader, "INSERT INTO main.t SELECT 100 + n, b FROM t.t", &[]).unwrap();
    execute(&mut conn, "DELETE FROM t WHERE n = 1", &[]).unwrap();
    let wiper = Wiper::new(DatabaseUrl::sqlite(&path));
    let began = Instant::now();
    assert!(wiper.wipe(NOW).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    execute(&mut reader, "COMMIT", &[]).unwrap();
    wiper.wipe(NOW).await.unwrap();
}
