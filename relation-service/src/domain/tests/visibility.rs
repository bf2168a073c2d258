//! R50 to R53: one table over the states of a pair, and what goes beyond the pair.

use shared::facts::{Access, AccountStatus, Audience, ListAudience};

use super::*;

const ATTEMPTS: [Attempt; 7] = [
    Attempt::ViewProfile,
    Attempt::ViewContent,
    Attempt::Follow,
    Attempt::Message,
    Attempt::Comment,
    Attempt::Mention,
    Attempt::SeeRelations,
];
const NOW_CURRENT: Circumstances = Circumstances { limits: LIMITS, now: NOW, current: true };
const BEHIND: Circumstances = Circumstances { current: false, ..NOW_CURRENT };

/// Open to all, but messages for followers, comments for friends, mentions for nobody.
fn open() -> Access {
    Access {
        status: AccountStatus::Active,
        private_account: false,
        show_relations: ListAudience::Everyone,
        show_counts: true,
        messages_from: Audience::Followers,
        comments_from: Audience::Friends,
        mentions_from: Audience::Nobody,
    }
}

fn private() -> Access {
    Access { private_account: true, ..open() }
}

fn other(known: Access, pair: Pair) -> Viewer {
    Viewer::Other { known: Some(known), pair, holds: NOTHING }
}

/// The answer to each attempt, in the order of [`ATTEMPTS`]: `-` is yes.
fn answers(viewer: Viewer, owner: Option<Access>, circumstances: Circumstances) -> String {
    let answer = |attempt| match check_visibility(attempt, viewer, owner, circumstances) {
        Ok(()) => "-",
        Err(denial) => denial.reason(),
    };
    ATTEMPTS.map(answer).join(" ")
}

#[test]
fn r50_r51_r52_every_state_of_a_pair() {
    let viewer = open();
    let blocked = ["blocked"; 7].join(" ");
    for (pair, to_open, to_private) in [
        (
            pair(NONE, NONE),
            "- - - followers_only friends_only nobody -",
            "- private_account - followers_only friends_only nobody private_account",
        ),
        (
            pair(REQUEST, NONE),
            "- - - followers_only friends_only nobody -",
            "- private_account - followers_only friends_only nobody private_account",
        ),
        (
            pair(NONE, FOLLOW),
            "- - - followers_only friends_only nobody -",
            "- private_account - followers_only friends_only nobody private_account",
        ),
        (pair(FOLLOW, NONE), "- - - - friends_only nobody -", "- - - - friends_only nobody -"),
        (pair(FOLLOW, REQUEST), "- - - - friends_only nobody -", "- - - - friends_only nobody -"),
        (pair(FOLLOW, FOLLOW), "- - - - - nobody -", "- - - - - nobody -"),
        (pair(BLOCK, NONE), blocked.as_str(), blocked.as_str()),
        (pair(NONE, BLOCK), blocked.as_str(), blocked.as_str()),
        (pair(BLOCK, BLOCK), blocked.as_str(), blocked.as_str()),
    ] {
        let viewer = other(viewer, pair);
        assert_eq!(answers(viewer, Some(open()), NOW_CURRENT), to_open, "{pair:?}");
        assert_eq!(answers(viewer, Some(private()), NOW_CURRENT), to_private, "{pair:?}");
    }
}

#[test]
fn the_owner_and_the_nameless() {
    for facts in [open(), private()] {
        let own = "- - self_relation - - - -";
        assert_eq!(answers(Viewer::Owner, Some(facts), NOW_CURRENT), own);
        assert_eq!(answers(Viewer::Owner, Some(facts), BEHIND), own);
    }
    let sign_in = ["sign_in_required"; 3].join(" ");
    let nameless = |facts: Access| answers(Viewer::Nameless, Some(facts), NOW_CURRENT);
    assert_eq!(nameless(open()), format!("- - sign_in_required {sign_in} -"));
    let hidden = "private_account";
    assert_eq!(nameless(private()), format!("- {hidden} sign_in_required {sign_in} {hidden}"));
}

#[test]
fn r44_the_lists_have_an_audience_of_their_own() {
    let viewer = open();
    for (audience, to_stranger, to_follower) in [
        (ListAudience::Everyone, Ok(()), Ok(())),
        (ListAudience::Followers, Err("followers_only"), Ok(())),
        (ListAudience::OnlyMe, Err("nobody"), Err("nobody")),
    ] {
        let owner = Access { show_relations: audience, ..open() };
        for (pair, expected) in [(pair(NONE, NONE), to_stranger), (pair(FOLLOW, NONE), to_follower)] {
            let seen = check_visibility(Attempt::SeeRelations, other(viewer, pair), Some(owner), NOW_CURRENT);
            assert_eq!(seen.map_err(Denial::reason), expected, "{audience:?}");
        }
    }
}

#[test]
fn r50_r53_who_is_hidden_or_unknown_can_do_nothing_and_have_nothing_done() {
    let friends = pair(FOLLOW, FOLLOW);
    for (status, word) in [
        (AccountStatus::Suspended, "suspended"),
        (AccountStatus::Deactivated, "deactivated"),
        (AccountStatus::Deleted, "deleted"),
    ] {
        let (there, hidden) = (open(), Access { status, ..open() });
        let all = [word; 7].join(" ");
        assert_eq!(answers(other(there, friends), Some(hidden), NOW_CURRENT), all);
        assert_eq!(answers(other(hidden, friends), Some(there), NOW_CURRENT), all);
        assert_eq!(answers(Viewer::Owner, Some(hidden), NOW_CURRENT), all);
    }
    let unknown = ["unknown"; 7].join(" ");
    let (there, nobody) = (open(), Viewer::Other { known: None, pair: friends, holds: NOTHING });
    assert_eq!(answers(other(there, friends), None, NOW_CURRENT), unknown);
    assert_eq!(answers(nobody, Some(there), NOW_CURRENT), unknown);
}

#[test]
fn a_follow_is_denied_with_the_code_of_its_refusal() {
    let (viewer, owner) = (open(), open());
    let full = ActorFacts { following: LIMITS.following_max, ..NOTHING };
    let spent = ActorFacts { may_follow_from: Some(Micros::new(NOW.get() + 1)), ..NOTHING };
    for (holds, code) in [(full, "following_limit_reached"), (spent, "follow_quota_exceeded")] {
        for (forward, expected) in [(NONE, Err(code)), (FOLLOW, Ok(()))] {
            let viewer = Viewer::Other { known: Some(viewer), pair: pair(forward, NONE), holds };
            let seen = check_visibility(Attempt::Follow, viewer, Some(owner), NOW_CURRENT);
            assert_eq!(seen.map_err(Denial::reason), expected);
        }
    }
}

#[test]
fn while_news_wait_only_what_no_setting_can_close_is_allowed() {
    let (viewer, public) = (open(), Access { messages_from: Audience::Everyone, ..open() });
    let stranger = other(viewer, pair(NONE, NONE));
    let expected = "- unconfirmed - unconfirmed friends_only nobody unconfirmed";
    assert_eq!(answers(stranger, Some(public), BEHIND), expected);
    let friend = other(viewer, pair(FOLLOW, FOLLOW));
    assert_eq!(answers(friend, Some(public), BEHIND), "- - - unconfirmed unconfirmed nobody unconfirmed");
}
