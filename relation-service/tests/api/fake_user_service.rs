//! user-service as relation-service sees it: its keys, its feed and its answers to direct questions,
//! with switches for everything that can go wrong on the way.

#[path = "fake_user_service/answers.rs"]
mod answers;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::{App, HttpServer, web};
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::event::Event;
use shared::facts::UserFacts;
use shared::id::{IdGenerator, SessionId, UserId};
use shared::process::Stopper;
use shared::secret::Secret;
use shared::testing::ServerThread;
use shared::token::TokenSigner;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::person::newcomers_facts;

/// Between two answers of a stalled feed.
const STALLED_PAUSE: Duration = Duration::from_millis(20);

/// How the fake behaves to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Up,
    /// It is away: every request fails at once.
    Down,
    /// It takes requests and never answers them.
    Silent,
}

/// The fake. Clones share it; the server lives as long as the first.
pub struct FakeUserService {
    /// Where it is.
    pub url: String,
    /// The secret shared with relation-service.
    pub secret: Secret,
    state: Arc<State>,
    _server: ServerThread,
}

struct State {
    names_away: AtomicBool,
    /// How often a page of everybody was asked for.
    everybody_asked: AtomicUsize,
    /// Which of those answers is held, once it is made, until there is another or none.
    everybody_held: watch::Sender<Option<usize>>,
    /// Whether answers to direct questions about people are held, once they are made.
    questions_held: watch::Sender<bool>,
    /// How often events were asked for since a copy was put in place.
    events_asked: AtomicUsize,
    signer: TokenSigner,
    /// What callers must send.
    authorization: String,
    clock: Clock,
    ids: IdGenerator,
    log: Mutex<Log>,
    /// The newest event that the feed shows.
    shown: watch::Sender<i64>,
    /// The greatest `after` that was asked for: everything up to it is applied.
    applied: watch::Sender<i64>,
    mode: watch::Sender<Mode>,
    /// The headers of each direct question about people.
    questions: Mutex<Vec<HeaderMap>>,
    /// The names that were asked about, in their order.
    names_asked: Mutex<Vec<String>>,
}

/// What a backup of it holds.
#[derive(Clone, Default)]
pub struct Log {
    events: Vec<Event>,
    people: HashMap<UserId, UserFacts>,
    /// Names that were given up, and whose they were.
    former: HashMap<String, UserId>,
    held: bool,
    /// The events up to this number are no longer kept.
    expired: i64,
    /// Tells how far the log goes, but shows nothing of it.
    stalled: bool,
}

impl FakeUserService {
    /// Starts it on a free port, at the time of `clock`.
    pub fn start(clock: Clock) -> Self {
        let secret = Secret::random().unwrap();
        let state = Arc::new(State {
            signer: TokenSigner::new(&Secret::random().unwrap()).unwrap(),
            authorization: format!("Bearer {}", secret.as_internal_token().reveal()),
            ids: IdGenerator::new(clock.clone(), 1),
            clock,
            log: Mutex::default(),
            shown: watch::Sender::new(0),
            applied: watch::Sender::new(0),
            mode: watch::Sender::new(Mode::Up),
            names_away: AtomicBool::new(false),
            everybody_asked: AtomicUsize::new(0),
            everybody_held: watch::Sender::new(None),
            questions_held: watch::Sender::new(false),
            events_asked: AtomicUsize::new(0),
            questions: Mutex::default(),
            names_asked: Mutex::default(),
        });
        let data = web::Data::from(state.clone());
        let (server, address) = ServerThread::start(move || {
            let app = move || {
                App::new()
                    .app_data(data.clone())
                    .route("/.well-known/jwks.json", web::get().to(answers::keys))
                    .route("/v1/events", web::get().to(answers::events))
                    .route("/v1/user-facts", web::get().to(answers::user_facts))
                    .route("/v1/user-facts/by-username", web::get().to(answers::named_facts))
                    .route("/v1/user-facts/all", web::get().to(answers::all_facts))
            };
            let server = HttpServer::new(app).workers(1).disable_signals();
            let server = server.bind(("127.0.0.1", 0)).unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            (address, Stopper::new(server.handle(), watch::Sender::new(false)), Box::pin(server))
        });
        Self { url: format!("http://{address}"), secret, state, _server: server }
    }

    /// A new person, signed in.
    pub fn register(&self, name: &str) -> (UserId, SessionId) {
        let id = self.next_id();
        self.register_as(id, name);
        (id, self.state.ids.next_as(SessionId::new))
    }

    /// An id that is nobody's yet.
    pub fn next_id(&self) -> UserId {
        self.state.ids.next_as(UserId::new)
    }

    /// A new person with this id.
    pub fn register_as(&self, id: UserId, name: &str) {
        let facts = newcomers_facts(name);
        self.append("user.registered", id, serde_json::to_value(&facts).unwrap(), Some(facts));
    }

    /// An access token, made by the right key at the right time.
    pub fn token(&self, user: UserId, session: SessionId) -> String {
        self.state.signer.sign(user, session, self.state.clock.now()).unwrap()
    }

