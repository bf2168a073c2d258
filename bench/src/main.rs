//! Measures both services over HTTP, each figure beside a bare handler on the same machine.

mod baseline;
mod beside;
mod cli;
mod engine;
mod failure;
mod faults;
mod figures;
mod generator;
mod graph;
mod http;
mod load;
mod measure;
mod metrics;
mod number;
mod plan;
mod processors;
mod report;
mod request;
mod run;
mod scratch;
mod services;
mod setup;
mod store;
mod world;

use std::process::ExitCode;

use clap::Parser as _;
use cli::{Cli, Command, DrawGraph};
use failure::Failure;
use graph::synthetic;
use shared::process::complain;
use tokio::signal::unix::{SignalKind, signal};

#[actix_web::main]
async fn main() -> ExitCode {
    let command = Cli::parse().command;
    let done = tokio::select! {
        done = obey(command) => done,
        // What was started ends as the run is dropped.
        asked = asked_to_stop() => asked,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&format!("error: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn obey(command: Command) -> Result<(), Failure> {
    match command {
        Command::Run(settings) => run::run(*settings).await,
        Command::Graph(DrawGraph { drawn, file }) => {
            let graph = synthetic::draw(drawn.people, drawn.degree_scale, drawn.seed);
            graph.write(&file)?;
            complain(&format!("{}: {}", file.display(), synthetic::describe(&graph)));
            Ok(())
        }
        Command::Faults(settings) => faults::run(settings).await,
        Command::Engine(settings) => engine::run(&settings),
        Command::Hello(settings) => Ok(http::hello::run(settings).await?),
        Command::Naive(settings) => Ok(http::naive::run(settings).await?),
    }
}

async fn asked_to_stop() -> Result<(), Failure> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Err(Failure::Interrupted)
}
