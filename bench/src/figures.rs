//! What a run has measured.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::load::Figures;
use crate::number::{median, real};

/// A round: the operation, and what stood beside it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Round {
    /// Answers a second.
    pub rate: f64,
    /// Microseconds of the server's processor time for each.
    pub micros: f64,
    /// Of the hello line.
    pub hello_rate: f64,
    /// Of the hello line.
    pub hello_micros: f64,
    /// Cores that the load generator kept busy.
    pub client_cores: f64,
    /// Cores that the server kept busy.
    pub server_cores: f64,
    /// How often the server allocated memory for each, where it counts that.
    pub allocations: Option<f64>,
    /// Other ways to do the same.
    pub beside: Vec<Beside>,
}

/// Another way to do the same, in the same round.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Beside {
    /// Which.
    pub name: &'static str,
    /// How many a second.
    pub rate: f64,
    /// Microseconds of processor time of its server for each.
    pub micros: f64,
}

/// Latencies of an open loop, from when each request was due, in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Percentiles {
    /// Requests a second that were due.
    pub rate: f64,
    /// Half of the answers came within.
    pub p50: f64,
    /// Nine in ten.
    pub p90: f64,
    /// 99 in a hundred.
    pub p99: f64,
    /// 999 in a thousand.
    pub p999: f64,
    /// All.
    pub max: f64,
    /// The part of the processors' time that the machine's host kept from it meanwhile: it holds up whatever waits.
    pub withheld: f64,
}

/// Everything about one operation.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// As reports name it.
    pub name: String,
    /// Bytes of an answer's body, on average.
    pub body_bytes: f64,
    /// Headers of an answer.
    pub headers: usize,
    /// Answers whose status was checked.
    pub answers: u64,
    /// Bodies that were compared with what is known.
    pub compared: u64,
    /// Answers by kind of request.
    pub by_kind: BTreeMap<&'static str, u64>,
    /// The rounds.
    pub rounds: Vec<Round>,
    /// At half of the peak rate.
    pub open: Option<Percentiles>,
    /// The hello line at that rate.
    pub hello_open: Option<Percentiles>,
}

impl Percentiles {
    /// Those of a phase.
    pub const fn of(rate: f64, figures: &Figures, withheld: f64) -> Self {
        let [p50, p90, p99, p999, max] = figures.micros;
        Self { rate, p50, p90, p99, p999, max, withheld }
    }
}

impl Measured {
    /// Nothing but what the first answers were like.
    pub fn new(name: &str, first: &Figures) -> Self {
        Self {
            name: name.to_owned(),
            body_bytes: first.body_bytes,
            headers: first.headers,
            answers: 0,
            compared: 0,
            by_kind: BTreeMap::new(),
            rounds: Vec::new(),
            open: None,
            hello_open: None,
        }
    }

    /// Counts a phase in.
    pub fn add(&mut self, figures: &Figures) {
        self.answers += figures.answers;
        self.compared += figures.looked_at;
        for (kind, answers) in &figures.by_kind {
            *self.by_kind.entry(kind).or_default() += answers;
        }
    }

    /// The median of something over the rounds.
    pub fn middle(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of))
    }

    /// How often the server allocated memory for a request, where it counts that.
    pub fn allocations(&self) -> Option<f64> {
        let counted: Option<Vec<f64>> = self.rounds.iter().map(|round| round.allocations).collect();
        counted.filter(|counted| !counted.is_empty()).map(median)
    }

    /// Requests a second, as a part of what the hello line answers.
    pub fn rate_ratio(&self) -> f64 {
        self.middle(|round| round.rate / round.hello_rate)
    }

    /// Processor time of the hello line, as a part of what the operation takes: 1 is as cheap as nothing.
    pub fn cpu_ratio(&self) -> f64 {
        self.middle(|round| round.hello_micros / round.micros)
    }

    /// For each other way: its name, how many times as many a second the operation does, and how many times less processor
    /// time each takes.
    pub fn ratios_beside(&self) -> Vec<(&'static str, f64, f64)> {
        let names = self.rounds.first().map_or(&[][..], |round| &round.beside);
        let ratio = |(place, beside): (usize, &Beside)| {
            let over = |of: fn(&Round, &Beside) -> f64| {
                median(self.rounds.iter().filter_map(|round| Some(of(round, round.beside.get(place)?))))
            };
            let rate = over(|round, beside| round.rate / beside.rate);
            (beside.name, rate, over(|round, beside| beside.micros / round.micros))
        };
        names.iter().enumerate().map(ratio).collect()
    }

    /// How far apart the rounds are: the largest ratio of processor time over the smallest.
    pub fn spread(&self) -> f64 {
        let ratios = || self.rounds.iter().map(|round| round.hello_micros / round.micros);
        ratios().fold(0.0, f64::max) / ratios().fold(f64::INFINITY, f64::min)
    }
}

/// Bytes of the relation database for each follow.
#[derive(Debug, Clone, Serialize)]
pub struct Disk {
    /// Bytes of each table and index, largest first.
    pub tables: Vec<(String, u64)>,
    /// How many follows it holds.
    pub follows: u64,
}

impl Disk {
    /// Bytes for each follow of tables whose name is chosen.
    pub fn per_follow(&self, chosen: impl Fn(&str) -> bool) -> f64 {
        let bytes: u64 = self.tables.iter().filter(|(name, _)| chosen(name)).map(|(_, bytes)| bytes).sum();
        real(bytes) / real(self.follows.max(1))
    }
}
