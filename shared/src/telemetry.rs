//! Logs and request ids: every line written while a request is served carries its id.

use std::io::Write;
use std::time::Instant;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use clap::ValueEnum;
use env_logger::{Builder, Env};
use serde::Serialize;

use crate::clock::Clock;
use crate::http::{BODY_BYTES_MAX, LongBodies};
use crate::problem::Problem;

/// The header that carries a request's id, both ways.
pub const REQUEST_ID: &str = "x-request-id";
/// A longer id from outside is replaced by one of ours.
const REQUEST_ID_CHARS_MAX: usize = 128;

tokio::task_local! {
    static CURRENT: HeaderValue;
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
    let mut builder =
        Builder::from_env(Env::default().default_filter_or("info,actix_server=warn,actix_http=off"));
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
    CURRENT.try_with(|id| id.to_str().unwrap_or("-").to_owned()).unwrap_or_else(|_| "-".into())
}

/// Middleware: gives the request its id, refuses a body that announces itself as too large, and
/// echoes the id.
pub async fn with_request_id<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let id = incoming_id(&request).unwrap_or_else(new_request_id);
    CURRENT.scope(id.clone(), serve(id, request, next)).await
}

async fn serve<B: MessageBody>(
    id: HeaderValue,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let started = Instant::now();
    let line =
        log::log_enabled!(log::Level::Debug).then(|| format!("{} {}", request.method(), request.path()));
    let mut response = if announces_too_much(&request) {
        request.into_response(Problem::body_too_large().error_response()).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    response.headers_mut().insert(HeaderName::from_static(REQUEST_ID), id);
    if let Some(line) = line {
        log::debug!("{line} {} in {} us", response.status().as_u16(), started.elapsed().as_micros());
    }
    Ok(response)
}

fn announces_too_much(request: &ServiceRequest) -> bool {
    let long = request.app_data::<LongBodies>();
    if long.is_some_and(|long| long.0.contains(&request.path())) {
        return false;
    }
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    announced.is_some_and(|length: usize| length > BODY_BYTES_MAX)
}

fn incoming_id(request: &ServiceRequest) -> Option<HeaderValue> {
    let id = request.headers().get(REQUEST_ID)?;
    let text = id.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    let fits = (1..=REQUEST_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain);
    fits.then(|| id.clone())
}

fn new_request_id() -> HeaderValue {
    let random = fastrand::u64(..);
    HeaderValue::from_str(&format!("{random:016x}")).unwrap_or_else(|_| HeaderValue::from_static("-"))
}
