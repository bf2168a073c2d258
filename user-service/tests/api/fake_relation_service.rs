//! relation-service as this service sees it: who blocks whom, and everything that can go wrong on the way.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use actix_web::http::header::HeaderMap;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::process::Stopper;
use shared::secret::Secret;
use shared::testing::ServerThread;
use tokio::sync::watch;

/// How the fake behaves to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Up,
    /// Every request fails at once.
    Down,
    /// It takes requests and never answers them.
    Silent,
}

pub struct FakeRelationService {
    pub url: String,
    state: Arc<State>,
    _server: ServerThread,
}

struct State {
    authorization: String,
    mode: Mutex<Mode>,
    /// Who blocks whom.
    blocks: Mutex<HashSet<(String, String)>>,
    /// Who is not there for it.
    missing: Mutex<HashSet<String>>,
    /// How many people each question was about.
    questions: Mutex<Vec<usize>>,
    /// The headers that came with them.
    headers: Mutex<Vec<HeaderMap>>,
}

impl FakeRelationService {
    pub fn start(secret: &Secret) -> Self {
        let state = Arc::new(State {
            authorization: format!("Bearer {}", secret.as_internal_token().reveal()),
            mode: Mutex::new(Mode::Up),
            blocks: Mutex::default(),
            missing: Mutex::default(),
            questions: Mutex::default(),
            headers: Mutex::default(),
        });
        let data = web::Data::from(state.clone());
        let (server, address) = ServerThread::start(move || {
            let app = move || {
                App::new().app_data(data.clone()).route("/v1/relationships", web::get().to(standings))
            };
            let server = HttpServer::new(app).workers(1).disable_signals();
            let server = server.bind(("127.0.0.1", 0)).unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            (address, Stopper::new(server.handle(), watch::Sender::new(false)), Box::pin(server))
        });
        Self { url: format!("http://{address}"), state, _server: server }
    }

    pub fn behave(&self, mode: Mode) {
        *self.state.mode.lock().unwrap() = mode;
    }

    pub fn block(&self, blocker: &str, blocked: &str) {
        self.state.blocks.lock().unwrap().insert((blocker.to_owned(), blocked.to_owned()));
    }

    /// Forgets a person.
    pub fn miss(&self, person: &str) {
        self.state.missing.lock().unwrap().insert(person.to_owned());
    }

    /// How many people each question so far was about; none afterwards.
    pub fn take_questions(&self) -> Vec<usize> {
        std::mem::take(&mut *self.state.questions.lock().unwrap())
    }

    /// A header of each question so far; empty where it did not come.
    pub fn headers(&self, name: &str) -> Vec<String> {
        let text =
            |headers: &HeaderMap| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        self.state.headers.lock().unwrap().iter().map(text).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    viewer_id: String,
    ids: String,
}

async fn standings(request: HttpRequest, asked: web::Query<Asked>, state: web::Data<State>) -> HttpResponse {
    let sent = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    assert_eq!(sent, Some(state.authorization.as_str()), "it says who asks");
    let mode = *state.mode.lock().unwrap();
    match mode {
        Mode::Up => {}
        Mode::Down => return HttpResponse::ServiceUnavailable().finish(),
        Mode::Silent => return std::future::pending().await,
    }
    let ids: Vec<&str> = asked.ids.split(',').collect();
    assert!(ids.len() <= 200, "relation-service takes no more than 200: {}", ids.len());
    state.questions.lock().unwrap().push(ids.len());
    state.headers.lock().unwrap().push(request.headers().clone());
    let (blocks, missing) = (state.blocks.lock().unwrap(), state.missing.lock().unwrap());
    if missing.contains(&asked.viewer_id) {
        return HttpResponse::NotFound().finish();
    }
    let viewer = asked.viewer_id.as_str();
    let blocked = |one: &str, other: &str| blocks.contains(&(one.to_owned(), other.to_owned()));
    let item = |id: &&str| {
        let standing =
            json!({"blocking": blocked(viewer, id), "blocked_by": blocked(id, viewer), "note": ""});
        json!({"id": id, "relationship": if missing.contains(*id) { Value::Null } else { standing }})
    };
    HttpResponse::Ok().json(json!({ "items": ids.iter().map(item).collect::<Vec<_>>() }))
}