    /// An access token that was made `ago`.
    pub fn old_token(&self, user: UserId, session: SessionId, ago: Duration) -> String {
        let then = self.state.clock.now().get() - i64::try_from(ago.as_micros()).unwrap();
        self.state.signer.sign(user, session, shared::clock::Micros::new(then)).unwrap()
    }

    /// Changes what is known about a person, with an event of this type.
    pub fn change(&self, user: UserId, kind: &str, change: impl FnOnce(&mut UserFacts)) {
        let mut facts = self.state.log.lock().unwrap().people[&user].clone();
        change(&mut facts);
        self.append(kind, user, serde_json::to_value(&facts).unwrap(), Some(facts));
    }

    /// Gives a person another name; the old one still leads to them.
    pub fn rename(&self, user: UserId, name: &str) {
        let old = self.state.log.lock().unwrap().people[&user].username.clone();
        self.state.log.lock().unwrap().former.insert(old, user);
        self.change(user, "user.renamed", |facts| facts.username = name.into());
    }

    /// The names that were asked about so far.
    pub fn names_asked(&self) -> Vec<String> {
        self.state.names_asked.lock().unwrap().clone()
    }

    /// Ends a session.
    pub fn revoke_session(&self, user: UserId, session: SessionId) {
        self.append("session.revoked", user, json!({"session_id": session}), None);
    }

    /// Adds an event to the log.
    pub fn append(&self, kind: &str, subject: UserId, data: Value, facts: Option<UserFacts>) {
        let mut log = self.state.log.lock().unwrap();
        let seq = i64::try_from(log.events.len()).unwrap() + 1;
        let at = self.state.clock.now();
        log.events.push(Event {
            seq,
            kind: kind.into(),
            at,
            actor_id: Some(subject),
            subject_id: Some(subject),
            cause: None,
            data,
        });
        log.people.extend(facts.map(|facts| (subject, facts)));
        if kind == "user.deleted" {
            log.people.remove(&subject);
        }
        if !log.held {
            self.state.shown.send_replace(seq);
        }
    }

    /// Holds the feed back, while keys and direct questions are still answered.
    pub fn hold_feed(&self) {
        self.state.log.lock().unwrap().held = true;
    }

    /// Says of no name whom it leads to, while everything else is answered; or does again.
    pub fn set_names_away(&self, away: bool) {
        self.state.names_away.store(away, Ordering::SeqCst);
    }

    /// Lets the feed show everything again.
    pub fn release_feed(&self) {
        let mut log = self.state.log.lock().unwrap();
        log.held = false;
        self.state.shown.send_replace(i64::try_from(log.events.len()).unwrap());
    }

    /// Forgets all events so far, as if they were too old.
    pub fn expire_events(&self) {
        let mut log = self.state.log.lock().unwrap();
        log.expired = i64::try_from(log.events.len()).unwrap();
    }

    /// How often a page of everybody was asked for.
    pub fn asked_about_everybody(&self) -> usize {
        self.state.everybody_asked.load(Ordering::SeqCst)
    }

    /// Keeps the answer to this question about everybody, as it was true when it was asked; `None` gives it.
    pub fn hold_everybody(&self, asked: Option<usize>) {
        self.state.everybody_held.send_replace(asked);
    }

    /// Keeps answers to direct questions about people, as they were true when they were asked; or gives them.
    pub fn hold_questions(&self, held: bool) {
        self.state.questions_held.send_replace(held);
    }

    /// How often events were asked for since a copy was put in place.
    pub fn events_asked(&self) -> usize {
        self.state.events_asked.load(Ordering::SeqCst)
    }

    /// A copy of everything.
    pub fn copy(&self) -> Log {
        self.state.log.lock().unwrap().clone()
    }

    /// Puts a copy in the place of everything.
    pub fn restore(&self, copy: Log) {
        let mut log = self.state.log.lock().unwrap();
        *log = copy;
        self.state.events_asked.store(0, Ordering::SeqCst);
        self.state.applied.send_replace(0);
        self.state.shown.send_replace(i64::try_from(log.events.len()).unwrap());
    }

    /// Removes all that is known about a person, without an event.
    pub fn forget_person(&self, user: UserId) {
        self.state.log.lock().unwrap().people.remove(&user);
    }

    /// Tells from now on that there are news, without showing them.
    pub fn stall_feed(&self) {
        self.state.log.lock().unwrap().stalled = true;
        self.state.shown.send_modify(|_| {});
    }

    /// Shows them again.
    pub fn resume_feed(&self) {
        self.state.log.lock().unwrap().stalled = false;
    }

    /// Changes how it behaves from now on; requests that wait fail.
    pub fn set_mode(&self, mode: Mode) {
        self.state.mode.send_replace(mode);
    }

    /// The headers of each direct question about people that came so far.
    pub fn questions(&self) -> Vec<HeaderMap> {
        self.state.questions.lock().unwrap().clone()
    }

    /// Waits until relation-service has applied everything that the feed shows.
    pub async fn applied(&self) {
        let shown = *self.state.shown.borrow();
        let mut applied = self.state.applied.subscribe();
        let waited = timeout(Duration::from_secs(20), applied.wait_for(|after| *after >= shown)).await;
        waited.expect("the feed is applied in time").unwrap();
    }
}
