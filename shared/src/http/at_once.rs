//! Answers at once: what is asked most, and memory can tell, is answered before the framework's router, extractors and
//! boxed futures, which cost more than the answer does. Only what is usual is. A request that says anything unusual, is
//! to be refused, or needs what is not remembered, goes the way of all others ([`super::front`]), which knows the same
//! routes: so this way has no error, and nothing is answered in it that the other would answer in another way.

use std::cell::OnceCell;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_http::{Payload, Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, web};
use futures_util::future::{Either, LocalBoxFuture, MapOk, TryFutureExt as _};
use metrics::Counter;
use serde::Serialize;

use super::auth::{Auth, known_caller};
use super::json::{JSON, encoded};
use super::routes::Act;
use super::{MaybeViewer, REQUESTS, Routes, Viewer};
use crate::id::UserId;
use crate::metric;
use crate::telemetry::{REQUEST_ID, request_id};

/// What a service answers at once.
pub trait AtOnce: 'static {
    /// The routes.
    const ROUTES: &'static [Quick<Self>];

    /// What each answer says besides, as of before it is looked for; nothing for a request that asks for more than a look.
    fn note(&self, headers: &HeaderMap) -> Option<Option<Header>>;
}

/// A header of an answer.
pub type Header = (HeaderName, HeaderValue);

/// A route with GET and at most one parameter, which is an id.
pub struct Quick<S: ?Sized> {
    /// As it is described.
    pub path: &'static str,
    /// Its answer, if memory has it.
    pub answer: fn(&S, &Asked<'_>) -> Option<Told>,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'r> {
    /// The path's parameter.
    pub id: Option<UserId>,
    /// The path.
    pub path: &'r str,
    /// The query.
    pub query: &'r str,
    caller: Option<Viewer>,
}

impl Asked<'_> {
    /// Who asks; nothing where nobody is signed in.
    pub const fn viewer(&self) -> Option<Viewer> {
        self.caller
    }

    /// Who asks, if anybody is signed in.
    pub fn maybe_viewer(&self) -> MaybeViewer {
        MaybeViewer(self.caller.map(|viewer| viewer.id))
    }

    /// The value of the query's only parameter, if it is `name` and says what it says as it is written.
    pub fn only(&self, name: &str) -> Option<&str> {
        let value = self.query.strip_prefix(name)?.strip_prefix('=')?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b",-_".contains(&byte);
        value.bytes().fold(true, |all, byte| all & plain(byte)).then_some(value)
    }
}

/// An answer: 200, with this body.
#[derive(Debug)]
pub struct Told {
    body: Vec<u8>,
    header: Option<Header>,
}

impl Told {
    /// With `value` as JSON.
    pub fn new(value: &impl Serialize) -> Option<Self> {
        Some(Self { body: encoded(value).ok()?, header: None })
    }

