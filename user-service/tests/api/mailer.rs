use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use actix_web::http::Method;
use serde_json::json;
use shared::clock::Clock;
use shared::db::audit::count;
use shared::db::execute;
use shared::id::UserId;
use shared::on_both_databases;
use shared::testing::Answer;
use shared::writer::commit_batch;
use user_service::actors::change::{Command, Outcome};
use user_service::actors::mail::Delivered;
use user_service::actors::mail_command::MailCommand;
use user_service::app::Settings;
use user_service::domain::denial::Denial;
use user_service::domain::mail::Kind;

use crate::deactivation::without_request_id;
use crate::post::{SmtpServer, until};
use crate::test_app::{Make, PASSWORD, TestApp, held_clock};

on_both_databases!(
    a_mail_is_a_private_file_unless_there_is_a_server,
    a_mail_arrives,
    what_the_server_puts_off_is_tried_again,
    what_the_server_refuses_is_given_up,
    a_refused_login_is_no_reason_to_give_up,
    mails_wait_for_a_server_that_is_away,
    what_a_crash_interrupted_is_sent,
    a_mail_whose_token_is_void_is_not_sent,
    a_mail_that_nobody_wants_any_more_is_given_up,
    a_slow_delivery_holds_nobody_else_up,
    a_mail_that_cannot_be_read_is_set_aside,
    a_full_outbox_takes_no_more_requests_and_tells_nothing,
    a_mail_about_somebody_who_is_gone_is_nobodys,
);

const HOUR: Duration = Duration::from_secs(60 * 60);

fn over_smtp(settings: &mut Settings, port: u16) {
    settings.mail.smtp_url = Some(format!("smtp://127.0.0.1:{port}").parse().unwrap());
    settings.mail.mail_from = Some("Mutual <mutual@example.com>".parse().unwrap());
    settings.mail.public_url = Some("https://app.example.com".parse().unwrap());
}

/// A port at which nobody listens.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

async fn register(app: &TestApp, name: &str, email: &str) {
    let body = json!({"username": name, "email": email, "password": PASSWORD});
    app.post("/v1/users", &body).await.expect(201);
}

/// Waits until the first mail was tried so often.
async fn until_tried(app: &TestApp, tries: i64) {
    let tried = || app.outbox().first().is_some_and(|mail| mail.tries == tries && !is_leased(app));
    until("a try", tried).await;
}

/// Whether the first mail is under way: then it is due a minute later, and after its first failures sooner.
fn is_leased(app: &TestApp) -> bool {
    let soon = app.settings.clock.now().after(Duration::from_secs(50));
    app.outbox().first().is_some_and(|mail| mail.due_at > soon)
}

async fn a_mail_is_a_private_file_unless_there_is_a_server(make: Make) {
    let app = TestApp::start(make);
    app.register("ann").await;
    app.letters().await;
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(app.settings.mail_dir.clone()), 0o700);
    let files: Vec<_> =
        std::fs::read_dir(&app.settings.mail_dir).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(mode(files[0].clone()), 0o600);
    assert!(files[0].to_str().unwrap().ends_with("-verification.eml"));
}

async fn a_mail_arrives(make: Make) {
    let Some(server) = SmtpServer::start(0).await else { return };
    let app = TestApp::start_with(make, |settings| over_smtp(settings, server.port));
    register(&app, "ann", "Ann+1@example.com").await;
    let (mail, letter) = server.next().await;
    assert_eq!((&mail["from"], &mail["to"]), (&json!("mutual@example.com"), &json!(["Ann+1@example.com"])));
    for line in
        ["From: Mutual <mutual@example.com>", "To: Ann+1@example.com", "Auto-Submitted: auto-generated"]
    {
        assert!(letter.text.contains(&format!("{line}\r\n")), "{}", letter.text);
    }
    let token = letter.token();
    assert!(letter.text.contains(&format!("https://app.example.com/verify-email#token={token}\r\n")));
    app.post("/v1/email-verifications", &json!({"token": token})).await.expect(204);
    until("an empty outbox", || app.outbox().is_empty()).await;
    // Nobody looks at what a mail server has taken: no file of it is left here.
    assert!(!app.settings.mail_dir.exists());
}

