//! Looking, and mending until nothing derived is wrong any more: the order of an audit, for the service and for the
//! operator's command.

use shared::db::StoreError;

use super::change::{Answer, Command};
use crate::store::audit::{Cure, Finding, Mend, Mended, Slice};

/// Looks at the most: what is made anew can show what was hidden behind it.
const LOOKS_MAX: usize = 6;
/// Rows shown of those that were made anew.
const EXAMPLES_MAX: usize = 20;

/// What an audit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// What is wrong now; after a repair, what is left.
    pub findings: Vec<Finding>,
    /// What was made anew.
    pub repairs: Vec<Repair>,
}

/// What was made anew of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Of which kind.
    pub mend: Mend,
    /// How many rows.
    pub rows: u64,
    /// Some of them.
    pub examples: Vec<Mended>,
}

/// Looks; with `repair` also mends what it finds, through the writer, and looks again.
pub async fn audit(
    repair: bool,
    mut look: impl AsyncFnMut() -> Result<Vec<Finding>, StoreError>,
    mut submit: impl AsyncFnMut(Command) -> Result<Answer, StoreError>,
) -> Result<Audited, StoreError> {
    let mut repairs = Vec::new();
    let mut findings = look().await?;
    for _ in 1..LOOKS_MAX {
        let places = if repair { places(&findings) } else { Vec::new() };
        let mut mended = false;
        for (mend, slice) in places {
            mended |= mend_all(mend, slice, &mut submit, &mut repairs).await?;
        }
        if !mended {
            break;
        }
        findings = look().await?;
    }
    Ok(Audited { findings, repairs })
}

/// What can be mended and where, in the order of the checks: counters come after the edges that they count.
fn places(findings: &[Finding]) -> Vec<(Mend, Slice)> {
    let mendable = findings.iter().filter_map(|finding| match finding.check.cure {
        Cure::Mend(mend) => Some((mend, &finding.places)),
        Cure::Await | Cure::Person => None,
    });
    mendable.flat_map(|(mend, places)| places.iter().map(move |slice| (mend, *slice))).collect()
}

/// Mends step by step until nothing is left to do. Returns whether anything was done.
async fn mend_all(
    mend: Mend,
    slice: Slice,
    submit: &mut impl AsyncFnMut(Command) -> Result<Answer, StoreError>,
    repairs: &mut Vec<Repair>,
) -> Result<bool, StoreError> {
    let mut before = Vec::new();
    loop {
        let Answer::Mended(rows) = submit(Command::Mend(mend, slice)).await? else {
            return Err(Answer::stray());
        };
        // The same rows once more: mending did not help, and the next look says so.
        if rows.is_empty() || rows == before {
            return Ok(!before.is_empty());
        }
        note(repairs, mend, &rows);
        before = rows;
    }
}

fn note(repairs: &mut Vec<Repair>, mend: Mend, rows: &[Mended]) {
    let index = repairs.iter().position(|repair| repair.mend == mend).unwrap_or_else(|| {
        repairs.push(Repair { mend, rows: 0, examples: Vec::new() });
        repairs.len() - 1
    });
    let repair = &mut repairs[index];
    repair.rows += u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let room = EXAMPLES_MAX.saturating_sub(repair.examples.len());
    repair.examples.extend(rows.iter().take(room));
}
