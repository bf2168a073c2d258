//! The header by which a caller names a request, so that it may be repeated.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use shared::problem::Problem;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Bytes of a key.
const KEY_BYTES_MAX: usize = 255;

/// The key of a request, if one was sent. Two keys name nothing.
pub(super) fn key(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let mut sent = request.headers().get_all(&IDEMPOTENCY_KEY);
    let Some(key) = sent.next() else { return Ok(None) };
    let fits = |key: &&str| {
        (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let key = key.to_str().ok().filter(fits).filter(|_| sent.next().is_none());
    let detail = || format!("An Idempotency-Key has 1 to {KEY_BYTES_MAX} visible ASCII characters.");
    key.map(Some).ok_or_else(|| Problem::malformed("invalid_idempotency_key", detail()))
}
