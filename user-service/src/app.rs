//! Putting the service together: database, actors, server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App as WebApp, HttpServer, web};
use shared::cache::{CacheSettings, CacheSize, measure};
use shared::clock::Clock;
use shared::db::{DatabaseUrl, Owner, Reads, Schema, StoreError, Wiper, feed_reader, open_writer, touched};
use shared::http::{
    Auth, CONNECTIONS_MAX, DRAIN_SECS, Feed, FeedReaders, Front, KEEP_ALIVE, LongBodies, REQUEST_HEAD_WAIT,
    Retention, Routes, ServiceTokens, Swift, TrustedProxies,
};
use shared::id::IdGenerator;
use shared::process::Stopper;
use shared::publisher::{NatsConfig, Publisher};
use shared::revision::{Lookout, Revision};
use shared::secret::Secret;
use shared::tail::{Freshness, Parts as TailParts};
use shared::token::{Revoked, TokenSigner, TokenVerifier};
use shared::writer::WriterHandle;
use utoipa_actix_web::AppExt;

use crate::actors::change::{Command, UserEngine};
use crate::actors::hasher::PasswordHasher;
use crate::actors::ids::Ids;
use crate::actors::janitor::{Janitor, Parts as JanitorParts};
use crate::actors::mail_limit::mail_limit;
use crate::actors::mail_transport::{MailSetupError, MailTransport};
use crate::actors::mailer::{Mailer, Parts as MailerParts};
use crate::actors::node::{Node, NodeError};
use crate::actors::outbox::Outbox;
use crate::actors::relation_client::Relations;
use crate::config::mail::MailConfig;
use crate::config::{Limits, PasswordCost, Passwords, Switch};
use crate::domain::refresh_token::RefreshKey;
use crate::handle::{Guard, Parts, UserHandle};
use crate::http::RateLimits;
use crate::store::cards::{Cards, Remembering, recall_revoked};
use crate::{http, store};

/// What says where to listen.
const LISTEN: &str = "--listen, or --user-listen of mutual serve";
/// By which its log is known where it is published.
const LOG: &str = "user";
/// By which its metrics are known.
const NAME: &str = "user-service";
/// What its database is to be like.
pub const SCHEMA: Schema = Schema { service: NAME, migrate: store::migrate, pending: store::pending };

