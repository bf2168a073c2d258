//! How a change is told to other processes: in few bytes, since each follow is told of.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::facts::UserFacts;
use shared::id::UserId;

use super::Told;
use super::outbound::Packed;
use crate::domain::{CountDelta, Edge, Marks, Mute, Pair};
use crate::store::fact::KnownUser;
use crate::store::pair::PairChange;

/// A change of which nobody knows what it was.
#[derive(Debug, thiserror::Error)]
#[error("{0} is no change")]
pub(super) struct Unread(&'static str);

/// A [`Told`] in numbers. Who reads a later form than its own drops everything, which is right, if slow.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum Wire {
    #[serde(rename = "p")]
    Pairs(Vec<WirePair>),
    #[serde(rename = "c")]
    Counts(Vec<(i64, [i64; 6])>),
    #[serde(rename = "f")]
    Facts(i64, i64, UserFacts),
    #[serde(rename = "n")]
    Note(i64, i64, String),
    #[serde(rename = "r")]
    Rows(Vec<i64>),
    #[serde(rename = "u")]
    Uncounted,
}

/// Both people; the edges before and after, each both ways; the marks in the same order, if there are any.
type WirePair = (i64, i64, [u64; 4], Option<[WireMarks; 4]>);
/// A mute with its end and whether it is of notifications too, and since when somebody is a close friend.
type WireMarks = (Option<(i64, Option<i64>, bool)>, Option<i64>);

impl From<Told> for Wire {
    fn from(told: Told) -> Self {
        match told {
            Told::Pairs(changes) => Self::Pairs(changes.iter().map(wire_of_pair).collect()),
            Told::Counts(deltas) => {
                Self::Counts(deltas.iter().map(|(user, delta)| (user.get(), numbers(*delta))).collect())
            }
            Told::Facts(known) => Self::Facts(known.id.get(), known.seq, known.facts),
            Told::Note((user, target), note) => Self::Note(user.get(), target.get(), note),
            Told::Rows(people) => Self::Rows(people.iter().map(|user| user.get()).collect()),
            Told::Uncounted => Self::Uncounted,
        }
    }
}

impl TryFrom<Wire> for Told {
    type Error = Unread;

    fn try_from(wire: Wire) -> Result<Self, Unread> {
        Ok(match wire {
            Wire::Pairs(changes) => {
                Self::Pairs(changes.into_iter().map(pair_of_wire).collect::<Result<_, _>>()?)
            }
            Wire::Counts(deltas) => {
                let deltas = deltas.into_iter().map(|(user, delta)| (UserId::new(user), delta_of(delta)));
                Self::Counts(deltas.collect::<HashMap<_, _>>())
            }
            Wire::Facts(id, seq, facts) => Self::Facts(KnownUser { id: UserId::new(id), seq, facts }),
            Wire::Note(user, target, note) => Self::Note((UserId::new(user), UserId::new(target)), note),
            Wire::Rows(people) => Self::Rows(people.into_iter().map(UserId::new).collect()),
            Wire::Uncounted => Self::Uncounted,
        })
    }
}

fn wire_of_pair(change: &PairChange) -> WirePair {
    let PairChange { key, before, after } = change;
    let edges = [before.forward, before.backward, after.forward, after.backward];
    let marks = [before.marks, before.back_marks, after.marks, after.back_marks];
    let told = marks.iter().any(|marks| *marks != Marks::default());
    let marks = told.then(|| marks.map(wire_of_marks));
    (key.0.get(), key.1.get(), edges.map(|edge| Packed::new(edge, false).map_or(0, |packed| packed.0)), marks)
}

fn pair_of_wire((one, other, edges, marks): WirePair) -> Result<PairChange, Unread> {
    let edge = |word: u64| match Packed(word).edge() {
        Edge::None if word != 0 => Err(Unread("an edge of an unknown kind")),
        edge @ (Edge::None | Edge::Follow { .. } | Edge::Request { .. } | Edge::Block { .. }) => Ok(edge),
    };
    let [forward, backward, forward_after, backward_after] = edges;
    let marks = marks.unwrap_or_default();
    let [forward_marks, back_marks, marks_after, back_marks_after] = marks.map(marks_of_wire);
    Ok(PairChange {
        key: (UserId::new(one), UserId::new(other)),
        before: Pair { forward: edge(forward)?, backward: edge(backward)?, marks: forward_marks, back_marks },
        after: Pair {
            forward: edge(forward_after)?,
            backward: edge(backward_after)?,
            marks: marks_after,
            back_marks: back_marks_after,
        },
    })
}

