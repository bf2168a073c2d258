//! A table of what every route answers to every kind of caller, kept as text so that it can be read.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

/// The table. Its first line names the columns; each further line is `METHOD /path` and one status a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable {
    /// The kinds of callers.
    pub columns: Vec<String>,
    /// Each route with its statuses, in the order of the columns.
    pub rows: Vec<(String, Vec<u16>)>,
}

impl RouteTable {
    /// Reads a table; it stops the test if the text is none.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let columns: Vec<String> =
            lines.next().expect("a line of columns").split_whitespace().map(str::to_owned).collect();
        let row = |line: &str| {
            let mut words = line.split_whitespace();
            let route = [words.next().expect("a method"), words.next().expect("a path")].join(" ");
            let cells: Vec<u16> = words.map(|word| word.parse().expect("a status")).collect();
            assert_eq!(cells.len(), columns.len(), "{route}: one status for each column");
            (route, cells)
        };
        let rows = lines.map(row).collect();
        Self { columns, rows }
    }

    /// Every route of the description has a row, and every row is a route.
    #[track_caller]
    pub fn assert_covers(&self, openapi: &Value) {
        let mut described = BTreeSet::new();
        for (path, methods) in openapi["paths"].as_object().expect("paths") {
            let methods = methods.as_object().expect("methods").keys();
            described.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
        }
        let rows: BTreeSet<String> = self.rows.iter().map(|(route, _)| route.clone()).collect();
        assert_eq!(rows.len(), self.rows.len(), "a route has two rows");
        let without: Vec<_> = described.difference(&rows).collect();
        assert!(without.is_empty(), "routes without a row: {without:#?}");
        let strange: Vec<_> = rows.difference(&described).collect();
        assert!(strange.is_empty(), "rows that are no routes: {strange:#?}");
    }

    /// Compares with what was seen, and shows the rows that differ as they would have to be written.
    #[track_caller]
    pub fn assert_seen(&self, seen: &[(String, Vec<u16>)]) {
        let mut differing = String::new();
        for ((route, expected), (_, found)) in self.rows.iter().zip(seen) {
            if expected != found {
                writeln!(differing, "{route}\n  expected {expected:?}\n  answered {found:?}").expect("text");
            }
        }
        assert!(differing.is_empty(), "columns: {:?}\n{differing}", self.columns);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> RouteTable {
        RouteTable::parse("nobody self\nGET /v1/me 401 200\nPUT /v1/me/name 401 200\n")
    }

    #[test]
    fn a_table_that_covers_all_and_nothing_else_is_whole() {
        table().assert_covers(&json!({"paths": {"/v1/me": {"get": {}}, "/v1/me/name": {"put": {}}}}));
    }

    #[test]
    #[should_panic(expected = "routes without a row")]
    fn a_route_without_a_row_is_noticed() {
        table().assert_covers(
            &json!({"paths": {"/v1/me": {"get": {}, "patch": {}}, "/v1/me/name": {"put": {}}}}),
        );
    }

    #[test]
    #[should_panic(expected = "answered [401, 403]")]
    fn a_cell_that_differs_is_noticed() {
        let mut seen = table().rows;
        seen[1].1[1] = 403;
        table().assert_seen(&seen);
    }
}
