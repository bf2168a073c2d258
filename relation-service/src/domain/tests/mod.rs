//! The rules of relations: one table per rule, and random histories against a naive model.

mod blocks;
mod close_friends;
mod follows;
mod friends;
mod histories;
mod imports;
mod model;
mod mutes;
mod quota;
mod requests;
mod shadow;
mod steps;
mod suggestion;
mod visibility;
mod words;

use shared::clock::Micros;
use shared::id::UserId;

use super::*;

const EARLIER: Micros = Micros::new(1_000);
const NOW: Micros = Micros::new(2_000);

const NONE: Edge = Edge::None;
const FOLLOW: Edge = Edge::Follow { since: EARLIER, notify: false };
const REQUEST: Edge = Edge::Request { since: EARLIER, notify: false };
const BLOCK: Edge = Edge::Block { since: EARLIER };
const NEW_FOLLOW: Edge = Edge::Follow { since: NOW, notify: false };
const NEW_REQUEST: Edge = Edge::Request { since: NOW, notify: false };
const NEW_BLOCK: Edge = Edge::Block { since: NOW };

const NO_MARKS: Marks = Marks { mute: None, close_friend: None };

const DO_FOLLOW: Action = Action::Follow { notify: None };

const LIMITS: Limits = Limits {
    following_max: 10,
    requests_sent_max: 5,
    blocks_max: 3,
    mutes_max: 3,
    close_friends_max: 3,
    notes_max: 3,
    note_chars_max: 2_000,
    dismissals_max: 3,
    dismissal_span: QUOTA_SPAN,
    follows_per_24h: 0,
    imports_per_24h: 20,
};

const PUBLIC: Facts = facts(true, false);
const PRIVATE: Facts = facts(true, true);
const HIDDEN: Facts = facts(false, false);
const HIDDEN_PRIVATE: Facts = facts(false, true);

const NOTHING: ActorFacts = ActorFacts {
    following: 0,
    requests_sent: 0,
    blocks: 0,
    mutes: 0,
    close_friends: 0,
    may_follow_from: None,
};

const fn facts(visible: bool, private: bool) -> Facts {
    Facts { target: TargetFacts { visible, private }, actor: NOTHING, limits: LIMITS }
}

/// The same facts for a source who already holds so many edges.
const fn holding(facts: Facts, following: i64, requests_sent: i64, blocks: i64) -> Facts {
    Facts { actor: ActorFacts { following, requests_sent, blocks, ..NOTHING }, ..facts }
}

const fn pair(forward: Edge, backward: Edge) -> Pair {
    Pair { forward, backward, marks: NO_MARKS, back_marks: NO_MARKS }
}

/// What a row of a table expects.
#[derive(Debug, Clone, Copy)]
enum Want {
    /// Exactly the pair before, `changed` false, no event, no counter.
    Unchanged,
    /// This pair, with these events and counters as [`event_text`] and [`count_text`] spell them.
    Becomes(Pair, &'static str, &'static str),
    Refused(Refusal),
}

use Want::{Becomes, Refused, Unchanged};

type Row = (Pair, Action, Facts, Want);

/// Decides every row and compares the whole of the answer.
#[track_caller]
fn check(rows: &[Row]) {
    for (number, (before, action, facts, want)) in rows.iter().enumerate() {
        let row = format!("row {number}: {before:?} {action:?} {facts:?}");
        let decided = decide(*before, *action, facts, NOW);
        let (after, events, counts) = match *want {
            Refused(refusal) => {
                assert_eq!(decided, Err(refusal), "{row}");
                continue;
            }
            Unchanged => (*before, "", ""),
            Becomes(after, events, counts) => (after, events, counts),
        };
        let decision = decided.unwrap_or_else(|refusal| panic!("{row}: refused with {refusal:?}"));
        assert_eq!(decision.pair, after, "{row}");
        assert_eq!(decision.changed, matches!(want, Becomes(..)), "{row}");
        assert_eq!(event_text(&decision.changes), events, "{row}");
        assert_eq!(count_text(visible_deltas(*before, after)), counts, "{row}");
    }
}

const SOURCE: Party = Party { id: UserId::new(1), shadow: Shadow::NONE };
const TARGET: Party = Party { id: UserId::new(2), shadow: Shadow::NONE };

/// What a step does to the counters of two people of whom neither is hidden.
fn visible_deltas(before: Pair, after: Pair) -> (CountDelta, CountDelta) {
    deltas(before, after, SOURCE, TARGET)
}

/// `actor type (cause)` of each event, with `s` for the source and `t` for the target.
fn event_text(changes: &[Change]) -> String {
    let words = changes.iter().map(|change| {
        assert_eq!(change.subject, change.actor.other());
        let cause = change.cause.map(|cause| format!(" ({})", cause.as_str())).unwrap_or_default();
        format!("{} {}{cause}", side_text(change.actor), change.kind.as_str())
    });
    words.collect::<Vec<_>>().join(", ")
}

fn side_text(side: Side) -> &'static str {
    match side {
        Side::Source => "s",
        Side::Target => "t",
    }
}

/// The counters that move, such as `s following +1, t followers +1`.
fn count_text((source, target): (CountDelta, CountDelta)) -> String {
    let words = [("s", source), ("t", target)].into_iter().flat_map(|(side, delta)| {
        let CountDelta { followers, following, friends, requests_received, requests_sent, blocks } = delta;
        let named = [
            ("followers", followers),
            ("following", following),
            ("friends", friends),
            ("received", requests_received),
            ("sent", requests_sent),
            ("blocks", blocks),
        ];
        named.into_iter().filter(|(_, by)| *by != 0).map(move |(name, by)| format!("{side} {name} {by:+}"))
    });
    words.collect::<Vec<_>>().join(", ")
}
