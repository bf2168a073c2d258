//! R12 to R24: requests to follow a private account.

use super::*;

/// Counters of an accepted request, seen by the person who was asked.
const ACCEPTED: &str = "s followers +1, s received -1, t following +1, t sent -1";

#[test]
fn r12_follow_of_a_private_target_is_a_request() {
    check(&[
        (
            pair(NONE, NONE),
            DO_FOLLOW,
            PRIVATE,
            Becomes(pair(NEW_REQUEST, NONE), "s request.created", "s sent +1, t received +1"),
        ),
        (
            pair(NONE, FOLLOW),
            DO_FOLLOW,
            PRIVATE,
            Becomes(pair(NEW_REQUEST, FOLLOW), "s request.created", "s sent +1, t received +1"),
        ),
    ]);
}

#[test]
fn r13_asking_again_is_one_request() {
    check(&[
        (pair(REQUEST, NONE), DO_FOLLOW, PRIVATE, Unchanged),
        (pair(REQUEST, NONE), DO_FOLLOW, holding(PRIVATE, 10, 5, 3), Unchanged),
    ]);
}

#[test]
fn r14_accept_makes_a_follow_that_carries_the_options() {
    let request = Edge::Request { since: EARLIER, notify: true };
    let follow = Edge::Follow { since: NOW, notify: true };
    let events = "t request.accepted, t follow.created";
    let befriended = "s followers +1, s friends +1, s received -1, t following +1, t friends +1, t sent -1";
    for facts in [PUBLIC, PRIVATE] {
        check(&[
            (pair(NONE, request), Action::Accept, facts, Becomes(pair(NONE, follow), events, ACCEPTED)),
            (
                pair(FOLLOW, REQUEST),
                Action::Accept,
                facts,
                Becomes(pair(FOLLOW, NEW_FOLLOW), events, befriended),
            ),
        ]);
    }
}

#[test]
fn r15_without_a_visible_request_there_is_none_to_answer() {
    for action in [Action::Accept, Action::Reject] {
        for backward in [NONE, FOLLOW, BLOCK] {
            check(&[(pair(NONE, backward), action, PRIVATE, Refused(Refusal::NoSuchRequest))]);
        }
        check(&[
            (pair(REQUEST, NONE), action, PRIVATE, Refused(Refusal::NoSuchRequest)),
            (pair(BLOCK, NONE), action, PRIVATE, Refused(Refusal::NoSuchRequest)),
            (pair(NONE, REQUEST), action, HIDDEN, Refused(Refusal::NoSuchRequest)),
            (pair(NONE, REQUEST), action, HIDDEN_PRIVATE, Refused(Refusal::NoSuchRequest)),
        ]);
    }
}

#[test]
fn r16_the_second_of_two_accepts_finds_no_request() {
    let first = decide(pair(NONE, REQUEST), Action::Accept, &PRIVATE, NOW).unwrap();
    check(&[(first.pair, Action::Accept, PRIVATE, Refused(Refusal::NoSuchRequest))]);
}

#[test]
fn r17_reject_leaves_nothing_and_they_may_ask_again() {
    let rejected = "t request.removed (rejected)";
    check(&[
        (
            pair(NONE, REQUEST),
            Action::Reject,
            PRIVATE,
            Becomes(pair(NONE, NONE), rejected, "s received -1, t sent -1"),
        ),
        (
            pair(FOLLOW, REQUEST),
            Action::Reject,
            PUBLIC,
            Becomes(pair(FOLLOW, NONE), rejected, "s received -1, t sent -1"),
        ),
    ]);
    let after = decide(pair(NONE, REQUEST), Action::Reject, &PRIVATE, NOW).unwrap().pair.flip();
    check(&[(
        after,
        DO_FOLLOW,
        PRIVATE,
        Becomes(pair(NEW_REQUEST, NONE), "s request.created", "s sent +1, t received +1"),
    )]);
}

#[test]
fn r19_asking_again_after_the_target_went_public_is_accepted() {
    let events = "s request.accepted, s follow.created";
    let counts = "s following +1, s sent -1, t followers +1, t received -1";
    let notified = Edge::Follow { since: NOW, notify: true };
    let on = Action::Follow { notify: Some(true) };
    check(&[
        (pair(REQUEST, NONE), DO_FOLLOW, PUBLIC, Becomes(pair(NEW_FOLLOW, NONE), events, counts)),
        (pair(REQUEST, NONE), on, PUBLIC, Becomes(pair(notified, NONE), events, counts)),
        // As with an accepted request, and as when the sweep of R19 comes first: no limit.
        (
            pair(REQUEST, NONE),
            DO_FOLLOW,
            holding(PUBLIC, 10, 5, 3),
            Becomes(pair(NEW_FOLLOW, NONE), events, counts),
        ),
    ]);
}

#[test]
fn r22_block_removes_requests_both_ways() {
    check(&[
        (
            pair(REQUEST, NONE),
            Action::Block,
            PRIVATE,
            Becomes(
                pair(NEW_BLOCK, NONE),
                "s request.removed (block), s block.created",
                "s sent -1, s blocks +1, t received -1",
            ),
        ),
        (
            pair(NONE, REQUEST),
            Action::Block,
            PRIVATE,
            Becomes(
                pair(NEW_BLOCK, NONE),
                "t request.removed (block), s block.created",
                "s received -1, s blocks +1, t sent -1",
            ),
        ),
        (
            pair(REQUEST, REQUEST),
            Action::Block,
            HIDDEN,
            Becomes(
                pair(NEW_BLOCK, NONE),
                "s request.removed (block), t request.removed (block), s block.created",
                "s received -1, s sent -1, s blocks +1, t received -1, t sent -1",
            ),
        ),
    ]);
}

#[test]
fn r24_two_crossing_requests_stay_two() {
    check(&[
        (
            pair(NONE, REQUEST),
            DO_FOLLOW,
            PRIVATE,
            Becomes(pair(NEW_REQUEST, REQUEST), "s request.created", "s sent +1, t received +1"),
        ),
        (
            pair(REQUEST, REQUEST),
            Action::Accept,
            PRIVATE,
            Becomes(pair(REQUEST, NEW_FOLLOW), "t request.accepted, t follow.created", ACCEPTED),
        ),
        (
            pair(REQUEST, REQUEST),
            Action::Reject,
            PRIVATE,
            Becomes(pair(REQUEST, NONE), "t request.removed (rejected)", "s received -1, t sent -1"),
        ),
    ]);
}
