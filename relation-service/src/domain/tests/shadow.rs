//! R45: what hidden people do to the counters of others.

use super::*;

fn hidden(id: i64) -> Party {
    Party { id: UserId::new(id), shadow: Shadow::WHOLE }
}

#[test]
fn r45_a_hidden_person_does_not_count_and_keeps_their_own_counters() {
    let rows = [
        (pair(FOLLOW, NONE), pair(NONE, NONE), "t followers -1"),
        (pair(NONE, FOLLOW), pair(NONE, NONE), "t following -1"),
        (pair(FOLLOW, FOLLOW), pair(NONE, FOLLOW), "t followers -1, t friends -1"),
        (pair(REQUEST, NONE), pair(NONE, NONE), "t received -1"),
        (pair(FOLLOW, REQUEST), pair(BLOCK, NONE), "s blocks +1, t followers -1, t sent -1"),
        (pair(BLOCK, NONE), pair(NONE, NONE), "s blocks -1"),
    ];
    for (before, after, counts) in rows {
        assert_eq!(count_text(deltas(before, after, SOURCE, hidden(2))), counts, "{before:?}");
        let neither = count_text(deltas(before, after, hidden(1), hidden(2)));
        assert!(neither.is_empty() || neither.starts_with("s blocks"), "{before:?}: {neither}");
    }
}

#[test]
fn r45_half_a_sweep_leaves_out_what_it_has_passed() {
    let other = UserId::new(5);
    let passed = |edge| Shadow { incoming: Place::of(edge, other).unwrap(), ..Shadow::NONE };
    // Newest first, and requests after follows.
    for (place, edge, left_out) in [
        (FOLLOW, FOLLOW, true),
        (FOLLOW, NEW_FOLLOW, true),
        (NEW_FOLLOW, FOLLOW, false),
        (FOLLOW, NEW_REQUEST, false),
        (NEW_REQUEST, FOLLOW, true),
        (NEW_REQUEST, REQUEST, false),
    ] {
        let over = passed(place).over(pair(edge, FOLLOW), other);
        let forward = if left_out { NONE } else { edge };
        assert_eq!(over, pair(forward, FOLLOW), "{edge:?} when {place:?} is passed");
    }
    let own = Shadow { incoming: Place::END, outgoing: other };
    assert_eq!(own.over(pair(FOLLOW, FOLLOW), other), pair(NONE, NONE));
    assert_eq!(own.over(pair(FOLLOW, FOLLOW), UserId::new(6)), pair(NONE, FOLLOW));
}

#[test]
fn r45_a_shadow_that_goes_back_gives_back_what_it_took() {
    let other = UserId::new(5);
    for before in [pair(FOLLOW, NONE), pair(NONE, REQUEST), pair(FOLLOW, FOLLOW), pair(BLOCK, NONE)] {
        let taken = shadow_delta(before, other, Shadow::NONE, Shadow::WHOLE);
        let given = shadow_delta(before, other, Shadow::WHOLE, Shadow::NONE);
        assert!((taken + given).is_zero(), "{before:?}");
        assert_eq!(taken.is_zero(), before == pair(BLOCK, NONE), "{before:?}");
    }
}
