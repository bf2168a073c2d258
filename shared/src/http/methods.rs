//! Which methods a path has: what another one is answered (405), what HEAD is answered, and 404 for
//! everything else.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError, web};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::PathItem;

use crate::problem::Problem;

/// What describes the routes is not among them.
const UNDESCRIBED: [&str; 3] = ["/openapi.json", "/docs", "/docs/{page}*"];

/// The paths of a service and their methods, taken from its OpenAPI description.
pub(super) struct Routes {
    /// Paths without parameters. One that another route's parameter would match too has its own methods alone.
    plain: HashMap<String, String>,
    patterns: Vec<(ResourceDef, String)>,
}

impl Routes {
    pub(super) fn of(spec: &OpenApi) -> Self {
        let described = spec.paths.paths.iter().map(|(path, item)| (path.as_str(), methods(item)));
        let pages = UNDESCRIBED.map(|path| (path, "GET, HEAD".to_owned()));
        let (patterns, plain): (Vec<_>, Vec<_>) =
            described.chain(pages).partition(|(path, _)| path.contains('{'));
        Self {
            plain: plain.into_iter().map(|(path, methods)| (path.to_owned(), methods)).collect(),
            patterns: patterns.into_iter().map(|(path, methods)| (ResourceDef::new(path), methods)).collect(),
        }
    }

    /// The methods of the route that `path` leads to.
    fn allow(&self, path: &str) -> Option<&String> {
        let pattern = || self.patterns.iter().find(|(pattern, _)| pattern.is_match(path));
        self.plain.get(path).or_else(|| pattern().map(|(_, methods)| methods))
    }
}

fn methods(item: &PathItem) -> String {
    let all = [
        ("GET", item.get.is_some()),
        ("HEAD", item.get.is_some()),
        ("PUT", item.put.is_some()),
        ("POST", item.post.is_some()),
        ("PATCH", item.patch.is_some()),
        ("DELETE", item.delete.is_some()),
    ];
    all.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn refusal(request: &HttpRequest) -> Problem {
    let routes = request.app_data::<web::Data<Routes>>();
    match routes.and_then(|routes| routes.allow(request.path())) {
        Some(allow) => Problem::method_not_allowed(allow.clone()),
        None => Problem::no_such_route(),
    }
}

pub(super) async fn no_such_route(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(refusal(&request))
}

/// Middleware: refuses the methods that a path does not have, before a path with a parameter takes it, and
/// answers HEAD as GET without the body (RFC 9110, 9.3.2).
pub async fn by_method<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<EitherBody<B, Bodiless>>>, Error> {
    let routes = request.app_data::<web::Data<Routes>>().cloned();
    let own = routes.as_ref().and_then(|routes| routes.plain.get(request.path()));
    if own.is_some_and(|own| own.split(", ").all(|method| method != request.method().as_str())) {
        let problem = refusal(request.request());
        return Ok(request.into_response(problem.error_response()).map_into_right_body());
    }
    let head = request.method() == Method::HEAD;
    if head {
        request.head_mut().method = Method::GET;
    }
    let response = next.call(request).await?;
    let answered = response.map_body(|_, body| match head {
        true => EitherBody::right(Bodiless(body.size())),
        false => EitherBody::left(body),
    });
    Ok(answered.map_into_left_body())
}

/// What HEAD is sent in place of a body: nothing, and how large it would be.
pub struct Bodiless(BodySize);

impl MessageBody for Bodiless {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}
