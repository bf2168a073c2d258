//! relation-service, running, with everything that a test needs around it.

use std::future::Future;
use std::time::{Duration, Instant};

use clap::Parser;
use relation_service::actors::feed::UserService;
use relation_service::app::{App, Settings};
use relation_service::config::Config;
use relation_service::domain::Limits;
use relation_service::store;
use relation_service::store::audit::Finding;
use shared::cache::CacheSettings;
use shared::clock::{Clock, Micros};
use shared::db::{Conn, DatabaseUrl, open_reader, open_writer};
use shared::facts::{AccountStatus, UserFacts};
use shared::http::NewServiceToken;
use shared::publisher::NatsConfig;
use shared::testing::{Client, NatsServer, ServerThread, TestDatabase};

use crate::fake_user_service::FakeUserService;
use crate::person::Person;

/// The limits of the contract.
pub const LIMITS: Limits = Limits {
    following_max: 10_000,
    requests_sent_max: 10_000,
    blocks_max: 10_000,
    mutes_max: 10_000,
    close_friends_max: 10_000,
    notes_max: 10_000,
    note_chars_max: 2_000,
    dismissals_max: 1_000,
    dismissal_span: Duration::from_secs(180 * 24 * 60 * 60),
    follows_per_24h: 0,
    imports_per_24h: 20,
};
/// How long anything may take that is not promised sooner.
const PATIENCE: Duration = Duration::from_secs(20);
/// How soon the service is ready when everything that it needs is there.
const READY: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(10);

/// The running service.
pub struct TestApp {
    /// Its user-service.
    pub users: FakeUserService,
    /// A caller without a token.
    pub nobody: Client,
    /// The time of both services.
    pub clock: Clock,
    database: TestDatabase,
    limits: Limits,
    /// For the next start.
    pub event_retention: Option<Duration>,
    /// For the next start.
    pub cache: CacheSettings,
    /// For the next start.
    pub nats: NatsConfig,
    server: Option<ServerThread>,
    base: String,
}

impl TestApp {
    /// Starts it on a new database and waits until it is ready.
    pub async fn start(make: impl Fn() -> TestDatabase) -> Self {
        Self::with_limits(make, LIMITS).await
    }

    /// The same with other limits.
    pub async fn with_limits(make: impl Fn() -> TestDatabase, limits: Limits) -> Self {
        Self::with_clock(make, limits, Clock::system()).await
    }

    /// The same where others may write to the database too.
    pub async fn beside_others(make: impl Fn() -> TestDatabase) -> Self {
        let mut app = Self::of(make, LIMITS, Clock::system());
        app.cache.only_writer = false;
        app.started().await
    }

    /// The same at another time, which user-service has too.
    pub async fn with_clock(make: impl Fn() -> TestDatabase, limits: Limits, clock: Clock) -> Self {
        Self::of(make, limits, clock).started().await
    }

    /// The same that remembers so much, at a time of its own.
    pub async fn remembering(make: impl Fn() -> TestDatabase, cache: CacheSettings, clock: Clock) -> Self {
        let mut app = Self::of(make, LIMITS, clock);
        app.cache = cache;
        app.started().await
    }

    /// The same that publishes there.
    pub async fn publishing(make: impl Fn() -> TestDatabase, nats: &NatsServer) -> Self {
        let mut app = Self::of(make, LIMITS, Clock::system());
        app.nats.nats_url = Some(nats.url().parse().unwrap());
        app.started().await
    }

    fn of(make: impl Fn() -> TestDatabase, limits: Limits, clock: Clock) -> Self {
        Self {
            users: FakeUserService::start(clock.clone()),
            clock,
            nobody: Client::new(""),
            database: make(),
            limits,
            event_retention: None,
            cache: cache(),
            nats: NatsConfig::off(),
            server: None,
            base: String::new(),
        }
    }

    async fn started(mut self) -> Self {
        self.start_service();
        self.until_ready().await;
        self
    }

    /// Starts the service on the database as it is.
    pub fn start_service(&mut self) {
        let (server, base) = self.instance();
        self.server = Some(server);
        self.nobody = Client::new(base.as_str());
        self.base = base;
    }

