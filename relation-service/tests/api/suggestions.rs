//! People whom one may know: what speaks for them, who is never among them, and walks.

use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::db::{Conn, execute};
use shared::facts::{AccountStatus, ListAudience};
use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Act, Person, ids, page_of};
use crate::test_app::{LIMITS, TestApp};

/// How old what is told of those who are followed lately may be.
const KEPT_FOR: Duration = Duration::from_secs(3);
pub const SUGGESTIONS: &str = "/v1/me/suggestions";

/// Everybody suggested, after checking that pages of every size say the same.
pub async fn suggested(me: &Person) -> Vec<UserId> {
    let whole = me.walk(SUGGESTIONS, 100).await;
    for limit in [1, 2, 5] {
        assert_eq!(me.walk(SUGGESTIONS, limit).await, whole, "{limit}");
    }
    whole
}

/// What speaks for each of them, in order.
async fn reasons(me: &Person, path: &str) -> Vec<Value> {
    let body = me.http.get(path).await.expect(200).json();
    body["items"].as_array().unwrap().iter().map(|item| item["reasons"].clone()).collect()
}

/// One thing that speaks for somebody.
pub fn reason(kind: &str, count: usize, users: &[&Person]) -> Value {
    json!({"kind": kind, "count": count, "user_ids": ids(users)})
}

pub async fn dismiss(me: &Person, them: &Person) {
    me.http.delete(&format!("{SUGGESTIONS}/{}", them.id)).await.expect(204);
}

/// I follow those who follow `far`.
async fn between(me: &Person, near: &[&Person], far: &Person) {
    for person in near {
        me.follow(person).await;
        person.follow(far).await;
    }
}

async fn whom_most_speaks_for_comes_first(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, one, two, three, four] = app.people(["me", "one", "two", "three", "four"]).await;
    let [well_known, known, fan, both] = app.people(["well_known", "known", "fan", "both"]).await;
    between(&me, &[&one, &two, &three, &four], &well_known).await;
    one.follow(&known).await;
    two.follow(&both).await;
    both.follow(&me).await;
    fan.follow(&me).await;
    assert_eq!(suggested(&me).await, ids(&[&both, &well_known, &fan, &known]));
    let found = reasons(&me, SUGGESTIONS).await;
    let of_friends = |count, users: &[&Person]| reason("friends_of_friends", count, users);
    assert_eq!(found[0], json!([of_friends(1, &[&two]), reason("follows_you", 1, &[&both])]));
    assert_eq!(found[1], json!([of_friends(4, &[&four, &three, &two])]), "three are named, the newest");
    assert_eq!(found[2], json!([reason("follows_you", 1, &[&fan])]));
    let body = me.http.get(SUGGESTIONS).await.json();
    let scores = body["items"].as_array().unwrap().iter().map(|item| item["score"].as_f64().unwrap());
    assert!(
        scores.clone().is_sorted_by(|one, other| one >= other) && scores.clone().all(|score| score > 0.0)
    );
    // Somebody who follows everybody says less than somebody who follows few.
    let [narrow, wide, far, near] = app.people(["narrow", "wide", "far", "near"]).await;
    me.act(Act::Unfollow, &one).await;
    between(&me, &[&wide], &far).await;
    between(&me, &[&narrow], &near).await;
    for other in app.crowd("other", 12).await {
        wide.follow(&other).await;
    }
    let found = suggested(&me).await;
    let place = |person: &Person| found.iter().position(|id| *id == person.id);
    assert!(place(&near) < place(&far) && place(&far).is_some());
}

/// Everything that keeps somebody from being suggested, and what brings them back.
async fn exclude(app: &TestApp, why: &str, me: &Person, them: &Person) {
    match why {
        "followed" => drop(me.follow(them).await),
        "requested" => {
            app.set_private(them, true).await;
            me.follow(them).await;
        }
        "i block" => drop(me.block(them).await),
        "they block" => drop(them.block(me).await),
        "muted" => drop(me.act(Act::Mute, them).await),
        "dismissed" => dismiss(me, them).await,
        "suspended" => app.set_status(them, AccountStatus::Suspended).await,
        "deactivated" => app.set_status(them, AccountStatus::Deactivated).await,
        "deleted" => app.set_status(them, AccountStatus::Deleted).await,
        "not to be suggested" => app.change(them, |facts| facts.suggest_to_others = false).await,
        other => panic!("nobody is {other}"),
    }
}

