//! Recounting: each rule that can be checked from the tables, some people at a time.
//!
//! A step looks at some thousand rows at one moment of the database, so it is exact beside running writes, and no
//! snapshot stays open for long. What the log comes to is compared by sums: each step keeps one of the edges that it
//! has seen and the log's head of its moment, and the log is added up to just there.

mod checks;
mod mend;
mod recount;
mod replay;
mod walk;

pub use checks::{CHECKS, Check, Cure, Mend};
pub use mend::{Mended, mend};
use shared::db::{Conn, StoreError};
use shared::id::UserId;
pub use walk::{Plan, Progress, Walk};

use crate::domain::Limits;

/// Rows shown of what breaks a check.
const EXAMPLES_MAX: usize = 5;
/// Places remembered for mending; what is beyond them is found when these are mended.
const PLACES_MAX: usize = 10_000;

/// The most that one person may keep of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// People blocked.
    pub blocks: i64,
    /// People muted.
    pub mutes: i64,
    /// Close friends.
    pub close_friends: i64,
    /// People with a note.
    pub notes: i64,
}

impl Held {
    /// As many as the settings can allow: for whoever does not know them.
    pub const ANY: Self = Self { blocks: 100_000, mutes: 100_000, close_friends: 100_000, notes: 100_000 };

    /// What `#` stands for before each of these names in a statement.
    const fn named(self) -> [(&'static str, i64); 4] {
        let Self { blocks, mutes, close_friends, notes } = self;
        [("#blocks", blocks), ("#mutes", mutes), ("#close_friends", close_friends), ("#notes", notes)]
    }
}

impl From<&Limits> for Held {
    fn from(limits: &Limits) -> Self {
        Self {
            blocks: limits.blocks_max,
            mutes: limits.mutes_max,
            close_friends: limits.close_friends_max,
            notes: limits.notes_max,
        }
    }
}

/// Some people: those with an id after `after`, up to `through`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Not itself one of them.
    pub after: i64,
    /// The last of them.
    pub through: i64,
}

/// A row that breaks a check: a person and another, the same person twice, or the number of an event twice.
pub type Row = (i64, i64);

/// What was found about one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub check: &'static Check,
    /// What must hold, in words.
    pub rule: &'static str,
    /// How many rows break it.
    pub drift: i64,
    /// Some of them.
    pub examples: Vec<Row>,
    /// Where they are.
    pub places: Vec<Slice>,
    /// Why it could not be checked, if so.
    pub unchecked: Option<&'static str>,
}

impl Finding {
    const fn none(check: &'static Check) -> Self {
        let places = Vec::new();
        Self { check, rule: check.rule, drift: 0, examples: Vec::new(), places, unchecked: None }
    }

    fn add(&mut self, rows: i64, examples: impl IntoIterator<Item = Row>) {
        self.drift += rows;
        let room = EXAMPLES_MAX.saturating_sub(self.examples.len());
        self.examples.extend(examples.into_iter().take(room));
    }

    fn place(&mut self, slice: Slice) {
        if self.places.len() < PLACES_MAX && self.places.last() != Some(&slice) {
            self.places.push(slice);
        }
    }
}

/// Checks everything, one step after the other.
pub fn audit(conn: &mut Conn) -> Result<Vec<Finding>, StoreError> {
    audit_by(conn, Plan::STRICT)
}

/// Checks everything as planned.
pub fn audit_by(conn: &mut Conn, plan: Plan) -> Result<Vec<Finding>, StoreError> {
    let mut walk = Walk::begin(conn, plan)?;
    while walk.step(conn)?.is_some() {}
    Ok(walk.finish())
}

const fn user(id: i64) -> UserId {
    UserId::new(id)
}
