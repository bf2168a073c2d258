//! How often routes are asked for, and how long their answers take.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::StatusCode;
use metrics::{Counter, Histogram};

/// The name of the count of answers.
const REQUESTS: &str = "mutual_http_requests_total";
/// The name of the time until an answer begins.
pub(crate) const SECONDS: &str = "mutual_http_request_seconds";
/// The bounds of its buckets.
pub(crate) const SECONDS_BOUNDS: [f64; 13] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// By the first digit of a status, from 1.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counts one method of one route. What it counts with is looked up once, so that a request costs a few additions: no
/// name is put together for it. A series begins with the first request, so that nobody is told of hundreds at nothing.
pub(super) struct Meter {
    service: &'static str,
    method: &'static str,
    route: String,
    answers: [OnceLock<Counter>; CLASSES.len()],
    seconds: OnceLock<Histogram>,
}

impl Meter {
    pub(super) fn new(service: &'static str, method: &'static str, route: String) -> Self {
        Self { service, method, route, answers: Default::default(), seconds: OnceLock::new() }
    }

    /// Counts an answer.
    pub(super) fn count(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some((answers, class)) = self.answers.get(class).zip(CLASSES.get(class)) {
            answers.get_or_init(|| self.counter(class)).increment(1);
        }
        self.seconds.get_or_init(|| self.histogram()).record(took.as_secs_f64());
    }

    fn counter(&self, class: &'static str) -> Counter {
        let route = self.route.clone();
        metrics::counter!(REQUESTS, "service" => self.service, "method" => self.method, "route" => route, "status" => class)
    }

    fn histogram(&self) -> Histogram {
        let route = self.route.clone();
        metrics::histogram!(SECONDS, "service" => self.service, "method" => self.method, "route" => route)
    }
}
