//! How often one network may register and log in: a fixed window for each, counted in memory.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError, web};
use moka::sync::Cache;
use shared::clock::{Clock, Micros};
use shared::http::Network;
use shared::problem::Problem;
use shared::rate_limit::RateLimit;

use crate::config::Limits;

/// How many networks are counted at once. An entry takes about 200 bytes; when there are more, those seen
/// least are forgotten first.
const NETWORKS_MAX: u64 = 100_000;
const REGISTRATION_WINDOW: Duration = Duration::from_secs(60 * 60);
const MAIL_WINDOW: Duration = Duration::from_secs(60 * 60);
const LOGIN_WINDOW: Duration = Duration::from_secs(15 * 60);

/// The limits of this service. Clones share the counts.
#[derive(Clone)]
pub struct RateLimits {
    registrations: Windows,
    logins: Windows,
    mails: Windows,
}

impl RateLimits {
    /// Nothing counted yet.
    pub fn new(limits: &Limits, clock: &Clock) -> Self {
        let windows = |max, length, inner_max| Windows::new(max, length, inner_max, clock.clone());
        let (guesses, mails) = (limits.guesses_max, limits.mails_per_hour);
        Self {
            registrations: windows(limits.registrations_per_hour, REGISTRATION_WINDOW, guesses),
            logins: windows(limits.logins_per_15_min, LOGIN_WINDOW, guesses),
            mails: windows(limits.mail_requests_per_hour, MAIL_WINDOW, mails),
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

async fn limited<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
    windows: fn(&RateLimits) -> &Windows,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // Switched off, there are no limits among the application's data.
    let limits = request.app_data::<web::Data<RateLimits>>().cloned();
    let Some(limits) = limits else { return Ok(next.call(request).await?.map_into_left_body()) };
    let counted = windows(&limits).count(Network::of_request(request.request()));
    let mut response = if counted.exceeded {
        let problem = Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "Too many of these came from your network; wait a little.",
        );
        let problem = problem.used_up(counted.left);
        request.into_response(problem.error_response()).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    match windows(&limits).of_route(&response).filter(|_| !counted.exceeded) {
        Some(inner) => inner.tell(response.headers_mut()),
        None => counted.left.tell(response.headers_mut()),
    }
    Ok(response)
}

/// The windows of all networks for one kind of request.
#[derive(Clone)]
struct Windows {
    max: u32,
    length: Duration,
    /// What a refusal tells that is not of the network, but of the route itself.
    inner_max: u32,
    clock: Clock,
    by_network: Cache<Network, Arc<Mutex<Window>>>,
}

/// One network's window.
struct Window {
    resets_at: Micros,
    used: u32,
}

/// What a request finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    left: RateLimit,
    exceeded: bool,
}

impl Windows {
    fn new(max: u32, length: Duration, inner_max: u32, clock: Clock) -> Self {
        let by_network = Cache::builder().max_capacity(NETWORKS_MAX).time_to_idle(length).build();
        Self { max, length, inner_max, clock, by_network }
    }

    /// What a refusal says that is not of the network, but of too many wrong passwords or mails.
    fn of_route<B>(&self, response: &ServiceResponse<B>) -> Option<RateLimit> {
        let wait = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
        let refused = response.status() == StatusCode::TOO_MANY_REQUESTS;
        refused.then_some(RateLimit { limit: self.inner_max, remaining: 0, resets_in_secs: wait })
    }

    fn count(&self, network: Network) -> Counted {
        let now = self.clock.now();
        let fresh = || Window { resets_at: now.after(self.length), used: 0 };
        let window = self.by_network.get_with(network, || Arc::new(Mutex::new(fresh())));
        let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.resets_at <= now {
            *window = fresh();
        }
        let exceeded = window.used >= self.max;
        window.used += u32::from(!exceeded);
        let wait = window.resets_at.since(now).as_micros().div_ceil(1_000_000);
        let left = RateLimit {
            limit: self.max,
            remaining: self.max - window.used,
            resets_in_secs: u32::try_from(wait).unwrap_or(u32::MAX),
        };
        Counted { left, exceeded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn each_network_has_its_own_window_which_ends() {
        let clock = Clock::fixed(Micros::from_millis(1));
        let windows = Windows::new(2, Duration::from_secs(60), 1, clock.clone());
        let counted = |address| windows.count(from(address));
        let left = |remaining, resets_in_secs| RateLimit { limit: 2, remaining, resets_in_secs };
        assert_eq!(counted("10.0.0.1"), Counted { left: left(1, 60), exceeded: false });
        assert!(!counted("10.0.0.1").exceeded);
        assert!(counted("10.0.0.1").exceeded);
        assert!(counted("::ffff:10.0.0.1").exceeded, "the same address in the other notation");
        assert!(!counted("10.0.0.2").exceeded);
        clock.advance(Duration::from_millis(59_500));
        assert_eq!(counted("10.0.0.1"), Counted { left: left(0, 1), exceeded: true });
        clock.advance(Duration::from_millis(500));
        assert!(!counted("10.0.0.1").exceeded);
    }
}
