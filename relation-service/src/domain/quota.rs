//! How many of something one person may begin within a day.

use std::time::Duration;

use shared::clock::Micros;

/// A quota, and how much of it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many may be begun within the span.
    pub at_most: usize,
    /// How many more may be begun now.
    pub left: usize,
    /// When there will be room for one more; nothing if none is taken.
    pub wait: Duration,
}

impl Quota {
    /// What is left at `now` to who began others at the times `begun`, oldest first, each of which counts for `span`;
    /// `None` where there is no quota.
    pub fn of(at_most: usize, begun: &[Micros], span: Duration, now: Micros) -> Option<Self> {
        if at_most == 0 {
            return None;
        }
        let over = begun.iter().take_while(|start| start.after(span) <= now).count();
        let newest = begun.len().saturating_sub(at_most).max(over);
        let counted = begun.get(newest..).unwrap_or_default();
        let wait = counted.first().map_or(Duration::ZERO, |first| first.after(span).since(now));
        Some(Self { at_most, left: at_most - counted.len(), wait })
    }
}
