//! A page as an answer: the body, and the same next page as a `Link` header (RFC 8288).

use actix_web::http::header::{HeaderValue, LINK};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

use super::at_once::{Asked, Told};
use super::json::send_json;
use crate::page::{CountedPage, Page};

/// Bytes of what stands around path, query and cursor.
const NEXT_BYTES: usize = 32;

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

/// What a page is told as at once.
pub fn told_page<T: Serialize>(asked: &Asked<'_>, page: &Page<T>) -> Option<Told> {
    let next = page.next_cursor.as_deref().map(|cursor| next(asked.path, asked.query, cursor));
    let link = next.map(|next| Some((LINK, HeaderValue::try_from(next).ok()?)));
    match link {
        Some(link) => Some(Told::new(page)?.with(link?)),
        None => Told::new(page),
    }
}

fn send(request: &HttpRequest, page: &impl Serialize, next_cursor: Option<&str>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(cursor) = next_cursor {
        response.insert_header((LINK, next(request.path(), request.query_string(), cursor)));
    }
    send_json(&mut response, page)
}

/// Where the next page is.
fn next(path: &str, query: &str, cursor: &str) -> String {
    let mut target = String::with_capacity(path.len() + query.len() + cursor.len() + NEXT_BYTES);
    target.extend(["<", path, "?"]);
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    kept.for_each(|pair| target.extend([pair, "&"]));
    target.extend(["cursor=", cursor, ">; rel=\"next\""]);
    target
}