    /// One instance of the service on this database, and its URL; it stops when dropped.
    pub fn instance(&self) -> (ServerThread, String) {
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            database_url: self.database.url.clone(),
            user_service: UserService { url: self.users.url.clone(), secret: self.users.secret.clone() },
            limits: self.limits,
            account_hosts: "localhost,mutual.example".parse().unwrap(),
            waits: Config::parse_from(["relation-service"]).waits,
            workers: 2,
            read_connections: 2,
            cache: self.cache,
            event_retention: self.event_retention,
            nats: self.nats.clone(),
            clock: self.clock.clone(),
        };
        let (server, address) = ServerThread::start(move || {
            let app = App::start(settings).unwrap();
            (app.address, app.stop.clone(), Box::pin(app.run()))
        });
        (server, format!("http://{address}"))
    }

    /// A second instance on the same database, ready, where the database can have two.
    pub async fn second_instance(&self) -> Option<(ServerThread, String)> {
        if matches!(self.database.url, DatabaseUrl::Sqlite(_)) {
            return None;
        }
        let (server, base) = self.instance();
        let client = Client::new(base.as_str());
        within(READY, "ready", async || client.get("/readyz").await.status == 200).await;
        Some((server, base))
    }

    /// The whole URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Stops the service and all its actors, as the end of its process would.
    pub fn stop_service(&mut self) {
        self.server = None;
    }

    /// Tells the service to finish what is under way and to stop; the future ends when it has.
    pub fn stop_gracefully(&self) -> impl Future<Output = ()> + use<> {
        self.server.as_ref().unwrap().stop_gracefully()
    }

    /// Waits until `/readyz` says so.
    pub async fn until_ready(&self) {
        within(READY, "ready", async || self.nobody.get("/readyz").await.status == 200).await;
    }

    /// A new person, of whom the service has not heard yet.
    pub fn newcomer(&self, name: &str) -> Person {
        let (id, session) = self.users.register(name);
        let token = self.users.token(id, session);
        Person { id, session, http: self.nobody.with_token(token.as_str()), token }
    }

    /// The same person, with a token of now for the service as it runs now.
    pub fn again(&self, person: &Person) -> Person {
        let token = self.users.token(person.id, person.session);
        Person { http: self.nobody.with_token(token.as_str()), token, ..person.clone() }
    }

    /// A client with a new token of somebody's.
    pub fn client_of(&self, person: &Person) -> Client {
        self.nobody.with_token(self.users.token(person.id, person.session))
    }

    /// New people whom the service knows.
    pub async fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        let people = names.map(|name| self.newcomer(name));
        self.users.applied().await;
        people
    }

    /// So many people whom the service knows, named after `name`.
    pub async fn crowd(&self, name: &str, count: usize) -> Vec<Person> {
        let people = (0..count).map(|number| self.newcomer(&format!("{name}{number}"))).collect();
        self.users.applied().await;
        people
    }

    /// Changes a person's facts, and waits until the service knows.
    pub async fn change(&self, person: &Person, change: impl FnOnce(&mut UserFacts)) {
        self.users.change(person.id, "user.privacy_changed", change);
        self.users.applied().await;
    }

    /// Makes an account private or public, and waits until the service knows.
    pub async fn set_private(&self, person: &Person, private: bool) {
        self.change(person, |facts| facts.private_account = private).await;
    }

    /// Hides an account or shows it again, and waits until the service knows.
    pub async fn set_status(&self, person: &Person, status: AccountStatus) {
        let kind = match status {
            AccountStatus::Active => "user.reactivated",
            AccountStatus::Suspended => "user.suspended",
            AccountStatus::Deactivated => "user.deactivated",
            AccountStatus::Deleted => "user.deleted",
        };
        self.users.change(person.id, kind, |facts| facts.status = status);
        self.users.applied().await;
    }

    /// A caller with a new service token of these scopes.
    pub fn service(&self, name: &str, scopes: &[&str]) -> Client {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let token = NewServiceToken::new(name, &scopes).unwrap();
        token.store(&mut self.writer(), Micros::new(1)).unwrap();
        self.nobody.with_token(token.token().reveal())
    }

    /// The log's newest event, as answers say it.
    pub async fn revision(&self) -> i64 {
        self.nobody.get("/livez").await.header("mutual-revision").parse().unwrap()
    }

    /// The number of the newest event, as the table has it.
    pub fn head(&self) -> i64 {
        shared::db::log::head(&mut self.writer()).unwrap().seq
    }

    /// Where the database is.
    pub fn database_url(&self) -> &DatabaseUrl {
        &self.database.url
    }

    /// A connection of the test's own.
    pub fn writer(&self) -> Conn {
        open_writer(&self.database.url).unwrap()
    }

    /// Every rule that the tables can be checked against holds.
    pub async fn assert_sound(&self) {
        self.users.applied().await;
        assert_eq!(self.drift(), []);
    }

    /// Whether every rule holds now; while a sweep is under way, that of hidden people does not.
    pub async fn is_sound(&self) -> bool {
        self.users.applied().await;
        let mut conn = open_reader(&self.database.url).unwrap();
        self.drift().is_empty() && store::sweep::open(&mut conn, 1).unwrap().is_empty()
    }

    fn drift(&self) -> Vec<Finding> {
        let findings = store::audit::audit(&mut open_reader(&self.database.url).unwrap()).unwrap();
        findings.into_iter().filter(|finding| finding.drift != 0).collect()
    }
}

/// What is remembered, by `MUTUAL_TEST_CACHE`: `checked` compares every answer from memory with the store's and is usual;
/// a number is mebibytes, without that.
fn cache() -> CacheSettings {
    let set = std::env::var("MUTUAL_TEST_CACHE").unwrap_or_else(|_| "checked".into());
    match set.parse() {
        Ok(mib) => CacheSettings::new(mib, true),
        Err(_) if set == "checked" => CacheSettings { checked: true, ..CacheSettings::new(16, true) },
        Err(_) => panic!("MUTUAL_TEST_CACHE is a number of mebibytes or `checked`"),
    }
}

/// Waits until `met` holds.
pub async fn until(what: &str, met: impl AsyncFn() -> bool) {
    within(PATIENCE, what, met).await;
}

/// Waits until `met` holds, which must be before `limit` is over.
pub async fn within(limit: Duration, what: &str, met: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !met().await {
        assert!(started.elapsed() < limit, "not {what} within {limit:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Runs everything at once and returns the answers in order.
pub async fn all<T>(tasks: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    futures_util::future::join_all(tasks).await
}
