//! What the answers of limited routes tell of their limit.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// A limit, and how much of it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// How many there may be.
    pub limit: u32,
    /// How many more there may be now.
    pub remaining: u32,
    /// When there will be more, in seconds.
    pub resets_in_secs: u32,
}

impl RateLimit {
    /// Sets the headers.
    pub fn tell(self, headers: &mut HeaderMap) {
        let told = [(LIMIT, self.limit), (REMAINING, self.remaining), (RESET, self.resets_in_secs)];
        for (name, number) in told {
            headers.insert(name, HeaderValue::from(number));
        }
    }
}
