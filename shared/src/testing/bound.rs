//! Whether a statement says which shard it is for: each table that is spread over many is asked by its key.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a form that is not understood binds nothing, and is told of"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Delete, Expr, FromTable, Insert, Join, JoinConstraint, JoinOperator, ObjectName, Query,
    SetExpr, Statement, TableAlias, TableFactor, TableObject, TableWithJoins, UpdateTableFromKind, Visit,
    Visitor,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::db::catalog::Table;

/// How tables are spread.
pub struct Layout {
    /// The column by which each of those is that are spread.
    keys: BTreeMap<String, String>,
    columns: BTreeMap<String, BTreeSet<String>>,
}

impl Layout {
    /// As the definitions for Citus say, whose lines are `SELECT create_distributed_table('TABLE', 'COLUMN', ...)`.
    pub fn read(definitions: &str, schema: &[Table]) -> Self {
        let key = |line: &str| {
            let mut names = line.strip_prefix("SELECT create_distributed_table('")?.split('\'');
            Some((names.next()?.to_owned(), names.nth(1)?.to_owned()))
        };
        let columns = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect();
        Self {
            keys: definitions.lines().filter_map(key).collect(),
            columns: schema.iter().map(|table| (table.name.clone(), columns(table))).collect(),
        }
    }

    /// The tables that the statement asks without their key, each with what was asked for instead.
    pub fn unbound(&self, text: &str) -> Vec<String> {
        let parsed = Parser::parse_sql(&PostgreSqlDialect {}, text);
        let statements = parsed.unwrap_or_else(|error| panic!("{error}: {text}"));
        let mut look = Look { layout: self, found: Vec::new() };
        for statement in &statements {
            look.statement(statement);
            // All queries in it, however deep.
            let _ = statement.visit(&mut look);
        }
        look.found.sort_unstable();
        look.found.dedup();
        look.found
    }
}

/// Each statement of `seen`, which was run for what stands beside it, asks its tables by key, or has in it a piece that
/// `exceptions` names with a reason; one that nothing needs is none. `background` names what actors do by themselves, at
/// any time: it need not have been heard.
#[track_caller]
pub fn assert_bound(
    layout: &Layout,
    seen: &[(&str, String)],
    exceptions: &[(&str, &str)],
    background: &[(&str, &str)],
) {
    let mut unbound = Vec::new();
    let mut excused = vec![false; exceptions.len()];
    for (what, text) in seen {
        let found = layout.unbound(text);
        if found.is_empty() {
            continue;
        }
        match exceptions.iter().position(|(piece, _)| text.contains(piece)) {
            Some(at) => excused[at] = true,
            None if background.iter().any(|(piece, _)| text.contains(piece)) => {}
            None => unbound.push(format!("{what}: {}\n    {text}", found.join("; "))),
        }
    }
    unbound.sort();
    assert!(
        unbound.is_empty(),
        "{} statements ask every shard: bind the distribution column (see deploy/citus), or name a piece of the statement \
         as an exception, with the reason\n{}",
        unbound.len(),
        unbound.join("\n")
    );
    for ((piece, _), excused) in exceptions.iter().zip(excused) {
        assert!(excused, "an exception that nothing needs: {piece}");
    }
}

struct Look<'a> {
    layout: &'a Layout,
    found: Vec<String>,
}

impl Visitor for Look<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.set(&query.body);
        ControlFlow::Continue(())
    }
}

