//! A whole run, from the graph to the report.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use shared::process::{complain, say};
use shared::secret::make_private_dir;

use crate::baseline;
use crate::beside::Place;
use crate::cli::Run;
use crate::failure::Failure;
use crate::figures::Disk;
use crate::graph::{Graph, synthetic};
use crate::measure::{Method, measure, walk};
use crate::metrics;
use crate::number::{count, grouped, real};
use crate::plan::{Operation, chosen};
use crate::report::{self, Report};
use crate::scratch::Scratch;
use crate::services::child::memory;
use crate::services::{Operator, Services, address_of};
use crate::setup;

/// Where the databases are: kept, or gone with this value.
struct Ground {
    path: PathBuf,
    _temporary: Option<Scratch>,
}

/// What there is before the first measurement.
struct Prepared {
    operator: Operator,
    services: Services,
    disk: Option<Disk>,
    /// Where others write beside them.
    place: Option<Place>,
}

/// Measures what is asked for.
pub async fn run(settings: Run) -> Result<(), Failure> {
    let settings = settings.shortened();
    let operations = chosen(&settings.only, settings.short);
    if operations.is_empty() {
        return Err(Failure::Usage(format!("nothing has {:?} in its name", settings.only)));
    }
    let at_start = load_average();
    let graph = setup::graph(&settings)?;
    let described = synthetic::describe(&graph);
    complain(&format!("graph: {described}"));
    let ground = ground(&settings)?;
    let prepared = prepare(&settings, &graph, &ground.path, &operations).await?;
    let Prepared { operator, services, disk, place } = prepared;
    let token = operator.service_token().await?;
    let world = setup::world(&settings, graph, &ground.path, &services, &token).await?;
    let method = method(&settings)?;

    let progress = bar(&operations, method);
    let mut measured = Vec::new();
    progress.set_message("a look at everybody");
    walk(&world, &services, method).await?;
    for operation in &operations {
        progress.set_message(operation.name.clone());
        measured.push(measure(operation, &world, &services, method, place.as_ref(), &progress).await?);
    }
    progress.finish_and_clear();

    let held = services.pid.map(memory).transpose()?;
    let caches = metrics::caches(services.metrics).await;
    if !services.are_ours() {
        operator.revoke_token().await?;
    }
    services.stop().await?;
    if let Some(copy) = place.and_then(|place| place.copy) {
        fs::remove_file(copy)?;
    }
    let audited = operator.audit().await?.len();
    let report = Report {
        command: command_line(),
        machine: machine(),
        graph: graph_line(&settings, &described),
        method: method_line(&settings, method),
        load: [at_start, load_average()],
        depth: world.pages.borrow().depth,
        measured,
        memory: held,
        caches,
        disk,
        audited,
    };
    tell(&settings, &report)
}

/// Shows and writes everything, then compares.
fn tell(settings: &Run, report: &Report) -> Result<(), Failure> {
    say(&report::table(&report.measured));
    say(&format!(
        "All statuses were as expected; {} bodies compared; audit: {} rules hold. Load average {:.1} to {:.1}.",
        grouped(real(report.measured.iter().map(|one| one.compared).sum())),
        report.audited,
        report.load[0],
        report.load[1]
    ));
    if let Some((now, most)) = report.memory {
        say(&format!("Memory of the services: {} MiB, at most {} MiB.", now >> 20, most >> 20));
    }
    report.caches.iter().for_each(|(name, value)| say(&format!("{name} {value}")));
    if let Some(disk) = &report.disk {
        let edges = disk.per_follow(|name| name.starts_with("edges_"));
        say(&format!(
            "Disk: {:.1} bytes a follow, {edges:.1} of them for its edge.",
            disk.per_follow(|_| true)
        ));
    }
    if let Some(file) = &settings.report {
        report::write_page(report, file)?;
    }
    if let Some(file) = &settings.json {
        report::write_json(report, file)?;
    }
    match &settings.baseline {
        Some(file) if settings.update_baseline => baseline::update(file, &report.measured),
        Some(file) => {
            baseline::compare(file, &report.measured)?.iter().for_each(|line| say(line));
            Ok(())
        }
        None => Ok(()),
    }
}

