//! The walk through all people and the log, in bounded steps.

use diesel::sql_types::BigInt;
use shared::db::audit::{at_one_moment, count};
use shared::db::{Conn, StoreError, Value, log, prefer_indexes, query};

use super::checks::{CHECKS, Check, Cure, EXTRA_BY_TARGET, Look};
use super::replay::{LogScan, Sums};
use super::{EXAMPLES_MAX, Finding, Held, Row, Slice};

/// Before every id.
const START: i64 = i64::MIN;
/// People of a slice who are mended one by one, so that the writer looks at nobody else; where more are wrong, it looks at
/// the whole slice.
const MENDED_ALONE_MAX: usize = 32;
/// By which tables and columns people are divided: each step takes about so many rows of each.
const DIVIDED: [(&str, &str); 11] = [
    ("edges_out", "source"),
    ("edges_in", "target"),
    ("user_facts", "user_id"),
    ("counters", "user_id"),
    ("mutes", "user_id"),
    ("close_friends", "user_id"),
    ("notes", "user_id"),
    ("follow_starts", "user_id"),
    ("dismissals", "user_id"),
    ("import_rows", "user_id"),
    ("import_rows", "target"),
];

/// How an audit goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The most that one person may keep.
    pub held: Held,
    /// Rows of a table, or events, that one step looks at; more only where one person has more.
    pub rows_per_step: i64,
    /// How often it looks again for what may come by itself.
    pub looks: u32,
}

impl Plan {
    /// Takes what is missing as missing.
    pub const STRICT: Self = Self { held: Held::ANY, rows_per_step: 4_000, looks: 0 };
    /// Beside a running service: looks again for what is about to be written.
    pub const BESIDE: Self = Self { looks: 30, ..Self::STRICT };
}

/// How far an audit has come, in people and events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Looked at.
    pub done: i64,
    /// As many as there were at the beginning.
    pub total: i64,
    /// It only waits for what may come by itself: take a rest before the next step.
    pub waits: bool,
}

/// An audit under way.
pub struct Walk {
    findings: Vec<Finding>,
    plan: Plan,
    stage: Stage,
    sums: Vec<Sums>,
    done: i64,
    total: i64,
}

enum Stage {
    People { after: i64 },
    Log(Box<LogScan>),
    Settle,
    Done,
}

impl Walk {
    /// Begins.
    pub fn begin(conn: &mut Conn, plan: Plan) -> Result<Self, StoreError> {
        let people = count(conn, "SELECT user_id FROM user_facts")?;
        let events = log::head(conn)?.seq - log::oldest(conn)? + 1;
        Ok(Self {
            findings: CHECKS.iter().map(Finding::none).collect(),
            plan,
            stage: Stage::People { after: START },
            sums: Vec::new(),
            done: 0,
            total: people + events.max(0),
        })
    }

    /// Takes the next step. `None` after the last.
    pub fn step(&mut self, conn: &mut Conn) -> Result<Option<Progress>, StoreError> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::People { after } => {
                let through = self.look_at_people(conn, after)?;
                self.stage = if through == i64::MAX {
                    let sums = std::mem::take(&mut self.sums);
                    Stage::Log(Box::new(LogScan::begin(sums, self.plan.rows_per_step)))
                } else {
                    Stage::People { after: through }
                };
            }
            Stage::Log(mut scan) => {
                self.done += scan.step(conn, &mut self.findings)?;
                self.stage = if scan.is_done() { Stage::Settle } else { Stage::Log(scan) };
            }
            Stage::Settle => {
                if !self.settle(conn)? {
                    return Ok(None);
                }
                self.stage = Stage::Settle;
            }
            Stage::Done => return Ok(None),
        }
        let waits = matches!(self.stage, Stage::Settle);
        Ok(Some(Progress { done: self.done, total: self.total.max(self.done), waits }))
    }

    /// What was found, in the order of [`CHECKS`].
    pub fn finish(self) -> Vec<Finding> {
        self.findings
    }

    fn look_at_people(&mut self, conn: &mut Conn, after: i64) -> Result<i64, StoreError> {
        let (plan, findings) = (self.plan, &mut self.findings);
        let is_first = after == START;
        let (slice, sums, people) = at_one_moment(conn, |conn| {
            prefer_indexes(conn)?;
            let slice = slice_after(conn, after, plan.rows_per_step)?;
            for finding in findings.iter_mut() {
                look_at(conn, finding, slice, plan.held, is_first)?;
            }
            Ok((slice, Sums::of(conn, slice)?, people_in(conn, slice)?))
        })?;
        self.done += people;
        self.sums.push(sums);
        Ok(slice.through)
    }

    /// Looks again at what may have come by itself. Returns whether to do so once more.
    fn settle(&mut self, conn: &mut Conn) -> Result<bool, StoreError> {
        if self.plan.looks == 0 || !self.findings.iter().any(is_awaited) {
            return Ok(false);
        }
        self.plan.looks -= 1;
        let held = self.plan.held;
        for finding in self.findings.iter_mut().filter(|finding| is_awaited(finding)) {
            let places = std::mem::take(&mut finding.places);
            *finding = Finding::none(finding.check);
            for slice in places {
                at_one_moment(conn, |conn| {
                    prefer_indexes(conn)?;
                    look_at(conn, finding, slice, held, false)
                })?;
            }
        }
        Ok(true)
    }
}