impl Look<'_> {
    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update { table, from, selection, assignments, .. } => {
                let mut tables = vec![table.clone()];
                match from {
                    Some(UpdateTableFromKind::AfterSet(more) | UpdateTableFromKind::BeforeSet(more)) => {
                        tables.extend(more.iter().cloned());
                    }
                    None => {}
                }
                self.scope(&tables, selection.as_ref());
                if let TableFactor::Table { name, .. } = &table.relation
                    && let Some(key) = self.layout.keys.get(&last(name))
                    && assignments.iter().any(|set| set.target.to_string() == *key)
                {
                    self.found.push(format!("{name}: {key} is changed, which would move the row"));
                }
            }
            Statement::Delete(Delete { from, using, selection, .. }) => {
                let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = from;
                let tables: Vec<TableWithJoins> =
                    tables.iter().chain(using.iter().flatten()).cloned().collect();
                self.scope(&tables, selection.as_ref());
            }
            // The visitor comes to it.
            Statement::Query(_) => {}
            other => self.found.push(format!("a statement of another kind: {other}")),
        }
    }

    fn insert(&mut self, insert: &Insert) {
        let TableObject::TableName(name) = &insert.table else { return };
        let Some(key) = self.layout.keys.get(&last(name)) else { return };
        let values = insert.source.as_ref().is_some_and(|source| matches!(*source.body, SetExpr::Values(_)));
        if !values {
            self.found.push(format!("{name}: rows are not given as values"));
        } else if !insert.columns.iter().any(|column| column.value == *key) {
            self.found.push(format!("{name}: inserted without {key}"));
        }
    }

    fn set(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => self.scope(&select.from, select.selection.as_ref()),
            SetExpr::SetOperation { left, right, .. } => {
                self.set(left);
                self.set(right);
            }
            SetExpr::Insert(statement) | SetExpr::Update(statement) | SetExpr::Delete(statement) => {
                self.statement(statement);
            }
            // The visitor comes to it; values are keys, not rows.
            SetExpr::Query(_) | SetExpr::Values(_) => {}
            SetExpr::Merge(_) | SetExpr::Table(_) => {
                self.found.push("a form that is not understood".to_owned())
            }
        }
    }

    /// Looks at tables that are asked together, and at what is asked of them.
    fn scope(&mut self, from: &[TableWithJoins], selection: Option<&Expr>) {
        let mut scope = Scope { layout: self.layout, tables: Vec::new(), given: BTreeSet::new() };
        // With the only table that each says something of, where it keeps rows of the others that it does not hold for.
        let mut conditions: Vec<(&Expr, Option<String>)> =
            selection.map(|all| (all, None)).into_iter().collect();
        for table in from {
            scope.take(&table.relation);
            for join in &table.joins {
                scope.take(&join.relation);
                conditions.extend(condition(join));
            }
        }
        let mut bound = BTreeSet::new();
        loop {
            let before = bound.len();
            for (condition, only) in &conditions {
                let mut found = scope.bound_by(condition, &bound);
                found.retain(|(alias, _)| only.as_ref().is_none_or(|only| only == alias));
                bound.extend(found);
            }
            if bound.len() == before {
                break;
            }
        }
        for (alias, table) in &scope.tables {
            let Some(key) = self.layout.keys.get(table) else { continue };
            if !bound.contains(&(alias.clone(), key.clone())) {
                self.found.push(format!("{table}: nothing says which {key}"));
            }
        }
    }
}

fn condition(join: &Join) -> Option<(&Expr, Option<String>)> {
    match &join.join_operator {
        JoinOperator::Join(JoinConstraint::On(on)) | JoinOperator::Inner(JoinConstraint::On(on)) => {
            Some((on, None))
        }
        JoinOperator::Left(JoinConstraint::On(on)) | JoinOperator::LeftOuter(JoinConstraint::On(on)) => {
            let TableFactor::Table { name, alias, .. } = &join.relation else { return None };
            let alias = alias.as_ref().map_or_else(|| last(name), |alias| alias.name.value.clone());
            Some((on, Some(alias)))
        }
        // Of no other kind is there one; what it would bind is then not seen, and told of.
        _ => None,
    }
}

fn last(name: &ObjectName) -> String {
    let part = name.0.last().and_then(|part| part.as_ident());
    part.map(|ident| ident.value.clone()).unwrap_or_default()
}

/// A column of a table, by the name that the table has in the statement.
type Column = (String, String);

