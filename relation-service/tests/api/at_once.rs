//! What memory answers before the router is asked is what the router's way answers.

use shared::cache::CacheSettings;
use shared::clock::Clock;
use shared::testing::TestDatabase;

use crate::test_app::TestApp;

/// Takes a request the longer way, and asks for nothing besides.
const LONGER: (&str, &str) = ("mutual-at-least", "0");

async fn both_ways_answer_the_same(make: impl Fn() -> TestDatabase) {
    let app = TestApp::remembering(make, CacheSettings::new(16, true), Clock::system()).await;
    let people = app.crowd("person", 30).await;
    let [me, private, ..] = &people[..] else { panic!("a crowd") };
    app.set_private(private, true).await;
    for other in &people[2..] {
        other.http.put(&format!("/v1/me/following/{}", me.id)).await.expect(200);
        me.http.put(&format!("/v1/me/following/{}", other.id)).await.expect(200);
    }
    me.http.put(&format!("/v1/me/following/{}", private.id)).await.expect(200);
    me.http.put(&format!("/v1/me/mutes/{}", people[3].id)).await.expect(200);
    people[4].http.put(&format!("/v1/me/blocks/{}", me.id)).await.expect(200);
    let (own, id, blocker, hidden) = (me.id, people[2].id, people[4].id, private.id);
    let mut paths = vec![
        format!("/v1/me/relationships?ids={id}"),
        format!("/v1/me/relationships?ids={id},{hidden},{blocker},{own},999,{id}"),
        format!("/v1/me/relationships?ids={id}%2C{own}"),
        "/v1/me/relationships?ids=".to_owned(),
        "/v1/me/relationships?ids=1,x".to_owned(),
        "/v1/me/relationships".to_owned(),
        format!("/v1/me/relationships?ids={id}&more=1"),
        format!("/v1/me/relationships/?ids={id}"),
        "/v1/users/999/counts".to_owned(),
        "/v1/users/x/counts".to_owned(),
        format!("/v1/users/0{id}/counts"),
        format!("/v1/users/{id}/counts?x=1"),
    ];
    for user in [own, id, blocker, hidden] {
        paths.push(format!("/v1/users/{user}/counts"));
        for list in ["followers", "following"] {
            let queries = [
                "",
                "?expand=user",
                "?limit=3&expand=user&order=oldest",
                "?limit=0",
                "?limit=2&&",
                "?what=1",
                "?cursor=x",
            ];
            paths.extend(queries.map(|query| format!("/v1/users/{user}/{list}{query}")));
        }
    }
    let page = me.http.get(&format!("/v1/users/{own}/followers?limit=2")).await.expect(200).json();
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    paths.push(format!("/v1/users/{own}/followers?limit=2&cursor={cursor}&expand=user"));
    paths.push(format!("/v1/users/{id}/followers?cursor={cursor}"));
    for client in [&me.http, &private.http, &people[4].http, &app.nobody, &app.nobody.with_token("none")] {
        for path in &paths {
            client.get_both_ways(path, LONGER).await;
        }
    }
    let found = me.http.get(&format!("/v1/users/{own}/followers?limit=2")).await.expect(200);
    assert!(found.header("link").contains("rel=\"next\""), "{:?}", found.headers);
}

shared::on_both_databases!(both_ways_answer_the_same);
