//! What was seen: on the terminal, and as a page.

use std::fmt::Write as _;
use std::time::Duration;

use super::check::Verdict;
use super::stack::Lag;
use super::tally::{Tally, Trouble, What};
use crate::number::{grouped, median, real};

/// What was seen of one fault.
#[derive(Debug, Default)]
pub struct Row {
    /// What it is called.
    pub name: String,
    /// How often it was done.
    pub rounds: u32,
    /// Rounds that do not count, since the machine stood still.
    pub disturbed: u32,
    /// How requests were answered.
    pub tally: Tally,
    /// From its end until everything was answered again.
    pub healed: Vec<Duration>,
    /// The worst that instances said of themselves.
    pub lag: Lag,
    /// Acts that were acknowledged meanwhile.
    pub acknowledged: u64,
    /// Whether they are there.
    pub verdict: Verdict,
    /// Rules that the audit checked.
    pub audited: usize,
    /// What should not have been.
    pub problems: Vec<String>,
}

impl Row {
    /// Adds what was seen in one round.
    pub fn add(&mut self, round: Self) {
        self.rounds += round.rounds;
        self.tally.add(round.tally);
        self.healed.extend(round.healed);
        self.verdict.add(round.verdict);
        self.problems.extend(round.problems);
    }

    /// Notes what should not have been; `excuses` says what clients may be told while it lasts.
    pub fn judge(&mut self, excuses: impl Fn(What, &Trouble) -> bool) {
        for ((what, trouble), times) in &self.tally.bad {
            if !excuses(*what, trouble) {
                self.problems.push(format!("{}: {} x {times}", what.name(), trouble.name()));
            }
        }
        if let Some(first) = self.tally.stale.first() {
            let times = self.tally.stale.len();
            self.problems.push(format!("{times} answers contradicted what was acknowledged: {first}"));
        }
        let Verdict { compared, lost, lost_count } = &self.verdict;
        if *lost_count > 0 {
            self.problems.push(format!("{lost_count} of {compared} wrong: {}", lost.join("; ")));
        }
    }
}

const HEAD: &str = "| fault | times | answered | refused or failed | s to heal: median, worst | slowest answer | \
    feed lag | publisher lag | acknowledged writes | compared | audit |\n|---|---|---|---|---|---|---|---|---|---|---|\n";

/// The page.
pub fn page(command: &str, machine: &str, method: &str, rows: &[Row]) -> String {
    let mut text = format!("# Faults\n\n```sh\n{command}\n```\n\n{machine}. {method}\n\n{HEAD}");
    rows.iter().for_each(|row| text += &line(row));
    text += "\n## Who was refused\n\n| fault | which requests |\n|---|---|\n";
    for row in rows.iter().filter(|row| !row.tally.bad.is_empty()) {
        let bad = row.tally.bad.iter();
        let each =
            bad.map(|((what, trouble), times)| format!("{}: {} x {times}", what.name(), trouble.name()));
        // Writing into a text does not fail, here and below.
        let _ = writeln!(text, "| {} | {} |", row.name, each.collect::<Vec<_>>().join("; "));
    }
    text += "\n## What should not have been\n\n";
    let mut problems =
        rows.iter().flat_map(|row| row.problems.iter().map(move |what| (&row.name, what))).peekable();
    if problems.peek().is_none() {
        text += "Nothing.\n";
    }
    problems.for_each(|(name, what)| text += &format!("- {name}: {what}\n"));
    text
}

/// One line of the table.
pub fn line(row: &Row) -> String {
    let troubles = row.tally.troubles();
    let troubles: Vec<_> = troubles.iter().map(|(name, times)| format!("{name} x {times}")).collect();
    let seconds = || row.healed.iter().map(Duration::as_secs_f64);
    let audit =
        if row.audited > 0 { format!("clean, {} rules", row.audited) } else { "**not clean**".to_owned() };
    let lost = match row.verdict.lost_count {
        0 => "all there".to_owned(),
        lost => format!("**{lost} wrong**"),
    };
    let times = match row.disturbed {
        0 => row.rounds.to_string(),
        lost => format!("{} (and {lost} while the machine stood still)", row.rounds),
    };
    format!(
        "| {} | {} | {} | {} | {:.1}, {:.1} | {:.1} s | {} events, {:.1} s | {} events | {} | {}, {lost} | {audit} |\n",
        row.name,
        times,
        grouped(real(row.tally.good)),
        if troubles.is_empty() { "none".to_owned() } else { troubles.join(", ") },
        median(seconds()),
        seconds().fold(0.0, f64::max),
        row.tally.slowest.as_secs_f64(),
        grouped(row.lag.feed_events),
        row.lag.feed_seconds,
        grouped(row.lag.publisher_events),
        grouped(real(row.acknowledged)),
        grouped(real(row.verdict.compared)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_write_and_a_drift_are_seen_in_the_table() {
        let mut row = Row { name: "f".to_owned(), rounds: 2, audited: 26, ..Row::default() };
        row.healed = vec![Duration::from_secs(1), Duration::from_secs(3)];
        let text = page("c", "m", "w", std::slice::from_ref(&row));
        assert!(text.contains("| 2.0, 3.0 |") && text.contains("all there") && text.contains("Nothing."));
        row.verdict.lost_count = 1;
        row.audited = 0;
        row.problems.push("lost".to_owned());
        let text = page("c", "m", "w", &[row]);
        assert!(text.contains("**1 wrong**") && text.contains("**not clean**") && text.contains("- f: lost"));
    }
}
