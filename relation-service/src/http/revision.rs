//! Consistency on request: every answer says as of which revision it is true, and a reader may ask for
//! at least one.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, ResponseError, web};
use shared::problem::Problem;
use shared::tail::in_haste;

use crate::handle::RelationHandle;

const REVISION: HeaderName = HeaderName::from_static("mutual-revision");
const AT_LEAST: HeaderName = HeaderName::from_static("mutual-at-least");
const CONSISTENCY: HeaderName = HeaderName::from_static("mutual-consistency");
/// Do not ask the database whether memory is current.
const FAST: &str = "fast";

/// Middleware: sets `Mutual-Revision`. The outermost, so that no answer goes without.
pub async fn with_revision<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let relations = request.app_data::<web::Data<RelationHandle>>().cloned();
    let mut response = next.call(request).await?;
    if let Some(relations) = relations {
        let read_at = response.request().extensions().get::<ReadAt>().map(|read_at| read_at.0);
        let revision = read_at.unwrap_or_else(|| relations.revision());
        response.headers_mut().insert(REVISION, HeaderValue::from(revision));
    }
    Ok(response)
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

/// Middleware: waits for `Mutual-At-Least`, and heeds `Mutual-Consistency`.
pub async fn at_least<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let relations = request.app_data::<web::Data<RelationHandle>>().cloned();
    let waited = match (&relations, request.headers().get(AT_LEAST)) {
        (Some(relations), Some(wanted)) => wait_for(relations, wanted).await,
        _ => Ok(()),
    };
    if let (Some(relations), &Method::GET) = (&relations, request.method()) {
        request.extensions_mut().insert(ReadAt(relations.revision()));
    }
    let hasty = is_hasty(request.headers().get(CONSISTENCY));
    match (waited, hasty) {
        (Ok(()), Ok(true)) => Ok(in_haste(next.call(request)).await?.map_into_left_body()),
        (Ok(()), Ok(false)) => Ok(next.call(request).await?.map_into_left_body()),
        (Err(problem), _) | (_, Err(problem)) => {
            Ok(request.into_response(problem.error_response()).map_into_right_body())
        }
    }
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
