//! Close friends: marks on followers.

use super::*;

const fn close(pair: Pair, since: Micros) -> Pair {
    Pair { marks: Marks { mute: None, close_friend: Some(since) }, ..pair }
}

#[test]
fn a_follower_can_be_marked_and_nobody_is_told() {
    for forward in [NONE, FOLLOW, REQUEST] {
        let before = pair(forward, FOLLOW);
        check(&[
            (before, Action::MarkClose, PUBLIC, Becomes(close(before, NOW), "", "")),
            (close(before, EARLIER), Action::MarkClose, PRIVATE, Unchanged),
            (close(before, EARLIER), Action::UnmarkClose, HIDDEN, Becomes(before, "", "")),
            (before, Action::UnmarkClose, PUBLIC, Unchanged),
        ]);
        let seen = Relationship::from_pair(close(before, EARLIER).flip(), NOW);
        assert_eq!(seen, Relationship::from_pair(before.flip(), NOW), "the member sees nothing");
    }
    check(&[(pair(NONE, FOLLOW), Action::MarkClose, HIDDEN, Refused(Refusal::UserNotFound))]);
    for backward in [NONE, REQUEST, BLOCK] {
        check(&[(pair(NONE, backward), Action::MarkClose, PUBLIC, Refused(Refusal::NotAFollower))]);
    }
}

#[test]
fn r07_r29_the_mark_goes_with_the_follow_whoever_ends_it() {
    let marked = close(pair(FOLLOW, FOLLOW), EARLIER);
    for (before, action) in [
        (marked, Action::RemoveFollower),
        (marked, Action::Block),
        (marked.flip(), Action::Unfollow),
        (marked.flip(), Action::Block),
    ] {
        let after = decide(before, action, &HIDDEN, NOW).unwrap().pair;
        assert_eq!((after.marks, after.back_marks), (NO_MARKS, NO_MARKS), "{action:?}");
    }
    for (before, action) in [(marked, Action::Unfollow), (marked.flip(), Action::RemoveFollower)] {
        let after = decide(before, action, &PUBLIC, NOW).unwrap().pair;
        assert!(after.marks.close_friend.or(after.back_marks.close_friend).is_some(), "{action:?}");
    }
}
