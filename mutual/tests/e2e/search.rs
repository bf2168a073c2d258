//! R35: what user-service finds, and relation-service knows of blocks.

use shared::testing::Client;

use crate::world::{Ground, on_both_grounds};

on_both_grounds!(r35_no_search_shows_a_block);

async fn names(client: &Client) -> Vec<String> {
    let found = client.get("/v1/users/search?q=sea&limit=10").await.expect(200).json();
    let items = found["items"].as_array().unwrap();
    items.iter().map(|item| item["username"].as_str().unwrap().to_owned()).collect()
}

async fn r35_no_search_shows_a_block(ground: Ground) {
    let world = ground.serve();
    // Newcomers, of whom relation-service has not heard before they search.
    let (ann, bob) = (world.register("sea_ann").await, world.register("sea_bob").await);
    let cat = world.register("sea_cat").await;
    let all = ["sea_ann", "sea_bob", "sea_cat"];
    for person in [&ann, &bob, &cat] {
        assert_eq!(names(&person.users).await, all);
    }
    ann.block(&bob).await;
    assert_eq!(names(&ann.users).await, ["sea_ann", "sea_cat"]);
    assert_eq!(names(&bob.users).await, ["sea_bob", "sea_cat"]);
    assert_eq!(names(&cat.users).await, all);
    assert_eq!(names(&Client::new(&world.users)).await, all, "nobody blocks the nameless");
    ann.relations.delete(&format!("/v1/me/blocks/{}", bob.id)).await.expect(200);
    assert_eq!(names(&ann.users).await, all);
    assert_eq!(names(&bob.users).await, all);
}
