//! Changing secrets, as `docs/operations.md` says: what goes on and what ends.

use std::fs;

use actix_web::http::Method;
use serde_json::json;
use shared::secret::load_or_create;
use shared::testing::Client;

use crate::world::{Ground, Person, World};

async fn opens(world: &World, person: &Person) -> [u16; 2] {
    let users = person.users.at(&world.users).get("/v1/me").await.status;
    let relations = person.relations.at(&world.relations).get("/v1/me/blocks").await.status;
    [users.as_u16(), relations.as_u16()]
}

async fn published(world: &World) -> usize {
    let keys = Client::new(&world.users).get("/.well-known/jwks.json").await.expect(200).json();
    keys["keys"].as_array().unwrap().len()
}

#[actix_web::test]
async fn a_signing_key_is_replaced_and_nobody_notices() {
    let ground = Ground::sqlite().unwrap();
    let file = |ending: &str| ground.dir().join(format!("signing-key{ending}"));
    let world = ground.serve();
    let anna = world.register("anna").await;
    assert_eq!((opens(&world, &anna).await, published(&world).await), ([200, 200], 1));
    drop(world);
    // Published before its turn.
    load_or_create(&file(".next")).unwrap();
    let world = ground.serve();
    let ben = world.register("ben").await;
    assert_eq!((opens(&world, &anna).await, published(&world).await), ([200, 200], 2));
    drop(world);
    fs::rename(file(""), file(".previous")).unwrap();
    fs::rename(file(".next"), file("")).unwrap();
    let world = ground.serve();
    let carl = world.register("carl").await;
    for person in [&anna, &ben, &carl] {
        assert_eq!(opens(&world, person).await, [200, 200]);
    }
    assert_eq!(published(&world).await, 2);
    drop(world);
    fs::remove_file(file(".previous")).unwrap();
    let world = ground.serve();
    // Only tokens of the new key are left, also where keys are remembered.
    assert_eq!((opens(&world, &anna).await, published(&world).await), ([401, 401], 1));
    assert_eq!(opens(&world, &carl).await, [200, 200]);
    drop(world);
    fs::write(file(".next"), "short").unwrap();
    let refused = ground.run(&["serve", "--user-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}

#[actix_web::test]
async fn another_refresh_key_ends_sessions_and_another_service_secret_nothing() {
    let ground = Ground::sqlite().unwrap();
    let world = ground.serve();
    let anna = world.register("anna").await;
    let login = json!({"login": "anna", "password": crate::world::PASSWORD});
    let users = Client::new(&world.users);
    let session = users.json(Method::POST, "/v1/sessions", &login).await.expect(201).json();
    let refresh = json!({"refresh_token": session["session"]["refresh_token"]});
    drop(world);
    fs::remove_file(ground.dir().join("service-secret")).unwrap();
    let world = ground.serve();
    assert_eq!(opens(&world, &anna).await, [200, 200]);
    let ben = world.register("ben").await;
    assert_eq!(ben.follow(&anna).await["following"], true);
    drop(world);
    fs::remove_file(ground.dir().join("refresh-key")).unwrap();
    let world = ground.serve();
    assert_eq!(opens(&world, &anna).await, [200, 200], "access tokens go on until they expire");
    let refused = Client::new(&world.users).json(Method::POST, "/v1/sessions/refresh", &refresh).await;
    assert_eq!(refused.status, 401);
    assert_eq!(world.log_in("anna", crate::world::PASSWORD).await.id, anna.id);
}
