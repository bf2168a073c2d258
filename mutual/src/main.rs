//! The launcher: both services in one process, and the operator's commands.

mod account;
#[cfg(feature = "count-allocations")]
mod allocations;
mod audit;
mod calibrate;
mod cli;
mod failure;
mod import;
mod migrate_store;
mod progress;
mod seed;
mod serve;
mod stores;
mod token;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::{Admin, Cli, Command};
use failure::Failure;
use shared::process::{EXIT_USAGE, complain, stopped};
use shared::{healthcheck, settings, telemetry};

/// What happens without a command, and the section that a settings file sets.
const SERVE: &str = "serve";

/// Answers are made of many small pieces that live for a moment.
#[cfg(not(feature = "count-allocations"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    let parsed = settings::load_for::<Cli>(with_default_command(std::env::args_os()), Some(SERVE));
    let command = match parsed {
        Ok((cli, _)) => cli.command,
        Err(stop) => return stopped(stop),
    };
    if let Command::Serve(settings) = &command
        && settings.healthcheck
    {
        return healthcheck::run(&[settings.user_listen, settings.relation_listen]);
    }
    match run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        // Every line of the audit is printed already.
        Err(Failure::Drift) => ExitCode::FAILURE,
        Err(failure) => {
            complain(&format!("error: {failure}"));
            ExitCode::from(if matches!(failure, Failure::Usage(_) | Failure::Unchecked(_)) {
                EXIT_USAGE
            } else {
                1
            })
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    if let Command::Serve(settings) = command {
        telemetry::init(settings.log_format);
        return serve::run(*settings).await;
    }
    telemetry::init(telemetry::LogFormat::Text);
    match command {
        Command::Serve(_) => Ok(()),
        Command::ImportGraph(args) => import::run(&args),
        Command::Audit(args) => audit::run(&args).await,
        Command::MigrateStore(args) => migrate_store::run(&args).await,
        Command::Seed(args) => seed::run(&args),
        Command::Admin(Admin::Create(args)) => account::create(&args),
        Command::Admin(Admin::Role(args)) => account::give_role(&args),
        Command::Admin(Admin::ServiceToken(command)) => token::run(&command),
        Command::Admin(Admin::CalibratePasswords(args)) => calibrate::run(&args),
    }
}

/// `mutual --flag` means `mutual serve --flag`.
fn with_default_command(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let first = args.get(1).map(|arg| arg.to_string_lossy().into_owned());
    let is_flag = first.as_deref().is_none_or(|first| first.starts_with('-'));
    let about_all = ["--help", "-h", "--version", "-V"];
    if is_flag && !first.is_some_and(|first| about_all.contains(&first.as_str())) {
        args.insert(args.len().min(1), SERVE.into());
    }
    args
}
