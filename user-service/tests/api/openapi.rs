use std::path::Path;
use std::{env, fs};

/// The description is kept in the repository, so that a change of the wire is seen in review.
#[actix_web::test]
async fn the_description_is_the_one_in_the_repository() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let described = user_service::http::openapi().to_pretty_json().unwrap() + "\n";
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &described).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == described, "openapi.json is out of date: run the tests once with UPDATE_EXPECT=1");
}

#[actix_web::test]
async fn every_operation_says_what_it_is() {
    let spec = serde_json::to_value(user_service::http::openapi()).unwrap();
    let paths = spec["paths"].as_object().unwrap();
    assert!(paths.len() >= 14, "{}", paths.len());
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(operation["tags"][0].is_string(), "{method} {path}");
        }
    }
    // Every reference leads somewhere.
    let text = spec.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(spec.pointer(pointer).is_some(), "{pointer}");
    }
}

/// A program that knows only the description is to expect them.
#[actix_web::test]
async fn refusals_that_only_some_routes_have_are_described() {
    let spec = serde_json::to_value(user_service::http::openapi()).unwrap();
    let limited = [
        ("post", "/v1/users"),
        ("post", "/v1/sessions"),
        ("put", "/v1/me/password"),
        ("put", "/v1/me/email"),
        ("post", "/v1/me/email-verification"),
        ("post", "/v1/me/deactivation"),
        ("post", "/v1/me/deletion"),
        ("post", "/v1/me/step-up"),
        ("post", "/v1/email-verifications"),
        ("post", "/v1/password-resets"),
        ("post", "/v1/password-resets/confirm"),
    ];
    let of_admins = [
        ("post", "/v1/me/deactivation"),
        ("post", "/v1/me/deletion"),
        ("put", "/v1/admin/users/{id}/suspension"),
        ("put", "/v1/admin/users/{id}/role"),
    ];
    let worded = [
        ("patch", "/v1/me/privacy"),
        ("put", "/v1/admin/users/{id}/suspension"),
        ("put", "/v1/admin/users/{id}/role"),
    ];
    let rows = [("429", &limited[..]), ("409", &of_admins), ("422", &worded)];
    for (status, (method, path)) in
        rows.iter().flat_map(|(status, routes)| routes.iter().map(move |r| (status, r)))
    {
        let responses = &spec["paths"][path][method]["responses"];
        assert!(responses[status].is_object(), "{status} of {method} {path}: {responses}");
    }
}
