//! A page as an answer: the body, and the same next page as a `Link` header (RFC 8288).

use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use super::json::send_json;
use crate::page::{CountedPage, Page};

/// A page about to be sent.
pub struct Listed<T>(Page<T>);

/// Sends a page.
pub const fn listed<T>(page: Page<T>) -> Listed<T> {
    Listed(page)
}

/// A page with the list's length about to be sent.
pub struct Counted<T>(CountedPage<T>);

/// Sends a page with the list's length.
pub const fn counted<T>(page: CountedPage<T>) -> Counted<T> {
    Counted(page)
}

impl<T: Serialize> Responder for Listed<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        send(request, &self.0, self.0.next_cursor.as_deref())
    }
}

impl<T: Serialize> Responder for Counted<T> {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        send(request, &self.0, self.0.next_cursor.as_deref())
    }
}

fn send(request: &HttpRequest, page: &impl Serialize, next_cursor: Option<&str>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(cursor) = next_cursor {
        let kept = request.query_string().split('&').filter(|pair| !pair.is_empty());
        let kept = kept.filter(|pair| !pair.starts_with("cursor="));
        let query: Vec<String> = kept.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
        let target = format!("<{}?{}>; rel=\"next\"", request.path(), query.join("&"));
        response.insert_header((LINK, target));
    }
    send_json(&mut response, page)
}
