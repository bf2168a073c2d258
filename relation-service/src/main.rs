//! The relation service as a program of its own.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use mimalloc::MiMalloc;
use relation_service::actors::feed::UserService;
use relation_service::app::{App, SCHEMA, Settings};
use relation_service::config::Config;
use shared::cache::CacheSettings;
use shared::clock::Clock;
use shared::http::retention;
use shared::process::{ended, stop_when_asked, stopped};
use shared::settings::Switch;
use shared::{admin, healthcheck, secret, settings, telemetry};

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
    if config.rate_limits == Switch::Off {
        log::warn!("rate limits are off: for tests and benchmarks alone");
    }
    if config.migrate_at_start == Switch::Off {
        SCHEMA.expect(&config.database_url).map_err(io::Error::other)?;
    }
    let admin = admin::start(config.admin_listen)?;
    let stop_notice = config.stop_notice;
    let app = App::start(settings_of(config)?).map_err(io::Error::other)?;
    stop_when_asked(vec![app.stop.clone(), admin.stop], stop_notice);
    log::info!("metrics are at http://{}/metrics", admin.address);
    log::info!("relation-service listens on http://{}", app.address);
    app.run().await
}

fn settings_of(config: Config) -> io::Result<Settings> {
    Ok(Settings {
        listen: config.listen,
        database_url: config.database_url,
        user_service: UserService {
            url: config.user_service_url,
            secret: secret::load_or_create(&config.service_secret_file)?,
        },
        limits: config.limits.in_force(config.rate_limits),
        account_hosts: config.account_hosts,
        waits: config.waits,
        workers: config.workers,
        read_connections: config.read_connections,
        cache: CacheSettings::new(config.cache_mb, config.only_writer),
        event_retention: retention(config.event_retention_days),
        nats: config.nats,
        clock: Clock::system(),
    })
}
