//! R1 to R9 and R21: follow and unfollow.

use super::*;

#[test]
fn r01_follow_of_a_public_target_is_a_follow() {
    check(&[
        (
            pair(NONE, NONE),
            DO_FOLLOW,
            PUBLIC,
            Becomes(pair(NEW_FOLLOW, NONE), "s follow.created", "s following +1, t followers +1"),
        ),
        (
            pair(NONE, REQUEST),
            DO_FOLLOW,
            PUBLIC,
            Becomes(pair(NEW_FOLLOW, REQUEST), "s follow.created", "s following +1, t followers +1"),
        ),
    ]);
}

#[test]
fn r02_follow_again_changes_nothing() {
    check(&[
        (pair(FOLLOW, NONE), DO_FOLLOW, PUBLIC, Unchanged),
        (pair(FOLLOW, FOLLOW), DO_FOLLOW, PUBLIC, Unchanged),
        (pair(FOLLOW, NONE), DO_FOLLOW, holding(PUBLIC, 10, 5, 3), Unchanged),
    ]);
}

#[test]
fn r03_nobody_relates_to_themselves() {
    let (one, two) = (UserId::new(1), UserId::new(2));
    assert_eq!(check_not_self(one, one), Err(Refusal::SelfRelation));
    assert_eq!(check_not_self(one, two), Ok(()));
}

#[test]
fn r04_follow_of_a_hidden_target_is_unknown() {
    for before in [pair(NONE, NONE), pair(FOLLOW, NONE), pair(REQUEST, NONE), pair(BLOCK, NONE)] {
        check(&[
            (before, DO_FOLLOW, HIDDEN, Refused(Refusal::UserNotFound)),
            (before, DO_FOLLOW, HIDDEN_PRIVATE, Refused(Refusal::UserNotFound)),
        ]);
    }
}

#[test]
fn r05_blocked_follow_looks_like_unknown() {
    for facts in [PUBLIC, PRIVATE, holding(PUBLIC, 10, 5, 3), holding(PRIVATE, 10, 5, 3)] {
        check(&[
            (pair(NONE, BLOCK), DO_FOLLOW, facts, Refused(Refusal::UserNotFound)),
            (pair(BLOCK, NONE), DO_FOLLOW, facts, Refused(Refusal::YouBlockThem)),
            (pair(BLOCK, BLOCK), DO_FOLLOW, facts, Refused(Refusal::YouBlockThem)),
        ]);
    }
}

#[test]
fn r06_only_the_options_sent_change() {
    let notified = Edge::Follow { since: EARLIER, notify: true };
    let request = Edge::Request { since: EARLIER, notify: true };
    let (on, off) = (Action::Follow { notify: Some(true) }, Action::Follow { notify: Some(false) });
    let born = Edge::Follow { since: NOW, notify: true };
    check(&[
        (pair(FOLLOW, NONE), on, PUBLIC, Becomes(pair(notified, NONE), "", "")),
        (pair(notified, NONE), on, PUBLIC, Unchanged),
        (pair(notified, NONE), DO_FOLLOW, PUBLIC, Unchanged),
        (pair(notified, NONE), off, PRIVATE, Becomes(pair(FOLLOW, NONE), "", "")),
        (pair(REQUEST, NONE), on, PRIVATE, Becomes(pair(request, NONE), "", "")),
        (pair(request, NONE), DO_FOLLOW, PRIVATE, Unchanged),
        (
            pair(NONE, NONE),
            on,
            PUBLIC,
            Becomes(pair(born, NONE), "s follow.created", "s following +1, t followers +1"),
        ),
        (pair(NONE, BLOCK), on, PUBLIC, Refused(Refusal::UserNotFound)),
    ]);
}

#[test]
fn r07_unfollow_leaves_the_reverse_edge() {
    for facts in [PUBLIC, PRIVATE, HIDDEN] {
        check(&[
            (
                pair(FOLLOW, NONE),
                Action::Unfollow,
                facts,
                Becomes(pair(NONE, NONE), "s follow.removed (unfollow)", "s following -1, t followers -1"),
            ),
            (
                pair(FOLLOW, FOLLOW),
                Action::Unfollow,
                facts,
                Becomes(
                    pair(NONE, FOLLOW),
                    "s follow.removed (unfollow)",
                    "s following -1, s friends -1, t followers -1, t friends -1",
                ),
            ),
        ]);
    }
}

#[test]
fn r08_unfollow_cancels_a_request_or_does_nothing() {
    check(&[
        (pair(NONE, NONE), Action::Unfollow, PUBLIC, Unchanged),
        (pair(NONE, FOLLOW), Action::Unfollow, PUBLIC, Unchanged),
        (pair(NONE, REQUEST), Action::Unfollow, PUBLIC, Unchanged),
        (pair(NONE, BLOCK), Action::Unfollow, PUBLIC, Unchanged),
        (pair(BLOCK, NONE), Action::Unfollow, PUBLIC, Unchanged),
        (
            pair(REQUEST, REQUEST),
            Action::Unfollow,
            PRIVATE,
            Becomes(pair(NONE, REQUEST), "s request.removed (cancelled)", "s sent -1, t received -1"),
        ),
        (
            pair(REQUEST, NONE),
            Action::Unfollow,
            HIDDEN_PRIVATE,
            Becomes(pair(NONE, NONE), "s request.removed (cancelled)", "s sent -1, t received -1"),
        ),
    ]);
}

#[test]
fn r09_limits_refuse_one_more_and_never_one_below() {
    let followed = Becomes(pair(NEW_FOLLOW, NONE), "s follow.created", "s following +1, t followers +1");
    let requested = Becomes(pair(NEW_REQUEST, NONE), "s request.created", "s sent +1, t received +1");
    check(&[
        (pair(NONE, NONE), DO_FOLLOW, holding(PUBLIC, 9, 5, 3), followed),
        (pair(NONE, NONE), DO_FOLLOW, holding(PUBLIC, 10, 0, 0), Refused(Refusal::FollowingLimitReached)),
        (pair(NONE, NONE), DO_FOLLOW, holding(PUBLIC, 11, 0, 0), Refused(Refusal::FollowingLimitReached)),
        (pair(NONE, NONE), DO_FOLLOW, holding(PRIVATE, 10, 4, 3), requested),
        (pair(NONE, NONE), DO_FOLLOW, holding(PRIVATE, 0, 5, 0), Refused(Refusal::RequestLimitReached)),
    ]);
}

#[test]
fn r09_accepting_has_no_limit() {
    check(&[(
        pair(NONE, REQUEST),
        Action::Accept,
        holding(PRIVATE, 10, 5, 3),
        Becomes(
            pair(NONE, NEW_FOLLOW),
            "t request.accepted, t follow.created",
            "s followers +1, s received -1, t following +1, t sent -1",
        ),
    )]);
}

#[test]
fn r21_follow_survives_that_the_target_goes_private() {
    check(&[
        (pair(FOLLOW, NONE), DO_FOLLOW, PRIVATE, Unchanged),
        (pair(FOLLOW, FOLLOW), DO_FOLLOW, holding(PRIVATE, 10, 5, 3), Unchanged),
    ]);
}
