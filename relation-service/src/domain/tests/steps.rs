//! What happens in random histories of five people.

use std::time::Duration;

use proptest::prelude::*;

use super::model::Person;
use super::*;

pub const PEOPLE: usize = 5;
const STEPS: usize = 200;

#[derive(Debug, Clone, Copy)]
pub enum Step {
    Act(Person, Person, Action),
    TogglePrivacy(Person),
    ToggleVisibility(Person),
    /// One edge more, or one less, is left out of the counters of others.
    MoveShadow(Person),
}

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => any::<Option<bool>>().prop_map(|notify| Action::Follow { notify }),
        2 => Just(Action::Unfollow),
        3 => Just(Action::Accept),
        1 => Just(Action::Reject),
        1 => Just(Action::RemoveFollower),
        2 => Just(Action::Block),
        2 => Just(Action::Unblock),
        2 => (any::<bool>(), prop::option::of(1..60_u64)).prop_map(|(notifications, span)| Action::Mute {
            notifications,
            duration: span.map(Duration::from_micros),
        }),
        1 => Just(Action::Unmute),
        1 => any::<Option<bool>>().prop_map(|notifications| Action::KeepMuted { notifications }),
        1 => Just(Action::LeaveOut),
        3 => Just(Action::MarkClose),
        1 => Just(Action::UnmarkClose),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..PEOPLE, 0..PEOPLE, actions()).prop_map(|(me, them, action)| Step::Act(me, them, action)),
        2 => (0..PEOPLE).prop_map(Step::TogglePrivacy),
        1 => (0..PEOPLE).prop_map(Step::ToggleVisibility),
        8 => (0..PEOPLE).prop_map(Step::MoveShadow),
    ]
}

/// Limits that five people can reach.
fn limits() -> impl Strategy<Value = Limits> {
    (1..5_i64, 1..4_i64, 1..4_i64, 1..4_i64).prop_map(
        |(following_max, requests_sent_max, blocks_max, mutes_max)| Limits {
            following_max,
            requests_sent_max,
            blocks_max,
            mutes_max,
            ..super::LIMITS
        },
    )
}

pub fn histories() -> impl Strategy<Value = (Limits, Vec<Step>)> {
    (limits(), prop::collection::vec(steps(), STEPS))
}
