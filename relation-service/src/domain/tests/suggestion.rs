//! Who is suggested, in which order, and why.

use std::collections::HashSet;

use shared::facts::{AccountStatus, UserFacts};

use super::*;

const ONE: UserId = UserId::new(1);
const TWO: UserId = UserId::new(2);

fn user(id: i64) -> UserId {
    UserId::new(100 + id)
}

fn bridge(id: UserId, degree: i64) -> Bridge {
    Bridge { id, followers: degree, following: degree }
}

/// Two bridges, one with few edges and one with many; what they follow is `follows`.
fn evidence(follows: &[(u16, i64)]) -> Evidence {
    Evidence {
        kind: Some(ReasonKind::FriendsOfFriends),
        bridges: vec![bridge(ONE, 2), bridge(TWO, 500)],
        follows: follows.iter().map(|&(bridge, id)| (bridge, user(id))).collect(),
        ..Evidence::default()
    }
}

fn order(ranking: &Ranking) -> Vec<UserId> {
    ranking.after(None).iter().map(|row| row.user).collect()
}

#[test]
fn a_bridge_counts_for_the_less_the_more_edges_it_has() {
    let ranking = Ranking::new(evidence(&[(1, 1), (0, 2), (0, 3), (1, 3), (1, 4)]));
    assert_eq!(order(&ranking), [user(3), user(2), user(1), user(4)], "equals by age");
    let scores: Vec<u32> = ranking.after(None).iter().map(|row| row.score.millionths()).collect();
    // 1 / ln 6 and 1 / ln 1002.
    assert_eq!(scores, [558_111 + 144_723, 558_111, 144_723, 144_723]);
    assert!((ranking.after(None)[1].score.points() - 0.558_111).abs() < 1e-9);
}

#[test]
fn who_follows_back_comes_before_who_is_as_near() {
    let followers = vec![user(1), user(9)];
    let lately = vec![(user(4), 3), (user(9), 4), (user(8), 5)];
    let all = Evidence { followers, most_followed: lately, ..evidence(&[(1, 1), (0, 2), (1, 4)]) };
    let ranking = Ranking::new(all.clone());
    assert_eq!(order(&ranking), [user(1), user(9), user(2), user(4), user(8)]);
    let left_out = HashSet::from([user(1), user(9), user(8), user(4)]);
    assert_eq!(order(&Ranking::new(Evidence { left_out, ..all })), [user(2)]);
    assert_eq!(order(&Ranking::new(Evidence::default())), []);
}

#[test]
fn a_walk_goes_on_after_any_place() {
    let ranking = Ranking::new(evidence(&[(0, 1), (0, 2), (0, 3), (1, 4), (0, 5), (1, 5)]));
    let rows = ranking.after(None);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(ranking.after(Some((row.score, row.user))), &rows[index + 1..]);
    }
    // Also where the row itself is no longer there.
    let gone = (rows[1].score, UserId::new(rows[1].user.get() - 1));
    assert_eq!(ranking.after(Some(gone)), &rows[1..]);
    assert_eq!(ranking.after(Some((Score::new(0), ONE))), []);
}

#[test]
fn only_visible_bridges_are_reasons() {
    let all = Evidence { followers: vec![user(1)], ..evidence(&[(0, 1), (1, 1), (1, 2)]) };
    let ranking = Ranking::new(all);
    let [first, second] = ranking.after(None) else { panic!("{ranking:?}") };
    let (seen, follower) = (HashSet::from([ONE, TWO]), Pair { backward: FOLLOW, ..Pair::default() });
    let facts = UserFacts::of_nobody();
    let reasons = |row, pair, seen| ranking.reasons(row, pair, &facts, seen);
    let reason =
        |count, users: &[UserId]| Reason { kind: ReasonKind::FriendsOfFriends, count, users: users.to_vec() };
    let follows_you = Reason { kind: ReasonKind::FollowsYou, count: 1, users: vec![user(1)] };
    assert_eq!(reasons(first, follower, &seen), [reason(2, &[ONE, TWO]), follows_you.clone()]);
    assert_eq!(reasons(first, Pair::default(), &seen), [reason(2, &[ONE, TWO])]);
    let seen = HashSet::from([ONE]);
    assert_eq!(reasons(first, follower, &seen), [reason(1, &[ONE]), follows_you]);
    assert_eq!(reasons(second, Pair::default(), &seen), []);
}

#[test]
fn r19_r44_who_is_followed_lately_is_told_as_the_facts_are_now() {
    let all = Evidence {
        followers: vec![user(1)],
        most_followed: vec![(user(1), 9), (user(2), 5)],
        ..evidence(&[])
    };
    let ranking = Ranking::new(all);
    let [first, second] = ranking.after(None) else { panic!("{ranking:?}") };
    let open = UserFacts { show_counts: true, private_account: false, ..UserFacts::of_nobody() };
    let follower = Pair { backward: FOLLOW, ..Pair::default() };
    let kinds = |row, pair, facts: &UserFacts| -> Vec<ReasonKind> {
        ranking.reasons(row, pair, facts, &HashSet::new()).iter().map(|reason| reason.kind).collect()
    };
    assert_eq!(kinds(first, follower, &open), [ReasonKind::FollowsYou, ReasonKind::MostFollowed]);
    assert_eq!(kinds(second, Pair::default(), &open), [ReasonKind::MostFollowed]);
    for closed in [
        UserFacts { show_counts: false, ..open.clone() },
        UserFacts { private_account: true, ..open.clone() },
    ] {
        assert_eq!(kinds(first, follower, &closed), [ReasonKind::FollowsYou]);
        assert_eq!(kinds(second, Pair::default(), &closed), []);
    }
    assert_eq!(first.score, Score::new(1_000_000), "the score does not tell by how many");
}

#[test]
fn r35_who_may_be_suggested() {
    let status = AccountStatus::Active;
    let facts = UserFacts { status, suggest_to_others: true, ..UserFacts::of_nobody() };
    let strangers = Pair::default();
    assert!(may_suggest(&facts, strangers, false));
    assert!(may_suggest(&facts, Pair { backward: FOLLOW, ..strangers }, false));
    assert!(may_suggest(&facts, Pair { backward: REQUEST, ..strangers }, false));
    assert!(!may_suggest(&facts, strangers, true));
    let muted = Marks { mute: Some(Mute { since: NOW, expires_at: None, notifications: true }), ..NO_MARKS };
    for pair in [
        Pair { forward: FOLLOW, ..strangers },
        Pair { forward: REQUEST, ..strangers },
        Pair { forward: BLOCK, ..strangers },
        Pair { backward: BLOCK, ..strangers },
        Pair { marks: muted, ..strangers },
    ] {
        assert!(!may_suggest(&facts, pair, false), "{pair:?}");
    }
    for status in [AccountStatus::Suspended, AccountStatus::Deactivated, AccountStatus::Deleted] {
        assert!(!may_suggest(&UserFacts { status, ..facts.clone() }, strangers, false), "{status:?}");
    }
    assert!(!may_suggest(&UserFacts { suggest_to_others: false, ..facts }, strangers, false));
}