async fn include(app: &TestApp, why: &str, me: &Person, them: &Person) -> bool {
    match why {
        "followed" | "requested" => drop(me.act(Act::Unfollow, them).await),
        "i block" => drop(me.act(Act::Unblock, them).await),
        "they block" => drop(them.act(Act::Unblock, me).await),
        "muted" => drop(me.act(Act::Unmute, them).await),
        "suspended" | "deactivated" => app.set_status(them, AccountStatus::Active).await,
        "not to be suggested" => app.change(them, |facts| facts.suggest_to_others = true).await,
        _ => return false,
    }
    true
}

const EXCLUSIONS: [&str; 10] = [
    "followed",
    "requested",
    "i block",
    "they block",
    "muted",
    "dismissed",
    "suspended",
    "deactivated",
    "deleted",
    "not to be suggested",
];

async fn r35_who_may_not_be_suggested_is_not_and_no_page_is_short(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    for why in EXCLUSIONS {
        for list in ["suggestions", "similar"] {
            let [me, friend, idol, them, first, last] =
                app.people(["me", "friend", "idol", "them", "first", "last"]).await;
            me.follow(&friend).await;
            friend.follow(&idol).await;
            for (person, follower) in [(&them, &me), (&first, &idol), (&last, &idol)] {
                // Somebody between, so that each list has all three.
                friend.follow(person).await;
                person.follow(follower).await;
            }
            let path = if list == "similar" { idol.list(list) } else { SUGGESTIONS.to_owned() };
            // A page of one, and then they are excluded: the walk goes on with all others.
            let begun = me.http.get(&format!("{path}?limit=1")).await.expect(200);
            let all = me.walk(&path, 100).await;
            assert!(all.contains(&them.id), "{why} {list}: {all:?}");
            exclude(&app, why, &me, &them).await;
            let without: Vec<UserId> = all.iter().copied().filter(|id| *id != them.id).collect();
            assert_eq!(me.walk(&path, 1).await, without, "{why} {list}");
            assert_eq!(me.walk(&path, 100).await, without, "{why} {list}");
            let (head, next) = page_of(&begun);
            let rest = me.walk(next.unwrap().replace("limit=1&", "").as_str(), 1).await;
            let expected: Vec<UserId> = without.iter().copied().filter(|id| !head.contains(id)).collect();
            assert_eq!(rest, expected, "{why} {list}: within a walk");
            if include(&app, why, &me, &them).await && !["they block", "i block"].contains(&why) {
                assert_eq!(me.walk(&path, 100).await, all, "{why} {list}: back");
            }
        }
    }
}

async fn nobody_is_suggested_to_themselves(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, friend, far] = app.people(["me", "friend", "far"]).await;
    befriend(&me, &friend).await;
    friend.follow(&far).await;
    assert_eq!(suggested(&me).await, [far.id]);
    assert!(me.walk(&friend.list("similar"), 1).await.is_empty());
    assert!(me.walk(&me.list("similar"), 1).await.contains(&far.id));
}

async fn who_hides_their_lists_leads_to_nobody(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, open, closed, far, other] = app.people(["me", "open", "closed", "far", "other"]).await;
    between(&me, &[&open, &closed], &far).await;
    open.follow(&other).await;
    closed.follow(&other).await;
    let both = json!([reason("friends_of_friends", 2, &[&closed, &open])]);
    let one = json!([reason("friends_of_friends", 1, &[&open])]);
    assert_eq!(reasons(&me, SUGGESTIONS).await, [both.clone(), both.clone()]);
    // Whom I follow shows me what they show to their followers.
    app.change(&closed, |facts| facts.show_relations = ListAudience::Followers).await;
    app.set_private(&closed, true).await;
    assert_eq!(reasons(&me, SUGGESTIONS).await, [both.clone(), both.clone()]);
    let begun = me.http.get(&format!("{SUGGESTIONS}?limit=1")).await.expect(200);
    app.change(&closed, |facts| facts.show_relations = ListAudience::OnlyMe).await;
    assert_eq!(reasons(&me, SUGGESTIONS).await, [one.clone(), one.clone()]);
    let (_, next) = page_of(&begun);
    assert_eq!(reasons(&me, next.as_ref().unwrap()).await, std::slice::from_ref(&one), "within a walk");
    app.set_status(&open, AccountStatus::Suspended).await;
    assert!(suggested(&me).await.is_empty());
    assert!(reasons(&me, next.as_ref().unwrap()).await.is_empty(), "within a walk");
    app.set_status(&open, AccountStatus::Active).await;
    me.act(Act::Unfollow, &open).await;
    assert!(reasons(&me, next.as_ref().unwrap()).await.is_empty(), "whom I no longer follow leads nowhere");
}

