//! `mutual serve`: both services in this process.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use awc::Client;
use relation_service::actors::feed::UserService;
use shared::admin;
use shared::cache::CacheSettings;
use shared::clock::Clock;
use shared::http::retention;
use shared::process::{say, stop_when_asked};
use shared::secret::{self, make_private_dir};

use crate::cli::Serve;
use crate::failure::Failure;
use crate::seed;

/// The files of the keys that sign access tokens and make refresh tokens, and of the secret that both services share.
pub const SECRETS: [&str; 3] = ["signing-key", "refresh-key", "service-secret"];
/// How long both services together may take until they are ready.
const READY_WAIT: Duration = Duration::from_secs(30);
/// How often readiness is asked for until then.
const READY_EVERY: Duration = Duration::from_millis(20);

/// Starts both services and answers requests until it is asked to stop.
pub async fn run(settings: Serve) -> Result<(), Failure> {
    make_private_dir(&settings.databases.data_dir)?;
    if settings.seed_demo && !seed::fill_if_empty(&settings.databases)? {
        say("There are people already: the demo world is only for new databases.");
    }
    let admin = admin::start(settings.admin_listen)?;
    #[cfg(feature = "count-allocations")]
    crate::allocations::measure();
    let users = user_service::app::App::start(user_settings(&settings)?)?;
    let relations = relation_service::app::App::start(relation_settings(&settings, users.address)?)?;
    let (user_address, relation_address) = (users.address, relations.address);
    users.handle.relations_are_at(format!("http://{}", reachable(relation_address)));
    let stops = vec![relations.stop.clone(), users.stop.clone(), admin.stop];
    // First the one that asks the other.
    stop_when_asked(stops, Duration::ZERO);
    let (users, relations) = (actix_web::rt::spawn(users.run()), actix_web::rt::spawn(relations.run()));
    let running = async {
        users.await.map_err(io::Error::other)??;
        relations.await.map_err(io::Error::other)??;
        Ok(())
    };
    let greeting = async {
        wait_until_ready(&[user_address, relation_address]).await?;
        greet(&settings, user_address, relation_address, admin.address);
        // From here on only the services decide when to end.
        std::future::pending().await
    };
    tokio::select! {
        ended = running => ended,
        failed = greeting => failed,
    }
}

fn user_settings(settings: &Serve) -> Result<user_service::app::Settings, Failure> {
    let secret = |name: &str| secret::load_or_create(&settings.databases.data_dir.join(name));
    let [signing_key, refresh_key, service_secret] = SECRETS;
    Ok(user_service::app::Settings {
        listen: settings.user_listen,
        database_url: settings.databases.user_url(),
        signing_key: secret(signing_key)?,
        other_signing_keys: secret::load_neighbours(&settings.databases.data_dir.join(signing_key))?,
        refresh_key: secret(refresh_key)?,
        service_secret: secret(service_secret)?,
        // Known once it listens.
        relation_service_url: None,
        node: None,
        workers: settings.workers,
        read_connections: settings.read_connections,
        cache: CacheSettings::new(settings.cache_mb, settings.only_writer),
        passwords: settings.passwords,
        two_factor_issuer: settings.two_factor_issuer.clone(),
        rate_limits: settings.rate_limits,
        mail: settings.mail.clone(),
        mail_dir: settings.databases.data_dir.join("outbox-mail"),
        trusted_proxies: settings.trusted_proxies.clone(),
        limits: settings.user_limits,
        event_retention: retention(settings.event_retention_days),
        nats: settings.nats.clone(),
        clock: Clock::system(),
    })
}

fn relation_settings(
    settings: &Serve,
    user_address: SocketAddr,
) -> Result<relation_service::app::Settings, Failure> {
    let [.., service_secret] = SECRETS;
    let secret = secret::load_or_create(&settings.databases.data_dir.join(service_secret))?;
    Ok(relation_service::app::Settings {
        listen: settings.relation_listen,
        database_url: settings.databases.relation_url(),
        user_service: UserService { url: format!("http://{}", reachable(user_address)), secret },
        limits: settings.relation_limits.in_force(settings.rate_limits),
        account_hosts: settings.account_hosts.clone(),
        waits: settings.relation_waits,
        workers: settings.workers,
        read_connections: settings.read_connections,
        cache: CacheSettings::new(settings.cache_mb, settings.only_writer),
        event_retention: retention(settings.event_retention_days),
        nats: settings.nats.clone(),
        clock: Clock::system(),
    })
}

/// An address that listens on every interface is reached on this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    use std::net::{Ipv4Addr, Ipv6Addr};
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    reachable
}

async fn wait_until_ready(addresses: &[SocketAddr]) -> Result<(), Failure> {
    let http = Client::default();
    let started = Instant::now();
    for &address in addresses {
        let url = format!("http://{}/readyz", reachable(address));
        let ready = || async { http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) };
        while !ready().await {
            if started.elapsed() > READY_WAIT {
                return Err(
                    io::Error::other(format!("{url} does not become ready; see the log above")).into()
                );
            }
            tokio::time::sleep(READY_EVERY).await;
        }
    }
    Ok(())
}

fn greet(settings: &Serve, users: SocketAddr, relations: SocketAddr, admin: SocketAddr) {
    say(&format!(
        "Mutual is ready.
  user-service      http://{users}   documentation: http://{users}/docs/
  relation-service  http://{relations}   documentation: http://{relations}/docs/
  metrics           http://{admin}/metrics
  data              {}
Try next:
  curl -s http://{users}/v1/users -H 'content-type: application/json' \\
    -d '{{\"username\":\"zoe\",\"email\":\"zoe@example.com\",\"password\":\"correct horse battery\"}}'
Stop with Ctrl-C.",
        settings.databases.data_dir.display()
    ));
}
