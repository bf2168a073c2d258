//! Imports in steps: cut off and gone on with, beside each other and beside everything else.

use std::time::Duration;

use relation_service::domain::{IMPORT_KEPT_FOR, IMPORTS_KEPT_MAX};
use serde_json::json;
use shared::clock::{Clock, Micros};
use shared::db::audit::count;
use shared::facts::AccountStatus;
use shared::testing::TestDatabase;

use crate::events::{lines, read};
use crate::fake_user_service::Mode;
use crate::imports::{begin, done, failures, import, numbers, progress, send};
use crate::person::Act;
use crate::test_app::{LIMITS, TestApp, until};

/// More than two steps.
const MANY: usize = 450;
const HOUR: Duration = Duration::from_secs(60 * 60);

fn rows(app: &TestApp, table: &str) -> i64 {
    count(&mut app.writer(), &format!("SELECT user_id FROM {table}")).unwrap()
}

/// A file with many people of a crowd. From the 251st on, which a later step comes to, each is behind a name that nobody
/// has.
fn file() -> String {
    let row = |number: usize| {
        if number < 250 { format!("p{number}\n") } else { format!("nobody{number}\np{number}\n") }
    };
    format!("Account address\n{}", (0..MANY).map(row).collect::<String>())
}

/// Cut off where names have to be asked for, and then wherever it is, again and again: each row is done once.
async fn goes_on(make: impl Fn() -> TestDatabase, mode: &str, processed: i64, removed: i64) {
    let mut app = TestApp::start(make).await;
    let [me, left] = app.people(["me", "left"]).await;
    app.crowd("p", MANY).await;
    me.follow(&left).await;
    let before = app.revision().await;
    // It cannot go beyond the names that are known.
    app.users.set_mode(Mode::Down);
    let id = begin(&me, &format!("kind=following&mode={mode}"), file()).await;
    until("waiting", async || progress(&me, &id).await["state"] == "waiting").await;
    assert_eq!(numbers(&progress(&me, &id).await), [650, processed, 0, processed, 0]);
    let mut me = me;
    for round in 0..6 {
        app.stop_service();
        if round > 0 {
            app.users.set_mode(Mode::Up);
        }
        app.start_service();
        me = app.again(&me);
        let seen = progress(&me, &id).await["processed"].as_i64().unwrap();
        assert!(if round == 0 { seen == processed } else { seen >= processed }, "round {round}: {seen}");
    }
    let report = done(&me, &id).await;
    app.until_ready().await;
    assert_eq!(numbers(&report), [650, 650, 200, 450, removed]);
    let failed = failures(&report);
    assert_eq!((failed.len(), failed[0].as_str()), (200, "251 nobody250 user_not_found"));
    let following = 450 + 1 - removed;
    let walked = me.walk(&me.list("following"), 100).await;
    assert_eq!(i64::try_from(walked.len()).unwrap(), following);
    assert_eq!(me.counts().await, [0, following, 0, 0, 0]);
    let told = lines(&read(&app.service("feed", &["events"]), before, 1_000).await);
    assert_eq!(i64::try_from(told.len()).unwrap(), 450 + removed, "each row once");
    // What is left is what failed.
    assert_eq!(rows(&app, "import_rows"), 200);
    app.assert_sound().await;
}

async fn a_merge_goes_on_after_the_end_of_the_process(make: impl Fn() -> TestDatabase) {
    goes_on(make, "merge", 250, 0).await;
}

async fn an_overwrite_goes_on_after_the_end_of_the_process(make: impl Fn() -> TestDatabase) {
    // Until all names are known, nothing is done.
    goes_on(make, "overwrite", 0, 1).await;
}

async fn one_of_a_kind_at_a_time_and_nobody_else_waits(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, other, ada] = app.people(["me", "other", "ada"]).await;
    app.users.set_mode(Mode::Down);
    let id = begin(&me, "kind=following", "nobody\nada\n").await;
    send(&me, "kind=following", "ada\n").await.expect_problem(409, "import_running");
    send(&me, "kind=following&dry_run=true", "ada\n").await.expect_problem(409, "import_running");
    assert_eq!(numbers(&import(&me, "kind=blocks", "other\n").await), [1, 1, 0, 1, 0]);
    assert_eq!(numbers(&import(&other, "kind=following", "ada\n").await), [1, 1, 0, 1, 0]);
    app.users.set_mode(Mode::Up);
    done(&me, &id).await;
    assert_eq!(numbers(&import(&me, "kind=following", "ada\n").await), [1, 1, 0, 0, 0]);
    assert_eq!(ada.counts().await, [2, 0, 0, 0, 0]);
}

async fn failures_are_bounded_and_counted(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, ada] = app.people(["me", "ada"]).await;
    let bad: String = (0..1_500).map(|number| format!("not a name {number}\n")).collect();
    let file = format!("Account address\n{bad}ada\n");
    for query in ["kind=following&dry_run=true", "kind=following", "kind=following&mode=overwrite"] {
        let report = import(&me, query, file.as_str()).await;
        let changed = i64::from(!query.contains("overwrite"));
        assert_eq!(numbers(&report), [1_501, 1_501, 1_500, changed, 0], "{query}");
        let failures = failures(&report);
        assert_eq!((failures.len(), failures[999].as_str()), (1_000, "1000 not a name 999 invalid_row"));
    }
    assert_eq!((rows(&app, "import_rows"), me.sees(&ada).await), (3_000, "following".into()));
}