async fn a_walk_is_stable_while_everything_moves(make: impl Fn() -> TestDatabase) {
    let mut app = TestApp::start(make).await;
    let [me, near, nearer, newer] = app.people(["me", "near", "nearer", "newer"]).await;
    let far = app.crowd("far", 12).await;
    for person in [&near, &nearer] {
        me.follow(person).await;
    }
    for (number, person) in far.iter().enumerate() {
        near.follow(person).await;
        if number % 2 == 0 {
            nearer.follow(person).await;
        }
    }
    let before = suggested(&me).await;
    assert_eq!(before.len(), far.len());
    let (mut found, mut next) = page_of(&me.http.get(&format!("{SUGGESTIONS}?limit=2")).await.expect(200));
    let mut round = 0;
    while let Some(path) = next {
        // Whoever has been seen gets worse, and whoever has not gets better.
        let (seen, unseen): (Vec<&Person>, Vec<&Person>) =
            far.iter().partition(|person| found.contains(&person.id));
        nearer.act(Act::Unfollow, seen[round % seen.len()]).await;
        newer.follow(unseen[unseen.len() - 1]).await;
        me.follow(&newer).await;
        let (page, link) = page_of(&me.http.get(&path).await.expect(200));
        found.extend(page);
        (next, round) = (link, round + 1);
    }
    assert_eq!(found, before);
    assert_ne!(suggested(&me).await, before, "nothing moved");
    // Where the ranking is lost, the walk goes on from the same place.
    let all = suggested(&me).await;
    let (mut found, next) = page_of(&me.http.get(&format!("{SUGGESTIONS}?limit=5")).await.expect(200));
    app.stop_service();
    app.start_service();
    app.until_ready().await;
    let me = app.again(&me);
    found.extend(me.walk(next.unwrap().replace("limit=5&", "").as_str(), 3).await);
    assert_eq!(found, all);
}

async fn newcomers_are_shown_who_is_followed_lately(make: impl Fn() -> TestDatabase) {
    let clock = Clock::fixed(Clock::system().now());
    let app = TestApp::with_clock(make, LIMITS, clock.clone()).await;
    let [me, star, secret, shy] = app.people(["me", "star", "secret", "shy"]).await;
    let fans = app.crowd("fan", 3).await;
    for fan in &fans[..2] {
        fan.follow(&star).await;
    }
    assert!(suggested(&me).await.is_empty(), "two are not many");
    app.set_private(&secret, true).await;
    app.change(&shy, |facts| facts.show_counts = false).await;
    for fan in &fans {
        for person in [&star, &secret, &shy] {
            fan.follow(person).await;
        }
        secret.act(Act::Accept, fan).await;
    }
    assert!(suggested(&me).await.is_empty(), "kept for all for a while");
    clock.advance(KEPT_FOR);
    assert_eq!(suggested(&me).await, [star.id], "not those whose followers are no business of strangers");
    assert_eq!(reasons(&me, SUGGESTIONS).await, [json!([reason("most_followed", 3, &[])])]);
    fans[0].follow(&me).await;
    assert_eq!(suggested(&me).await, ids(&[&fans[0], &star]), "who follows me says more");
    me.follow(&fans[1]).await;
    let found = reasons(&me, SUGGESTIONS).await;
    assert!(!json!(found).to_string().contains("most_followed"), "no newcomer any more: {found:?}");
}

