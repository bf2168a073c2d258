//! How often one network may register, log in, ask for mails and be wrong about refresh tokens: a fixed window for each,
//! counted in memory.

use std::future::Future;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError, web};
use shared::clock::Clock;
use shared::http::Network;
use shared::problem::Problem;
use shared::rate_limit::RateLimit;

use crate::config::Limits;
use crate::domain::window::{TooMany, Windows};

const HOUR: Duration = Duration::from_secs(60 * 60);
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// The limits of this service. Clones share the counts.
#[derive(Clone)]
pub struct RateLimits {
    registrations: Windows<Network>,
    logins: Windows<Network>,
    mails: Windows<Network>,
    failed_refreshes: Windows<Network>,
    clock: Clock,
}

impl RateLimits {
    /// Nothing counted yet.
    pub fn new(limits: &Limits, clock: &Clock) -> Self {
        Self {
            registrations: Windows::new(limits.registrations_per_hour, HOUR),
            logins: Windows::new(limits.logins_per_15_min, QUARTER),
            mails: Windows::new(limits.mail_requests_per_hour, HOUR),
            failed_refreshes: Windows::new(limits.failed_refreshes_per_15_min, QUARTER),
            clock: clock.clone(),
        }
    }
}

/// Middleware of the route that registers.
pub(super) fn limit_registrations<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> {
    limited(request, next, |limits| &limits.registrations)
}

/// Middleware of the route that logs in.
pub(super) fn limit_logins<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> {
    limited(request, next, |limits| &limits.logins)
}

/// Middleware of the routes that have a mail sent.
pub(super) fn limit_mails<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> {
    limited(request, next, |limits| &limits.mails)
}

/// Middleware of the route that refreshes: only tokens that are refused count, and only they are told to wait. A
/// stranger on the same network keeps nobody from staying signed in.
pub(super) async fn limit_refreshes<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let limits = request.app_data::<web::Data<RateLimits>>().cloned();
    let Some(limits) = limits else { return Ok(next.call(request).await?.map_into_left_body()) };
    let (windows, network) = (&limits.failed_refreshes, Network::of_request(request.request()));
    let mut response = next.call(request).await?.map_into_left_body();
    let refused = response.status() == StatusCode::UNAUTHORIZED;
    let counted = windows.count(network, limits.clock.now());
    if !refused && counted.is_ok() {
        windows.take_back(&network);
    }
    match counted {
        Ok(left) => {
            let remaining = left.remaining + u32::from(!refused);
            RateLimit { remaining, ..left }.tell(response.headers_mut());
        }
        Err(TooMany { max, wait }) if refused => {
            return Ok(response.into_response(too_many(max, wait)).map_into_right_body());
        }
        Err(TooMany { max, wait }) => {
            RateLimit { max, remaining: 0, resets_in: wait }.tell(response.headers_mut());
        }
    }
    Ok(response)
}

fn too_many(max: u32, wait: Duration) -> HttpResponse {
    Problem::rate_limited("Too many of these came from your network; wait a little.", max, wait)
        .error_response()
}

async fn limited<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
    windows: fn(&RateLimits) -> &Windows<Network>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // Switched off, there are no limits among the application's data.
    let limits = request.app_data::<web::Data<RateLimits>>().cloned();
    let Some(limits) = limits else { return Ok(next.call(request).await?.map_into_left_body()) };
    let (windows, network) = (windows(&limits), Network::of_request(request.request()));
    // Counted before the answer is known, so that a thousand at once are a thousand.
    let left = match windows.count(network, limits.clock.now()) {
        Ok(left) => left,
        Err(TooMany { max, wait }) => {
            return Ok(request.into_response(too_many(max, wait)).map_into_right_body());
        }
    };
    let mut response = next.call(request).await?.map_into_left_body();
    left.tell(response.headers_mut());
    Ok(response)
}
