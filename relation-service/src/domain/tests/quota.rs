//! The quota of a day, and the limits of close friends.

use std::time::Duration;

use super::*;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn quota(follows_per_24h: usize) -> Limits {
    Limits { follows_per_24h, ..LIMITS }
}

#[test]
fn room_comes_when_the_oldest_that_counts_falls_out() {
    let starts: Vec<Micros> = (1..=5).map(|at| Micros::new(at * 10)).collect();
    let from = |quota: Limits, count: usize| quota.may_follow_from(&starts[..count]);
    assert_eq!(from(quota(0), 5), None, "no quota");
    assert_eq!((from(quota(3), 0), from(quota(3), 2)), (None, None));
    assert_eq!(from(quota(3), 3), Some(starts[0].after(QUOTA_SPAN)));
    assert_eq!(from(quota(3), 5), Some(starts[2].after(QUOTA_SPAN)), "after a lower quota, more must go");
}

#[test]
fn what_is_left_is_told_until_there_is_more() {
    let starts = [NOW.before(3 * HOUR), NOW.before(HOUR), NOW];
    let left =
        |at_most, begun| Quota::of(at_most, begun, 2 * HOUR, NOW).map(|quota| (quota.left, quota.wait));
    assert_eq!(left(0, &starts), None, "no quota");
    assert_eq!(left(3, &[]), Some((3, Duration::ZERO)));
    assert_eq!(left(3, &starts), Some((1, HOUR)), "the oldest counts no longer");
    assert_eq!(left(2, &starts), Some((0, HOUR)));
    assert_eq!(left(1, &starts), Some((0, 2 * HOUR)), "after a lower quota");
}

#[test]
fn only_a_new_follow_or_request_asks_for_room() {
    let spent = |facts: Facts, from: Micros| Facts {
        actor: ActorFacts { may_follow_from: Some(from), ..facts.actor },
        ..facts
    };
    let later = NOW.after(HOUR);
    let refused = Refused(Refusal::FollowQuotaExceeded { at_most: LIMITS.follows_per_24h, wait: HOUR });
    for facts in [PUBLIC, PRIVATE] {
        check(&[(pair(NONE, NONE), DO_FOLLOW, spent(facts, later), refused)]);
        check(&[(pair(FOLLOW, NONE), DO_FOLLOW, spent(facts, later), Unchanged)]);
    }
    check(&[(pair(REQUEST, NONE), DO_FOLLOW, spent(PRIVATE, later), Unchanged)]);
    let decided = decide(pair(NONE, NONE), DO_FOLLOW, &spent(PUBLIC, NOW), NOW).unwrap();
    assert_eq!(decided.pair, pair(NEW_FOLLOW, NONE), "room from this moment on is room");
    let accepted = decide(pair(NONE, REQUEST), Action::Accept, &spent(PRIVATE, later), NOW).unwrap();
    assert!(accepted.pair.backward.is_follow(), "an answer is no follow of one's own");
}

#[test]
fn the_quota_counts_beginnings() {
    for (action, before, after, counts) in [
        (DO_FOLLOW, NONE, FOLLOW, true),
        (DO_FOLLOW, NONE, REQUEST, true),
        (DO_FOLLOW, REQUEST, FOLLOW, false),
        (DO_FOLLOW, FOLLOW, FOLLOW, false),
        (Action::Unfollow, FOLLOW, NONE, false),
        (Action::Block, FOLLOW, BLOCK, false),
    ] {
        assert_eq!(begins_follow(action, pair(before, NONE), pair(after, NONE)), counts, "{action:?}");
    }
}

#[test]
fn close_friends_have_a_limit() {
    let full = Facts { actor: ActorFacts { close_friends: LIMITS.close_friends_max, ..NOTHING }, ..PUBLIC };
    let follower = pair(NONE, FOLLOW);
    let marked = Pair { marks: Marks { mute: None, close_friend: Some(EARLIER) }, ..follower };
    check(&[
        (follower, Action::MarkClose, full, Refused(Refusal::CloseFriendLimitReached)),
        (pair(NONE, NONE), Action::MarkClose, full, Refused(Refusal::NotAFollower)),
        (marked, Action::MarkClose, full, Unchanged),
    ]);
}