/// What the service is started with.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Which database.
    pub database_url: DatabaseUrl,
    /// Signs access tokens.
    pub signing_key: Secret,
    /// Published beside it, and signing nothing: its predecessor until its tokens have expired, its successor before its
    /// turn.
    pub other_signing_keys: Vec<Secret>,
    /// Makes refresh tokens.
    pub refresh_key: Secret,
    /// By which the two services know each other.
    pub service_secret: Secret,
    /// Where relation-service is, without a final slash. Without it nobody is asked who blocks whom, unless
    /// [`UserHandle::relations_are_at`] says it before requests are answered.
    pub relation_service_url: Option<String>,
    /// Tells apart the ids of instances on one database; any that is free if `None`.
    pub node: Option<u16>,
    /// Threads that answer requests; 0 takes one for each core.
    pub workers: usize,
    /// Connections for reading.
    pub read_connections: u32,
    /// How much is remembered.
    pub cache: CacheSettings,
    /// How passwords are hashed.
    pub passwords: Passwords,
    /// What authenticator apps show beside the username.
    pub two_factor_issuer: String,
    /// Whether networks and wrong passwords are limited.
    pub rate_limits: Switch,
    /// How mails are sent.
    pub mail: MailConfig,
    /// Where mails are written if there is no mail server.
    pub mail_dir: PathBuf,
    /// The proxies whose word about their clients is taken.
    pub trusted_proxies: TrustedProxies,
    /// The limits.
    pub limits: Limits,
    /// How long events are kept; for ever if `None`.
    pub event_retention: Option<Duration>,
    /// Where events are published to besides the feed.
    pub nats: NatsConfig,
    /// The time.
    pub clock: Clock,
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened or brought to this schema.
    #[error("user-service: {0}")]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("user-service: {0}")]
    Listen(#[from] io::Error),
    /// A key is not one.
    #[error("user-service: the {0} is not 32 bytes in base64url")]
    Key(&'static str),
    /// Mails cannot be sent as they are to be.
    #[error("user-service: {0}")]
    Mail(#[from] MailSetupError),
    /// There is no number for this instance.
    #[error("user-service: {0}")]
    Node(#[from] NodeError),
    /// Two settings contradict each other.
    #[error("user-service: {0}")]
    Settings(&'static str),
}

/// The running service.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it can do, without HTTP.
    pub handle: UserHandle,
    /// For stopping it.
    pub stop: Stopper,
    server: Server,
    node: Option<Node>,
    _owner: Owner,
}

impl Settings {
    /// The engine of the writer: also for bulk commands that write beside no running service.
    pub fn engine(&self) -> Result<UserEngine, StartError> {
        let refresh_key = self.refresh_key.to_bytes().ok_or(StartError::Key("refresh key"))?;
        Ok(UserEngine {
            ids: Arc::new(Ids::new(IdGenerator::new(self.clock.clone(), self.node.unwrap_or_default()))),
            refresh_key: RefreshKey::new(&refresh_key),
            mail_limit: (self.rate_limits == Switch::On).then(|| mail_limit(self.limits.mails_per_hour)),
            outbox: Outbox::new(self.limits.mails_waiting_max),
            rules: self.limits.rules(),
            memory: None,
            alone: false,
        })
    }
}

impl App {
    /// Opens the database, starts the actors and listens. Requests are answered once [`App::run`] runs.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        if let Some(contradiction) = settings.limits.contradiction().or(settings.passwords.contradiction()) {
            return Err(StartError::Settings(contradiction));
        }
        warn_of(&settings);
        let owner = Owner::take(&settings.database_url)?;
        let (handle, auth, feed, node) = start_actors(&settings)?;
        let closing = feed.closing();
        let listener = shared::http::listen(settings.listen, LISTEN)?;
        let address = listener.local_addr()?;
        let spec = http::openapi();
        let routes = web::Data::new(Routes::of(NAME, &spec));
        let limits = (settings.rate_limits == Switch::On)
            .then(|| web::Data::new(RateLimits::new(&settings.limits, &settings.clock)));
        let (users, auth, feed) = (handle.clone(), web::Data::from(auth), web::Data::new(feed));
        let proxies = web::Data::new(settings.trusted_proxies);
        let server = HttpServer::new(move || {
            let app = WebApp::new()
                // One a thread, so that threads do not count each other's references.
                .app_data(web::Data::new(users.clone()))
                .app_data(auth.clone())
                .app_data(feed.clone())
                .app_data(proxies.clone())
                .wrap(Front::new(routes.clone(), LongBodies(&[]), http::RoleManners));
            let app = match &limits {
                Some(limits) => app.app_data(limits.clone()),
                None => app,
            };
            let app = app
                .into_utoipa_app()
                .configure(http::routes)
                .into_app()
                .configure(|config| shared::http::conventions(config, &spec, &routes));
            Swift::new(users.clone(), auth.clone(), &routes, app)
        })
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(REQUEST_HEAD_WAIT)
        .max_connections(CONNECTIONS_MAX)
        .shutdown_timeout(DRAIN_SECS)
        .disable_signals();
        let server = if settings.workers == 0 { server } else { server.workers(settings.workers) };
        let server = server.listen(listener)?.run();
        let stop = Stopper::new(server.handle(), closing);
        Ok(Self { address, handle, stop, server, node, _owner: owner })
    }

    /// Answers requests until [`App::stop`] is told to stop, then finishes those under way.
    pub async fn run(self) -> io::Result<()> {
        let done = self.server.await;
        if let Some(Err(failure)) = self.node.map(|node| node.give_back()) {
            log::debug!("the number of this instance is free in a while: {failure}");
        }
        done
    }
}

fn warn_of(settings: &Settings) {
    if settings.passwords.password_cost == PasswordCost::Low {
        log::warn!("passwords are hashed at low cost: for tests alone");
    }
    if settings.rate_limits == Switch::Off {
        log::warn!("rate limits are off: for tests and benchmarks alone");
    }
}

/// What is remembered: people, if the settings want it, which is told of at `/metrics`; and sessions that have ended.
fn memory(settings: &Settings, revoked: &Revoked) -> Remembering {
    let size = settings.cache.size();
    let cards = Arc::new(Cards::new(size.unwrap_or(CacheSize::NONE)));
    if size.is_some() {
        let measured = Arc::downgrade(&cards);
        measure(NAME, move || Some(measured.upgrade()?.usage()));
    }
    Remembering { cards, revoked: revoked.clone(), clock: settings.clock.clone() }
}

/// Where others commit too: follows them.
fn freshness(
    settings: &Settings,
    memory: &Remembering,
    revision: Revision,
) -> Result<Option<Freshness>, StoreError> {
    let Settings { database_url, clock, cache, .. } = settings.clone();
    if cache.is_alone(&database_url) {
        return Ok(None);
    }
    let memory = Arc::new(memory.clone());
    let (url, deaf) = (database_url, cache.deaf);
    Freshness::start(TailParts { name: NAME, url, memory, revision, clock, deaf }).map(Some)
}

/// A number for this instance among others.
fn numbered(settings: &Settings, engine: &UserEngine) -> Result<Node, NodeError> {
    let secrets = Secret::fingerprint(&[&settings.signing_key, &settings.refresh_key]);
    let node = Node::take(settings.database_url.clone(), secrets, settings.node, engine.ids.clone())?;
    node.clone().keep();
    Ok(node)
}

/// The feed of this service's log, with those who copy and shorten it, and who reads it.
fn start_feed(
    settings: &Settings,
    known: Vec<(String, i64)>,
    reads: &Reads,
    freshness: Option<&Freshness>,
    writer: &WriterHandle<UserEngine>,
) -> (Feed, FeedReaders) {
    let Settings { database_url, clock, event_retention, .. } = settings.clone();
    let (reads, writer) = (reads.clone(), writer.clone());
    let lookout = match freshness {
        Some(freshness) => Lookout::kept_up(writer.head(), freshness.clone()),
        None => Lookout::alone(writer.head()),
    };
    let alone = settings.cache.is_alone(&database_url);
    let readers = FeedReaders::new(known, database_url.clone());
    let readers = if alone { readers } else { readers.beside_others(reads.clone()) };
    let feed = Feed::new(reads.clone(), lookout.clone(), readers.clone());
    feed.measure(NAME);
    if let Some(publishing) = settings.nats.publishing(LOG, event_retention) {
        let readers = readers.clone();
        Publisher { service: NAME, publishing, database_url, lookout, readers }.start();
    }
    if let Some(keep) = event_retention {
        let readers = readers.clone();
        Retention { keep, writer, forget: Command::ForgetEvents, reads, readers, clock }.start();
    }
    (feed, readers)
}

type Started = (UserHandle, Arc<Auth>, Feed, Option<Node>);

fn start_actors(settings: &Settings) -> Result<Started, StartError> {
    let revoked = Revoked::default();
    let memory = memory(settings, &revoked);
    let alone = settings.cache.is_alone(&settings.database_url);
    let engine = UserEngine { memory: Some(memory.clone()), alone, ..settings.engine()? };
    let Settings { database_url, clock, limits, passwords, .. } = settings.clone();
    let signer = TokenSigner::new(&settings.signing_key)
        .and_then(|signer| signer.publishing(&settings.other_signing_keys));
    let signer = Arc::new(signer.ok_or(StartError::Key("signing key"))?);

    let mut conn = open_writer(&database_url)?;
    store::migrate(&mut conn)?;
    let revision = shared::db::log::head(&mut conn)?.seq;
    recall_revoked(&mut conn, &revoked, clock.now())?;
    let node = if alone { None } else { Some(numbered(settings, &engine)?) };
    let known = feed_reader::readers(&mut conn)?;
    if alone {
        touched::forget_all(&mut conn)?;
    }
    drop(conn);
    let transport = MailTransport::new(&settings.mail, &settings.mail_dir)?;

    let tokens = Arc::new(TokenVerifier::new(clock.clone(), revoked));
    tokens.set_keys(&signer.key_set());
    let (refresh_key, outbox) = (engine.refresh_key.clone(), engine.outbox.clone());
    let writer = WriterHandle::start(NAME, engine, database_url.clone(), clock.clone(), revision);
    let freshness = freshness(settings, &memory, writer.head())?;
    let cards = settings.cache.size().map(|_| memory.cards);
    let gate = cards.as_ref().map(|cards| cards.gate());
    let reads = Reads::new(&database_url, settings.read_connections).behind(gate);
    reads.measure(NAME);
    let hasher =
        PasswordHasher::start(passwords.hash_cost(), passwords.threads(), limits.password_chars_min)?;
    let mailer = Mailer::start(MailerParts {
        writer: writer.clone(),
        reads: reads.clone(),
        transport: transport.clone(),
        outbox,
        clock: clock.clone(),
    });
    let janitor = Janitor::start(JanitorParts {
        writer: writer.clone(),
        reads: reads.clone(),
        wiper: Wiper::new(database_url.clone()),
        transport,
        clock: clock.clone(),
    });
    let relations = Relations::start(&settings.service_secret, settings.relation_service_url.clone());
    let services = ServiceTokens::new(reads.clone(), Some(settings.service_secret.clone()));
    let auth = Arc::new(Auth { tokens: tokens.clone(), services });
    let (feed, readers) = start_feed(settings, known, &reads, freshness.as_ref(), &writer);
    let guard = (settings.rate_limits == Switch::On)
        .then(|| Guard::new(limits.guesses(), limits.rules().networks, clock.clone()));
    let handle = UserHandle::new(Parts {
        writer,
        reads,
        cards,
        freshness,
        hasher,
        mailer,
        janitor,
        relations,
        signer,
        refresh_key,
        tokens,
        readers,
        two_factor_issuer: settings.two_factor_issuer.clone(),
        guard,
        clock,
    });
    Ok((handle, auth, feed, node))
}
