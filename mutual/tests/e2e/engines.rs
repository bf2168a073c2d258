//! What `deploy/citus` and `deploy/yugabyte` say of the tables, against the schema itself on a plain Postgres.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use shared::db::catalog::{Table, tables};
use shared::db::{Conn, DatabaseUrl, open_writer};
use shared::testing::{pairs, postgres, run};

/// Stand-ins for the functions of Citus that refuse what it refuses.
const RULES: &str = include_str!("citus_rules.sql");
/// The one table that is spread by another column of its key than the first, for the reason that stands beside it.
const BY_ANOTHER: (&str, &str) = ("search_terms", "user_id");

/// How a table is placed: the distribution column of a distributed one.
type Placed = BTreeMap<String, Option<String>>;

#[derive(Clone, Copy)]
enum Service {
    Users,
    Relations,
}

impl Service {
    const BOTH: [Self; 2] = [Self::Users, Self::Relations];

    fn file(self, engine: &str) -> String {
        let name = match self {
            Self::Users => "users.sql",
            Self::Relations => "relations.sql",
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(engine).join(name);
        fs::read_to_string(path).unwrap()
    }

    /// A database with its schema; nothing where there is no server.
    fn database(self) -> Option<Conn> {
        let mut conn = open_writer(&DatabaseUrl::Postgres(postgres::new_database()?)).unwrap();
        match self {
            Self::Users => user_service::store::migrate(&mut conn),
            Self::Relations => relation_service::store::migrate(&mut conn),
        }
        .unwrap();
        Some(conn)
    }
}

/// The lines `-- KIND: NAME: REASON` of a file.
fn said<'a>(text: &'a str, kind: &str) -> Vec<(&'a str, &'a str)> {
    let start = format!("-- {kind}: ");
    let of_kind = text.lines().filter_map(|line| line.strip_prefix(&start));
    of_kind.map(|line| line.split_once(": ").unwrap_or((line, ""))).collect()
}

/// Runs the definitions, and says what they leave out, name twice or place by the wrong column.
fn place(conn: &mut Conn, schema: &[Table], definitions: &str) -> Result<(), String> {
    run(conn, RULES)?;
    run(conn, definitions)?;
    let rows = pairs(conn, "SELECT name, COALESCE(key, '') FROM placed");
    let of_key = |(name, key): (String, String)| (name, Some(key).filter(|key| !key.is_empty()));
    let mut placed: Placed = rows.into_iter().map(of_key).collect();
    for (table, reason) in said(definitions, "local") {
        if reason.is_empty() || placed.insert(table.to_owned(), None).is_some() {
            return Err(format!("{table} is local without a reason, or is named twice"));
        }
    }
    for table in schema {
        let (name, first) = (&table.name, &table.columns[table.key[0]].name);
        let advice = format!("SELECT create_distributed_table('{name}', '{first}', colocate_with => ...);");
        match placed.remove(name) {
            None => {
                return Err(format!(
                    "the table {name} is not in deploy/citus: add `{advice}`, or make it a reference table, or say \
                     `-- local: {name}: why`"
                ));
            }
            Some(Some(key)) if key != *first && (name.as_str(), key.as_str()) != BY_ANOTHER => {
                return Err(format!(
                    "{name} is spread by {key}, and its key begins with {first}: `{advice}`"
                ));
            }
            Some(_) => {}
        }
    }
    if placed.is_empty() { Ok(()) } else { Err(format!("these are no tables: {:?}", placed.keys())) }
}

#[test]
fn citus_takes_every_table_as_it_is_spread() {
    for service in Service::BOTH {
        let Some(mut conn) = service.database() else { return };
        let schema = tables(&mut conn).unwrap();
        place(&mut conn, &schema, &service.file("citus")).unwrap();
    }
}

#[test]
fn what_citus_would_refuse_is_refused() {
    let Some(mut conn) = Service::Relations.database() else { return };
    let schema = tables(&mut conn).unwrap();
    let whole = Service::Relations.file("citus");
    let notes = "SELECT create_distributed_table('notes', 'user_id', colocate_with => 'edges_out');";
    let with = |other: &str| whole.replace(notes, other);
    assert_ne!(with(""), whole);
    let spread = |column: &str, root: &str| {
        format!("SELECT create_distributed_table('notes', '{column}', colocate_with => '{root}');")
    };
    for (definitions, why) in [
        (with(""), "the table notes is not in deploy/citus"),
        (with(&format!("{notes}\n{notes}")), "already distributed"),
        (with("-- local: notes: "), "without a reason"),
        (with(&format!("{notes}\n-- local: notes: few")), "named twice"),
        (with(&format!("{notes}\n-- local: nots: few")), "these are no tables"),
        (with(&spread("nobody", "edges_out")), "does not exist"),
        (with(&spread("note", "edges_out")), "do not include the partition column"),
        (with(&spread("target", "edges_out")), "its key begins with user_id"),
        (with(&spread("user_id", "feed_readers")), "is not distributed"),
        (with(&spread("user_id", "none")), "how many shards"),
        (
            format!("CREATE UNIQUE INDEX one_note ON notes (target);\n{whole}"),
            "do not include the partition column",
        ),
        (format!("ALTER TABLE notes ALTER note SET DEFAULT nextval('numbers');\n{whole}"), "a sequence"),
        (
            format!("ALTER TABLE notes ADD FOREIGN KEY (target) REFERENCES counters (user_id);\n{whole}"),
            "a foreign key",
        ),
        (
            format!(
                "ALTER TABLE mutes ADD other SMALLINT, DROP CONSTRAINT mutes_pkey, ADD PRIMARY KEY (other);\n{}",
                whole.replace("'mutes', 'user_id'", "'mutes', 'other'")
            ),
            "types don't match",
        ),
    ] {
        run(&mut conn, "BEGIN; CREATE SEQUENCE numbers").unwrap();
        let refused = place(&mut conn, &schema, &definitions).unwrap_err();
        run(&mut conn, "ROLLBACK").unwrap();
        assert!(refused.contains(why), "{why}: {refused}");
    }
}

#[test]
fn yugabyte_has_every_index_in_the_order_that_it_is_read_in() {
    for service in Service::BOTH {
        let Some(mut conn) = service.database() else { return };
        let text = service.file("yugabyte");
        let indexes = "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
            JOIN pg_class ON pg_class.oid = indrelid
            WHERE relnamespace = current_schema()::regnamespace AND NOT indisprimary ORDER BY 1";
        let before = pairs(&mut conn, indexes);
        run(&mut conn, &text).unwrap();
        let after = pairs(&mut conn, indexes);
        // In order is how Postgres has them anyway: what was made again is the same.
        assert_eq!(before, after);
        let unchanged = said(&text, "equality");
        for (index, definition) in before {
            let made = text.contains(&format!("DROP INDEX {index};"));
            let left = unchanged.iter().any(|(name, reason)| *name == index && !reason.is_empty());
            assert!(
                made != left,
                "{index} ({definition}): deploy/yugabyte makes it again with ASC if it is read in its order, or says \
                 `-- equality: {index}: why` if its first column is always bound"
            );
        }
    }
}
