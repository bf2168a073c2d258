//! `mutual admin calibrate-passwords`: what a hash of a password may cost on this machine.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use shared::db::StoreError;
use shared::process::say;
use user_service::actors::hashing::measure;
use user_service::config::hash_threads;
use user_service::domain::hash_cost::{HashCost, PASSES_MAX};

use crate::cli::Calibrate;
use crate::failure::Failure;

/// Hashes of one cost that are made; the one in the middle counts.
const TIMES: usize = 5;
/// The most memory that is proposed for one hash: several are made at once.
const MEMORY_KIB_MAX: u32 = 1 << 20;
/// How much less memory, or how many passes less, is tried when a hash takes too long after all: one part in so many.
const LESS: u32 = 10;

/// Measures, and prints the settings to use.
pub fn run(args: &Calibrate) -> Result<(), Failure> {
    let bar = ProgressBar::new_spinner().with_style(style()?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let mut measured = |cost: HashCost| {
        bar.set_message(cost.to_string());
        let mut times = measure(cost, TIMES)?;
        bar.inc(1);
        times.sort_unstable();
        Ok(times[TIMES / 2])
    };
    let memory_kib = args.memory_mib.map(|mib| mib * 1_024);
    let chosen = choose(args.target(), memory_kib, &mut measured);
    bar.finish_and_clear();
    let (cost, took) = chosen?;
    say(&report(cost, took, args.target(), hash_threads(args.hash_threads)));
    Ok(())
}

fn style() -> Result<ProgressStyle, Failure> {
    let style = ProgressStyle::with_template("{spinner} measurement {pos}: {msg}, {elapsed} so far");
    style.map_err(|error| Failure::Usage(error.to_string()))
}

fn report(cost: HashCost, took: Duration, target: Duration, threads: usize) -> String {
    let threads = u32::try_from(threads).unwrap_or(u32::MAX);
    let a_second = f64::from(threads) / took.as_secs_f64();
    let memory_mib = u64::from(cost.memory_kib) * u64::from(threads) / 1_024;
    let too_slow = if took > target { ", more than asked for: less would be too easy to guess" } else { "" };
    format!(
        "One hash takes {} ms{too_slow}.
On {threads} threads that is {a_second:.1} logins a second, in {memory_mib} MiB of memory.
--password-memory-kib {} --password-passes {}",
        took.as_millis(),
        cost.memory_kib,
        cost.passes
    )
}

/// The most costly hash that takes no longer than `target`, and how long it takes; never less than OWASP asks for. With
/// as much memory as fits into two passes, unless `memory_kib` says how much: memory is what guessing machines lack.
fn choose(
    target: Duration,
    memory_kib: Option<u32>,
    measured: &mut dyn FnMut(HashCost) -> Result<Duration, StoreError>,
) -> Result<(HashCost, Duration), StoreError> {
    let least = memory_kib.map_or(HashCost::STANDARD, HashCost::least_with);
    let took = measured(least)?;
    let mut cost = match memory_kib {
        Some(memory_kib) => {
            HashCost { memory_kib, passes: scaled(least.passes, target, took).min(PASSES_MAX) }
        }
        None => {
            let whole_mib = scaled(least.memory_kib, target, took).min(MEMORY_KIB_MAX) / 1_024 * 1_024;
            HashCost { memory_kib: whole_mib, ..least }
        }
    };
    // More memory takes more than its share of time, once it does not fit into the processor's caches.
    loop {
        if !cost.is_at_least(least) || cost == least {
            return Ok((least, took));
        }
        let took = measured(cost)?;
        if took <= target {
            return Ok((cost, took));
        }
        cost = match memory_kib {
            Some(_) => HashCost { passes: cost.passes - cost.passes.div_ceil(LESS), ..cost },
            None => {
                HashCost { memory_kib: (cost.memory_kib - cost.memory_kib / LESS) / 1_024 * 1_024, ..cost }
            }
        };
    }
}

/// As many more as fit into `target` when `base` takes `took`.
fn scaled(base: u32, target: Duration, took: Duration) -> u32 {
    let more = u128::from(base) * target.as_micros() / took.as_micros().max(1);
    u32::try_from(more).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Duration = Duration::from_millis(250);

    /// On a machine where a pass over a MiB takes `micros`, and half as long again beyond 64 MiB.
    fn chosen(micros: u64, memory_kib: Option<u32>) -> (HashCost, Duration) {
        let mut measured = |cost: HashCost| {
            let mib = u64::from(cost.memory_kib / 1_024);
            let weighted = if mib > 64 { mib * 3 / 2 } else { mib };
            Ok(Duration::from_micros(weighted * u64::from(cost.passes) * micros))
        };
        choose(TARGET, memory_kib, &mut measured).unwrap()
    }

    #[test]
    fn the_most_memory_that_fits_is_chosen() {
        for micros in [100, 300, 600, 1_000, 5_000] {
            let (cost, took) = chosen(micros, None);
            assert!(cost.is_enough() && took <= TARGET && took * 3 > TARGET, "{micros}: {cost} {took:?}");
            assert_eq!(cost.passes, 2);
        }
        assert_eq!(chosen(1, None).0.memory_kib, MEMORY_KIB_MAX);
    }

    #[test]
    fn with_so_much_memory_the_most_passes_are_chosen() {
        for (memory_kib, micros) in [(7_168, 600), (19_456, 600), (131_072, 100)] {
            let (cost, took) = chosen(micros, Some(memory_kib));
            assert_eq!(cost.memory_kib, memory_kib);
            assert!(cost.is_enough() && took <= TARGET && took * 2 > TARGET, "{cost} {took:?}");
        }
    }

    #[test]
    fn a_slow_machine_gets_what_owasp_asks_for() {
        let (cost, took) = chosen(1_000_000, None);
        assert_eq!(cost, HashCost::STANDARD);
        assert!(took > TARGET);
        assert_eq!(chosen(1_000_000, Some(7_168)).0, HashCost { memory_kib: 7_168, passes: 5 });
    }
}
