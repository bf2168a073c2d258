//! The rules of relations between two people, and nothing else.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock of its own, and no failure but a
//! [`Refusal`]. One act is decided in one place, [`decide()`]: it takes the [`Pair`] of two people, an
//! [`Action`] of the one towards the other and the [`Facts`] that the rules ask for, and gives the new
//! pair. What follows from the step is computed from the pair before and the pair after: the events
//! ([`changes`]) and the counters ([`deltas`]). So neither can drift from the edges, whoever moves them:
//! an act, an import, or the deletion of an account.
//!
//! Words: the *source* acts on or looks at the *target*; an *edge* is what one of the two holds towards the
//! other: nothing, a follow, a request to follow, or a block.

mod action;
mod change;
mod counts;
mod decide;
mod export_file;
mod facts;
mod import;
mod import_file;
mod marks;
mod note;
mod outcome;
mod pair;
mod quota;
mod refusal;
mod relationship;
mod shadow;
mod shard;
mod suggestion;
#[cfg(test)]
mod tests;
mod viewing;
mod visibility;

pub use action::Action;
pub use change::{Cause, Change, ChangeKind, Side, changes};
pub use counts::{CountDelta, Party, deltas, shadow_delta};
pub use decide::{Decision, begins_follow, check_not_self, decide};
pub use export_file::{Exported, export_file};
pub use facts::{ActorFacts, Facts, Limits, QUOTA_SPAN, TargetFacts};
pub use import::{
    FAILURES_KEPT_MAX, IMPORT_KEPT_FOR, IMPORT_KEY_LIFE, IMPORTS_KEPT_MAX, ImportDenial, ImportId,
    ImportKind, ImportMode, ImportPhase, ImportState,
};
pub use import_file::{
    ACCOUNT_CHARS_MAX, AccountHosts, BadFile, ImportFile, ImportRow, ROWS_MAX, RowFault, Wanted, read_file,
};
pub use marks::{Marks, Mute};
pub use note::{BadNote, Note};
pub use outcome::{Outcome, outcome};
pub use pair::{Edge, Pair};
pub use quota::Quota;
pub use refusal::Refusal;
pub use relationship::Relationship;
pub use shadow::{Place, Shadow};
pub use shard::{InvalidShard, Shard};
pub use suggestion::{
    BRIDGE_EDGES_MAX, BRIDGES_MAX, Bridge, EDGES_MAX, Evidence, FOLLOWERS_MAX, MOST_FOLLOWED_MAX,
    MOST_FOLLOWED_MIN, RECENT_EVENTS, Ranked, Ranking, Reason, ReasonKind, Score, may_suggest,
    may_tell_followers,
};
pub use viewing::{Hidden, Onlooker, may_see_content, may_see_counts, may_see_lists, may_see_person};
pub use visibility::{Attempt, Circumstances, Denial, Viewer, check_visibility};
