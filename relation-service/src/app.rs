//! Putting the service together: database, actors, server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App as WebApp, HttpServer, web};
use shared::cache::{CacheSettings, measure};
use shared::clock::Clock;
use shared::db::{
    Conn, DatabaseUrl, Owner, Reads, Schema, Snapshots, StoreError, Wiper, feed_reader, open_writer, touched,
};
use shared::http::{
    Auth, CONNECTIONS_MAX, DRAIN_SECS, Feed, FeedReaders, Front, KEEP_ALIVE, REQUEST_HEAD_WAIT, Retention,
    Routes, ServiceTokens, Swift,
};
use shared::process::Stopper;
use shared::publisher::{NatsConfig, Publisher};
use shared::revision::{Lookout, Revision};
use shared::tail::{Freshness, Parts as TailParts};
use shared::token::{Revoked, TokenVerifier};
use shared::writer::WriterHandle;
use utoipa_actix_web::AppExt;

use crate::actors::absent::Absent;
use crate::actors::auditor::Audits;
use crate::actors::change::{Command, RelationEngine};
use crate::actors::feed::{FeedState, Parts as FeedParts, UserFeed, UserService};
use crate::actors::importer::{Importer, Parts as ImporterParts};
use crate::actors::janitor::Janitor;
use crate::config::Waits;
use crate::domain::{AccountHosts, Limits};
use crate::handle::{Parts, Recall, RelationHandle};
use crate::store::graph::{Graph, Remembering};
use crate::{http, store};

/// What says where to listen.
const LISTEN: &str = "--listen, or --relation-listen of mutual serve";
/// By which its log is known where it is published.
const LOG: &str = "relation";
/// By which its metrics are known.
const NAME: &str = "relation-service";
/// What its database is to be like.
pub const SCHEMA: Schema = Schema { service: NAME, migrate: store::migrate, pending: store::pending };

/// What the service is started with.
#[derive(Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Which database.
    pub database_url: DatabaseUrl,
    /// Where user-service is, and the secret shared with it.
    pub user_service: UserService,
    /// The limits of the rules.
    pub limits: Limits,
    /// The hosts that an account in an imported file may name.
    pub account_hosts: AccountHosts,
    /// How long things may take.
    pub waits: Waits,
    /// Threads that answer requests; 0 takes one for each core.
    pub workers: usize,
    /// Connections for reading.
    pub read_connections: u32,
    /// How much is remembered.
    pub cache: CacheSettings,
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
    #[error("relation-service: {0}")]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("relation-service: {0}")]
    Listen(#[from] io::Error),
}

/// The running service.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it can do, without HTTP.
    pub handle: RelationHandle,
    /// For stopping it.
    pub stop: Stopper,
    server: Server,
    _owner: Owner,
}