struct Scope<'a> {
    layout: &'a Layout,
    /// By alias.
    tables: Vec<(String, String)>,
    /// Aliases of lists of values.
    given: BTreeSet<String>,
}

impl Scope<'_> {
    fn take(&mut self, factor: &TableFactor) {
        let named = |alias: &Option<TableAlias>| alias.as_ref().map(|alias| alias.name.value.clone());
        match factor {
            TableFactor::Table { name, alias, .. } => {
                let table = last(name);
                self.tables.push((named(alias).unwrap_or_else(|| table.clone()), table));
            }
            TableFactor::Derived { subquery, alias, .. } => {
                if matches!(*subquery.body, SetExpr::Values(_)) {
                    self.given.extend(named(alias));
                }
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                self.take(&table_with_joins.relation);
                table_with_joins.joins.iter().for_each(|join| self.take(&join.relation));
            }
            // Functions hold no rows.
            _ => {}
        }
    }

    /// The columns that hold one of a few given values where `condition` holds.
    fn bound_by(&self, condition: &Expr, bound: &BTreeSet<Column>) -> BTreeSet<Column> {
        match condition {
            Expr::Nested(inner) => self.bound_by(inner, bound),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                &self.bound_by(left, bound) | &self.bound_by(right, bound)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                &self.bound_by(left, bound) & &self.bound_by(right, bound)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let mut found = BTreeSet::new();
                for (one, other) in [(left, right), (right, left)] {
                    if self.is_given(other, bound) {
                        found.extend(self.columns(one));
                    }
                }
                found
            }
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. }
                if self.is_given(right, bound) =>
            {
                self.columns(left)
            }
            Expr::InList { expr, list, negated: false }
                if list.iter().all(|value| self.is_given(value, bound)) =>
            {
                self.columns(expr)
            }
            Expr::InSubquery { expr, subquery, negated: false }
                if matches!(*subquery.body, SetExpr::Values(_)) =>
            {
                self.columns(expr)
            }
            _ => BTreeSet::new(),
        }
    }

    /// The columns of this scope that an expression is, or is a tuple of.
    fn columns(&self, expr: &Expr) -> BTreeSet<Column> {
        match expr {
            Expr::Tuple(parts) => parts.iter().flat_map(|part| self.columns(part)).collect(),
            Expr::Nested(inner) => self.columns(inner),
            Expr::CompoundIdentifier(parts) => match &parts[..] {
                [.., alias, column] if self.tables.iter().any(|(name, _)| *name == alias.value) => {
                    BTreeSet::from([(alias.value.clone(), column.value.clone())])
                }
                _ => BTreeSet::new(),
            },
            Expr::Identifier(column) => {
                let has = |table: &String| {
                    self.layout.columns.get(table).is_some_and(|columns| columns.contains(&column.value))
                };
                let holders = self.tables.iter().filter(|(_, table)| has(table));
                holders.map(|(alias, _)| (alias.clone(), column.value.clone())).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// Whether an expression is made of binds, constants, lists of values and columns that are bound themselves.
    fn is_given(&self, expr: &Expr, bound: &BTreeSet<Column>) -> bool {
        match expr {
            Expr::Value(_) => true,
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } | Expr::UnaryOp { expr: inner, .. } => {
                self.is_given(inner, bound)
            }
            Expr::Tuple(parts) => parts.iter().all(|part| self.is_given(part, bound)),
            Expr::CompoundIdentifier(parts) if parts.len() > 1 => {
                let alias = &parts[parts.len() - 2].value;
                self.given.contains(alias) || self.all_bound(expr, bound)
            }
            Expr::Identifier(_) => self.all_bound(expr, bound),
            _ => false,
        }
    }

    fn all_bound(&self, expr: &Expr, bound: &BTreeSet<Column>) -> bool {
        let columns = self.columns(expr);
        !columns.is_empty() && columns.is_subset(bound)
    }
}
