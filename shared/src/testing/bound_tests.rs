//! Statements that are bound, and such that are not.

use super::Layout;
use crate::db::catalog::{Column, Kind, Table};

fn layout() -> Layout {
    let table = |name: &str, columns: &[&str]| Table {
        name: name.to_owned(),
        columns: columns.iter().map(|&name| Column { name: name.to_owned(), kind: Kind::Int }).collect(),
        key: vec![0],
    };
    let schema =
        [table("a", &["id", "far", "x"]), table("b", &["owner", "far", "y"]), table("small", &["n"])];
    let definitions = "SELECT create_distributed_table('a', 'id', colocate_with => 'none');
SELECT create_distributed_table('b', 'owner', colocate_with => 'a');
SELECT create_reference_table('small');";
    Layout::read(definitions, &schema)
}

#[test]
fn what_is_asked_by_its_key_is_bound() {
    let layout = layout();
    for good in [
        "SELECT x FROM a WHERE id = $1",
        "SELECT x FROM a WHERE $1 = a.id AND x > 3 ORDER BY x LIMIT 5",
        "SELECT x FROM a WHERE id IN ($1, $2)",
        "SELECT x FROM a WHERE a.id = ANY($1)",
        "SELECT x FROM a WHERE (id, far) IN (VALUES ($1, $2), ($3, $4))",
        "SELECT x FROM a WHERE (id, far) IN (($1, $2), ($3, $4))",
        "SELECT x FROM a WHERE (id = $1 AND x = 2) OR (id = $2)",
        "SELECT y FROM a AS p JOIN b ON owner = p.id WHERE p.id = $1",
        "SELECT y FROM a LEFT JOIN b ON b.owner = a.id WHERE a.id = $1",
        "SELECT y FROM a p, b q WHERE p.id = q.owner AND q.owner = $1",
        "SELECT n FROM small",
        "SELECT (SELECT n FROM small), x FROM a WHERE id = CAST($1 AS BIGINT)",
        "INSERT INTO a (id, far, x) VALUES ($1, $2, 3), ($4, $5, 6) ON CONFLICT (id) DO NOTHING",
        "INSERT INTO small (n) SELECT n FROM small",
        "UPDATE a SET x = a.x + v.column2 FROM (VALUES ($1, $2)) AS v WHERE id = v.column1",
        "UPDATE a SET x = 1 WHERE id = $1 RETURNING x",
        "DELETE FROM a WHERE (id, far) IN (VALUES ($1, $2))",
        "SELECT x FROM a WHERE id = $1 UNION SELECT y FROM b WHERE owner = $1",
        "SELECT x FROM a WHERE id = $1 AND EXISTS (SELECT 1 FROM b WHERE owner = $2)",
    ] {
        assert_eq!(layout.unbound(good), [""; 0], "{good}");
    }
}

#[test]
fn what_is_asked_of_all_shards_is_found() {
    let layout = layout();
    for bad in [
        "SELECT x FROM a",
        "SELECT COUNT(*) FROM a",
        "SELECT x FROM a WHERE far = $1",
        "SELECT x FROM a WHERE id > $1",
        "SELECT x FROM a WHERE id <> $1",
        "SELECT x FROM a WHERE id NOT IN ($1)",
        "SELECT x FROM a WHERE NOT (id = $1)",
        "SELECT x FROM a WHERE id = far",
        "SELECT x FROM a WHERE id = $1 OR x = 2",
        "SELECT x FROM a WHERE id = $1 OR far = $1",
        "SELECT x FROM a WHERE id IN (SELECT owner FROM b WHERE owner = $1)",
        "SELECT x FROM a WHERE (id, far) NOT IN (VALUES ($1, $2))",
        "SELECT x FROM a WHERE id = $1 AND EXISTS (SELECT 1 FROM b WHERE b.owner = a.far)",
        "SELECT x FROM a WHERE id = $1 UNION SELECT y FROM b",
        "SELECT y FROM a JOIN b ON b.owner = a.far WHERE a.id = $1",
        "SELECT y FROM a LEFT JOIN b ON b.owner = a.id AND a.id = $1",
        "SELECT y FROM a LEFT JOIN b ON b.far = a.id WHERE a.id = $1",
        "SELECT x FROM (SELECT x FROM a) AS inner_a",
        "WITH w AS (SELECT x FROM a) SELECT x FROM w",
        "SELECT (SELECT MAX(x) FROM a)",
        "INSERT INTO a (far, x) VALUES ($1, $2)",
        "INSERT INTO a (id, far) SELECT owner, far FROM b WHERE owner = $1",
        "UPDATE a SET x = 1",
        "UPDATE a SET id = $1 WHERE id = $2",
        "UPDATE a SET x = 1 FROM (VALUES ($1, $2)) AS v WHERE far = v.column1",
        "DELETE FROM a WHERE far = $1",
        "DELETE FROM a USING b WHERE a.id = $1",
        "TRUNCATE a",
    ] {
        assert_ne!(layout.unbound(bad), [""; 0], "{bad}");
    }
}
