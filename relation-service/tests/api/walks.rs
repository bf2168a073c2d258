//! R41 under load: whoever is on a list throughout is listed exactly once and in order, whatever else moves.

use std::cell::Cell;

use shared::id::UserId;
use shared::testing::TestDatabase;

use crate::friends::befriend;
use crate::person::{Act, Person};
use crate::test_app::TestApp;

const LISTS: [&str; 5] = ["followers", "following", "friends", "followers/known", "following/shared"];
const STAYING: usize = 12;

/// Comes to and goes from every list of the owner, until nobody walks any more.
async fn come_and_go(person: &Person, owner: &Person, viewer: &Person, walking: &Cell<bool>) {
    let mut round = 0;
    while walking.get() {
        befriend(person, owner).await;
        viewer.follow(person).await;
        match round % 3 {
            0 => drop(person.act(Act::Block, viewer).await),
            1 => drop(owner.act(Act::Block, person).await),
            _ => drop(person.act(Act::Unfollow, owner).await),
        }
        person.act(Act::Unblock, viewer).await;
        owner.act(Act::Unblock, person).await;
        round += 1;
    }
    assert!(round > 0, "nothing moved");
}

async fn walk_all(viewer: &Person, owner: &Person, staying: &[UserId]) {
    for list in LISTS {
        for order in ["newest", "oldest"] {
            for limit in [1, 2, 5, 100] {
                let path = format!("{}?order={order}", owner.list(list));
                let mut found = viewer.walk(&path, limit).await;
                found.retain(|id| staying.contains(id));
                if order == "newest" {
                    found.reverse();
                }
                assert_eq!(found, staying, "{list} {order} {limit}");
            }
        }
    }
}

async fn r41_a_walk_lists_who_is_there_throughout(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [owner, viewer] = app.people(["owner", "viewer"]).await;
    let staying = app.crowd("staying", STAYING).await;
    for (number, person) in staying.iter().enumerate() {
        befriend(person, &owner).await;
        viewer.follow(person).await;
        // Among them some who come and go, so that walks stand on rows that vanish.
        if number % 3 == 0 {
            let [passing] = app.people(["passing"]).await;
            befriend(&passing, &owner).await;
        }
    }
    let moving = app.crowd("moving", 3).await;
    let there: Vec<UserId> = staying.iter().map(|person| person.id).collect();
    let walking = Cell::new(true);
    let movers = moving.iter().map(|person| come_and_go(person, &owner, &viewer, &walking));
    let walker = async {
        walk_all(&viewer, &owner, &there).await;
        walking.set(false);
    };
    futures_util::future::join(walker, futures_util::future::join_all(movers)).await;
    app.assert_sound().await;
}

shared::on_both_databases!(r41_a_walk_lists_who_is_there_throughout);
