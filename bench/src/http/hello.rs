//! The hello line: what the HTTP library alone costs for an answer of the same size.

use std::io;

use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::{App, HttpResponse, HttpServer, web};
use shared::process::say;

use crate::cli::Hello;

/// What the library adds by itself: the length, the type and the date.
const HEADERS_OF_ITS_OWN: usize = 3;

/// The answer to every request.
#[derive(Clone)]
struct Answer {
    body: web::Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Answers every request with the same bytes until standard input closes.
pub async fn run(settings: Hello) -> io::Result<()> {
    let extra = 0..settings.response_headers.saturating_sub(HEADERS_OF_ITS_OWN);
    let header = |number: usize| {
        let name = HeaderName::try_from(format!("x-header-{number}")).map_err(io::Error::other)?;
        Ok((name, HeaderValue::from_static("0123456789abcdef")))
    };
    let answer = Answer {
        body: web::Bytes::from(vec![b'x'; settings.response_bytes]),
        headers: extra.map(header).collect::<io::Result<_>>()?,
    };
    let server = HttpServer::new(move || {
        App::new().app_data(web::Data::new(answer.clone())).default_service(web::to(respond))
    });
    let server = server
        .workers(settings.workers)
        .keep_alive(super::naive::KEEP_ALIVE)
        .disable_signals()
        .bind(("127.0.0.1", 0))?;
    for address in server.addrs() {
        say(&format!("http://{address}"));
    }
    super::naive::until_input_closes(server.run()).await
}

async fn respond(answer: web::Data<Answer>, body: web::Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok().body(answer.body.clone());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &answer.headers {
        headers.insert(name.clone(), value.clone());
    }
    drop(body);
    response
}
