//! How often routes are asked for, and how long their answers take.

use std::sync::OnceLock;
use std::time::Duration;

use actix_web::http::StatusCode;
use metrics::{Counter, Histogram};

use crate::metric;

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

    pub(super) const fn service(&self) -> &'static str {
        self.service
    }

    /// Counts an answer.
    pub(super) fn count(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some((answers, class)) = self.answers.get(class).zip(CLASSES.get(class)) {
            answers.get_or_init(|| self.counter(class)).increment(1);
        }
        self.seconds.get_or_init(|| self.histogram()).record(took.as_secs_f64());
    }

    /// Counts an answer that says "not now", by the reason.
    pub(super) fn count_refusal(&self, status: StatusCode, code: &'static str) {
        let status = status.as_u16().to_string();
        metrics::counter!(metric::HTTP_REFUSALS, "service" => self.service, "status" => status, "code" => code)
            .increment(1);
    }

    fn counter(&self, class: &'static str) -> Counter {
        let route = self.route.clone();
        metrics::counter!(metric::HTTP_REQUESTS, "service" => self.service, "method" => self.method, "route" => route, "status" => class)
    }

    fn histogram(&self) -> Histogram {
        let route = self.route.clone();
        metrics::histogram!(metric::HTTP_SECONDS, "service" => self.service, "method" => self.method, "route" => route)
    }
}