    /// With a header besides.
    pub fn with(self, header: Header) -> Self {
        Self { header: Some(header), ..self }
    }
}

/// What stands before a path's parameter, and behind it where there is one.
type Around = (&'static str, Option<&'static str>);

/// A route, as it is looked for.
struct Way<S> {
    around: Around,
    answer: fn(&S, &Asked<'_>) -> Option<Told>,
    act: Arc<Act>,
}

fn around(path: &'static str) -> Option<Around> {
    match path.split_once('{') {
        Some((before, rest)) => Some((before, Some(rest.split_once('}')?.1))),
        None => Some((path, None)),
    }
}

/// The parameter of `path`, if it is one of these.
fn take((before, after): Around, path: &str) -> Option<Option<UserId>> {
    let rest = path.strip_prefix(before)?;
    match after {
        Some(after) => Some(Some(rest.strip_suffix(after)?.parse().ok()?)),
        None => rest.is_empty().then_some(None),
    }
}

/// Answers at once what can be, and hands all else to the application.
pub struct Swift<S, A> {
    parts: Rc<Parts<S>>,
    app: A,
}

struct Parts<S> {
    service: S,
    name: &'static str,
    /// Looked up once; the series begins with the first answer.
    count: OnceCell<Counter>,
    auth: web::Data<Auth>,
    ways: Vec<Way<S>>,
}

impl<S: AtOnce> Parts<S> {
    fn answer(&self, request: &Request) -> Option<Response<Vec<u8>>> {
        let started = Instant::now();
        if request.method() != Method::GET || log::log_enabled!(target: REQUESTS, log::Level::Debug) {
            return None;
        }
        let path = request.path();
        let (way, id) = self.ways.iter().find_map(|way| Some((way, take(way.around, path)?)))?;
        let headers = request.head().headers();
        let noted = self.service.note(headers)?;
        let caller = known_caller(&self.auth, headers)?;
        let query = request.uri().query().unwrap_or_default();
        if !query.is_empty() {
            way.act.read_query(query).ok()?;
        }
        let asked = Asked { id, path, query, caller };
        let Told { body, header } = (way.answer)(&self.service, &asked)?;
        let mut response = Response::with_body(StatusCode::OK, body);
        let answered = response.headers_mut();
        answered.insert(CONTENT_TYPE, JSON);
        for (name, value) in header.into_iter().chain(noted) {
            answered.insert(name, value);
        }
        answered.insert(REQUEST_ID, request_id(headers));
        way.act.meter().count(StatusCode::OK, started.elapsed());
        let counter = || metrics::counter!(metric::HTTP_AT_ONCE, "service" => self.name);
        self.count.get_or_init(counter).increment(1);
        Some(response)
    }
}

impl<S: AtOnce, A> Swift<S, A> {
    /// Before `app`, which has `routes`.
    pub fn new<I>(service: S, auth: web::Data<Auth>, routes: &Routes, app: I) -> Self
    where
        I: IntoServiceFactory<A, Request>,
        A: ServiceFactory<Request>,
    {
        let way = |quick: &Quick<S>| {
            Some(Way { around: around(quick.path)?, answer: quick.answer, act: routes.get(quick.path)? })
        };
        let ways = S::ROUTES.iter().filter_map(way).collect();
        let parts = Parts { service, name: routes.service(), count: OnceCell::new(), auth, ways };
        Self { parts: Rc::new(parts), app: app.into_factory() }
    }
}

/// An answer at once, or the application's.
type Answered<B> = Response<EitherBody<Vec<u8>, B>>;

impl<S, A, B> ServiceFactory<Request> for Swift<S, A>
where
    S: AtOnce,
    A: ServiceFactory<Request, Response = ServiceResponse<B>, Error = Error, Config = AppConfig>,
    A::Future: 'static,
    B: MessageBody,
{
    type Response = Answered<B>;
    type Error = Error;
    type Config = AppConfig;
    type Service = Swift<S, A::Service>;
    type InitError = A::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, A::InitError>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let (parts, app) = (self.parts.clone(), self.app.new_service(config));
        Box::pin(async move { Ok(Swift { parts, app: app.await? }) })
    }
}

impl<S, A, B> Service<Request> for Swift<S, A>
where
    S: AtOnce,
    A: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = Answered<B>;
    type Error = Error;
    type Future =
        Either<Ready<Result<Answered<B>, Error>>, MapOk<A::Future, fn(ServiceResponse<B>) -> Answered<B>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.app.poll_ready(context)
    }

    fn call(&self, mut request: Request) -> Self::Future {
        let bodiless = matches!(request.payload(), Payload::None);
        match bodiless.then(|| self.parts.answer(&request)).flatten() {
            Some(answer) => Either::Left(ready(Ok(answer.map_body(|_, body| EitherBody::left(body))))),
            None => Either::Right(self.app.call(request).map_ok(of_app)),
        }
    }
}

fn of_app<B: MessageBody>(answer: ServiceResponse<B>) -> Answered<B> {
    Response::from(answer).map_body(|_, body| EitherBody::right(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_route_by_its_parameter() {
        let takes = |template, path| take(around(template).unwrap(), path);
        assert_eq!(takes("/v1/me/x", "/v1/me/x"), Some(None));
        let counts = "/v1/users/{id}/counts";
        assert_eq!(takes(counts, "/v1/users/7/counts"), Some(Some(UserId::new(7))));
        for path in ["/v1/me/x/", "/v1/me/", "/v1/users/7/counts"] {
            assert_eq!(takes("/v1/me/x", path), None, "{path}");
        }
        for path in [
            "/v1/users/7",
            "/v1/users//counts",
            "/v1/users/07/counts",
            "/v1/users/7/counts/",
            "/v1/users/7/8/counts",
        ] {
            assert_eq!(takes(counts, path), None, "{path}");
        }
    }

    #[test]
    fn a_query_is_read_only_as_it_is_written() {
        let only = |query| Asked { id: None, path: "/", query, caller: None }.only("ids").map(str::to_owned);
        assert_eq!(only("ids=1,2"), Some("1,2".to_owned()));
        for query in ["", "ids", "idss=1", "ids=1&x=2", "ids=1%2C2", "ids=1+2", "x=1&ids=1"] {
            assert_eq!(only(query), None, "{query}");
        }
    }
}
