//! The description in the repository is the one that the service gives.

use std::path::Path;

#[test]
fn the_description_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let current = relation_service::http::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        std::fs::write(&path, &current).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == current,
        "openapi.json is not up to date: UPDATE_EXPECT=1 cargo test openapi rewrites it"
    );
}

#[actix_web::test]
async fn the_service_serves_its_description() {
    let app = crate::test_app::TestApp::start(shared::testing::TestDatabase::sqlite).await;
    let served = app.nobody.get("/openapi.json").await.expect(200).json();
    let described: serde_json::Value =
        serde_json::from_str(&relation_service::http::openapi().to_json().unwrap()).unwrap();
    assert_eq!(served, described);
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
    let docs = app.nobody.get("/docs/").await.expect(200);
    assert!(docs.header("content-type").starts_with("text/html"));
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let good =
                ["200", "202", "204"].iter().any(|status| operation["responses"].get(*status).is_some());
            assert!(good, "{method} {path} has no good answer");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
        }
    }
}
