//! A service of its own for each test.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use actix_web::http::Method;
use clap::Parser;
use serde_json::{Value, json};
use shared::cache::CacheSettings;
use shared::clock::Clock;
use shared::db::{Conn, open_writer};
use shared::http::NewServiceToken;
use shared::secret::Secret;
use shared::testing::{Answer, Client, ServerThread, TestDatabase};
use shared::writer::commit_batch;
use tempfile::TempDir;
use user_service::actors::change::{Command, Outcome};
use user_service::actors::moderation::Moderate;
use user_service::app::{App, Settings};
use user_service::config::{Config, PasswordCost, Passwords, Switch};
use user_service::domain::account::Role;
use user_service::domain::audit_log::Doer;
use user_service::domain::denial::Denial;
use user_service::domain::moderation::Measure;
use user_service::handle::UserHandle;

/// Good enough for everybody.
pub const PASSWORD: &str = "plum-Tractor-91 sky";

/// What makes a database: each test is run with one for each kind.
pub type Make = fn() -> TestDatabase;

/// A running service and a client of it. It stops when dropped.
pub struct TestApp {
    pub base: String,
    pub client: Client,
    pub handle: UserHandle,
    pub settings: Settings,
    stop: shared::process::Stopper,
    /// Ends with its actors and their connections, also where the test does not wait.
    server: ServerThread,
    // Dropped last.
    _database: Option<TestDatabase>,
    _mails: Option<TempDir>,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Person {
    pub client: Client,
    pub id: String,
    pub session: Value,
}

impl Person {
    pub fn from(client: &Client, answer: &Answer) -> Self {
        let body = answer.json();
        let token = body["session"]["access_token"].as_str().expect("an access token");
        Self {
            client: client.with_token(token),
            id: body["user"]["id"].as_str().unwrap_or_default().to_owned(),
            session: body["session"].clone(),
        }
    }

    pub fn session_id(&self) -> &str {
        self.session["id"].as_str().unwrap()
    }

    pub fn access_token(&self) -> &str {
        self.session["access_token"].as_str().unwrap()
    }

    pub fn refresh_token(&self) -> &str {
        self.session["refresh_token"].as_str().unwrap()
    }
}

impl TestApp {
    pub fn start(make: Make) -> Self {
        Self::start_with(make, |_| ())
    }

    /// With other settings than the usual of tests: no rate limits, passwords at low cost.
    pub fn start_with(make: Make, change: impl FnOnce(&mut Settings)) -> Self {
        let (database, mails) = (make(), tempfile::tempdir().expect("a directory"));
        let mut settings = settings(&database, mails.path());
        change(&mut settings);
        Self::run(settings, Some(database), Some(mails))
    }

    fn run(settings: Settings, database: Option<TestDatabase>, mails: Option<TempDir>) -> Self {
        let started = settings.clone();
        let (server, (address, handle, stop)) = ServerThread::start(move || {
            let app = App::start(started).expect("a service");
            let (handle, stop) = (app.handle.clone(), app.stop.clone());
            ((app.address, handle, stop.clone()), stop, Box::pin(app.run()))
        });
        let base = format!("http://{address}");
        let client = Client::new(base.as_str());
        Self { base, client, handle, settings, stop, server, _database: database, _mails: mails }
    }

    /// One of several instances on its database.
    pub fn beside_others(make: Make) -> Self {
        Self::start_with(make, |settings| settings.cache.only_writer = false)
    }

    /// Another instance on the same database, with the same secrets.
    pub fn second_instance(&self) -> Self {
        Self::of(self.settings.clone())
    }

    /// An instance with these settings on a database that is another's.
    pub fn of(settings: Settings) -> Self {
        Self::run(settings, None, None)
    }

    /// Stops it, as a signal does.
    pub async fn stop(self) {
        let Self { stop, server, .. } = self;
        stop.stop(true).await;
        drop(server);
    }

