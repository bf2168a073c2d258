//! Bringing lists from elsewhere as files.

use actix_web::http::Method;
use serde_json::{Value, json};
use shared::facts::AccountStatus;
use shared::testing::{Answer, TestDatabase};

use crate::events::{lines, read};
use crate::fake_user_service::Mode;
use crate::person::{Act, Person, ids};
use crate::test_app::{LIMITS, TestApp, all, until};

/// Sends a file.
pub async fn send(person: &Person, query: &str, file: impl Into<Vec<u8>>) -> Answer {
    let path = format!("/v1/me/imports?{query}");
    person.http.send(Method::POST, &path, &[("content-type", "text/csv")], file.into()).await
}

/// Begins an import, which must be taken, and returns its id.
pub async fn begin(person: &Person, query: &str, file: impl Into<Vec<u8>>) -> String {
    let answer = send(person, query, file).await.expect(202);
    let begun = answer.json();
    let numbers = ["processed", "failed", "changed", "removed"].map(|name| begun[name].as_i64());
    assert_eq!((&begun["state"], numbers), (&json!("queued"), [Some(0); 4]), "{begun}");
    let id = begun["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/v1/me/imports/{id}"));
    id
}

pub async fn progress(person: &Person, id: &str) -> Value {
    person.http.get(&format!("/v1/me/imports/{id}")).await.expect(200).json()
}

pub async fn done(person: &Person, id: &str) -> Value {
    until("done", async || progress(person, id).await["state"] == "done").await;
    progress(person, id).await
}

/// Imports a file to its end and returns the report.
pub async fn import(person: &Person, query: &str, file: impl Into<Vec<u8>>) -> Value {
    let id = begin(person, query, file).await;
    done(person, &id).await
}

/// Total, processed, failed, changed and removed.
pub fn numbers(report: &Value) -> [i64; 5] {
    ["total", "processed", "failed", "changed", "removed"].map(|name| report[name].as_i64().unwrap())
}

/// `row account code` of each failure.
pub fn failures(report: &Value) -> Vec<String> {
    let failures = report["failures"].as_array().unwrap();
    let text = |failure: &Value| {
        let word = |name: &str| failure[name].as_str().unwrap().to_owned();
        format!("{} {} {}", failure["row"], word("account"), word("code"))
    };
    failures.iter().map(text).collect()
}

async fn each_kind_adds_what_its_file_says(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, ada, bo, shy] = app.people(["me", "ada", "bo", "shy"]).await;
    app.set_private(&shy, true).await;
    let file = "Account address,Show boosts,Notify on new posts,Languages\n\
        ada,true,true,\"en, de\"\nbo@localhost,false,false,\n@Shy@MUTUAL.example,true,,\n";
    let report = import(&me, "kind=following", file).await;
    assert_eq!((numbers(&report), failures(&report)), ([3, 3, 0, 3, 0], vec![]));
    assert_eq!(
        (&report["kind"], &report["mode"], &report["dry_run"]),
        (&json!("following"), &json!("merge"), &json!(false))
    );
    assert_eq!(me.sees(&ada).await, "following notify");
    assert_eq!(me.sees(&bo).await, "following");
    assert_eq!(me.sees(&shy).await, "requested");
    let report =
        import(&me, "kind=mutes&mode=merge", "Hide notifications,Account address\nfalse,ada\n,bo\n").await;
    assert_eq!(numbers(&report), [2, 2, 0, 2, 0]);
    assert_eq!(me.sees(&ada).await, "following muting notify");
    assert_eq!(me.sees(&bo).await, "following muting mute_notifications");
    // Without a header line, as Mastodon writes it.
    let report = import(&me, "kind=blocks", "ada\nbo\n").await;
    assert_eq!(numbers(&report), [2, 2, 0, 2, 0]);
    assert!(me.sees(&ada).await.starts_with("blocking"));
    assert_eq!((me.counts().await, ada.counts().await), ([0, 0, 0, 0, 1], [0; 5]));
    // Again changes nothing.
    let revision = app.revision().await;
    assert_eq!(
        numbers(&import(&me, "kind=blocks", "Account address\r\nada\r\nbo\r\n").await),
        [2, 2, 0, 0, 0]
    );
    assert_eq!(app.revision().await, revision);
    app.assert_sound().await;
}

