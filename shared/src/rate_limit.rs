//! What an answer of a limited route says of its limit.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How a limit stands for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many there may be.
    pub max: u32,
    /// How many more.
    pub remaining: u32,
    /// When there may be more.
    pub resets_in: Duration,
}

impl RateLimit {
    /// The same time in whole seconds: when they are over, so is it.
    pub fn resets_in_secs(&self) -> u32 {
        let secs = self.resets_in.as_micros().div_ceil(1_000_000).max(1);
        u32::try_from(secs).unwrap_or(u32::MAX)
    }

    /// Says so in these headers, unless they tell of a limit already: the inner one is what refused.
    pub fn tell(&self, headers: &mut HeaderMap) {
        if !headers.contains_key(LIMIT) {
            headers.insert(LIMIT, HeaderValue::from(self.max));
            headers.insert(REMAINING, HeaderValue::from(self.remaining));
            headers.insert(RESET, HeaderValue::from(self.resets_in_secs()));
        }
    }
}
