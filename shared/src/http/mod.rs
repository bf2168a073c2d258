//! The conventions of both services' HTTP: how bodies, queries and paths are read, who calls, what an
//! unknown path answers, how long things may take.

mod at_once;
mod auth;
mod body;
mod description;
mod document;
mod feed;
mod front;
mod health;
mod ids;
mod json;
mod link;
mod meter;
mod methods;
mod peer;
mod readers;
mod retention;
mod routes;
pub mod scope;
mod service_token;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use std::{fmt, io};

use actix_web::web::{self, ServiceConfig};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

pub use at_once::{Asked, AtOnce, Header, Quick, Swift, Told};
pub use auth::{Auth, MaybeViewer, Pass, Viewer};
pub use body::{Body, LongBodies, OptionalBody, long_body};
pub use description::{Revisions, Security, complete};
pub use document::{DOCUMENT_PAGE_ROWS, Piece, document};
pub use feed::{EVENTS_LIMIT_MAX, EVENTS_WAIT_MAX, Feed, FeedQuery, events, events_stream};
pub use front::{Front, Manners};
pub use health::livez;
pub use ids::parse_ids;
pub use json::{Json, send_json};
pub use link::{Counted, Listed, counted, listed, told_page};
pub use peer::{Network, TrustedProxies};
pub use readers::FeedReaders;
pub use retention::{KEPT_UNREAD_TIMES, Retention, retention};
pub use routes::{Routes, is_described};
pub use scope::Granted;
pub use service_token::{INTERNAL_CLIENT, NewServiceToken, ServiceClient, ServiceTokens};

use crate::problem::Problem;

/// Under which the log has a line for each request, at `debug`.
const REQUESTS: &str = "shared::http";
/// The largest body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a client may take to send a request's head.
pub const REQUEST_HEAD_WAIT: Duration = Duration::from_secs(5);
/// How long a client may take to send a request's body.
pub const BODY_WAIT: Duration = Duration::from_secs(10);
/// The same for a body of a route that takes longer ones.
pub const LONG_BODY_WAIT: Duration = Duration::from_secs(60);
/// How long an idle connection stays open.
pub const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests in flight may take after the signal to stop, in seconds.
pub const DRAIN_SECS: u64 = 10;
/// How many connections one worker thread serves.
pub const CONNECTIONS_MAX: usize = 10_000;

/// Opens a listening socket. Port 0 takes a free one. `setting` is what says where.
pub fn listen(address: SocketAddr, setting: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| {
        let hint = if error.kind() == io::ErrorKind::AddrInUse {
            "; stop what listens there, or choose another address"
        } else {
            ""
        };
        io::Error::new(error.kind(), format!("cannot listen on {address} ({setting}): {error}{hint}"))
    })
}

/// What every route of a service shares: how refusals of the framework look, the documentation, and
/// the answer for everything else.
pub fn conventions(config: &mut ServiceConfig, spec: &OpenApi, routes: &web::Data<Routes>) {
    config
        .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
        .app_data(web::PathConfig::default().error_handler(|error, _| invalid_path(&error).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| invalid_query(&error).into()))
        .app_data(routes.clone())
        .service(web::redirect("/docs", "/docs/"))
        .service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", spec.clone()))
        .default_service(web::to(methods::no_such_route));
}

fn invalid_path(error: &impl fmt::Display) -> Problem {
    Problem::malformed("invalid_id", format!("The path cannot be read: {}.", plain(error)))
}

fn invalid_query(error: &impl fmt::Display) -> Problem {
    Problem::malformed("invalid_query", format!("The query cannot be read: {}.", plain(error)))
}

/// What is wrong, without the framework's word for where.
fn plain(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    text.split_once("deserialize error: ").map_or(text.clone(), |(_, reason)| reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_use_is_told_with_its_setting() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = listen(taken.local_addr().unwrap(), "--listen").unwrap_err().to_string();
        assert!(error.contains("(--listen)") && error.contains("choose another address"), "{error}");
    }
}
