//! R41: lists are stable, and pages keep their promises.

use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Person, page_of};
use crate::test_app::{TestApp, all};

const LISTS: [&str; 3] = ["followers", "following", "friends"];

async fn r41_a_walk_is_stable_while_new_rows_come(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [owner] = app.people(["owner"]).await;
    let old = app.crowd("old", 9).await;
    for person in &old {
        befriend(&owner, person).await;
    }
    let there: Vec<_> = old.iter().rev().map(|person| person.id).collect();
    for list in LISTS {
        for order in ["newest", "oldest"] {
            let late = app.crowd(&format!("late_{list}_{order}"), 5).await;
            let mut late = late.iter();
            let mut next = Some(format!("{}?order={order}&limit=2", owner.list(list)));
            let mut found = Vec::new();
            while let Some(page) = next {
                let (ids, link) = page_of(&owner.http.get(&page).await.expect(200));
                found.extend(ids);
                next = link;
                if let Some(newcomer) = late.next() {
                    befriend(&owner, newcomer).await;
                }
            }
            found.retain(|id| there.contains(id));
            if order == "oldest" {
                found.reverse();
            }
            assert_eq!(found, there, "{list} {order}");
        }
    }
    app.assert_sound().await;
}

async fn r41_a_walk_survives_the_end_of_the_row_it_stands_on(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [owner] = app.people(["owner"]).await;
    let fans = app.crowd("fan", 6).await;
    for fan in &fans {
        fan.follow(&owner).await;
    }
    let first = owner.http.get(&format!("{}?limit=3", owner.list("followers"))).await.expect(200);
    let (seen, next) = page_of(&first);
    assert_eq!(seen.last(), Some(&fans[3].id));
    fans[3].act(crate::person::Act::Unfollow, &owner).await;
    let (rest, end) = page_of(&owner.http.get(&next.unwrap()).await.expect(200));
    assert_eq!((rest, end), (vec![fans[2].id, fans[1].id, fans[0].id], None));
}

async fn r41_times_never_tie_under_load(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [owner] = app.people(["owner"]).await;
    let fans = app.crowd("fan", 60).await;
    for answer in all(fans.iter().map(|fan| fan.try_act(crate::person::Act::Follow, owner.id))).await {
        answer.expect(200);
    }
    let whole = owner.walk(&owner.list("followers"), 100).await;
    for limit in [1, 7] {
        assert_eq!(owner.walk(&owner.list("followers"), limit).await, whole);
    }
    let mut oldest = owner.walk(&format!("{}?order=oldest", owner.list("followers")), 7).await;
    oldest.reverse();
    assert_eq!(oldest, whole);
}

async fn limits_are_clamped_above_and_refused_below(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [owner] = app.people(["owner"]).await;
    for fan in app.crowd("fan", 101).await {
        fan.try_act(crate::person::Act::Follow, owner.id).await.expect(200);
    }
    let length = async |query: &str| {
        let answer = owner.http.get(&format!("{}{query}", owner.list("followers"))).await.expect(200);
        page_of(&answer).0.len()
    };
    for (query, rows) in [
        ("", 20),
        ("?limit=1", 1),
        ("?limit=100", 100),
        ("?limit=101", 100),
        ("?limit=99999999999999999999", 100),
    ] {
        assert_eq!(length(query).await, rows, "{query}");
    }
    for limit in ["0", "-1", "abc", "", "1.5", "%2B1"] {
        for path in own_lists(&owner) {
            let answer = owner.http.get(&format!("{path}?limit={limit}")).await;
            answer.expect_problem(400, "invalid_limit");
        }
    }
}

fn own_lists(owner: &Person) -> Vec<String> {
    let own = ["/v1/me/follow-requests", "/v1/me/follow-requests/sent", "/v1/me/blocks"].map(String::from);
    own.into_iter().chain(LISTS.map(|list| owner.list(list))).collect()
}

async fn a_cursor_belongs_to_one_list_one_owner_and_one_order(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [anna, ben, carl] = app.people(["anna", "ben", "carl"]).await;
    befriend(&anna, &ben).await;
    befriend(&anna, &carl).await;
    let first = anna.http.get(&format!("{}?limit=1", anna.list("followers"))).await.expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let same = format!("{}?limit=5&cursor={cursor}", anna.list("followers"));
    assert_eq!(page_of(&ben.http.get(&same).await.expect(200)).0, [ben.id]);
    let mut elsewhere = vec![
        format!("{}?order=oldest&cursor={cursor}", anna.list("followers")),
        format!("{}?cursor={cursor}", anna.list("following")),
        format!("{}?cursor={cursor}", anna.list("friends")),
        format!("{}?cursor={cursor}", ben.list("followers")),
        format!("/v1/me/follow-requests?cursor={cursor}"),
        format!("/v1/me/follow-requests/sent?cursor={cursor}"),
        format!("/v1/me/blocks?cursor={cursor}"),
    ];
    let damaged = ["", "x", &cursor[1..], &format!("{cursor}A"), &cursor.to_lowercase(), "%00", "AAAA"];
    elsewhere.extend(damaged.map(|bad| format!("{}?cursor={bad}", anna.list("followers"))));
    for path in elsewhere {
        anna.http.get(&path).await.expect_problem(400, "invalid_cursor");
    }
}

shared::on_both_databases!(
    r41_a_walk_is_stable_while_new_rows_come,
    r41_a_walk_survives_the_end_of_the_row_it_stands_on,
    r41_times_never_tie_under_load,
    limits_are_clamped_above_and_refused_below,
    a_cursor_belongs_to_one_list_one_owner_and_one_order,
);
