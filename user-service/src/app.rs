//! Putting the service together: database, actors, server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App as WebApp, HttpServer, web};
use shared::cache::{CacheSettings, measure};
use shared::clock::Clock;
use shared::db::{DatabaseUrl, Owner, Reads, StoreError, Wiper, feed_reader, open_writer};
use shared::http::{
    Auth, CONNECTIONS_MAX, DRAIN_SECS, Feed, FeedReaders, Front, KEEP_ALIVE, LongBodies, REQUEST_HEAD_WAIT,
    Retention, Routes, ServiceTokens, TrustedProxies,
};
use shared::id::IdGenerator;
use shared::process::Stopper;
use shared::secret::Secret;
use shared::token::{Revoked, TokenSigner, TokenVerifier};
use shared::writer::WriterHandle;
use utoipa_actix_web::AppExt;

use crate::actors::change::{Command, UserEngine};
use crate::actors::hasher::PasswordHasher;
use crate::actors::janitor::{Janitor, Parts as JanitorParts};
use crate::actors::login::tokens_expired_at;
use crate::actors::mail_limit::mail_limit;
use crate::actors::mail_transport::{MailSetupError, MailTransport};
use crate::actors::mailer::{Mailer, Parts as MailerParts};
use crate::actors::outbox::Outbox;
use crate::actors::relation_client::Relations;
use crate::config::mail::MailConfig;
use crate::config::{Limits, PasswordCost, Passwords, Switch};
use crate::domain::refresh_token::RefreshKey;
use crate::handle::{Guard, Parts, UserHandle};
use crate::http::RateLimits;
use crate::store::cards::{Cards, Remembering};
use crate::{http, store};

/// By which its metrics are known.
const NAME: &str = "user-service";

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
    /// Tells apart instances on one database.
    pub node: u16,
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
    /// The schema is older than this program, and the start is not to change it.
    #[error("user-service: {0} migrations are pending: run user-service --migrate-only first")]
    Pending(usize),
    /// A key is not one.
    #[error("user-service: the {0} is not 32 bytes in base64url")]
    Key(&'static str),
    /// Mails cannot be sent as they are to be.
    #[error("user-service: {0}")]
    Mail(#[from] MailSetupError),
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
    _owner: Owner,
}

impl Settings {
    /// The engine of the writer: also for bulk commands that write beside no running service.
    pub fn engine(&self) -> Result<UserEngine, StartError> {
        let refresh_key = self.refresh_key.to_bytes().ok_or(StartError::Key("refresh key"))?;
        Ok(UserEngine {
            ids: Arc::new(IdGenerator::new(self.clock.clone(), self.node)),
            refresh_key: RefreshKey::new(&refresh_key),
            mail_limit: (self.rate_limits == Switch::On).then(|| mail_limit(self.limits.mails_per_hour)),
            outbox: Outbox::new(self.limits.mails_waiting_max),
            rules: self.limits.rules(),
            memory: None,
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
        let (handle, auth, feed) = start_actors(&settings)?;
        let closing = feed.closing();
        let listener = shared::http::listen(settings.listen)?;
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
            app.into_utoipa_app()
                .configure(http::routes)
                .into_app()
                .configure(|config| shared::http::conventions(config, &spec, &routes))
        })
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(REQUEST_HEAD_WAIT)
        .max_connections(CONNECTIONS_MAX)
        .shutdown_timeout(DRAIN_SECS)
        .disable_signals();
        let server = if settings.workers == 0 { server } else { server.workers(settings.workers) };
        let server = server.listen(listener)?.run();
        let stop = Stopper::new(server.handle(), closing);
        Ok(Self { address, handle, stop, server, _owner: owner })
    }

    /// Answers requests until [`App::stop`] is told to stop, then finishes those under way.
    pub async fn run(self) -> io::Result<()> {
        self.server.await
    }
}

/// Brings the database to this schema, beside no other process on an embedded one. Returns how many migrations ran.
pub fn migrate(url: &DatabaseUrl) -> Result<usize, StartError> {
    let _owner = Owner::take(url)?;
    Ok(store::migrate(&mut open_writer(url)?)?)
}

/// Refuses a database that is not at this schema.
pub fn expect_schema(url: &DatabaseUrl) -> Result<(), StartError> {
    let _owner = Owner::take(url)?;
    match store::pending(&mut open_writer(url)?)? {
        0 => Ok(()),
        pending => Err(StartError::Pending(pending)),
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

/// What is remembered, if the settings and the database allow it; told of at `/metrics`.
fn memory(settings: &Settings) -> Option<Remembering> {
    let cards = Arc::new(Cards::new(settings.cache.size_for(&settings.database_url)?));
    let measured = Arc::downgrade(&cards);
    measure(NAME, move || Some(measured.upgrade()?.usage()));
    Some(Remembering(cards))
}

fn start_actors(settings: &Settings) -> Result<(UserHandle, Arc<Auth>, Feed), StartError> {
    let memory = memory(settings);
    let engine = UserEngine { memory: memory.clone(), ..settings.engine()? };
    let Settings { database_url, clock, limits, passwords, .. } = settings.clone();
    let signer = TokenSigner::new(&settings.signing_key)
        .and_then(|signer| signer.publishing(&settings.other_signing_keys));
    let signer = Arc::new(signer.ok_or(StartError::Key("signing key"))?);

    let mut conn = open_writer(&database_url)?;
    store::migrate(&mut conn)?;
    let revision = shared::db::log::head(&mut conn)?.seq;
    let revoked = Revoked::default();
    for (session, at) in store::session::revoked_since(&mut conn, tokens_expired_at(clock.now()))? {
        revoked.add(session, at);
    }
    let known = feed_reader::readers(&mut conn)?;
    drop(conn);
    let transport = MailTransport::new(&settings.mail, &settings.mail_dir)?;

    let tokens = Arc::new(TokenVerifier::new(clock.clone(), revoked));
    tokens.set_keys(&signer.key_set());
    let (refresh_key, outbox) = (engine.refresh_key.clone(), engine.outbox.clone());
    let writer = WriterHandle::start(NAME, engine, database_url.clone(), clock.clone(), revision);
    let cards = memory.map(|memory| memory.0);
    let gate = cards.as_ref().map(|cards| cards.gate());
    let reads = Reads::new(&database_url, settings.read_connections).behind(gate);
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
    let url = database_url.clone();
    let readers = FeedReaders::new(known, move |name| feed_reader::remember(&mut open_writer(&url)?, name));
    let lookout = settings.cache.lookout(&database_url, writer.head(), &reads);
    let feed = Feed::new(reads.clone(), lookout, readers.clone());
    if let Some(keep) = settings.event_retention {
        let (writer, reads, readers, clock) = (writer.clone(), reads.clone(), readers.clone(), clock.clone());
        Retention { keep, writer, forget: Command::ForgetEvents, reads, readers, clock }.start();
    }
    let guard = (settings.rate_limits == Switch::On)
        .then(|| Guard::new(limits.guesses(), limits.rules().networks, clock.clone()));
    let handle = UserHandle::new(Parts {
        writer,
        reads,
        cards,
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
    Ok((handle, auth, feed))
}