async fn so_many_are_kept_and_for_so_long(make: impl Fn() -> TestDatabase) {
    let clock = Clock::fixed(Micros::new(1_800_000_000_000_000));
    let app = TestApp::with_clock(make, LIMITS, clock.clone()).await;
    let [me, _ada] = app.people(["me", "ada"]).await;
    let mut kept = Vec::new();
    for number in 1..=IMPORTS_KEPT_MAX {
        let answer = send(&me, "kind=blocks", "ada\nno name\n").await.expect(202);
        let left = answer.header("x-ratelimit-remaining").parse::<usize>();
        assert_eq!((answer.header("x-ratelimit-limit"), left), ("20", Ok(IMPORTS_KEPT_MAX - number)));
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        done(&me, &id).await;
        kept.push(id);
        clock.advance(Duration::from_secs(1));
    }
    let refused = send(&me, "kind=blocks", "ada\n").await.expect_problem(429, "too_many_imports");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((23 * 3_600..=24 * 3_600).contains(&wait), "{wait}");
    let limit = ["limit", "remaining", "reset"].map(|what| refused.header(&format!("x-ratelimit-{what}")));
    assert_eq!(limit, ["20", "0", refused.header("retry-after")]);
    clock.advance(Duration::from_secs(wait));
    let me = app.again(&me);
    let newest = begin(&me, "kind=blocks", "Account address\nno name\n").await;
    me.http.get(&format!("/v1/me/imports/{}", kept[0])).await.expect_problem(404, "import_not_found");
    done(&me, &kept[1]).await;
    let whole = i64::try_from(IMPORTS_KEPT_MAX).unwrap();
    until("kept", async || rows(&app, "imports") == whole).await;
    // A week after its beginning, each is forgotten with its rows.
    clock.advance(IMPORT_KEPT_FOR - HOUR);
    until("forgotten but the newest", async || rows(&app, "imports") == 1).await;
    let me = app.again(&me);
    done(&me, &newest).await;
    clock.advance(HOUR);
    until("forgotten", async || rows(&app, "imports") + rows(&app, "import_rows") == 0).await;
}

async fn of_somebody_who_is_hidden_it_rests_and_of_the_deleted_nothing_stays(
    make: impl Fn() -> TestDatabase,
) {
    let app = TestApp::start(make).await;
    let [me, ada] = app.people(["me", "ada"]).await;
    app.users.set_names_away(true);
    let id = begin(&me, "kind=following", "nobody\nada\n").await;
    until("waiting", async || progress(&me, &id).await["state"] == "waiting").await;
    // The feed still tells, but nobody says whom names lead to.
    app.set_status(&me, AccountStatus::Deactivated).await;
    app.users.set_names_away(false);
    let [other] = app.people(["other"]).await;
    // The look for the second one comes after a whole round with the first.
    for kind in ["following", "mutes"] {
        let ended = import(&other, &format!("kind={kind}"), "ada\n").await;
        assert_eq!(numbers(&ended), [1, 1, 0, 1, 0]);
    }
    let open = || count(&mut app.writer(), "SELECT id FROM imports WHERE state <> 4").unwrap();
    assert_eq!((open(), ada.counts().await), (1, [1, 0, 0, 0, 0]), "it rests");
    app.set_status(&me, AccountStatus::Active).await;
    assert_eq!(numbers(&done(&me, &id).await), [2, 2, 1, 1, 0]);
    app.users.set_mode(Mode::Down);
    begin(&me, "kind=blocks", "nobody\nada\n").await;
    app.users.set_mode(Mode::Up);
    app.users.append("user.deleted", me.id, json!({}), None);
    let left = || {
        let text = format!(
            "SELECT id FROM imports WHERE user_id = {0} UNION ALL SELECT number FROM import_rows WHERE user_id = {0}",
            me.id
        );
        count(&mut app.writer(), &text).unwrap()
    };
    until("purged", async || left() == 0).await;
    until("sound", async || app.is_sound().await).await;
}

/// While a long file is worked off, others act without waiting for its end.
async fn others_go_on_meanwhile(make: impl Fn() -> TestDatabase) {
    let app = TestApp::start(make).await;
    let [me, anna, ben] = app.people(["me", "anna", "ben"]).await;
    app.crowd("p", MANY).await;
    let id = begin(&me, "kind=mutes", file()).await;
    let mut acts = 0;
    loop {
        anna.follow(&ben).await;
        anna.act(Act::Unfollow, &ben).await;
        let [total, processed, ..] = numbers(&progress(&me, &id).await);
        acts += i32::from(0 < processed && processed < total);
        if processed == total {
            break;
        }
    }
    assert!(acts > 0, "nobody acted meanwhile");
    assert_eq!(me.walk("/v1/me/mutes", 100).await.len(), MANY);
    app.assert_sound().await;
}

shared::on_both_databases!(
    a_merge_goes_on_after_the_end_of_the_process,
    an_overwrite_goes_on_after_the_end_of_the_process,
    one_of_a_kind_at_a_time_and_nobody_else_waits,
    failures_are_bounded_and_counted,
    so_many_are_kept_and_for_so_long,
    of_somebody_who_is_hidden_it_rests_and_of_the_deleted_nothing_stays,
    others_go_on_meanwhile,
);