/// Beside this program unless said otherwise: that is on a disk, where a commit costs what it costs.
fn ground(settings: &Run) -> Result<Ground, Failure> {
    if let Some(path) = &settings.data_dir {
        make_private_dir(path)?;
        return Ok(Ground { path: path.clone(), _temporary: None });
    }
    let program = std::env::current_exe()?;
    let beside = program.parent().unwrap_or_else(|| Path::new("."));
    let temporary = Scratch::within(beside, "bench-data")?;
    Ok(Ground { path: temporary.path().to_owned(), _temporary: Some(temporary) })
}

async fn prepare(
    settings: &Run,
    graph: &Graph,
    data_dir: &Path,
    operations: &[Operation],
) -> Result<Prepared, Failure> {
    let mut operator = Operator::find(data_dir.to_owned(), settings.mutual.clone()).await?;
    operator.databases = settings
        .user_database_url
        .clone()
        .zip(settings.relation_database_url.clone())
        .map(<[String; 2]>::from);
    if let (Some(users), Some(relations)) = (&settings.base_url_user, &settings.base_url_relation) {
        let (users, relations) = (address_of(users)?, address_of(relations)?);
        [users, relations].iter().try_for_each(|address| settings.allow(*address)).map_err(Failure::Usage)?;
        let services = Services::running(users, relations, settings.metrics, settings.server_pid);
        return Ok(Prepared { operator, services, disk: None, place: None });
    }
    let drawn = data_dir.join("graph.txt");
    let (file, undirected) = match &settings.graph {
        Some(file) => (file.as_path(), settings.undirected),
        None => {
            graph.write(&drawn)?;
            (drawn.as_path(), false)
        }
    };
    complain(operator.import(file, undirected).await?.trim_end());
    let mut place = Place { dir: data_dir.to_owned(), copy: None };
    let mut disk = None;
    if operator.databases.is_none() {
        let database = data_dir.join("relation.db");
        disk =
            Some(Disk { tables: crate::store::table_sizes(&database)?, follows: count(graph.edges.len()) });
        if operations.iter().any(|operation| operation.beside_others) {
            // Before the services run: a copy of a file that is written to is none.
            let copy = data_dir.join("naive.db");
            fs::copy(&database, &copy)?;
            place.copy = Some(copy);
        }
    }
    let services = operator.serve(workers(settings)?).await?;
    Ok(Prepared { operator, services, disk, place: Some(place) })
}

fn workers(settings: &Run) -> Result<usize, Failure> {
    match settings.workers {
        0 => Ok(std::thread::available_parallelism()?.get()),
        workers => Ok(usize::from(workers)),
    }
}

fn method(settings: &Run) -> Result<Method, Failure> {
    Ok(Method {
        connections: usize::from(settings.connections),
        workers: workers(settings)?,
        rounds: settings.rounds,
        round: Duration::from_secs_f64(settings.round_seconds.max(0.1)),
        open: Duration::from_secs_f64(settings.open_seconds),
        postgres: !settings.short,
        seed: settings.drawn.seed,
    })
}

/// A progress bar on a terminal; nothing elsewhere.
fn bar(operations: &[Operation], method: Method) -> ProgressBar {
    let phases = u64::from(method.rounds) + u64::from(!method.open.is_zero());
    let style = ProgressStyle::with_template("{msg:32} {wide_bar} {pos}/{len} {elapsed} of about {duration}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(phases * count(operations.len())).with_style(style)
}

fn graph_line(settings: &Run, described: &str) -> String {
    match &settings.graph {
        Some(file) => {
            let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            format!("`{name}`, {described}")
        }
        None => format!("drawn from LinkBench's distribution of degrees, {described}"),
    }
}

fn method_line(settings: &Run, method: Method) -> String {
    format!(
        "{} keep-alive connections, {} threads of each server, {} people who look, {} rounds of {} s, each followed by one of \
         the hello line; medians.",
        method.connections, method.workers, settings.viewers, method.rounds, settings.round_seconds
    )
}

/// The command that this is.
pub fn command_line() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo run --release -p bench -- {}", words.join(" "))
}

/// What this machine is.
pub fn machine() -> String {
    let text = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = value(&text("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory = value(&text("/proc/meminfo"), "MemTotal");
    let kib: u64 = memory.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{cores} cores of {model}, {} GiB of memory", kib >> 20)
}

fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}
