//! One's lists as files, and back.

use actix_web::http::Method;
use serde_json::json;
use shared::facts::AccountStatus;
use shared::testing::TestDatabase;

use crate::imports::{import, numbers};
use crate::person::{Act, Person};
use crate::test_app::{TestApp, all};

/// More than one piece of a file.
const MANY: usize = 510;

pub async fn file(person: &Person, kind: &str) -> String {
    let answer = person.http.get(&format!("/v1/me/exports/{kind}.csv")).await.expect(200);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{kind}.csv\""));
    String::from_utf8(answer.bytes).unwrap()
}

/// Everything that one can see of what one holds.
async fn held(person: &Person) -> Vec<String> {
    let mut all = Vec::new();
    for path in [&person.list("following"), "/v1/me/blocks", "/v1/me/mutes"] {
        all.push(person.http.get(path).await.expect(200).json().to_string());
    }
    all
}

async fn a_file_has_what_the_list_says_and_back_changes_nothing(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, ada, bo, foe, shy, away, loud] =
        app.people(["me", "ada", "_bo.1", "foe", "shy", "away", "loud"]).await;
    for kind in ["following", "blocks", "mutes"] {
        assert_eq!(file(&me, kind).await.lines().count(), 1, "a header alone");
    }
    app.set_private(&shy, true).await;
    me.follow(&away).await;
    me.follow_with_notify(&ada, true).await;
    me.follow(&bo).await;
    me.follow(&shy).await;
    me.block(&foe).await;
    me.act(Act::Mute, &ada).await;
    let brief = json!({"notifications": false, "duration_seconds": 3_600});
    me.http.json(Method::PUT, &format!("/v1/me/mutes/{}", loud.id), &brief).await.expect(200);
    app.set_status(&away, AccountStatus::Suspended).await;
    let expected = [
        (
            "following",
            "Account address,Show boosts,Notify on new posts,Languages\n_bo.1,true,false,\nada,true,true,\n",
        ),
        ("blocks", "Account address\nfoe\n"),
        ("mutes", "Account address,Hide notifications\nloud,false\nada,true\n"),
    ];
    let (before, revision) = (held(&me).await, app.revision().await);
    for (kind, text) in expected {
        assert_eq!(file(&me, kind).await, text);
        for mode in ["merge", "overwrite"] {
            let report = import(&me, &format!("kind={kind}&mode={mode}"), text).await;
            let rows = i64::try_from(text.lines().count()).unwrap() - 1;
            assert_eq!(numbers(&report), [rows, rows, 0, 0, 0], "{kind} {mode}");
        }
    }
    assert_eq!((held(&me).await, app.revision().await), (before, revision));
    app.set_status(&away, AccountStatus::Active).await;
    assert_eq!(me.sees(&away).await, "following");
    app.assert_sound().await;
}

async fn a_long_file_is_whole_and_moves_a_list_to_another_account(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [old, new] = app.people(["old", "new"]).await;
    let people = app.crowd("p", MANY).await;
    for some in people.chunks(50) {
        all(some.iter().map(|person| old.follow(person))).await;
    }
    let text = file(&old, "following").await;
    let names = text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    let mut expected: Vec<String> = (0..MANY).map(|number| format!("p{number}")).collect();
    expected.sort();
    assert_eq!(names, expected);
    let many = i64::try_from(MANY).unwrap();
    assert_eq!(numbers(&import(&new, "kind=following&mode=overwrite", text).await), [many, many, 0, many, 0]);
    assert_eq!(new.walk(&new.list("following"), 100).await.len(), MANY);
    assert_eq!((new.counts().await, people[0].counts().await[0]), ([0, many, 0, 0, 0], 2));
    let report = import(&new, "kind=following&mode=overwrite", "Account address\n").await;
    assert_eq!(numbers(&report), [0, 0, 0, 0, many]);
    assert_eq!((new.counts().await, people[0].counts().await[0]), ([0; 5], 1));
    app.assert_sound().await;
}

shared::on_both_databases!(
    a_file_has_what_the_list_says_and_back_changes_nothing,
    a_long_file_is_whole_and_moves_a_list_to_another_account,
);
