//! Consistency on request: every answer says as of which revision it is true, and a reader may ask for
//! at least one.

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use shared::http::Manners;
use shared::problem::Problem;

use crate::handle::RelationHandle;

const REVISION: HeaderName = HeaderName::from_static("mutual-revision");
const AT_LEAST: HeaderName = HeaderName::from_static("mutual-at-least");
const CONSISTENCY: HeaderName = HeaderName::from_static("mutual-consistency");
/// Do not ask the database whether memory is current.
const FAST: &str = "fast";

/// Sets `Mutual-Revision` on every answer, waits for `Mutual-At-Least`, and heeds `Mutual-Consistency`.
pub struct RevisionManners(pub RelationHandle);

/// What a request asks for of consistency.
#[derive(Debug, Clone, Copy, Default)]
pub struct Consistency {
    /// The revision that the answer states, if it is one to GET.
    stated: Option<i64>,
    /// Memory need not be current.
    hasty: bool,
}

impl Manners for RevisionManners {
    type Noted = Consistency;

    async fn before(&self, request: &ServiceRequest) -> Result<Consistency, Problem> {
        let hasty = is_hasty(request.headers().get(CONSISTENCY))?;
        if let Some(wanted) = request.headers().get(AT_LEAST) {
            wait_for(&self.0, wanted).await?;
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        Ok(Consistency { stated: reads.then(|| self.0.revision()), hasty })
    }

    fn is_hasty(noted: &Consistency) -> bool {
        noted.hasty
    }

    fn after(&self, noted: Consistency, request: &HttpRequest, headers: &mut HeaderMap) {
        let read_at = request.extensions().get::<ReadAt>().map(|read_at| read_at.0);
        let revision = read_at.or(noted.stated).unwrap_or_else(|| self.0.revision());
        headers.insert(REVISION, HeaderValue::from(revision));
    }
}

/// What an answer at once says of its revision, to who asks for nothing of consistency.
pub(super) fn stated(relations: &RelationHandle, headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let asks = headers.contains_key(AT_LEAST) || headers.contains_key(CONSISTENCY);
    (!asks).then(|| (REVISION, HeaderValue::from(relations.revision())))
}

/// The revision before a read: what was committed while it ran may be in its answer or not. An answer to
/// a write states the revision afterwards, which includes the write.
struct ReadAt(i64);

/// Says that a request, whatever its method, only reads from here on: its answer states the revision of now.
pub(super) fn is_read(request: &HttpRequest, relations: &RelationHandle) {
    is_read_at(request, relations.revision());
}

/// Says that the answer is as true as this revision.
pub(super) fn is_read_at(request: &HttpRequest, revision: i64) {
    request.extensions_mut().insert(ReadAt(revision));
}

fn is_hasty(asked: Option<&HeaderValue>) -> Result<bool, Problem> {
    match asked {
        None => Ok(false),
        Some(asked) if asked == FAST => Ok(true),
        Some(_) => Err(Problem::malformed("invalid_consistency", "Mutual-Consistency is fast, or not sent.")),
    }
}

async fn wait_for(relations: &RelationHandle, wanted: &HeaderValue) -> Result<(), Problem> {
    let parsed = wanted.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    let wanted = parsed.and_then(|revision| i64::try_from(revision).ok()).ok_or_else(|| {
        Problem::malformed("invalid_revision", "Mutual-At-Least is a revision that an answer stated.")
    })?;
    if relations.caught_up(wanted).await { Ok(()) } else { Err(Problem::not_caught_up()) }
}
