//! Logs and request ids: every line written while a request is served carries its id, and so does every question that
//! the request makes one service ask the other.

use std::io::Write;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use clap::ValueEnum;
use env_logger::{Builder, Env};
use log::LevelFilter;
use serde::Serialize;

use crate::clock::Clock;

/// The header that carries a request's id, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header that says of which trace a request is a part (W3C Trace Context).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// A longer id from outside is replaced by one of ours.
const REQUEST_ID_CHARS_MAX: usize = 128;
/// A later version of the standard may append to what we know; more than this is none of it.
const TRACEPARENT_CHARS_MAX: usize = 512;

tokio::task_local! {
    static CURRENT: Trace;
}

/// By what the request that this code serves is known, in whichever service. A question that is asked for its sake
/// takes it along, also through an actor.
#[derive(Debug, Clone)]
pub struct Trace {
    request_id: HeaderValue,
    /// As it came: we make no spans of our own.
    parent: Option<HeaderValue>,
}

impl Trace {
    /// Of the request that this code serves; nothing outside of one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Of a request that comes in: by the id that it brings, or a new one.
    pub(crate) fn of(request: &ServiceRequest) -> Self {
        Self { request_id: request_id(request.headers()), parent: incoming_parent(request) }
    }

    /// Runs `serve` as a part of it.
    pub(crate) fn scope<F: Future>(self, serve: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, serve)
    }

    /// The request's id, for its answer.
    pub(crate) fn into_request_id(self) -> HeaderValue {
        self.request_id
    }

    /// The headers with which it is sent on.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + use<> {
        let parent = self.parent.clone().map(|parent| (TRACEPARENT, parent));
        let request_id = (REQUEST_ID, self.request_id.clone());
        std::iter::once(request_id).chain(parent)
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'a str,
    target: &'a str,
    request_id: &'a str,
    message: String,
}

/// Starts logging at `RUST_LOG`, or at `info`. A second call changes nothing.
pub fn init(format: LogFormat) {
    // The framework's errors about heads that cannot be parsed are the clients' to cause.
    let mut builder = Builder::new();
    // The publisher tells of NATS by itself: once, not at each try.
    builder.filter_module("async_nats", LevelFilter::Off);
    builder.parse_env(Env::default().default_filter_or("info,actix_server=warn,actix_http=off"));
    builder.format(move |out, record| {
        let request_id = current_request_id();
        let time = Clock::system().now().to_string();
        if format == LogFormat::Json {
            let line = Line {
                time,
                level: record.level().as_str(),
                target: record.target(),
                request_id: &request_id,
                message: record.args().to_string(),
            };
            return writeln!(out, "{}", serde_json::to_string(&line).unwrap_or_default());
        }
        // One record is one line, whatever a caller put into it.
        let message = record.args().to_string().replace(['\n', '\r'], "\\n");
        writeln!(out, "{time} {:5} {} [{request_id}] {message}", record.level(), record.target())
    });
    // Fails only if a logger is there already, which then serves.
    let _ = builder.try_init();
}

/// The id of the request that this code serves; `-` outside of one.
pub fn current_request_id() -> String {
    let id = |trace: &Trace| trace.request_id.to_str().unwrap_or("-").to_owned();
    CURRENT.try_with(id).unwrap_or_else(|_| "-".into())
}

/// The id that a request with these headers brings, or a new one.
pub(crate) fn request_id(headers: &HeaderMap) -> HeaderValue {
    incoming_id(headers).unwrap_or_else(new_request_id)
}

fn incoming_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let text = id.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let fits = (1..=REQUEST_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain);
    fits.then(|| id.clone())
}

/// One that is malformed, or not alone, is dropped, as the standard asks.
fn incoming_parent(request: &ServiceRequest) -> Option<HeaderValue> {
    let mut sent = request.headers().get_all(TRACEPARENT);
    let parent = sent.next()?;
    let valid = sent.next().is_none() && parent.to_str().is_ok_and(is_traceparent);
    valid.then(|| parent.clone())
}

/// `version-trace_id-parent_id-flags`; version 00 has nothing behind it.
fn is_traceparent(text: &str) -> bool {
    let mut fields = text.splitn(5, '-');
    let mut hex = |digits: usize| {
        let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        fields.next().filter(|field| field.len() == digits && field.bytes().all(plain))
    };
    let (Some(version), Some(trace), Some(parent), Some(_)) = (hex(2), hex(32), hex(16), hex(2)) else {
        return false;
    };
    let named = |id: &str| id.bytes().any(|byte| byte != b'0');
    let ends = fields.next().is_none() || version != "00";
    version != "ff" && named(trace) && named(parent) && ends && text.len() <= TRACEPARENT_CHARS_MAX
}

fn new_request_id() -> HeaderValue {
    let mut text = [0; 16];
    let random = fastrand::u64(..);
    for (digit, byte) in (0..).zip(&mut text) {
        let nibble = usize::try_from((random >> (4 * digit)) & 0xF).unwrap_or_default();
        *byte = b"0123456789abcdef"[nibble];
    }
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_malformed_is_no_traceparent() {
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for good in [format!("00-{trace}-{parent}-01"), format!("cc-{trace}-{parent}-01-what-comes-later")] {
            assert!(is_traceparent(&good), "{good}");
        }
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("00-{trace}-{parent}"),
            format!("00-{trace}-{parent}-01-more"),
            format!("00-{trace}-{parent}-1"),
            format!("0-{trace}-{parent}-01"),
            format!("ff-{trace}-{parent}-01"),
            format!("00-{}-{parent}-01", trace.to_uppercase()),
            format!("00-{}-{parent}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}g-{parent}-01", &trace[1..]),
            format!("cc-{trace}-{parent}-01-{}", "x".repeat(500)),
        ] {
            assert!(!is_traceparent(&bad), "{bad}");
        }
    }
}