async fn what_the_server_puts_off_is_tried_again(make: Make) {
    let Some(server) = SmtpServer::start(0).await else { return };
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        over_smtp(settings, server.port);
    });
    register(&app, "ann", "busy@example.com").await;
    for tries in [1, 2] {
        until_tried(&app, tries).await;
        // The one behind it does not wait.
        register(&app, &format!("bob{tries}"), &format!("bob{tries}@example.com")).await;
        assert_eq!(server.next().await.0["to"], json!([format!("bob{tries}@example.com")]));
        until("the one behind", || app.outbox().len() == 1).await;
        clock.advance(Duration::from_secs(10));
    }
    let (mail, letter) = server.next().await;
    assert_eq!(mail["to"], json!(["busy@example.com"]));
    app.post("/v1/email-verifications", &json!({"token": letter.token()})).await.expect(204);
    until("an empty outbox", || app.outbox().is_empty()).await;
}

async fn what_the_server_refuses_is_given_up(make: Make) {
    let Some(server) = SmtpServer::start(0).await else { return };
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        over_smtp(settings, server.port);
    });
    register(&app, "ann", "refused@example.com").await;
    until("a mail that was given up", || app.outbox().iter().any(|mail| mail.failed_at.is_some())).await;
    let mail = app.outbox().remove(0);
    assert_eq!(
        (mail.kind, mail.tries, mail.recipient.as_str()),
        (Kind::Verification, 1, "refused@example.com")
    );
    // It is not tried again, and forgotten after a week.
    clock.advance(24 * HOUR);
    register(&app, "bob", "bob@example.com").await;
    assert_eq!(server.next().await.0["to"], json!(["bob@example.com"]));
    until("only the refused one", || app.outbox().len() == 1).await;
    clock.advance(6 * 24 * HOUR + HOUR);
    until("an empty outbox", || app.outbox().is_empty()).await;
}

async fn a_refused_login_is_no_reason_to_give_up(make: Make) {
    let Some(server) = SmtpServer::start(0).await else { return };
    let url = |password: &str| format!("smtp://mutual:{password}@127.0.0.1:{}", server.port).parse().unwrap();
    let clock = held_clock();
    let mut app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        over_smtp(settings, server.port);
        settings.mail.smtp_url = Some(url("wrong"));
    });
    register(&app, "ann", "ann@example.com").await;
    until_tried(&app, 1).await;
    assert_eq!(app.outbox()[0].failed_at, None);
    // The operator mends the setting.
    app.settings.mail.smtp_url = Some(url("right"));
    let app = app.restart().await;
    clock.advance(Duration::from_secs(60));
    assert_eq!(server.next().await.0["to"], json!(["ann@example.com"]));
    until("an empty outbox", || app.outbox().is_empty()).await;
}

async fn mails_wait_for_a_server_that_is_away(make: Make) {
    let port = free_port();
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        over_smtp(settings, port);
    });
    register(&app, "ann", "ann@example.com").await;
    for tries in 1..4 {
        until_tried(&app, tries).await;
        clock.advance(Duration::from_secs(40));
    }
    until_tried(&app, 4).await;
    assert_eq!(app.outbox()[0].failed_at, None);
    // A service that is started again goes on with what waits.
    let app = app.restart().await;
    let Some(server) = SmtpServer::start(port).await else { return };
    clock.advance(Duration::from_secs(60));
    let (mail, letter) = server.next().await;
    assert_eq!(mail["to"], json!(["ann@example.com"]));
    app.post("/v1/email-verifications", &json!({"token": letter.token()})).await.expect(204);
    until("an empty outbox", || app.outbox().is_empty()).await;
}

async fn what_a_crash_interrupted_is_sent(make: Make) {
    let clock = held_clock();
    let port = free_port();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        over_smtp(settings, port);
    });
    register(&app, "ann", "ann@example.com").await;
    until_tried(&app, 1).await;
    clock.advance(Duration::from_secs(10));
    // As a service does that dies before the mail has left: it has taken the mail, and says nothing more.
    let engine = app.settings.engine().unwrap();
    let taken = loop {
        let take = [Command::Mail(MailCommand::Take { room: 8, busy: Vec::new() })];
        let (mut answers, _) = commit_batch(&mut app.conn(), &engine, &take, &clock).unwrap();
        let Ok(Outcome::Mails(mails)) = answers.remove(0).outcome else { panic!("no mails") };
        if let [mail] = mails.as_slice() {
            break mail.clone();
        }
        // The service was faster; after the next wait it may not be.
        until("a failed try", || !is_leased(&app)).await;
        clock.advance(HOUR / 60);
    };
    let Some(server) = SmtpServer::start(port).await else { return };
    let early = app.outbox().remove(0);
    assert!(early.due_at > clock.now() && early.tries == taken.mail.tries);
    clock.advance(Duration::from_secs(60));
    let (_, letter) = server.next().await;
    // The same mail with the same token, and by its name the same to whoever gets it twice.
    assert_eq!(Some(letter.token()), taken.token.map(|token| token.reveal().to_owned()));
    assert!(
        letter.text.contains(&format!("Message-ID: <{}.{}@example.com>", taken.mail.user, taken.mail.id))
    );
    until("an empty outbox", || app.outbox().is_empty()).await;
}

