//! The header by which a caller names a request, so that it may be repeated.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::{FromRequest, HttpRequest};
use shared::http::Network;
use shared::problem::Problem;

use crate::domain::idempotency::{IdempotencyKey, InvalidIdempotencyKey};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key of a request from somebody without a name, who goes by their network. Nothing if none was sent.
pub(super) struct NetworkKey(pub Option<IdempotencyKey>);

impl FromRequest for NetworkKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(of(request).map(Self).map_err(|invalid| {
            Problem::malformed("invalid_idempotency_key", format!("The header cannot be read: {invalid}."))
        }))
    }
}

fn of(request: &HttpRequest) -> Result<Option<IdempotencyKey>, InvalidIdempotencyKey> {
    let mut sent = request.headers().get_all(&IDEMPOTENCY_KEY);
    let Some(key) = sent.next() else { return Ok(None) };
    // Two keys name nothing.
    if sent.next().is_some() {
        return Err(InvalidIdempotencyKey);
    }
    let key = key.to_str().map_err(|_| InvalidIdempotencyKey)?;
    IdempotencyKey::parse(Network::of_request(request).to_string(), key).map(Some)
}