impl App {
    /// Opens the database, starts the actors and listens. Requests are answered once [`App::run`] runs.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let owner = Owner::take(&settings.database_url)?;
        let (handle, auth, feed) = start_actors(&settings)?;
        let closing = feed.closing();
        let listener = shared::http::listen(settings.listen, LISTEN)?;
        let address = listener.local_addr()?;
        let spec = http::openapi();
        let routes = web::Data::new(Routes::of(NAME, &spec));
        let (relations, auth, feed) = (handle.clone(), web::Data::from(auth), web::Data::new(feed));
        let server = HttpServer::new(move || {
            let manners = http::RevisionManners(relations.clone());
            let app = WebApp::new()
                // One a thread, so that threads do not count each other's references.
                .app_data(web::Data::new(relations.clone()))
                .app_data(auth.clone())
                .app_data(feed.clone())
                .wrap(Front::new(routes.clone(), http::LONG_BODIES, manners))
                .into_utoipa_app()
                .configure(http::routes)
                .into_app()
                .configure(|config| shared::http::conventions(config, &spec, &routes));
            Swift::new(relations.clone(), auth.clone(), &routes, app)
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

/// What is remembered, if the settings want it; told of at `/metrics`.
fn memory(settings: &Settings) -> Option<Remembering> {
    let size = settings.cache.size()?;
    let alone = settings.cache.is_alone(&settings.database_url);
    let graph = Arc::new(if alone { Graph::new(size) } else { Graph::beside_others(size) });
    let measured = Arc::downgrade(&graph);
    measure(NAME, move || Some(measured.upgrade()?.usage()));
    Some(Remembering(graph))
}

/// Where others commit too and something is remembered of it: follows them.
fn freshness(
    settings: &Settings,
    memory: Option<&Remembering>,
    revision: Revision,
) -> Result<Option<Freshness>, StoreError> {
    let Some(memory) = memory.filter(|memory| memory.0.has_others()) else { return Ok(None) };
    let (url, clock, deaf) = (settings.database_url.clone(), settings.clock.clone(), settings.cache.deaf);
    let memory = Arc::new(memory.clone());
    Freshness::start(TailParts { name: NAME, url, memory, revision, clock, deaf }).map(Some)
}

/// Who waits for what is committed.
fn lookout(settings: &Settings, freshness: Option<&Freshness>, revision: Revision, reads: &Reads) -> Lookout {
    match freshness {
        Some(freshness) => Lookout::kept_up(revision, freshness.clone()),
        None if settings.cache.is_alone(&settings.database_url) => Lookout::alone(revision),
        None => Lookout::beside_others(revision, reads.clone()),
    }
}

/// Who verifies callers, with what was known when the service stopped.
fn verifier(conn: &mut Conn, clock: Clock) -> Result<Arc<TokenVerifier>, StoreError> {
    let revoked = Revoked::default();
    for (session, at) in store::session::revoked(conn)? {
        revoked.add(session, at);
    }
    let tokens = Arc::new(TokenVerifier::new(clock, revoked));
    if let Some(keys) = store::key::key_set(conn)? {
        tokens.set_keys(&keys);
    }
    Ok(tokens)
}

/// The feed of this service's log, with those who copy and shorten it.
fn start_feed(
    settings: &Settings,
    known: Vec<(String, i64)>,
    reads: &Reads,
    lookout: &Lookout,
    writer: &WriterHandle<RelationEngine>,
) -> Feed {
    let Settings { database_url, clock, event_retention, .. } = settings.clone();
    let (reads, lookout, writer) = (reads.clone(), lookout.clone(), writer.clone());
    let alone = settings.cache.is_alone(&database_url);
    let readers = FeedReaders::new(known, database_url.clone());
    let readers = if alone { readers } else { readers.beside_others(reads.clone()) };
    let events = Feed::new(reads.clone(), lookout.clone(), readers.clone());
    events.measure(NAME);
    if let Some(publishing) = settings.nats.publishing(LOG, event_retention) {
        let readers = readers.clone();
        Publisher { service: NAME, publishing, database_url, lookout, readers }.start();
    }
    if let Some(keep) = event_retention {
        Retention { keep, writer, forget: Command::ForgetEvents, reads, readers, clock }.start();
    }
    events
}

fn start_actors(settings: &Settings) -> Result<(RelationHandle, Arc<Auth>, Feed), StoreError> {
    let Settings { database_url, clock, .. } = settings.clone();
    let mut conn = open_writer(&database_url)?;
    store::migrate(&mut conn)?;
    let revision = shared::db::log::head(&mut conn)?.seq;
    let place = store::fact::feed_place(&mut conn)?;
    let tokens = verifier(&mut conn, clock.clone())?;
    let known = feed_reader::readers(&mut conn)?;
    let alone = settings.cache.is_alone(&database_url);
    if alone {
        touched::forget_all(&mut conn)?;
    }
    drop(conn);

    let memory = memory(settings);
    let engine = RelationEngine { memory: memory.clone(), alone, ..RelationEngine::new(settings.limits) };
    let writer = WriterHandle::start(NAME, engine.clone(), database_url.clone(), clock.clone(), revision);
    let freshness = freshness(settings, memory.as_ref(), writer.head())?;
    let gate = memory.as_ref().map(|memory| memory.0.gate());
    let reads = Reads::new(&database_url, settings.read_connections).behind(gate.clone());
    reads.measure(NAME);
    let (feed_state, absent) = (FeedState::default(), Absent::new(clock.clone()));
    feed_state.measure(NAME, clock.clone());
    let (wiper, forgets) = (Wiper::new(database_url.clone()), !alone && freshness.is_none());
    let janitor = Janitor::start(writer.clone(), reads.clone(), wiper, clock.clone(), forgets);
    let feed = UserFeed::start(FeedParts {
        service: settings.user_service.clone(),
        writer: writer.clone(),
        tokens: tokens.clone(),
        janitor,
        clock: clock.clone(),
        state: feed_state.clone(),
        absent: absent.clone(),
        place,
        reads: reads.clone(),
    });
    let importer = Importer::start(ImporterParts {
        engine: engine.clone(),
        writer: writer.clone(),
        reads: reads.clone(),
        feed: feed.clone(),
        clock: clock.clone(),
    });
    let services = ServiceTokens::new(reads.clone(), Some(settings.user_service.secret.clone()));
    let auth = Arc::new(Auth { tokens: tokens.clone(), services });
    let lookout = lookout(settings, freshness.as_ref(), writer.head(), &reads);
    let events = start_feed(settings, known, &reads, &lookout, &writer);
    let audits = Audits::start(database_url.clone(), writer.clone(), &settings.limits, clock.clone());
    let handle = RelationHandle::new(Parts {
        engine,
        writer,
        lookout,
        reads,
        read_connections: settings.read_connections,
        recall: memory.map(|memory| Recall { memory, freshness, checked: settings.cache.checked }),
        snapshots: Snapshots::new(&database_url).behind(gate),
        feed,
        feed_state,
        absent,
        importer,
        account_hosts: settings.account_hosts.clone(),
        tokens,
        audits,
        waits: settings.waits,
        clock,
        closing: events.closing(),
    });
    Ok((handle, auth, events))
}
