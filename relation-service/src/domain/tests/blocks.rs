//! R29 to R33: blocks.

use super::*;

#[test]
fn r29_block_ends_everything_between_the_two() {
    check(&[
        (
            pair(NONE, NONE),
            Action::Block,
            PUBLIC,
            Becomes(pair(NEW_BLOCK, NONE), "s block.created", "s blocks +1"),
        ),
        (
            pair(FOLLOW, FOLLOW),
            Action::Block,
            PUBLIC,
            Becomes(
                pair(NEW_BLOCK, NONE),
                "s follow.removed (block), t follow.removed (block), s block.created",
                "s followers -1, s following -1, s friends -1, s blocks +1, \
                 t followers -1, t following -1, t friends -1",
            ),
        ),
        (
            pair(REQUEST, FOLLOW),
            Action::Block,
            PRIVATE,
            Becomes(
                pair(NEW_BLOCK, NONE),
                "s request.removed (block), t follow.removed (block), s block.created",
                "s followers -1, s sent -1, s blocks +1, t following -1, t received -1",
            ),
        ),
        (
            pair(FOLLOW, NONE),
            Action::Block,
            HIDDEN,
            Becomes(
                pair(NEW_BLOCK, NONE),
                "s follow.removed (block), s block.created",
                "s following -1, s blocks +1, t followers -1",
            ),
        ),
    ]);
}

#[test]
fn r29_own_blocks_have_a_limit() {
    let blocked = Becomes(pair(NEW_BLOCK, NONE), "s block.created", "s blocks +1");
    check(&[
        (pair(NONE, NONE), Action::Block, holding(PUBLIC, 10, 5, 2), blocked),
        (pair(NONE, NONE), Action::Block, holding(PUBLIC, 0, 0, 3), Refused(Refusal::BlockLimitReached)),
        (pair(FOLLOW, FOLLOW), Action::Block, holding(HIDDEN, 0, 0, 4), Refused(Refusal::BlockLimitReached)),
    ]);
}

#[test]
fn r30_block_again_changes_nothing() {
    check(&[
        (pair(BLOCK, NONE), Action::Block, PUBLIC, Unchanged),
        (pair(BLOCK, BLOCK), Action::Block, HIDDEN, Unchanged),
        (pair(BLOCK, NONE), Action::Block, holding(PUBLIC, 0, 0, 3), Unchanged),
    ]);
}

#[test]
fn r31_unblock_restores_nothing() {
    let blocked = decide(pair(FOLLOW, FOLLOW), Action::Block, &PUBLIC, NOW).unwrap().pair;
    let unblocked = Becomes(pair(NONE, NONE), "s block.removed", "s blocks -1");
    check(&[
        (blocked, Action::Unblock, PUBLIC, unblocked),
        (blocked, Action::Unblock, HIDDEN, unblocked),
        (pair(NONE, NONE), Action::Unblock, PUBLIC, Unchanged),
        (pair(FOLLOW, FOLLOW), Action::Unblock, PUBLIC, Unchanged),
        (pair(REQUEST, NONE), Action::Unblock, PRIVATE, Unchanged),
    ]);
}

#[test]
fn r32_two_blocks_are_independent() {
    check(&[
        (
            pair(NONE, BLOCK),
            Action::Block,
            PUBLIC,
            Becomes(pair(NEW_BLOCK, BLOCK), "s block.created", "s blocks +1"),
        ),
        (
            pair(BLOCK, BLOCK),
            Action::Unblock,
            PUBLIC,
            Becomes(pair(NONE, BLOCK), "s block.removed", "s blocks -1"),
        ),
        (pair(NONE, BLOCK), Action::Unblock, PUBLIC, Unchanged),
    ]);
}

#[test]
fn r33_the_blocked_side_is_told_nothing() {
    let own_block = Relationship { blocking: true, ..Relationship::default() };
    assert_eq!(Relationship::from_pair(pair(NONE, BLOCK), NOW), Relationship::default());
    assert_eq!(Relationship::from_pair(pair(BLOCK, BLOCK), NOW), own_block);
    assert_eq!(Relationship::from_pair(pair(BLOCK, NONE), NOW), own_block);
}
