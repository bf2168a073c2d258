//! The user service as a program of its own.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use mimalloc::MiMalloc;
use shared::cache::CacheSettings;
use shared::clock::Clock;
use shared::http::retention;
use shared::process::{ended, stop_when_asked, stopped};
use shared::settings::Switch;
use shared::{admin, healthcheck, secret, settings, telemetry};
use user_service::app::{App, SCHEMA, Settings};
use user_service::config::Config;

/// Answers are made of many small pieces that live for a moment.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    let config: Config = match settings::load(std::env::args_os().collect::<Vec<OsString>>()) {
        Ok(config) => config,
        Err(stop) => return stopped(stop),
    };
    if config.healthcheck {
        return healthcheck::run(&[config.listen]);
    }
    telemetry::init(config.log_format);
    if config.migrate_only {
        return ended(SCHEMA.bring(&config.database_url));
    }
    ended(serve(config).await)
}

async fn serve(config: Config) -> io::Result<()> {
    if config.relation_service_url.is_none() {
        log::warn!("without --relation-service-url, searches show people across blocks");
    }
    if config.migrate_at_start == Switch::Off {
        SCHEMA.expect(&config.database_url).map_err(io::Error::other)?;
    }
    let admin = admin::start(config.admin_listen)?;
    let stop_notice = config.stop_notice;
    let app = App::start(settings_of(config)?).map_err(io::Error::other)?;
    stop_when_asked(vec![app.stop.clone(), admin.stop], stop_notice);
    log::info!("metrics are at http://{}/metrics", admin.address);
    log::info!("user-service listens on http://{}", app.address);
    app.run().await
}

fn settings_of(config: Config) -> io::Result<Settings> {
    Ok(Settings {
        listen: config.listen,
        database_url: config.database_url,
        signing_key: secret::load_or_create(&config.signing_key_file)?,
        other_signing_keys: secret::load_neighbours(&config.signing_key_file)?,
        refresh_key: secret::load_or_create(&config.refresh_key_file)?,
        service_secret: secret::load_or_create(&config.service_secret_file)?,
        relation_service_url: config.relation_service_url,
        node: config.node,
        workers: config.workers,
        read_connections: config.read_connections,
        cache: CacheSettings::new(config.cache_mb, config.only_writer),
        passwords: config.passwords,
        two_factor_issuer: config.two_factor_issuer,
        rate_limits: config.rate_limits,
        mail: config.mail,
        mail_dir: config.mail_dir,
        trusted_proxies: config.trusted_proxies,
        limits: config.limits,
        event_retention: retention(config.event_retention_days),
        nats: config.nats,
        clock: Clock::system(),
    })
}