/// Whether what is missing may still come.
fn is_awaited(finding: &Finding) -> bool {
    finding.check.cure == Cure::Await && finding.drift > 0
}

/// The next people: as many as have about so many rows in the table where they have most.
fn slice_after(conn: &mut Conn, after: i64, rows: i64) -> Result<Slice, StoreError> {
    let mut through = i64::MAX;
    for (table, column) in DIVIDED {
        let text =
            format!("SELECT {column} FROM {table} WHERE {column} > ? ORDER BY {column} LIMIT 1 OFFSET ?");
        let last: Vec<i64> = query::<BigInt, _>(conn, &text, &[after.into(), rows.into()])?;
        through = last.first().map_or(through, |last| through.min(*last));
    }
    Ok(Slice { after, through })
}

fn people_in(conn: &mut Conn, slice: Slice) -> Result<i64, StoreError> {
    let text = "SELECT COUNT(*) FROM user_facts WHERE user_id > ? AND user_id <= ?";
    let counted: Vec<i64> = query::<BigInt, _>(conn, text, &[slice.after.into(), slice.through.into()])?;
    Ok(counted.first().copied().unwrap_or_default())
}

fn look_at(
    conn: &mut Conn,
    finding: &mut Finding,
    slice: Slice,
    held: Held,
    is_first: bool,
) -> Result<(), StoreError> {
    match finding.check.look {
        Look::People(statements) => {
            for text_of in statements {
                let (text, binds) = statement(text_of, slice, held);
                if find(conn, finding, &text, &binds)? {
                    place(conn, finding, text_of, (&text, &binds), slice)?;
                }
            }
            Ok(())
        }
        Look::Whole(text) if is_first => find(conn, finding, text, &[]).map(drop),
        Look::Whole(_) | Look::Log | Look::Replay(_) | Look::Approvals => Ok(()),
    }
}

/// Returns whether there is anything.
fn find(conn: &mut Conn, finding: &mut Finding, text: &str, binds: &[Value<'_>]) -> Result<bool, StoreError> {
    let counted: Vec<i64> =
        query::<BigInt, _>(conn, &format!("SELECT COUNT(*) FROM ({text}) AS found"), binds)?;
    let rows = counted.first().copied().unwrap_or_default();
    if rows == 0 {
        return Ok(false);
    }
    let examples: Vec<Row> =
        query::<(BigInt, BigInt), _>(conn, &format!("{text} LIMIT {EXAMPLES_MAX}"), binds)?;
    finding.add(rows, examples);
    Ok(true)
}

/// Remembers where it is: of what can be mended, the people alone if they are few. All that is read for this is read here
/// and not by the writer, which looks again at them alone.
fn place(
    conn: &mut Conn,
    finding: &mut Finding,
    check: &str,
    (text, binds): (&str, &[Value<'_>]),
    slice: Slice,
) -> Result<(), StoreError> {
    let mut people = Vec::new();
    if matches!(finding.check.cure, Cure::Mend(_)) {
        // By whom people are divided.
        let person = if check == EXTRA_BY_TARGET { "other" } else { "one" };
        let text = format!(
            "WITH found (one, other) AS ({text}) SELECT DISTINCT {person} FROM found LIMIT {}",
            MENDED_ALONE_MAX + 1
        );
        people = query::<BigInt, i64>(conn, &text, binds)?;
    }
    if people.is_empty() || people.len() > MENDED_ALONE_MAX {
        finding.place(slice);
        return Ok(());
    }
    for person in people {
        finding.place(Slice { after: person - 1, through: person });
    }
    Ok(())
}

/// A statement of a check for these people: its text and binds.
pub(super) fn statement(text: &str, slice: Slice, held: Held) -> (String, Vec<Value<'static>>) {
    let ends = text.chars().filter(|mark| *mark == '?').count();
    let binds = (0..ends).map(|index| if index % 2 == 0 { slice.after } else { slice.through });
    let text =
        held.named().iter().fold(text.to_owned(), |text, (name, most)| text.replace(name, &most.to_string()));
    (text, binds.map(Value::Int).collect())
}

/// The statements of a check that looks at people.
pub(super) const fn statements(check: &Check) -> &'static [&'static str] {
    match check.look {
        Look::People(statements) => statements,
        Look::Whole(_) | Look::Log | Look::Replay(_) | Look::Approvals => &[],
    }
}