async fn bad_rows_are_in_nobodys_way(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, ada, bo, foe, hater, gone] = app.people(["me", "ada", "bo", "foe", "hater", "gone"]).await;
    me.block(&foe).await;
    hater.block(&me).await;
    app.set_status(&gone, AccountStatus::Suspended).await;
    let file = "\u{feff}Account address,Notify on new posts\r\n\
        nobody.here\r\nada,true\r\nme\r\n\"a name\0in\nlines\"\r\nfoe\r\nhater\r\ngone\r\n\
        bo@elsewhere.example\r\n,\r\nada\r\nADA,false\r\nbo,perhaps\r\n\"bo\",\"false\"\r\n=cmd()\r\n";
    let report = import(&me, "kind=following", file).await;
    assert_eq!(numbers(&report), [14, 14, 10, 2, 0]);
    let expected = [
        "1 nobody.here user_not_found",
        "3 me self_relation",
        "4 a name\u{fffd}in\u{fffd}lines invalid_row",
        "5 foe you_block_them",
        "6 hater user_not_found",
        "7 gone user_not_found",
        "8 bo@elsewhere.example unknown_host",
        "9  invalid_row",
        "12 bo invalid_row",
        "14 =cmd() invalid_row",
    ];
    assert_eq!(failures(&report), expected);
    assert_eq!((me.sees(&ada).await, me.sees(&bo).await), ("following notify".into(), "following".into()));
    assert_eq!(me.walk(&me.list("following"), 5).await, ids(&[&bo, &ada]));
    app.assert_sound().await;
}

async fn overwrite_makes_the_list_what_the_file_says(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, ada, bo, cy, shy, away] = app.people(["me", "ada", "bo", "cy", "shy", "away"]).await;
    app.set_private(&shy, true).await;
    for other in [&ada, &bo, &away, &shy] {
        me.follow(other).await;
    }
    app.set_status(&away, AccountStatus::Deactivated).await;
    let before = app.revision().await;
    let report = import(&me, "kind=following&mode=overwrite", "Account address\nbo\ncy\nnobody\n").await;
    assert_eq!(
        (numbers(&report), failures(&report)),
        ([3, 3, 1, 1, 1], vec!["3 nobody user_not_found".into()])
    );
    assert_eq!(me.walk(&me.list("following"), 5).await, ids(&[&cy, &bo]));
    assert_eq!(me.sees(&shy).await, "requested", "a request is not on the list");
    let feed = app.service("feed", &["events"]);
    let expected = [
        format!("follow.removed {} {} import", me.id, ada.id),
        format!("follow.created {} {}", me.id, cy.id),
    ];
    assert_eq!(lines(&read(&feed, before, 100).await), expected);
    app.set_status(&away, AccountStatus::Active).await;
    assert_eq!(me.sees(&away).await, "following", "who is hidden is on no list");
    for (kind, act) in [("blocks", Act::Block), ("mutes", Act::Mute)] {
        for other in [&ada, &bo] {
            me.act(act, other).await;
        }
        let query = format!("kind={kind}&mode=overwrite");
        let report = import(&me, &query, "Account address\nbo\ncy\n").await;
        assert_eq!(numbers(&report), [2, 2, 0, 1, 1], "{kind}");
        assert_eq!(me.walk(&format!("/v1/me/{kind}"), 5).await, ids(&[&cy, &bo]), "{kind}");
        // A file that lists nobody.
        let report = import(&me, &query, "Account address\n").await;
        assert_eq!(
            (numbers(&report), me.walk(&format!("/v1/me/{kind}"), 5).await),
            ([0, 0, 0, 0, 2], vec![])
        );
    }
    app.assert_sound().await;
}

