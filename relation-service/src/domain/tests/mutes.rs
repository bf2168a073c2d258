//! R37 to R39: mutes.

use std::time::Duration;

use super::*;

const DO_MUTE: Action = Action::Mute { notifications: true, duration: None };
const MUTE: Mute = Mute { since: EARLIER, expires_at: None, notifications: true };
const NEW_MUTE: Mute = Mute { since: NOW, ..MUTE };
/// It ends at [`NOW`], the first moment at which it no longer holds.
const OVER: Mute = Mute { expires_at: Some(NOW), ..MUTE };

const fn muting(pair: Pair, mute: Mute) -> Pair {
    Pair { marks: Marks { mute: Some(mute), close_friend: None }, ..pair }
}

#[test]
fn r37_a_mute_keeps_edges_and_counts() {
    for forward in [NONE, FOLLOW, REQUEST, BLOCK] {
        let before = pair(forward, FOLLOW);
        check(&[
            (before, DO_MUTE, PUBLIC, Becomes(muting(before, NEW_MUTE), "s mute.created", "")),
            (before, DO_MUTE, PRIVATE, Becomes(muting(before, NEW_MUTE), "s mute.created", "")),
            (muting(before, MUTE), Action::Unmute, HIDDEN, Becomes(before, "s mute.removed", "")),
        ]);
    }
    let muted = muting(pair(FOLLOW, FOLLOW), MUTE);
    let seen = Relationship::from_pair(muted.flip(), NOW);
    assert_eq!(seen, Relationship::from_pair(pair(FOLLOW, FOLLOW), NOW), "the muted side sees nothing");
    let blocked = decide(muted, Action::Block, &PUBLIC, NOW).unwrap().pair;
    assert_eq!(blocked, muting(pair(NEW_BLOCK, NONE), MUTE), "a mute outlives the edges");
}

#[test]
fn r37_who_is_unknown_hidden_or_blocks_me_cannot_be_muted() {
    check(&[
        (pair(NONE, NONE), DO_MUTE, HIDDEN, Refused(Refusal::UserNotFound)),
        (pair(NONE, BLOCK), DO_MUTE, PUBLIC, Refused(Refusal::UserNotFound)),
        (
            muting(pair(NONE, BLOCK), MUTE),
            Action::Unmute,
            PUBLIC,
            Becomes(pair(NONE, BLOCK), "s mute.removed", ""),
        ),
        // Refused, it would tell of their block to somebody who knows that they are there.
        (
            pair(BLOCK, BLOCK),
            DO_MUTE,
            PUBLIC,
            Becomes(muting(pair(BLOCK, BLOCK), NEW_MUTE), "s mute.created", ""),
        ),
    ]);
}

#[test]
fn r38_r39_a_repeat_replaces_and_keeps_its_beginning() {
    let strangers = pair(NONE, NONE);
    let hour = Duration::from_secs(3_600);
    let quiet = Action::Mute { notifications: false, duration: Some(hour) };
    let for_an_hour = Mute { expires_at: Some(NOW.after(hour)), notifications: false, ..MUTE };
    check(&[
        (muting(strangers, MUTE), DO_MUTE, PUBLIC, Unchanged),
        (
            muting(strangers, MUTE),
            quiet,
            PUBLIC,
            Becomes(muting(strangers, for_an_hour), "s mute.created", ""),
        ),
        (
            muting(strangers, for_an_hour),
            DO_MUTE,
            PUBLIC,
            Becomes(muting(strangers, MUTE), "s mute.created", ""),
        ),
    ]);
}

#[test]
fn r39_a_mute_that_is_over_is_none_and_no_job_is_needed() {
    let before = muting(pair(FOLLOW, NONE), OVER);
    assert!(Relationship::from_pair(before, Micros::new(NOW.get() - 1)).muting);
    let after = Relationship::from_pair(before, NOW);
    assert_eq!(after, Relationship::from_pair(pair(FOLLOW, NONE), NOW));
    let unmuted = decide(before, Action::Unmute, &PUBLIC, NOW).unwrap();
    assert_eq!((unmuted.changed, unmuted.changes), (false, Vec::new()));
    let again = decide(before, DO_MUTE, &PUBLIC, NOW).unwrap();
    assert_eq!(again.pair, muting(pair(FOLLOW, NONE), NEW_MUTE), "a new one, from now on");
}

#[test]
fn mutes_have_a_limit() {
    let full = Facts { actor: ActorFacts { mutes: 3, ..PUBLIC.actor }, ..PUBLIC };
    let almost = Facts { actor: ActorFacts { mutes: 2, ..PUBLIC.actor }, ..PUBLIC };
    let strangers = pair(NONE, NONE);
    check(&[
        (strangers, DO_MUTE, full, Refused(Refusal::MuteLimitReached)),
        (strangers, DO_MUTE, almost, Becomes(muting(strangers, NEW_MUTE), "s mute.created", "")),
        (muting(strangers, MUTE), DO_MUTE, full, Unchanged),
        (muting(strangers, OVER), DO_MUTE, full, Refused(Refusal::MuteLimitReached)),
    ]);
}
