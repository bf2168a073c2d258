//! No search of somebody who is signed in shows a block.

use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::Value;
use shared::on_both_databases;
use shared::secret::Secret;
use shared::testing::Client;
use user_service::actors::register::Imported;

use crate::fake_relation_service::{FakeRelationService, Mode};
use crate::search::{names, path, people};
use crate::test_app::{Make, Person, TestApp};

on_both_databases!(
    r35_a_block_hides_both_from_each_other,
    r35_pages_stay_whole_however_many_are_left_out,
    r35_who_cannot_be_asked_is_not_guessed,
    r35_whoever_is_unknown_there_is_left_out,
    a_question_is_asked_in_the_name_of_the_request,
);

/// Long enough for an answer that was given up, also on a busy machine; far below a client's own patience.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);

fn start(make: Make) -> (TestApp, FakeRelationService) {
    let secret = Secret::random().unwrap();
    let relations = FakeRelationService::start(&secret);
    let app = TestApp::start_with(make, |settings| {
        settings.service_secret = secret;
        settings.relation_service_url = Some(relations.url.clone());
    });
    (app, relations)
}

async fn search(client: &Client, q: &str) -> Vec<String> {
    names(&client.get(&path(q)).await.expect(200))
}

async fn a_question_is_asked_in_the_name_of_the_request(make: Make) {
    let (app, relations) = start(make);
    let ann = app.register("qann").await;
    app.register("qbob").await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (id, sent) in [("first", parent), ("second", "00-0-0-00"), ("third", "")] {
        let headers = [("x-request-id", id), ("traceparent", sent)];
        let headers = if sent.is_empty() { &headers[..1] } else { &headers[..] };
        ann.client.send(Method::GET, &path("qb"), headers, Vec::new()).await.expect(200);
    }
    assert_eq!(relations.headers("x-request-id"), ["first", "second", "third"]);
    assert_eq!(relations.headers("traceparent"), [parent, "", ""], "what is malformed is dropped");
}

async fn r35_a_block_hides_both_from_each_other(make: Make) {
    let (app, relations) = start(make);
    let (ann, bob, cat): (Person, Person, Person) =
        (app.register("qann").await, app.register("qbob").await, app.register("qcat").await);
    relations.block(&ann.id, &bob.id);
    assert_eq!(search(&ann.client, "q").await, ["qann", "qcat"]);
    assert_eq!(search(&bob.client, "q").await, ["qbob", "qcat"]);
    assert_eq!(search(&ann.client, "qbob").await, [""; 0], "the exact name neither");
    assert_eq!(search(&cat.client, "q").await, ["qann", "qbob", "qcat"]);
    relations.take_questions();
    assert_eq!(search(&app.client, "q").await, ["qann", "qbob", "qcat"], "nobody blocks the nameless");
    assert_eq!(relations.take_questions(), [0; 0]);
    // It is asked each time: nothing is remembered that could be over.
    relations.block(&cat.id, &ann.id);
    assert_eq!(search(&ann.client, "q").await, ["qann"]);
}

async fn r35_pages_stay_whole_however_many_are_left_out(make: Make) {
    let (app, relations) = start(make);
    let viewer = app.register("viewer").await;
    let many: Vec<String> = (0..480).map(|number| format!("many{number:03}")).collect();
    let named: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "")).collect();
    let made = people(&app, &named).await;
    // Only the hundredth, the two before the end and the last are left.
    let kept = [100, 470, 471, 479];
    for (number, person) in made.iter().enumerate().filter(|(number, _)| !kept.contains(number)) {
        let Imported::New(id) = person else { panic!("{person:?}") };
        let id = id.to_string();
        let (one, other) = if number % 2 == 0 { (&viewer.id, &id) } else { (&id, &viewer.id) };
        relations.block(one, other);
    }
    let expected: Vec<&String> = kept.iter().map(|number| &many[*number]).collect();
    for limit in [1_usize, 3, 4, 100] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page =
                viewer.client.get(&format!("{}&limit={limit}{cursor}", path("many"))).await.expect(200);
            let asked = relations.take_questions();
            assert!(asked.len() <= 4 && asked.iter().all(|ids| *ids <= 200), "{asked:?}");
            let names = names(&page);
            let next = page.json()["next_cursor"].clone();
            assert!(names.len() == limit || next == Value::Null, "a short page that is not the last");
            found.extend(names);
            let Some(next) = next.as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{limit}");
    }
}

async fn r35_who_cannot_be_asked_is_not_guessed(make: Make) {
    let (app, relations) = start(make);
    let ann = app.register("qann").await;
    app.register("qbob").await;
    for mode in [Mode::Down, Mode::Silent] {
        relations.behave(mode);
        let begun = Instant::now();
        let refused = ann.client.get(&path("q")).await.expect_problem(503, "unavailable");
        assert!(!refused.header("retry-after").is_empty());
        assert!(begun.elapsed() < REFUSED_WITHIN, "{mode:?} {:?}", begun.elapsed());
        assert_eq!(search(&app.client, "q").await, ["qann", "qbob"], "the nameless need no answer");
        assert_eq!(search(&ann.client, "nobodyisso").await, [""; 0], "nobody is there to ask about");
    }
    relations.behave(Mode::Up);
    assert_eq!(search(&ann.client, "q").await, ["qann", "qbob"]);
    relations.miss(&ann.id);
    ann.client.get(&path("q")).await.expect_problem(503, "unavailable");
}

async fn r35_whoever_is_unknown_there_is_left_out(make: Make) {
    let (app, relations) = start(make);
    let (ann, bob) = (app.register("qann").await, app.register("qbob").await);
    relations.miss(&bob.id);
    assert_eq!(search(&ann.client, "q").await, ["qann"]);
}
