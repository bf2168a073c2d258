//! Reading a JSON body: what cannot be parsed is 400, too large 413, of another type 415.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{BODY_WAIT, LONG_BODY_WAIT};
use crate::problem::Problem;

/// A JSON body that must be there.
pub struct Body<T>(pub T);

/// A JSON body that may be left out, which means all defaults.
pub struct OptionalBody<T>(pub T);

/// The paths whose bodies may be longer than those of JSON: they say themselves how long, once they know the caller.
#[derive(Debug, Clone, Copy)]
pub struct LongBodies(pub &'static [&'static str]);

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (json, bytes) = (is_json(request), web::Bytes::from_request(request, payload));
        Box::pin(async move {
            let bytes = whole(bytes).await?;
            if bytes.is_empty() {
                return Err(Problem::malformed("malformed_json", "A JSON body is needed."));
            }
            parse(json, &bytes).map(Self)
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (json, bytes) = (is_json(request), web::Bytes::from_request(request, payload));
        Box::pin(async move {
            let bytes = whole(bytes).await?;
            if bytes.is_empty() { Ok(Self(T::default())) } else { parse(json, &bytes).map(Self) }
        })
    }
}

/// The body, if it comes in time: a client that dribbles must not hold its place for ever.
async fn whole(
    bytes: impl Future<Output = Result<web::Bytes, actix_web::Error>>,
) -> Result<web::Bytes, Problem> {
    let came = timeout(BODY_WAIT, bytes).await.map_err(|_| Problem::body_too_slow())?;
    came.map_err(|error| unreadable(&error))
}

/// The whole of a body of the media type `media` that is longer than those of JSON, and may take longer to come.
pub async fn long_body(
    request: &HttpRequest,
    body: web::Payload,
    media: &str,
    bytes_max: usize,
) -> Result<web::Bytes, Problem> {
    if media_type(request).is_none_or(|sent| sent != media) {
        return Err(unsupported(format!("The body must be {media}.")));
    }
    let too_large = || {
        let detail = format!("This body has at most {bytes_max} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
    };
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > bytes_max) {
        return Err(too_large());
    }
    let came = timeout(LONG_BODY_WAIT, body.to_bytes_limited(bytes_max)).await;
    let read = came.map_err(|_| Problem::body_too_slow())?.map_err(|_| too_large())?;
    read.map_err(|_| Problem::malformed("malformed_body", "The body ended early."))
}

fn media_type(request: &HttpRequest) -> Option<String> {
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(essence)
}

fn is_json(request: &HttpRequest) -> bool {
    media_type(request).is_some_and(|media| media == "application/json" || media.ends_with("+json"))
}

fn unsupported(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

fn parse<T: DeserializeOwned>(json: bool, bytes: &[u8]) -> Result<T, Problem> {
    if !json {
        return Err(unsupported("The body must be application/json."));
    }
    let unfit = |code, error: &dyn std::fmt::Display| {
        // Where a type is named, it is one of the code: to a client every body is an object.
        let text: Vec<String> = error.to_string().split("struct ").map(str::to_owned).collect();
        let plain = text.iter().enumerate().map(|(index, part)| match (index, part.split_once(' ')) {
            (0, _) => part.clone(),
            (_, Some((_, rest))) => format!("an object {rest}"),
            (_, None) => "an object".to_owned(),
        });
        Problem::malformed(code, format!("The body cannot be read: {}.", plain.collect::<String>()))
    };
    // Looked at once, and not each string by itself.
    let text = std::str::from_utf8(bytes).map_err(|error| unfit("malformed_json", &error))?;
    let parsed = serde_json::from_str(text).map_err(|error| {
        let code = if error.is_data() { "invalid_body" } else { "malformed_json" };
        unfit(code, &error)
    })?;
    // The parser takes a list for an object without the names of its fields: no body of ours is one.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        return Ok(parsed);
    }
    Err(unfit("invalid_body", &"expected an object"))
}

fn unreadable(error: &actix_web::Error) -> Problem {
    if error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::body_too_large();
    }
    Problem::malformed("malformed_json", "The body ended early.")
}