async fn r19_r44_who_hides_their_followers_is_not_told_of_within_a_walk(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let me = &app.people(["me"]).await[0];
    let [first, shy, secret, open, both] = app.people(["first", "shy", "secret", "open", "both"]).await;
    for fan in &app.crowd("fan", 3).await {
        for person in [&first, &shy, &secret, &open, &both] {
            fan.follow(person).await;
        }
    }
    both.follow(me).await;
    let many = reason("most_followed", 3, &[]);
    let begun = me.http.get(&format!("{SUGGESTIONS}?limit=1")).await.expect(200);
    let (head, next) = page_of(&begun);
    assert_eq!(head, [both.id]);
    let next = next.unwrap().replace("limit=1&", "");
    assert_eq!(page_of(&me.http.get(&next).await).0, ids(&[&first, &shy, &secret, &open]));
    app.change(&shy, |facts| facts.show_counts = false).await;
    app.set_private(&secret, true).await;
    assert_eq!(page_of(&me.http.get(&next).await.expect(200)).0, ids(&[&first, &open]), "within a walk");
    assert_eq!(suggested(me).await, ids(&[&both, &first, &open]));
    assert_eq!(reasons(me, SUGGESTIONS).await[0], json!([reason("follows_you", 1, &[&both]), many]));
    app.change(&both, |facts| facts.show_counts = false).await;
    assert_eq!(reasons(me, SUGGESTIONS).await[0], json!([reason("follows_you", 1, &[&both])]));
}

/// Where something keeps a ranking, others are refused, and other reads go on. SQLite has no such something.
async fn rankings_leave_room_for_other_reads(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, near, far] = app.people(["me", "near", "far"]).await;
    between(&me, &[&near], &far).await;
    let mut conn = app.writer();
    if !matches!(conn, Conn::Postgres(_)) {
        return;
    }
    for text in ["BEGIN", "LOCK TABLE edges_out IN ACCESS EXCLUSIVE MODE"] {
        execute(&mut conn, text, &[]).unwrap();
    }
    let (similar, client) = (near.list("similar"), app.client_of(&me));
    let asked = [SUGGESTIONS, &similar].map(|path| client.get(path));
    let [one, other] = asked.map(Box::pin);
    let (Either::Left((refused, goes_on)) | Either::Right((refused, goes_on))) = select(one, other).await;
    assert!(!refused.expect_problem(503, "overloaded").header("retry-after").is_empty());
    app.nobody.get(&format!("/v1/users/{}/counts", near.id)).await.expect(200);
    execute(&mut conn, "COMMIT", &[]).unwrap();
    goes_on.await.expect(200);
    assert_eq!(suggested(&me).await, [far.id], "and there is room again");
}

async fn suggestions_are_a_list_like_others(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, friend, far, other] = app.people(["me", "friend", "far", "other"]).await;
    between(&me, &[&friend], &far).await;
    friend.follow(&other).await;
    let similar = friend.list("similar");
    let plain = me.http.get(&format!("{SUGGESTIONS}?limit=1")).await.expect(200).json();
    assert!(plain["items"][0].get("user").is_none());
    let cursor = plain["next_cursor"].as_str().unwrap();
    let shown = me.http.get(&format!("{SUGGESTIONS}?expand=user")).await.expect(200).json();
    let user = &shown["items"][0]["user"];
    assert_eq!((&user["username"], &user["muting"]), (&json!("far"), &json!(false)));
    app.nobody.get(SUGGESTIONS).await.expect_problem(401, "unauthenticated");
    for path in [similar.as_str(), &me.list("followers"), "/v1/me/blocks"] {
        let path = format!("{path}?cursor={cursor}");
        me.http.get(&path).await.expect_problem(400, "invalid_cursor");
    }
    let path = format!("{SUGGESTIONS}?cursor={cursor}");
    other.http.get(&path).await.expect_problem(400, "invalid_cursor");
    for path in [SUGGESTIONS, &similar] {
        me.http.get(&format!("{path}?limit=0")).await.expect_problem(400, "invalid_limit");
        me.http.get(&format!("{path}?order=newest")).await.expect_problem(400, "invalid_query");
        me.http.get(&format!("{path}?cursor=x")).await.expect_problem(400, "invalid_cursor");
    }
}

shared::on_both_databases!(
    whom_most_speaks_for_comes_first,
    r35_who_may_not_be_suggested_is_not_and_no_page_is_short,
    nobody_is_suggested_to_themselves,
    who_hides_their_lists_leads_to_nobody,
    a_walk_is_stable_while_everything_moves,
    newcomers_are_shown_who_is_followed_lately,
    r19_r44_who_hides_their_followers_is_not_told_of_within_a_walk,
    rankings_leave_room_for_other_reads,
    suggestions_are_a_list_like_others,
);
