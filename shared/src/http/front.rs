//! What every request that is not answered [at once](super::at_once) goes through on its way to a route, in one place and
//! for the price of one middleware: it gets its id; a body that announces itself as too large, a method that the path does
//! not have and a query with unknown names are refused; what the service adds of its own is asked for; HEAD is answered as
//! GET without the body; and the answer is counted.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::{Error, HttpRequest, ResponseError, web};

use super::methods::{Bodiless, wrong_method};
use super::routes::Act;
use super::{BODY_BYTES_MAX, LongBodies, REQUESTS, Routes};
use crate::problem::{NotNow, Problem};
use crate::tail::in_haste;
use crate::telemetry::{REQUEST_ID, Trace};

/// What a service adds to every request of its own.
pub trait Manners: 'static {
    /// What is found out before the route, for [`Manners::after`].
    type Noted: Default;

    /// Asked before anything but the announced length of the body is looked at.
    fn before(&self, request: &ServiceRequest) -> impl Future<Output = Result<Self::Noted, Problem>>;

    /// Whether the caller does not mind an answer that may be a moment old.
    fn is_hasty(_: &Self::Noted) -> bool {
        false
    }

    /// Adds to the headers of the answer, whatever it is.
    fn after(&self, noted: Self::Noted, request: &HttpRequest, headers: &mut HeaderMap);
}

/// The middleware. One a worker thread, so that threads share no counter of references.
pub struct Front<M>(Rc<Parts<M>>);

struct Parts<M> {
    routes: web::Data<Routes>,
    long_bodies: LongBodies,
    manners: M,
}

impl<M: Manners> Front<M> {
    /// Before these routes, of which those of `long_bodies` look at the length of their bodies themselves.
    pub fn new(routes: web::Data<Routes>, long_bodies: LongBodies, manners: M) -> Self {
        Self(Rc::new(Parts { routes, long_bodies, manners }))
    }
}

impl<S, B, M> Transform<S, ServiceRequest> for Front<M>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    M: Manners,
{
    type Response = ServiceResponse<Answered<B>>;
    type Error = Error;
    type InitError = ();
    type Transform = Fronted<S, M>;
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Fronted { service: Rc::new(service), parts: self.0.clone() }))
    }
}

/// The service behind the middleware.
pub struct Fronted<S, M> {
    service: Rc<S>,
    parts: Rc<Parts<M>>,
}

/// The route's body, or none for HEAD, or that of a refusal.
type Answered<B> = EitherBody<EitherBody<B, Bodiless>>;

impl<S, B, M> Service<ServiceRequest> for Fronted<S, M>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
    M: Manners,
{
    type Response = ServiceResponse<Answered<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (service, parts) = (self.service.clone(), self.parts.clone());
        let trace = Trace::of(&request);
        Box::pin(trace.clone().scope(async move { parts.serve(trace, request, &*service).await }))
    }
}

impl<M: Manners> Parts<M> {
    async fn serve<S, B>(
        &self,
        trace: Trace,
        request: ServiceRequest,
        service: &S,
    ) -> Result<ServiceResponse<Answered<B>>, Error>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
        B: MessageBody,
    {
        let started = Instant::now();
        let line = log::log_enabled!(target: REQUESTS, log::Level::Debug)
            .then(|| format!("{} {}", request.method(), request.path()));
        let mut noted = M::Noted::default();
        let act = self.routes.act(request.request());
        let response = match self.refuse(act, &request, &mut noted).await {
            Err(problem) => request.into_response(problem.error_response()).map_into_right_body(),
            Ok(()) if M::is_hasty(&noted) => in_haste(answer(request, service)).await?.map_into_left_body(),
            Ok(()) => answer(request, service).await?.map_into_left_body(),
        };
        let (request, mut answer) = response.into_parts();
        self.manners.after(noted, &request, answer.headers_mut());
        answer.headers_mut().insert(REQUEST_ID, trace.into_request_id());
        let (status, took) = (answer.status(), started.elapsed());
        let meter = self.routes.meter(act);
        meter.count(status, took);
        if let Some(NotNow(code)) = answer.extensions().get() {
            meter.count_refusal(status, code);
        }
        if let Some(line) = line {
            log::debug!(target: REQUESTS, "{line} {} in {} us", status.as_u16(), took.as_micros());
        }
        Ok(ServiceResponse::new(request, answer))
    }

    /// Why a request does not come to a route.
    async fn refuse(
        &self,
        act: Option<&Act>,
        request: &ServiceRequest,
        noted: &mut M::Noted,
    ) -> Result<(), Problem> {
        if self.announces_too_much(request) {
            return Err(Problem::body_too_large());
        }
        *noted = self.manners.before(request).await?;
        let request = request.request();
        match act {
            Some(act) if !request.query_string().is_empty() => act.check_query(request).await,
            Some(_) => Ok(()),
            None => wrong_method(&self.routes, request).map_or(Ok(()), Err),
        }
    }

    fn announces_too_much(&self, request: &ServiceRequest) -> bool {
        let Some(length) = request.headers().get(CONTENT_LENGTH) else { return false };
        let announced = length.to_str().ok().and_then(|length| length.parse().ok());
        announced.is_some_and(|length: usize| length > BODY_BYTES_MAX)
            && !self.long_bodies.0.contains(&request.path())
    }
}

/// The route's answer; to HEAD that to GET, without its body (RFC 9110, 9.3.2).
async fn answer<S, B>(
    mut request: ServiceRequest,
    service: &S,
) -> Result<ServiceResponse<EitherBody<B, Bodiless>>, Error>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let head = request.method() == Method::HEAD;
    if head {
        request.head_mut().method = Method::GET;
    }
    let response = service.call(request).await?;
    Ok(response.map_body(|_, body| match head {
        true => EitherBody::right(Bodiless::instead_of(&body)),
        false => EitherBody::left(body),
    }))
}