async fn a_mail_whose_token_is_void_is_not_sent(make: Make) {
    let port = free_port();
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        over_smtp(settings, port);
    });
    let ann = app.register("ann").await;
    until_tried(&app, 1).await;
    // The second token voids the first, whose mail has not left yet.
    let again = ann.client.send(actix_web::http::Method::POST, "/v1/me/email-verification", &[], Vec::new());
    again.await.expect(202);
    until("two tries", || app.outbox().iter().all(|mail| mail.tries == 1)).await;
    let Some(server) = SmtpServer::start(port).await else { return };
    clock.advance(Duration::from_secs(60));
    let (_, letter) = server.next().await;
    app.post("/v1/email-verifications", &json!({"token": letter.token()})).await.expect(204);
    until("an empty outbox", || app.outbox().is_empty()).await;
    register(&app, "bob", "bob@example.com").await;
    assert_eq!(server.next().await.0["to"], json!(["bob@example.com"]), "and no other in between");
}

async fn a_mail_that_nobody_wants_any_more_is_given_up(make: Make) {
    let clock: Clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        over_smtp(settings, free_port());
    });
    app.register("ann").await;
    until_tried(&app, 1).await;
    clock.advance(24 * HOUR);
    until("a mail that was given up", || app.outbox().iter().all(|mail| mail.failed_at.is_some())).await;
    assert_eq!(app.outbox()[0].tries, 1);
}

async fn a_slow_delivery_holds_nobody_else_up(make: Make) {
    let Some(server) = SmtpServer::start(0).await else { return };
    let app = TestApp::start_with(make, |settings| over_smtp(settings, server.port));
    register(&app, "sam", "slow@example.com").await;
    until("the mail is under way", || app.outbox().iter().any(|mail| mail.tries == 1)).await;
    let sam = app.log_in("sam").await;
    let body = json!({"current_password": PASSWORD, "new_password": "wet-Marble-37 field"});
    sam.client.json(Method::PUT, "/v1/me/password", &body).await.expect(204);
    // Also those who come while it is under way, and more than there is room for at once.
    for number in 0..10 {
        let to = format!("bob{number}@example.com");
        register(&app, &format!("bob{number}"), &to).await;
        assert_eq!(server.next().await.0["to"], json!([to]));
    }
    // To the slow one in their order, one at a time.
    for subject in ["Confirm your e-mail address", "Your password was changed"] {
        let (mail, letter) = server.next().await;
        assert_eq!(mail["to"], json!(["slow@example.com"]));
        assert!(letter.text.contains(&format!("Subject: {subject}\r\n")), "{}", letter.text);
    }
    until("an empty outbox", || app.outbox().is_empty()).await;
}

