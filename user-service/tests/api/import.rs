use shared::clock::Clock;
use shared::on_both_databases;
use shared::writer::commit_batch;
use user_service::actors::change::{Command, Outcome};
use user_service::actors::register::{Imported, ImportedUser};
use user_service::domain::username::Username;
use user_service::store;

use crate::test_app::{Make, PASSWORD, TestApp};

on_both_databases!(people_of_another_system_become_members, a_bulk_command_needs_no_service);

pub fn named(names: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<ImportedUser> {
    let user =
        |name: &str| ImportedUser { username: Username::parse(name).unwrap(), display_name: name.to_owned() };
    names.into_iter().map(|name| user(name.as_ref())).collect()
}

async fn people_of_another_system_become_members(make: Make) {
    let app = TestApp::start(make);
    app.register("ann").await;
    let done =
        app.handle.register_imported(named(["bob", "ann", "4nn", "b0b", "carol", "bob"])).await.unwrap();
    // A name that somebody signs in with is theirs: another system's follows must not become theirs.
    let [
        Imported::New(bob),
        Imported::Taken,
        Imported::Taken,
        Imported::Taken,
        Imported::New(_),
        Imported::Known(again),
    ] = done[..]
    else {
        panic!("{done:?}")
    };
    assert_eq!(again, bob);
    let found = app.client.get(&format!("/v1/users/{bob}")).await.expect(200).json();
    assert_eq!((&found["username"], &found["display_name"]), (&"bob".into(), &"bob".into()));
    app.try_log_in("bob", PASSWORD).await.expect_problem(401, "invalid_credentials");
    app.try_register("Bob").await.expect_problem(409, "username_taken");
    assert_eq!(app.events().await.len(), 3);
    // Many: more than one statement, more than one step.
    let names: Vec<String> = (0..2_500).map(|number| format!("n{number}")).collect();
    let done = app.handle.register_imported(named(&names)).await.unwrap();
    assert!(done.iter().all(|one| matches!(one, Imported::New(_))));
    let again = app.handle.register_imported(named(&names)).await.unwrap();
    assert!(
        done.iter().zip(&again).all(|pair| matches!(pair, (Imported::New(a), Imported::Known(b)) if a == b))
    );
    assert_eq!(app.handle.revision(), 2_503);
}

async fn a_bulk_command_needs_no_service(make: Make) {
    let app = TestApp::start(make);
    let engine = app.settings.engine().unwrap();
    let mut conn = app.conn();
    let commands = [Command::RegisterImported(named(["bob"]))];
    let (answers, revision) = commit_batch(&mut conn, &engine, &commands, &Clock::system()).unwrap();
    let Ok(Outcome::Imported(done)) = &answers[0].outcome else { panic!("{answers:?}") };
    let [Imported::New(bob)] = done[..] else { panic!("{done:?}") };
    assert_eq!(revision, 1);
    assert_eq!(store::user::user(&mut conn, bob).unwrap().unwrap().username.as_str(), "bob");
}
