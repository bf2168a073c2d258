//! What a hash of a password costs, and where it is made.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};

use crate::domain::hash_cost::{HashCost, HashThreads, PASSES_MAX};

/// How passwords are hashed. `mutual admin calibrate-passwords` says which numbers suit the machine.
#[derive(Debug, Clone, Copy, Args)]
pub struct Passwords {
    /// How much one hash of a password costs; low is for tests alone.
    #[arg(long, env, value_enum, default_value_t)]
    pub password_cost: PasswordCost,
    /// Memory that one hash of a password takes, in KiB. Together with --password-passes at least what OWASP asks for.
    #[arg(long, env, default_value_t = HashCost::STANDARD.memory_kib,
        value_parser = clap::value_parser!(u32).range(7_168..=4_194_304))]
    pub password_memory_kib: u32,
    /// How often one hash of a password goes over its memory.
    #[arg(long, env, default_value_t = HashCost::STANDARD.passes, value_parser = clap::value_parser!(u32).range(1..=i64::from(PASSES_MAX)))]
    pub password_passes: u32,
    /// Passwords that are hashed at once, each in memory of its own; 0 takes one for each core but one.
    #[arg(long, env, default_value_t = 0, value_parser = RangedU64ValueParser::<usize>::new().range(0..=256))]
    pub hash_threads: usize,
    /// How much the threads that hash yield to all others: 0 not at all, 19 as far as the system goes.
    #[arg(long, env, default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=19))]
    pub hash_niceness: u8,
}

/// How much one hash of a password costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PasswordCost {
    /// What --password-memory-kib and --password-passes say.
    #[default]
    Standard,
    /// As little as argon2 allows.
    Low,
}

impl Passwords {
    /// What one hash costs.
    pub fn hash_cost(&self) -> HashCost {
        match self.password_cost {
            PasswordCost::Standard => {
                HashCost { memory_kib: self.password_memory_kib, passes: self.password_passes }
            }
            PasswordCost::Low => HashCost::LOWEST,
        }
    }

    /// Where hashes are made.
    pub fn threads(&self) -> HashThreads {
        HashThreads { count: hash_threads(self.hash_threads), niceness: self.hash_niceness }
    }

    /// What is wrong with these numbers together, if anything.
    pub fn contradiction(&self) -> Option<&'static str> {
        let weak = self.password_cost == PasswordCost::Standard && !self.hash_cost().is_enough();
        weak.then_some(
            "--password-memory-kib and --password-passes are less than OWASP asks for: 19456 with 2, or 47104 with 1, \
             12288 with 3, 9216 with 4, 7168 with 5",
        )
    }
}

/// How many passwords are hashed at once when a setting asks for so many. One core is left to everything else where
/// there are several.
pub fn hash_threads(asked_for: usize) -> usize {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    if asked_for == 0 { cores.saturating_sub(1).max(1) } else { asked_for }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        passwords: Passwords,
    }

    fn parse(flags: &[&str]) -> Result<Passwords, clap::Error> {
        Program::try_parse_from(["program"].iter().chain(flags)).map(|program| program.passwords)
    }

    #[test]
    fn passwords_cost_what_owasp_asks_for_unless_they_are_for_tests() {
        assert_eq!(parse(&[]).unwrap().hash_cost(), HashCost::STANDARD);
        assert_eq!(parse(&[]).unwrap().contradiction(), None);
        let more = parse(&["--password-memory-kib", "65536", "--password-passes", "3"]).unwrap();
        assert_eq!(more.hash_cost(), HashCost { memory_kib: 65_536, passes: 3 });
        assert_eq!(more.contradiction(), None);
        assert!(parse(&["--password-passes", "1"]).unwrap().contradiction().is_some());
        let low = parse(&["--password-passes", "1", "--password-cost", "low"]).unwrap();
        assert_eq!((low.hash_cost(), low.contradiction()), (HashCost::LOWEST, None));
        for flags in [
            ["--password-memory-kib", "7167"],
            ["--password-passes", "0"],
            ["--password-memory-kib", "9999999"],
        ] {
            assert!(parse(&flags).is_err(), "{flags:?}");
        }
    }

    #[test]
    fn at_least_one_is_hashed_at_once() {
        assert!(parse(&[]).unwrap().threads().count >= 1);
        assert_eq!(parse(&["--hash-threads", "3"]).unwrap().threads().count, 3);
    }
}
