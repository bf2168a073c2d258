//! The processors of a machine that has them from another: a host may keep one from it for milliseconds, and whatever
//! would have run there waits.

use std::{fs, io};

use crate::number::real;

/// How long the processors have done what since the machine began, in ticks.
#[derive(Debug, Clone, Copy)]
pub struct Processors {
    all: u64,
    withheld: u64,
}

impl Processors {
    /// As the system says it (`proc_stat(5)`).
    pub fn now() -> io::Result<Self> {
        Self::read(&fs::read_to_string("/proc/stat")?)
            .ok_or_else(|| io::Error::other("/proc/stat cannot be read"))
    }

    fn read(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        // User, nice, system, idle, iowait, irq, softirq, steal. What follows is among the first two already.
        let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|ticks| ticks.parse().ok()).collect();
        Some(Self { all: ticks.iter().sum(), withheld: *ticks.get(7)? })
    }

    /// The part of the time since `before` that the host kept from this machine.
    pub fn withheld_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        real(self.withheld.saturating_sub(before.withheld)) / real(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_keeps_is_a_part_of_all() {
        let read = |text| Processors::read(text).unwrap();
        let before = read("cpu  10 0 10 70 5 0 5 0 3 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n");
        let after = read("cpu  40 0 20 120 5 0 5 10 9 0\n");
        assert!((after.withheld_since(before) - 0.1).abs() < 1e-9);
        assert!(Processors::read("intr 5").is_none());
        assert!(Processors::now().is_ok());
    }
}
