use proptest::prelude::*;

use super::*;

const START: Micros = Micros::new(1_000_000);
const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn opened() -> SessionState {
    SessionState::open(SessionId::new(1), UserId::new(2), START, SessionLife::default())
}

/// A session at generation 3, reached at `START` plus two seconds.
fn third() -> SessionState {
    let life = SessionLife::default();
    opened().rotated(START.after(SECOND), life).rotated(START.after(SECOND * 2), life)
}

fn check(state: SessionState, table: &[(i64, Duration, RefreshDecision)]) {
    for (presented, at, expected) in table {
        let got = decide_refresh(&state, *presented, START.after(*at), REFRESH_GRACE);
        assert_eq!(got, *expected, "generation {presented} at {at:?}");
    }
}

#[test]
fn the_newest_token_rotates_and_the_one_before_is_forgiven_for_ten_seconds() {
    use RefreshDecision::{Replay, Reuse, Rotate};
    let micro = Duration::from_micros(1);
    check(
        third(),
        &[
            (3, SECOND * 2, Rotate { generation: 4 }),
            (3, DAY * 29, Rotate { generation: 4 }),
            (2, SECOND * 2, Replay { generation: 3 }),
            (2, SECOND * 12 - micro, Replay { generation: 3 }),
            (2, SECOND * 12, Reuse),
            (2, DAY, Reuse),
            (2, SECOND, Replay { generation: 3 }), // a clock behind
            (1, SECOND * 2, Reuse),
            (4, SECOND * 2, Reuse),
            (0, SECOND * 2, Reuse),
        ],
    );
    check(opened(), &[(1, SECOND, Rotate { generation: 2 }), (0, SECOND, Replay { generation: 1 })]);
}

#[test]
fn a_session_ends_by_itself() {
    use RefreshDecision::{Expired, Rotate};
    check(
        opened(),
        &[
            (1, DAY * 30 - SECOND, Rotate { generation: 2 }),
            (1, DAY * 30, Expired),
            (0, DAY * 30, Expired),
            (7, DAY * 400, Expired),
        ],
    );
}

#[test]
fn use_prolongs_a_session_up_to_its_absolute_end() {
    let life = SessionLife::default();
    let mut state = opened();
    for day in [29, 58, 87] {
        state = state.rotated(START.after(DAY * day), life);
    }
    assert_eq!(state.expires_at, START.after(DAY * 90));
    assert!(state.is_live(START.after(DAY * 90 - SECOND)));
    check(state, &[(4, DAY * 90, RefreshDecision::Expired)]);
}

#[test]
fn a_revoked_session_stays_revoked() {
    let state = SessionState { revoked_at: Some(START), ..third() };
    assert!(!state.is_live(START));
    for presented in 0..5 {
        check(state, &[(presented, SECOND * 2, RefreshDecision::Revoked)]);
        check(state, &[(presented, DAY * 400, RefreshDecision::Revoked)]);
    }
}

/// The naive model: remembers every token ever answered and when each was replaced.
#[derive(Default)]
struct Model {
    replaced_at: Vec<Option<Micros>>,
    ended: bool,
}

impl Model {
    /// The index of the token to answer, if any.
    fn present(&mut self, index: usize, now: Micros) -> Option<usize> {
        let newest = self.replaced_at.len() - 1;
        if self.ended {
            return None;
        }
        match self.replaced_at[index] {
            None => {
                self.replaced_at[index] = Some(now);
                self.replaced_at.push(None);
                Some(newest + 1)
            }
            Some(at) if index + 1 == newest && now < at.after(REFRESH_GRACE) => Some(newest),
            Some(_) => {
                self.ended = true;
                None
            }
        }
    }
}

/// How old a token is presented, and after how long: mostly as honest clients do, so that runs are long.
fn step() -> impl Strategy<Value = (usize, u64)> {
    (
        prop_oneof![60 => Just(0usize), 30 => Just(1), 1 => 2usize..5],
        prop_oneof![9 => 0u64..1_000, 1 => 0u64..15_000],
    )
}

proptest! {
    #[test]
    fn refreshing_agrees_with_a_naive_model(steps in prop::collection::vec(step(), 1..200)) {
        let life = SessionLife::default();
        let mut state = opened();
        let mut model = Model { replaced_at: vec![None], ended: false };
        let mut now = START;
        for (age, millis) in steps {
            now = now.after(Duration::from_millis(millis));
            let index = (model.replaced_at.len() - 1).saturating_sub(age);
            let presented = i64::try_from(index).unwrap() + SessionState::FIRST_GENERATION;
            let answered = match decide_refresh(&state, presented, now, life.grace) {
                RefreshDecision::Rotate { generation } => {
                    state = state.rotated(now, life);
                    prop_assert_eq!(state.generation, generation);
                    Some(generation)
                }
                RefreshDecision::Replay { generation } => Some(generation),
                RefreshDecision::Reuse => {
                    state.revoked_at = Some(now);
                    None
                }
                RefreshDecision::Expired | RefreshDecision::Revoked => None,
            };
            let expected = model.present(index, now).map(|index| i64::try_from(index).unwrap() + 1);
            prop_assert_eq!(answered, expected);
        }
    }
}