async fn a_mail_that_cannot_be_read_is_set_aside(make: Make) {
    let port = free_port();
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        over_smtp(settings, port);
    });
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    app.register("cid").await;
    until("a try of each", || {
        app.outbox().iter().all(|mail| mail.tries == 1 && mail.due_at.since(clock.now()) < HOUR / 60)
    })
    .await;
    let drift = |app: &TestApp| {
        let findings = user_service::store::audit::audit(&mut app.conn()).unwrap();
        findings
            .iter()
            .filter(|finding| finding.drift > 0)
            .map(|f| (f.rule.to_owned(), f.drift))
            .collect::<Vec<_>>()
    };
    assert_eq!(drift(&app), []);
    // One of a kind that nobody knows, and one about a record that nobody can read.
    let text = "UPDATE mails SET kind = 99 WHERE user_id = ?";
    execute(&mut app.conn(), text, &[ann.id.parse::<i64>().unwrap().into()]).unwrap();
    let text = "UPDATE users SET messages_from = 99 WHERE id = ?";
    execute(&mut app.conn(), text, &[bob.id.parse::<i64>().unwrap().into()]).unwrap();
    let Some(server) = SmtpServer::start(port).await else { return };
    clock.advance(Duration::from_secs(10));
    assert_eq!(server.next().await.0["to"], json!(["mail.cid@example.com"]));
    register(&app, "dan", "dan@example.com").await;
    assert_eq!(server.next().await.0["to"], json!(["dan@example.com"]));
    let set_aside = "SELECT id FROM mails WHERE due_at = 9223372036854775807";
    until("two that are set aside", || count(&mut app.conn(), set_aside).unwrap() == 2).await;
    let text = "UPDATE users SET messages_from = 0 WHERE id = ?";
    execute(&mut app.conn(), text, &[bob.id.parse::<i64>().unwrap().into()]).unwrap();
    let told = [("each mail can be read: none is set aside".to_owned(), 2)];
    assert_eq!(drift(&app), told);
    // They are kept, and whoever is concerned can still do everything else.
    clock.advance(30 * 24 * HOUR);
    register(&app, "eve", "eve@example.com").await;
    assert_eq!(server.next().await.0["to"], json!(["eve@example.com"]));
    assert_eq!(drift(&app), told);
    app.log_in("ann").await.client.get("/v1/me/export").await.expect(200);
}

async fn a_full_outbox_takes_no_more_requests_and_tells_nothing(make: Make) {
    let port = free_port();
    let clock = held_clock();
    let app = TestApp::start_with(make, |settings| {
        settings.clock = clock.clone();
        over_smtp(settings, port);
        settings.limits.mails_waiting_max = 2;
    });
    let (ann, bob) = (app.register("ann").await, app.register("bob").await);
    until("a try of each", || app.outbox().iter().all(|mail| mail.tries == 1)).await;
    let refused = |answer: Answer| {
        let answer = answer.expect_problem(503, "overloaded");
        assert!(!answer.header("retry-after").is_empty());
        without_request_id(&answer)
    };
    let reset = async |email: &str| app.post("/v1/password-resets", &json!({"email": email})).await;
    let wish = async |email: &str| {
        ann.client.json(Method::PUT, "/v1/me/email", &json!({"email": email, "password": PASSWORD})).await
    };
    // The count may be a second old. This one brings no mail.
    let begun = std::time::Instant::now();
    while reset("probe@example.com").await.status != 503 {
        assert!(begun.elapsed() < Duration::from_secs(10), "there is room");
        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
    }
    // Who has the address or the name makes no difference.
    assert_eq!(refused(reset("mail.ann@example.com").await), refused(reset("nobody@example.com").await));
    assert_eq!(refused(wish("mail.bob@example.com").await), refused(wish("nobody@example.com").await));
    assert_eq!(refused(app.try_register("ann").await), refused(app.try_register("cid").await));
    refused(ann.client.send(Method::POST, "/v1/me/email-verification", &[], Vec::new()).await);
    // A change that an owner is told of is not held up.
    let body = json!({"current_password": PASSWORD, "new_password": "wet-Marble-37 field"});
    bob.client.json(Method::PUT, "/v1/me/password", &body).await.expect(204);
    // Once the mails have left there is room again, within a second.
    let Some(server) = SmtpServer::start(port).await else { return };
    clock.advance(Duration::from_secs(60));
    for _ in 0..3 {
        server.next().await;
    }
    until("an empty outbox", || app.outbox().is_empty()).await;
    let begun = std::time::Instant::now();
    while app.try_register("cid").await.status != 201 {
        assert!(begun.elapsed() < Duration::from_secs(10), "there is no room");
        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
    }
}

/// As when the person was purged while the mail was under way.
async fn a_mail_about_somebody_who_is_gone_is_nobodys(make: Make) {
    let app = TestApp::start(make);
    let ann = app.register("ann").await;
    let engine = app.settings.engine().unwrap();
    let settle = |user: UserId| {
        let settle = Command::Mail(MailCommand::Settle { user, id: 1, delivered: Delivered::Sent });
        commit_batch(&mut app.conn(), &engine, &[settle], &app.settings.clock).unwrap().0.remove(0).outcome
    };
    assert_eq!(settle(ann.id.parse().unwrap()), Ok(Outcome::Accepted));
    assert_eq!(settle(UserId::new(7)), Err(Denial::AccountGone));
}
