//! `mutual import-graph`: people for the numbers of an edge list, and follows for its lines.

mod edges;
mod graph;
mod people;

use std::time::{Duration, Instant};

use shared::process::say;

use crate::cli::ImportGraph;
use crate::failure::Failure;
use crate::progress::bar;
use crate::stores::Stores;

/// Loads the graph and says what was done.
pub fn run(args: &ImportGraph) -> Result<(), Failure> {
    let graph = graph::read_file(&args.file, args.undirected)?;
    let mut stores = Stores::open(&args.databases)?;
    let started = Instant::now();
    let progress = bar("people", rows(graph.nodes().len()));
    let people = people::load(&mut stores, &graph.nodes(), &args.prefix, &progress)?;
    progress.finish_and_clear();
    let people_took = started.elapsed();

    let started = Instant::now();
    let progress = bar("follows", rows(graph.edges.len()));
    let loaded = edges::load(&mut stores.relations, &people.ids, &graph.edges, &progress)?;
    progress.finish_and_clear();
    let took = started.elapsed();

    say(&format!(
        "people   {} new, {} there before, in {:.1} s",
        people.created,
        people.present,
        people_took.as_secs_f64()
    ));
    say(&format!(
        "follows  {} new, {} there before, {} refused, in {:.1} s: {} a second",
        loaded.created,
        loaded.present,
        loaded.refused,
        took.as_secs_f64(),
        rate(graph.edges.len(), took)
    ));
    say(&format!("left out {} self-loops, {} duplicate lines", graph.self_loops, graph.duplicates));
    Ok(())
}

fn rows(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn rate(count: usize, took: Duration) -> u128 {
    u128::try_from(count).unwrap_or(0) * 1_000_000 / took.as_micros().max(1)
}