async fn what_does_not_fit_fails_row_by_row(make: impl Fn() -> TestDatabase) {
    let limits = relation_service::domain::Limits { following_max: 3, blocks_max: 2, mutes_max: 2, ..LIMITS };
    let app = TestApp::with_limits(make, limits).await;
    let [me] = app.people(["me"]).await;
    let crowd = app.crowd("p", 5).await;
    me.follow(&crowd[4]).await;
    let file = "Account address\np0\np1\np2\np3\np4\n";
    let full = |code: &str, rows: [usize; 2]| rows.map(|row| format!("{row} p{} {code}", row - 1)).to_vec();
    for dry_run in [true, false] {
        let report = import(&me, &format!("kind=following&dry_run={dry_run}"), file).await;
        assert_eq!(
            (numbers(&report), failures(&report)),
            ([5, 5, 2, 2, 0], full("following_limit_reached", [3, 4]))
        );
    }
    assert_eq!(me.counts().await, [0, 3, 0, 0, 0]);
    // What it leaves out makes room first.
    for dry_run in [true, false] {
        let query = format!("kind=following&mode=overwrite&dry_run={dry_run}");
        let report = import(&me, &query, "Account address\np2\np3\np4\n").await;
        assert_eq!((numbers(&report), failures(&report)), ([3, 3, 0, 2, 2], vec![]));
    }
    let few = "Account address\np0\np1\np2\n";
    for (kind, code) in [("blocks", "block_limit_reached"), ("mutes", "mute_limit_reached")] {
        let report = import(&me, &format!("kind={kind}"), few).await;
        assert_eq!(failures(&report), [format!("3 p2 {code}")]);
    }
    app.assert_sound().await;
}

async fn a_dry_run_says_the_same_and_changes_nothing(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, ada, bo, cy] = app.people(["me", "ada", "bo", "cy"]).await;
    me.follow(&ada).await;
    let newcomer = app.newcomer("newcomer");
    let file = "Account address,Notify on new posts\nme\nbo,true\nnobody\nada\nbad row\nnewcomer\n";
    for mode in ["merge", "overwrite"] {
        let (revision, held) = (app.revision().await, me.walk(&me.list("following"), 9).await);
        let query = format!("kind=following&mode={mode}");
        let foreseen = import(&me, &format!("{query}&dry_run=true"), file).await;
        assert_eq!((app.revision().await, held), (revision, me.walk(&me.list("following"), 9).await));
        let report = import(&me, &query, file).await;
        assert_eq!(
            (numbers(&foreseen), failures(&foreseen)),
            (numbers(&report), failures(&report)),
            "{mode}"
        );
        assert_eq!(
            failures(&report),
            ["1 me self_relation", "3 nobody user_not_found", "5 bad row invalid_row"]
        );
        me.follow(&cy).await;
        me.act(Act::Unfollow, &bo).await;
    }
    assert_eq!(me.sees(&newcomer).await, "following");
    app.assert_sound().await;
}

async fn names_are_asked_about_once_and_an_outage_is_waited_for(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, ada, old] = app.people(["me", "ada", "old_name"]).await;
    app.users.rename(old.id, "new_name");
    app.users.applied().await;
    app.users.set_mode(Mode::Down);
    let newcomer = app.newcomer("newcomer");
    let id = begin(&me, "kind=following", "Account address\nada\nnewcomer\nold_name\nnobody\n").await;
    until("waiting", async || progress(&me, &id).await["state"] == "waiting").await;
    assert_eq!(numbers(&progress(&me, &id).await), [4, 0, 0, 0, 0], "no row fails for it");
    // What needs nobody goes on meanwhile.
    assert_eq!(numbers(&import(&me, "kind=mutes", "ada\n").await), [1, 1, 0, 1, 0]);
    app.users.set_mode(Mode::Up);
    let report = done(&me, &id).await;
    assert_eq!(
        (numbers(&report), failures(&report)),
        ([4, 4, 1, 3, 0], vec!["4 nobody user_not_found".into()])
    );
    for other in [&ada, &newcomer, &old] {
        assert!(me.sees(other).await.starts_with("following"));
    }
    app.users.applied().await;
    // The feed may have told of the newcomer before the question.
    let mut asked = app.users.names_asked();
    asked.retain(|name| name != "newcomer");
    assert_eq!(asked, ["old_name", "nobody"]);
    app.assert_sound().await;
}

