//! The naive line: the statements of the service, but each request in a transaction of its own, through one connection
//! that requests take in turn.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::error::ErrorInternalServerError;
use actix_web::{App, HttpResponse, HttpServer, web};
use relation_service::actors::change::{Answer, Command, RelationEngine};
use relation_service::domain::{Action, Limits};
use shared::clock::Clock;
use shared::db::{Conn, open_writer};
use shared::id::UserId;
use shared::process::say;
use shared::writer::commit_batch;

use crate::cli::Naive;

/// Longer than a connection is idle in an open loop.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// No limit stops the comparison.
pub const LIMITS: Limits = Limits {
    following_max: i64::MAX,
    requests_sent_max: i64::MAX,
    blocks_max: i64::MAX,
    mutes_max: i64::MAX,
    close_friends_max: i64::MAX,
    notes_max: i64::MAX,
    note_chars_max: usize::MAX,
    dismissals_max: i64::MAX,
    dismissal_span: Duration::ZERO,
    follows_per_24h: 0,
    imports_per_24h: 0,
};

/// Answers `PUT /{source}/{target}` until standard input closes.
pub async fn run(settings: Naive) -> io::Result<()> {
    let conn = open_writer(&settings.database_url).map_err(io::Error::other)?;
    let conn = web::Data::from(Arc::new(Mutex::new(conn)));
    let server = HttpServer::new(move || {
        App::new().app_data(conn.clone()).route("/{source}/{target}", web::put().to(follow))
    });
    let server =
        server.workers(settings.workers).keep_alive(KEEP_ALIVE).disable_signals().bind(("127.0.0.1", 0))?;
    for address in server.addrs() {
        say(&format!("http://{address}"));
    }
    until_input_closes(server.run()).await
}

async fn follow(
    pair: web::Path<(UserId, UserId)>,
    conn: web::Data<Mutex<Conn>>,
) -> Result<HttpResponse, actix_web::Error> {
    let (source, target) = *pair;
    let done = web::block(move || {
        let command = Command::Act { source, target, action: Action::Follow { notify: None } };
        let mut conn = conn.lock().unwrap_or_else(PoisonError::into_inner);
        commit_batch(&mut conn, &RelationEngine::new(LIMITS), &[command], &Clock::system())
    });
    let (answers, _) = done.await?.map_err(ErrorInternalServerError)?;
    let changed = answers.iter().any(|answer| matches!(answer, Answer::Acted(acted) if acted.changed));
    Ok(HttpResponse::Ok().json(serde_json::json!({ "changed": changed })))
}

/// Runs the server until the process that started this one is gone or lets go.
pub async fn until_input_closes(server: Server) -> io::Result<()> {
    let handle = server.handle();
    let (closed, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let _ = closed.send(());
    });
    actix_web::rt::spawn(async move {
        let _ = wait.await;
        handle.stop(false).await;
    });
    server.await
}
