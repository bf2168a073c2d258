//! What a run says: on the terminal, as Markdown with plots, as JSON.

mod markdown;
mod plot;
mod terminal;

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;

pub use terminal::table;

use crate::failure::Failure;
use crate::figures::{Disk, Measured};

/// A whole run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The command that made it.
    pub command: String,
    /// What the machine is.
    pub machine: String,
    /// What the graph is.
    pub graph: String,
    /// How it was measured.
    pub method: String,
    /// How much else ran at the start and at the end: the load average of a minute.
    pub load: [f64; 2],
    /// How far down deep pages were.
    pub depth: u64,
    /// The operations.
    pub measured: Vec<Measured>,
    /// Memory of the services at the end and at most, in bytes.
    pub memory: Option<(u64, u64)>,
    /// What the services say about their caches.
    pub caches: Vec<(String, f64)>,
    /// Bytes in the database for each follow.
    pub disk: Option<Disk>,
    /// Rules that the audit checked, all of which hold.
    pub audited: usize,
}

/// Writes the Markdown page, and its plots beside it.
pub fn write_page(report: &Report, file: &Path) -> Result<(), Failure> {
    let stem = file.file_stem().map_or_else(|| "report".into(), |stem| stem.to_string_lossy().into_owned());
    let plots = plot::all(report);
    for (name, svg) in &plots {
        fs::write(file.with_file_name(format!("{stem}-{name}.svg")), svg)?;
    }
    let names: Vec<String> = plots.iter().map(|(name, _)| format!("{stem}-{name}.svg")).collect();
    Ok(fs::write(file, markdown::page(report, &names))?)
}

/// Writes all figures.
pub fn write_json(report: &Report, file: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(io::Error::from)?;
    Ok(fs::write(file, format!("{text}\n"))?)
}

/// Latencies in milliseconds, with as many digits as they hold.
fn millis(micros: f64) -> String {
    let millis = micros / 1_000.0;
    if millis < 10.0 { format!("{millis:.2}") } else { format!("{millis:.0}") }
}