async fn files_that_are_none_are_refused(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me] = app.people(["me"]).await;
    let many: String = (0..20_001).map(|row| format!("p{row}\n")).collect();
    let long = "a,".repeat(1 << 20) + "b";
    let bad: [(&[u8], u16, &str); 9] = [
        (b"", 422, "invalid_csv"),
        (b"\n\n", 422, "invalid_csv"),
        (b"{\"accounts\": [\"ada\"]}", 422, "invalid_csv"),
        (b"<html><body>ada</body></html>", 422, "invalid_csv"),
        (b"ada bo\n", 422, "invalid_csv"),
        (b"\xff\xfea\0d\0a\0", 422, "invalid_csv"),
        (b"Account address\n\xe4\n", 422, "invalid_csv"),
        (many.as_bytes(), 413, "too_many_rows"),
        (long.as_bytes(), 413, "body_too_large"),
    ];
    for (file, status, code) in bad {
        let answer = send(&me, "kind=following", file).await;
        let place = String::from_utf8_lossy(&file[..file.len().min(40)]).into_owned();
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{place:?}");
    }
    for media in ["application/json", "text/plain", ""] {
        let headers: &[_] = if media.is_empty() { &[] } else { &[("content-type", media)] };
        let answer =
            me.http.send(Method::POST, "/v1/me/imports?kind=blocks", headers, b"ada\n".to_vec()).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    for query in
        ["", "kind=friends", "kind=blocks&mode=replace", "kind=blocks&dry_run=2", "kind=blocks&what=1"]
    {
        send(&me, query, "ada\n").await.expect_problem(400, "invalid_query");
    }
    for key in ["", "a b"] {
        let headers = [("content-type", "text/csv"), ("idempotency-key", key)];
        let answer =
            me.http.send(Method::POST, "/v1/me/imports?kind=blocks", &headers, b"ada\n".to_vec()).await;
        answer.expect_problem(400, "invalid_idempotency_key");
    }
    me.http.get("/v1/me/imports/x").await.expect_problem(400, "invalid_id");
    let kept = "SELECT id FROM imports UNION ALL SELECT number FROM import_rows";
    assert_eq!(shared::db::audit::count(&mut app.writer(), kept).unwrap(), 0);
}

async fn what_one_brings_is_ones_own(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, other] = app.people(["me", "other"]).await;
    let id = begin(&me, "kind=blocks", "nobody\n").await;
    done(&me, &id).await;
    for path in [id.as_str(), "1", "9223372036854775807"] {
        let path = format!("/v1/me/imports/{path}");
        other.http.get(&path).await.expect_problem(404, "import_not_found");
    }
    app.nobody.get(&format!("/v1/me/imports/{id}")).await.expect_problem(401, "unauthenticated");
    let exported = me.http.get("/v1/me/export").await.expect(200).json();
    assert_eq!(exported["imports"].as_array().unwrap().len(), 1);
    assert_eq!((&exported["imports"][0]["id"], &exported["imports"][0]["failed"]), (&json!(id), &json!(1)));
}

async fn a_request_may_be_repeated(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, other, ada] = app.people(["me", "other", "ada"]).await;
    let send = async |person: &Person, query: &str, file: &str| {
        let headers = [("content-type", "text/csv"), ("idempotency-key", "k1")];
        let path = format!("/v1/me/imports?{query}");
        person.http.send(Method::POST, &path, &headers, file.as_bytes().to_vec()).await
    };
    let answers = all((0..6).map(|_| send(&me, "kind=following", "ada\n"))).await;
    let first = answers[0].json();
    for answer in answers {
        assert_eq!(answer.expect(202).json(), first);
    }
    done(&me, first["id"].as_str().unwrap()).await;
    assert_eq!(send(&me, "kind=following", "ada\n").await.expect(202).json(), first);
    for (query, file) in [
        ("kind=following", "bo\n"),
        ("kind=blocks", "ada\n"),
        ("kind=following&mode=overwrite", "ada\n"),
        ("kind=following&dry_run=true", "ada\n"),
    ] {
        send(&me, query, file).await.expect_problem(422, "idempotency_key_reused");
    }
    for none in ["", "a b\n"] {
        send(&me, "kind=following", none).await.expect_problem(422, "idempotency_key_reused");
    }
    assert_ne!(send(&other, "kind=blocks", "ada\n").await.expect(202).json()["id"], first["id"]);
    assert_eq!(ada.counts().await, [1, 0, 0, 0, 0]);
}

shared::on_both_databases!(
    each_kind_adds_what_its_file_says,
    bad_rows_are_in_nobodys_way,
    overwrite_makes_the_list_what_the_file_says,
    what_does_not_fit_fails_row_by_row,
    a_dry_run_says_the_same_and_changes_nothing,
    names_are_asked_about_once_and_an_outage_is_waited_for,
    files_that_are_none_are_refused,
    what_one_brings_is_ones_own,
    a_request_may_be_repeated,
);
