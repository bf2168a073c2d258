//! Faults under load: each is healed, and ends with a clean audit and everything there that was acknowledged.

mod asker;
mod check;
mod fault;
mod full_disk;
mod ledger;
mod leftovers;
mod load;
mod network;
mod report;
mod servers;
mod stack;
mod stream;
mod suffering;
mod tally;

use std::fs;
use std::time::Duration;

use shared::process::{complain, say};

use crate::cli::Faults;
use crate::failure::Failure;
use crate::run::{command_line, machine};
use fault::{Fault, Spans};
use report::Row;
use stack::{Programs, Stack};
use suffering::Suffering;

/// Outages of the short form are no longer than this.
const SHORT_OUTAGE: Duration = Duration::from_secs(5);

/// Inflicts what is asked for, and tells what was seen. Fails if anything was that should not have been.
pub async fn run(settings: Faults) -> Result<(), Failure> {
    let settings = settings.shortened();
    let programs = Programs::find(settings.programs.clone())?;
    let parent = settings.dir.clone().unwrap_or_else(std::env::temp_dir);
    leftovers::remove(&parent).await?;
    let mut rows = Vec::new();
    let done = suffer_all(&settings, &programs, &parent, &mut rows).await;
    let text = report::page(&command_line(), &machine(), &method(&settings, &programs), &rows);
    match &settings.report {
        Some(file) => fs::write(file, &text)?,
        None => say(&text),
    }
    done?;
    let problems = rows.iter().map(|row| row.problems.len()).sum::<usize>();
    if problems == 0 { Ok(()) } else { Err(Failure::NotHealed(problems)) }
}

async fn suffer_all(
    settings: &Faults,
    programs: &Programs,
    parent: &std::path::Path,
    rows: &mut Vec<Row>,
) -> Result<(), Failure> {
    let chosen = |name: &str| {
        settings.only.is_empty() || settings.only.iter().any(|word| name.contains(word.as_str()))
    };
    let (users, relations) = (stack::USER_INSTANCES.into(), stack::RELATION_INSTANCES.into());
    let faults: Vec<Fault> = Fault::all(users, relations, programs.nats.is_some())
        .into_iter()
        .filter(|fault| chosen(&fault.name()))
        .collect();
    let disk = chosen(full_disk::NAME);
    if faults.is_empty() && !disk {
        return Err(Failure::Usage(format!("nothing has {:?} in its name", settings.only)));
    }
    if !faults.is_empty() {
        complain("two databases, five instances, a proxy: starting");
        let mut stack = Stack::make(programs, parent).await?;
        let done = on_stack(settings, &mut stack, &faults, rows).await;
        if let Some(into) = &settings.logs {
            stack.keep_logs(into)?;
        }
        done?;
    }
    if disk {
        let row = full_disk::suffer(settings, programs, parent).await?;
        complain(report::line(&row).trim_end());
        rows.push(row);
    }
    Ok(())
}

async fn on_stack(
    settings: &Faults,
    stack: &mut Stack,
    faults: &[Fault],
    rows: &mut Vec<Row>,
) -> Result<(), Failure> {
    let world = stack.begin(settings.seed).await?;
    let spans = Spans { most: if settings.short { SHORT_OUTAGE } else { Duration::MAX } };
    let mut suffering = Suffering::begin(stack, world, settings).await?;
    for fault in faults {
        let rounds = if fault.is_kill() { settings.rounds } else { 1 };
        let row = suffering.suffer(stack, *fault, rounds, spans).await;
        let (row, broken) = match row {
            Ok(row) => (row, None),
            Err((row, failure)) => (*row, Some(failure)),
        };
        complain(report::line(&row).trim_end());
        row.problems.iter().for_each(|what| complain(&format!("  PROBLEM: {what}")));
        rows.push(row);
        if let Some(failure) = broken {
            return Err(failure);
        }
    }
    Ok(())
}

fn method(settings: &Faults, programs: &Programs) -> String {
    let nats = if programs.nats.is_some() { ", and NATS" } else { "" };
    format!(
        "Two instances of user-service, three of relation-service, each with a database of its own service on its own \
         Postgres, HAProxy before them{nats}; each in a network namespace of its own. {} requests a second: reads, and follows, \
         requests, blocks, mutes and names of which each asker knows what it was told last.",
        settings.rate
    )
}
