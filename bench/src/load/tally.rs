//! What came back.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::Answer;
use crate::number::{count, real};
use crate::request::Asked;

/// One answer in so many is read and compared with what is known.
const LOOK_AT_ONE_IN: u64 = 64;
/// Different kinds of unexpected answers that are told apart.
const KINDS_OF_WRONG_MAX: usize = 16;
/// The longest latency that is told apart.
const LONGEST: Duration = Duration::from_secs(60);
/// Digits that hold in a latency.
const PRECISION: u8 = 3;

/// Counts while answers come.
pub struct Tally {
    answers: u64,
    body_bytes: u64,
    headers: usize,
    looked_at: u64,
    lost: u64,
    wrong: BTreeMap<String, u64>,
    by_kind: BTreeMap<&'static str, u64>,
    /// In nanoseconds.
    times: Option<Histogram<u64>>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            answers: 0,
            body_bytes: 0,
            headers: 0,
            looked_at: 0,
            lost: 0,
            wrong: BTreeMap::new(),
            by_kind: BTreeMap::new(),
            times: Histogram::new_with_bounds(
                1,
                LONGEST.as_nanos().try_into().unwrap_or(u64::MAX),
                PRECISION,
            )
            .ok(),
        }
    }
}

/// What a phase came to.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Answers that were as expected.
    pub answers: u64,
    /// Bytes of a body, on average.
    pub body_bytes: f64,
    /// Headers of an answer.
    pub headers: usize,
    /// Bodies that were read and compared.
    pub looked_at: u64,
    /// How long it took.
    pub wall: Duration,
    /// Unexpected answers, and how often.
    pub wrong: BTreeMap<String, u64>,
    /// Answers by kind of request.
    pub by_kind: BTreeMap<&'static str, u64>,
    /// Latencies in microseconds at 50, 90, 99 and 99.9 percent, and the largest.
    pub micros: [f64; 5],
}

impl Tally {
    /// Counts an answer. Returns whether its body is to be looked at.
    pub fn answered(&mut self, asked: &Asked, answer: &Answer<'_>, took: Duration) -> bool {
        if answer.status != 200 {
            self.wrong(format!("{} {} {}", asked.kind, answer.status, code(answer.body)));
            return false;
        }
        self.answers += 1;
        self.body_bytes += count(answer.body.len());
        self.headers = answer.headers;
        *self.by_kind.entry(asked.kind).or_default() += 1;
        if let Some(times) = &mut self.times {
            times.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
        let look = self.answers % LOOK_AT_ONE_IN == 1;
        self.looked_at += u64::from(look);
        look
    }

    /// Counts something unexpected.
    pub fn wrong(&mut self, what: String) {
        let room = self.wrong.len() < KINDS_OF_WRONG_MAX;
        let what = if room || self.wrong.contains_key(&what) { what } else { "others".to_owned() };
        *self.wrong.entry(what).or_default() += 1;
    }

    /// Counts requests that were due and could not be asked.
    pub fn lose(&mut self, requests: u64) {
        self.lost += requests;
    }

    /// Ends the phase.
    pub fn figures(mut self, wall: Duration) -> Figures {
        if self.lost > 0 {
            let lost = self.lost;
            *self.wrong.entry("due, but no room to wait".to_owned()).or_default() += lost;
        }
        let at = |quantile: f64| {
            self.times.as_ref().map_or(0.0, |times| real(times.value_at_quantile(quantile)) / 1_000.0)
        };
        Figures {
            answers: self.answers,
            body_bytes: real(self.body_bytes) / real(self.answers.max(1)),
            headers: self.headers,
            looked_at: self.looked_at,
            wall,
            micros: [0.5, 0.9, 0.99, 0.999, 1.0].map(at),
            wrong: self.wrong,
            by_kind: self.by_kind,
        }
    }
}

/// What a refusal names: the same for all requests that are refused for one reason.
fn code(body: &[u8]) -> String {
    let told = serde_json::from_slice::<serde_json::Value>(body).ok();
    told.and_then(|told| Some(told["code"].as_str()?.to_owned())).unwrap_or_default()
}

impl Figures {
    /// Answers a second.
    pub fn rate(&self) -> f64 {
        real(self.answers) / self.wall.as_secs_f64().max(1e-9)
    }
}
