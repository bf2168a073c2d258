//! R25 to R28: followers removed, and friends.

use super::*;

#[test]
fn r25_remove_follower_ends_only_their_edge() {
    let removed = "t follow.removed (removed_by_target)";
    for facts in [PUBLIC, PRIVATE, HIDDEN] {
        check(&[
            (
                pair(NONE, FOLLOW),
                Action::RemoveFollower,
                facts,
                Becomes(pair(NONE, NONE), removed, "s followers -1, t following -1"),
            ),
            (
                pair(FOLLOW, FOLLOW),
                Action::RemoveFollower,
                facts,
                Becomes(
                    pair(FOLLOW, NONE),
                    removed,
                    "s followers -1, s friends -1, t following -1, t friends -1",
                ),
            ),
        ]);
    }
    let after = decide(pair(NONE, FOLLOW), Action::RemoveFollower, &PUBLIC, NOW).unwrap().pair.flip();
    let again = Becomes(pair(NEW_FOLLOW, NONE), "s follow.created", "s following +1, t followers +1");
    check(&[(after, DO_FOLLOW, PUBLIC, again)]);
}

#[test]
fn r26_removing_who_does_not_follow_changes_nothing() {
    for before in
        [pair(NONE, NONE), pair(FOLLOW, NONE), pair(NONE, REQUEST), pair(NONE, BLOCK), pair(BLOCK, NONE)]
    {
        check(&[
            (before, Action::RemoveFollower, PUBLIC, Unchanged),
            (before, Action::RemoveFollower, HIDDEN, Unchanged),
        ]);
    }
}

#[test]
fn r27_friends_are_two_follows_and_requests_do_not_count() {
    let edges = [NONE, FOLLOW, REQUEST, BLOCK];
    for (forward, backward) in edges.into_iter().flat_map(|one| edges.map(|other| (one, other))) {
        let both = pair(forward, backward);
        assert_eq!(both.is_friends(), forward == FOLLOW && backward == FOLLOW, "{both:?}");
        assert_eq!(both.is_friends(), both.flip().is_friends(), "{both:?}");
        assert_eq!(both.friends_since().is_some(), both.is_friends(), "{both:?}");
    }
    check(&[(
        pair(NONE, FOLLOW),
        DO_FOLLOW,
        PUBLIC,
        Becomes(
            pair(NEW_FOLLOW, FOLLOW),
            "s follow.created",
            "s following +1, s friends +1, t followers +1, t friends +1",
        ),
    )]);
}

#[test]
fn r27_friends_since_is_the_later_of_the_two() {
    assert_eq!(pair(FOLLOW, NEW_FOLLOW).friends_since(), Some(NOW));
    assert_eq!(pair(NEW_FOLLOW, FOLLOW).friends_since(), Some(NOW));
    assert_eq!(pair(FOLLOW, FOLLOW).friends_since(), Some(EARLIER));
}

#[test]
fn r28_either_end_of_either_edge_ends_friendship() {
    let friends = pair(FOLLOW, FOLLOW);
    for (action, facts) in [
        (Action::Unfollow, PUBLIC),
        (Action::RemoveFollower, PUBLIC),
        (Action::Block, PUBLIC),
        (Action::Unfollow, HIDDEN),
        (Action::RemoveFollower, HIDDEN),
        (Action::Block, HIDDEN),
    ] {
        let after = decide(friends, action, &facts, NOW).unwrap().pair;
        assert!(!after.is_friends() && !after.flip().is_friends(), "{action:?}");
        let (source, target) = visible_deltas(friends, after);
        assert_eq!((source.friends, target.friends), (-1, -1), "{action:?}");
    }
}
