//! The methods of a path: 405 for others; what HEAD is answered, and 404 for what is no path.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::{HttpRequest, HttpResponse, web};

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

/// Why the path of a request does not have its method, before a path with a parameter takes it.
pub(super) fn wrong_method(routes: &Routes, request: &HttpRequest) -> Option<Problem> {
    let own = routes.plain(request.path())?;
    own.split(", ").all(|method| method != request.method().as_str()).then(|| refusal(request))
}

/// What HEAD is sent in place of a body: nothing, and how large it would be.
pub struct Bodiless(BodySize);

impl Bodiless {
    pub(super) fn instead_of(body: &impl MessageBody) -> Self {
        Self(body.size())
    }
}

impl MessageBody for Bodiless {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}
