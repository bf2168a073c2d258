//! The words that leave the domain: outcomes, codes, and the viewer's view.

use super::*;

#[test]
fn outcomes_are_the_words_of_the_batch() {
    let rows = [
        (pair(NONE, NONE), DO_FOLLOW, PUBLIC, "followed"),
        (pair(REQUEST, NONE), DO_FOLLOW, PUBLIC, "followed"),
        (pair(NONE, NONE), DO_FOLLOW, PRIVATE, "requested"),
        (pair(FOLLOW, NONE), DO_FOLLOW, PUBLIC, "unchanged"),
        (pair(REQUEST, NONE), DO_FOLLOW, PRIVATE, "unchanged"),
        (pair(FOLLOW, NONE), Action::Unfollow, PUBLIC, "removed"),
        (pair(REQUEST, NONE), Action::Unfollow, PRIVATE, "removed"),
        (pair(NONE, NONE), Action::Unfollow, PUBLIC, "unchanged"),
        (pair(NONE, REQUEST), Action::Accept, PRIVATE, "accepted"),
        (pair(NONE, REQUEST), Action::Reject, PRIVATE, "rejected"),
        (pair(NONE, FOLLOW), Action::RemoveFollower, PUBLIC, "removed"),
        (pair(FOLLOW, FOLLOW), Action::Block, PUBLIC, "blocked"),
        (pair(BLOCK, NONE), Action::Unblock, PUBLIC, "unblocked"),
        (pair(NONE, NONE), Action::Unblock, PUBLIC, "unchanged"),
        (pair(NONE, NONE), Action::Mute { notifications: true, duration: None }, PUBLIC, "muted"),
        (pair(NONE, NONE), Action::Unmute, PUBLIC, "unchanged"),
    ];
    for (before, action, facts, word) in rows {
        let decision = decide(before, action, &facts, NOW).unwrap();
        assert_eq!(outcome(&decision).as_str(), word, "{before:?} {action:?}");
    }
    assert_eq!(Outcome::Refused.as_str(), "refused");
}

#[test]
fn refusals_have_stable_codes() {
    let codes = [
        (Refusal::SelfRelation, "self_relation"),
        (Refusal::UserNotFound, "user_not_found"),
        (Refusal::YouBlockThem, "you_block_them"),
        (Refusal::FollowingLimitReached, "following_limit_reached"),
        (Refusal::RequestLimitReached, "request_limit_reached"),
        (Refusal::BlockLimitReached, "block_limit_reached"),
        (Refusal::MuteLimitReached, "mute_limit_reached"),
        (Refusal::NotAFollower, "not_a_follower"),
        (Refusal::NoSuchRequest, "no_such_request"),
    ];
    for (refusal, code) in codes {
        assert_eq!(refusal.code(), code);
    }
}

#[test]
fn a_note_has_at_most_2000_characters_and_no_controls() {
    let note = |text: &str| Note::parse(text.to_owned(), 2_000).map(|note| note.as_str().to_owned());
    for good in ["", "two\nlines\tand a tab\r\n", &"ü".repeat(2_000)] {
        assert_eq!(note(good).as_deref(), Ok(good));
    }
    assert_eq!(note(&"ü".repeat(2_001)), Err(BadNote::TooLong(2_000)));
    for bad in ["\0", "a\u{1b}[31m", "\u{85}"] {
        assert_eq!(note(bad), Err(BadNote::Forbidden), "{bad:?}");
    }
}

#[test]
fn r46_deletion_ends_every_edge_with_its_own_cause() {
    let rows = [
        (pair(FOLLOW, REQUEST), "s follow.removed (deleted), t request.removed (deleted)"),
        (pair(BLOCK, BLOCK), "s block.removed, t block.removed"),
        (pair(NONE, NONE), ""),
    ];
    for (before, events) in rows {
        assert_eq!(event_text(&changes(before, Pair::default(), Some(Cause::Deleted))), events);
    }
}

#[test]
fn a_relationship_is_the_pair_as_its_source_sees_it() {
    let notified = Edge::Follow { since: EARLIER, notify: true };
    let friends = Relationship {
        following: true,
        followed_by: true,
        friends: true,
        notify: true,
        followed_at: Some(EARLIER),
        followed_by_at: Some(NOW),
        ..Relationship::default()
    };
    assert_eq!(Relationship::from_pair(pair(notified, NEW_FOLLOW), NOW), friends);

    let asked = Edge::Request { since: EARLIER, notify: true };
    let crossing =
        Relationship { requested: true, requested_by: true, notify: true, ..Relationship::default() };
    assert_eq!(Relationship::from_pair(pair(asked, REQUEST), NOW), crossing);

    // Their option is theirs alone.
    let followed =
        Relationship { followed_by: true, followed_by_at: Some(EARLIER), ..Relationship::default() };
    assert_eq!(Relationship::from_pair(pair(NONE, notified), NOW), followed);
}