fn wire_of_marks(marks: Marks) -> WireMarks {
    let mute =
        marks.mute.map(|mute| (mute.since.get(), mute.expires_at.map(Micros::get), mute.notifications));
    (mute, marks.close_friend.map(Micros::get))
}

fn marks_of_wire((mute, close_friend): WireMarks) -> Marks {
    let mute = mute.map(|(since, expires_at, notifications)| Mute {
        since: Micros::new(since),
        expires_at: expires_at.map(Micros::new),
        notifications,
    });
    Marks { mute, close_friend: close_friend.map(Micros::new) }
}

fn numbers(delta: CountDelta) -> [i64; 6] {
    let CountDelta { followers, following, friends, requests_received, requests_sent, blocks } = delta;
    [followers, following, friends, requests_received, requests_sent, blocks]
}

fn delta_of(
    [followers, following, friends, requests_received, requests_sent, blocks]: [i64; 6],
) -> CountDelta {
    CountDelta { followers, following, friends, requests_received, requests_sent, blocks }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: i64) -> UserId {
        UserId::new(id)
    }

    #[test]
    fn what_is_told_is_what_is_read() {
        let since = Micros::new(1_790_000_000_000_007);
        let mute = Mute { since, expires_at: Some(Micros::new(5)), notifications: true };
        let marks = Marks { mute: Some(mute), close_friend: Some(since) };
        let before = Pair { backward: Edge::Request { since, notify: true }, ..Pair::default() };
        let after = Pair {
            forward: Edge::Follow { since, notify: true },
            backward: Edge::Block { since: Micros::new(1) },
            marks,
            back_marks: Marks { close_friend: Some(Micros::new(3)), ..Marks::default() },
        };
        let delta = CountDelta { followers: -1, blocks: 7, ..CountDelta::default() };
        let key = (user(i64::MAX), user(1));
        for told in [
            Told::Pairs(vec![PairChange { key, before, after }, PairChange { key, before, after: before }]),
            Told::Counts(HashMap::from([(user(3), delta), (user(4), CountDelta::default())])),
            Told::Facts(KnownUser { id: user(5), seq: 9, facts: UserFacts::of_nobody() }),
            Told::Note(key, "\"?\u{1F600}".into()),
            Told::Rows(vec![user(1), user(2)]),
            Told::Uncounted,
        ] {
            let text = serde_json::to_string(&vec![told.clone()]).unwrap();
            assert_eq!(serde_json::from_str::<Vec<Told>>(&text).unwrap(), [told]);
        }
    }

    #[test]
    fn a_follow_is_told_in_few_bytes() {
        let since = Micros::new(1_790_000_000_000_007);
        let after = Pair { forward: Edge::Follow { since, notify: false }, ..Pair::default() };
        let key = (user(243_000_000_000_000_001), user(243_000_000_000_000_002));
        let delta = CountDelta { following: 1, ..CountDelta::default() };
        let told = [
            Told::Pairs(vec![PairChange { key, before: Pair::default(), after }]),
            Told::Counts(HashMap::from([(key.0, delta), (key.1, delta)])),
        ];
        let text = serde_json::to_string(&told).unwrap();
        assert!(text.len() < 200, "{} bytes: {text}", text.len());
    }

    #[test]
    fn what_is_of_another_form_is_not_read() {
        for text in
            [r#"[{"x":1}]"#, r#"[{"p":[[1,2,[2,0,0],null]]}]"#, r#"[{"p":[[1,2,[16,0,0,0],null]]}]"#, ""]
        {
            assert!(serde_json::from_str::<Vec<Told>>(text).is_err(), "{text}");
        }
    }
}
