//! What is looked at before a route is: that the path has the method (405) and the parameters of the query; what HEAD
//! is answered, and 404 for everything else.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError, web};

use super::routes::Routes;
use crate::problem::Problem;

fn refusal(request: &HttpRequest) -> Problem {
    let routes = request.app_data::<web::Data<Routes>>();
    match routes.and_then(|routes| routes.allow(request.path())) {
        Some(allow) => Problem::method_not_allowed(allow.to_owned()),
        None => Problem::no_such_route(),
    }
}

pub(super) async fn no_such_route(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(refusal(&request))
}

fn wrong_method(routes: &Routes, request: &HttpRequest) -> Option<Problem> {
    let own = routes.plain(request.path())?;
    own.split(", ").all(|method| method != request.method().as_str()).then(|| refusal(request))
}

/// Middleware: refuses the methods that a path does not have, before a path with a parameter takes it, and queries with
/// names that the description does not have; answers HEAD as GET without the body (RFC 9110, 9.3.2).
pub async fn by_method<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<EitherBody<B, Bodiless>>>, Error> {
    let routes = request.app_data::<web::Data<Routes>>().cloned();
    if let Some(problem) = routes.as_ref().and_then(|routes| wrong_method(routes, request.request())) {
        return Ok(request.into_response(problem.error_response()).map_into_right_body());
    }
    let act = routes.as_ref().filter(|_| !request.query_string().is_empty());
    if let Some(act) = act.and_then(|routes| routes.act(request.request()))
        && let Err(problem) = act.check_query(request.request()).await
    {
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