    /// Stops the service and starts it again on the same database.
    pub async fn restart(self) -> Self {
        let Self { settings, stop, server, _database, _mails, .. } = self;
        stop.stop(true).await;
        drop(server);
        Self::run(settings, _database, _mails)
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.json(Method::POST, path, body).await
    }

    pub async fn register(&self, name: &str) -> Person {
        Person::from(&self.client, &self.try_register(name).await.expect(201))
    }

    pub async fn try_register(&self, name: &str) -> Answer {
        let email = format!("mail.{}@example.com", name.to_ascii_lowercase());
        self.post("/v1/users", &json!({"username": name, "email": email, "password": PASSWORD})).await
    }

    pub async fn log_in(&self, login: &str) -> Person {
        Person::from(&self.client, &self.try_log_in(login, PASSWORD).await.expect(201))
    }

    /// Somebody new to whom the operator gave a role.
    pub async fn with_role(&self, name: &str, role: Role) -> Person {
        let person = self.register(name).await;
        self.try_give_role(&person, role).expect("a role");
        person
    }

    /// Gives a role as the operator does, beside the running service.
    pub fn try_give_role(&self, person: &Person, role: Role) -> Result<Outcome, Denial> {
        let subject = person.id.parse().unwrap();
        let act = Moderate { by: Doer::Operator, subject, measure: Measure::SetRole(role), reason: None };
        let engine = self.settings.engine().unwrap();
        let clock = &self.settings.clock;
        let done = commit_batch(&mut self.conn(), &engine, &[Command::Moderate(act)], clock);
        done.unwrap().0.remove(0).outcome
    }

    pub async fn try_log_in(&self, login: &str, password: &str) -> Answer {
        self.post("/v1/sessions", &json!({"login": login, "password": password})).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/sessions/refresh", &json!({"refresh_token": token})).await
    }

    pub fn conn(&self) -> Conn {
        open_writer(&self.settings.database_url).expect("a connection")
    }

    /// A client with a service token of these scopes.
    pub fn service(&self, scopes: &[&str]) -> Client {
        self.service_named("test", scopes)
    }

    /// The same under another name: an earlier token of one name ends.
    pub fn service_named(&self, name: &str, scopes: &[&str]) -> Client {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let token = NewServiceToken::new(name, &scopes).expect("a token");
        token.store(&mut self.conn(), self.settings.clock.now()).expect("stored");
        self.client.with_token(token.token().reveal())
    }

    /// A client that is relation-service.
    pub fn relation_service(&self) -> Client {
        self.client.with_token(self.settings.service_secret.as_internal_token().reveal())
    }

    /// All events so far.
    pub async fn events(&self) -> Vec<Value> {
        let page = self.service(&["events"]).get("/v1/events?limit=1000").await.expect(200);
        page.json()["items"].as_array().expect("events").clone()
    }
}

fn settings(database: &TestDatabase, mails: &Path) -> Settings {
    let defaults = Config::parse_from(["user-service"]);
    let secret = || Secret::random().expect("randomness");
    Settings {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        database_url: database.url.clone(),
        signing_key: secret(),
        other_signing_keys: Vec::new(),
        refresh_key: secret(),
        service_secret: secret(),
        relation_service_url: None,
        node: None,
        workers: 1,
        read_connections: 4,
        cache: CacheSettings::new(16, true),
        passwords: Passwords { password_cost: PasswordCost::Low, hash_threads: 2, ..defaults.passwords },
        two_factor_issuer: defaults.two_factor_issuer,
        rate_limits: Switch::Off,
        mail: defaults.mail,
        mail_dir: mails.join("outbox-mail"),
        trusted_proxies: defaults.trusted_proxies,
        limits: defaults.limits,
        event_retention: None,
        nats: shared::publisher::NatsConfig::off(),
        clock: Clock::system(),
    }
}

/// A clock that stands still, at a plausible time, until it is moved.
pub fn held_clock() -> Clock {
    Clock::fixed(Clock::system().now())
}
