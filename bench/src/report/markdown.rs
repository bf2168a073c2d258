//! The report as a page.

use std::fmt::Write as _;

use super::{Report, millis};
use crate::figures::{Measured, Percentiles};
use crate::number::{grouped, real};

/// The page; `plots` are the names of the files beside it.
pub fn page(report: &Report, plots: &[String]) -> String {
    let mut text = String::from("# Measured\n\n");
    // Writing into a text does not fail, here and below.
    let _ = writeln!(text, "```sh\n{}\n```\n", report.command);
    let _ = writeln!(
        text,
        "{}. Load average {:.1} at the start, {:.1} at the end.\n",
        report.machine, report.load[0], report.load[1]
    );
    let _ = writeln!(text, "Graph: {}. {}\n", report.graph, report.method);
    text += "## Peaks\n\n\
        A closed loop. *Of hello* is the ratio to a bare handler that is sent the same requests and answers as many bytes \
        and headers: of requests a second, and of the server's processor time a request. *Spread* is the largest ratio of \
        processor time in a round over the smallest. *Cores* are those that the server and the load generator kept busy.\n\n\
        | operation | bytes | requests a second | CPU us a request | of hello, by rate | of hello, by CPU | spread | \
        cores: server, load |\n|---|---|---|---|---|---|---|---|\n";
    report.measured.iter().for_each(|one| text += &peak(one));
    allocations(report, &mut text);
    comparisons(report, &mut text);
    percentiles(report, &mut text);
    for plot in plots {
        let _ = writeln!(text, "![{plot}]({plot})\n");
    }
    mixes(report, &mut text);
    sizes(report, &mut text);
    let _ = writeln!(
        text,
        "Every status was as expected ({} answers in the rounds), {} bodies were compared with the graph, and `mutual audit` \
         afterwards: all {} rules hold.",
        grouped(real(report.measured.iter().map(|one| one.answers).sum())),
        grouped(real(report.measured.iter().map(|one| one.compared).sum())),
        report.audited
    );
    text
}

fn peak(one: &Measured) -> String {
    format!(
        "| {} | {} | {} | {:.1} | {:.2} | {:.2} | {:.2} | {:.1}, {:.1} |\n",
        one.name,
        grouped(one.body_bytes),
        grouped(one.middle(|round| round.rate)),
        one.middle(|round| round.micros),
        one.rate_ratio(),
        one.cpu_ratio(),
        one.spread(),
        one.middle(|round| round.server_cores),
        one.middle(|round| round.client_cores)
    )
}

fn comparisons(report: &Report, text: &mut String) {
    for one in report.measured.iter().filter(|one| !one.ratios_beside().is_empty()) {
        let _ = writeln!(
            text,
            "\nOther ways to store a follow, in the same rounds. *One transaction a request*: the same statements through the \
             same HTTP library, SQLite with `synchronous = FULL`, one connection in turn, no tokens. *pgbench*: no HTTP, no \
             tokens, `fsync` on, tables that begin empty.\n\n| {} beside | times as many a second | times less CPU |\n|---|---|---|",
            one.name
        );
        for (name, rate, cpu) in one.ratios_beside() {
            let _ = writeln!(text, "| {name} | {rate:.2} | {cpu:.2} |");
        }
    }
}

fn percentiles(report: &Report, text: &mut String) {
    if report.measured.iter().all(|one| one.open.is_none()) {
        return;
    }
    *text += "\n## Latencies\n\n\
        An open loop at half of the peak rate: requests are due at exponential gaps, whatever the answers do, and each time \
        counts from when its request was due. In milliseconds; in parentheses the hello line at the same rate. \
        *Withheld* is the part of the processors' time that the machine's host gave to others meanwhile, in percent.\n\n\
        | operation | requests a second | p50 | p90 | p99 | p99.9 | longest | withheld |\n|---|---|---|---|---|---|---|---|\n";
    for one in &report.measured {
        if let (Some(open), Some(hello)) = (one.open, one.hello_open) {
            let _ = write!(text, "| {} | {} |", one.name, grouped(open.rate));
            let pairs = [
                (open.p50, hello.p50),
                (open.p90, hello.p90),
                (open.p99, hello.p99),
                (open.p999, hello.p999),
                (open.max, hello.max),
            ];
            for (own, hello) in pairs {
                let _ = write!(text, " {} ({}) |", millis(own), millis(hello));
            }
            let percent = |open: Percentiles| open.withheld * 100.0;
            let _ = writeln!(text, " {:.1} ({:.1}) |", percent(open), percent(hello));
        }
    }
    *text += "\n";
}

fn allocations(report: &Report, text: &mut String) {
    let counted: Vec<String> = report
        .measured
        .iter()
        .filter_map(|one| Some(format!("{} {:.1}", one.name, one.allocations()?)))
        .collect();
    if !counted.is_empty() {
        let _ = writeln!(text, "\nAllocations a request: {}.\n", counted.join(", "));
    }
}

fn mixes(report: &Report, text: &mut String) {
    for one in report.measured.iter().filter(|one| one.by_kind.len() > 2) {
        let all = real(one.answers.max(1)) / 100.0;
        let parts: Vec<String> =
            one.by_kind.iter().map(|(kind, answers)| format!("{kind} {:.2}", real(*answers) / all)).collect();
        let _ = writeln!(text, "{}, in percent: {}.\n", one.name, parts.join(", "));
    }
}

fn sizes(report: &Report, text: &mut String) {
    *text += "## Sizes\n\n";
    if let Some((now, most)) = report.memory {
        let mib = |bytes: u64| grouped(real(bytes >> 20));
        let _ = writeln!(
            text,
            "Memory of both services together: {} MiB at the end, {} MiB at most.\n",
            mib(now),
            mib(most)
        );
    }
    if !report.caches.is_empty() {
        *text += "```text\n";
        report.caches.iter().for_each(|(name, value)| {
            let _ = writeln!(text, "{name} {value}");
        });
        *text += "```\n\n";
    }
    if let Some(disk) = &report.disk {
        let edges = disk.per_follow(|name| name.starts_with("edges_"));
        let events = disk.per_follow(|name| name.starts_with("events"));
        let _ = writeln!(
            text,
            "On the disk, each of {} follows takes {:.1} bytes: {edges:.1} for the edge, which is stored twice, {events:.1} for \
             its event, and {:.1} for its share of counters and user facts.\n",
            grouped(real(disk.follows)),
            disk.per_follow(|_| true),
            disk.per_follow(|name| !name.starts_with("edges_") && !name.starts_with("events"))
        );
    }
}
