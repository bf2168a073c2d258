//! The routes of a service, taken from its OpenAPI description: which methods and query parameters a path has, who may
//! call it, and how it is counted.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, web};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{OpenApi, RefOr};

use super::auth::{MaybeViewer, Viewer};
use super::invalid_query;
use super::meter::Meter;
use crate::problem::Problem;

/// What describes the routes is not among them.
const UNDESCRIBED: [&str; 2] = ["/openapi.json", "/docs"];
/// Nor are its pages.
const UNDESCRIBED_UNDER: &str = "/docs/";
const PAGE_METHODS: &str = "GET, HEAD";
/// Under what is counted whatever is no route of the service.
const OTHER: &str = "other";

/// The routes of a service.
pub struct Routes {
    /// Those with parameters.
    root: Node,
    /// Paths without parameters.
    plain: HashMap<String, Route>,
    other: Meter,
}

/// What may come behind a slash of a path.
#[derive(Default)]
struct Node {
    route: Option<Route>,
    texts: Vec<(String, Node)>,
    /// One parameter, with what stands around it.
    parameters: Vec<([String; 2], Node)>,
}

/// One path.
pub(super) struct Route {
    /// Its methods, as `Allow` says them.
    allow: String,
    acts: Vec<Arc<Act>>,
}

/// One method of a path.
pub(super) struct Act {
    method: Method,
    queries: Vec<String>,
    callers: Callers,
    meter: Meter,
}

/// Who is asked for, before anything else is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Callers {
    Anybody,
    PersonIfSaid,
    Person,
    Service,
}

impl Node {
    /// Puts a route at the end of this path.
    fn put(&mut self, path: Option<&str>, route: Route) {
        let Some(path) = path else {
            self.route = Some(route);
            return;
        };
        let (part, rest) = first(path);
        let named = part.split_once('{').and_then(|(before, rest)| Some([before, rest.split_once('}')?.1]));
        match named {
            Some(around) => child(&mut self.parameters, around.map(str::to_owned)).put(rest, route),
            None => child(&mut self.texts, part.to_owned()).put(rest, route),
        }
    }

    /// The route at the end of this path. A text goes before a parameter that would take it too, as a path without
    /// parameters does before all others.
    fn find(&self, path: Option<&str>) -> Option<&Route> {
        let Some(path) = path else { return self.route.as_ref() };
        let (part, rest) = first(path);
        let text = self.texts.iter().find(|(text, _)| text == part).and_then(|(_, node)| node.find(rest));
        let takes = |[before, after]: &[String; 2]| {
            let inner = part.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str()));
            inner.is_some_and(|inner| !inner.is_empty())
        };
        let mut named = self.parameters.iter().filter(|(around, _)| takes(around));
        text.or_else(|| named.find_map(|(_, node)| node.find(rest)))
    }
}

/// The first part of a path, and what is behind its slash.
fn first(path: &str) -> (&str, Option<&str>) {
    match path.split_once('/') {
        Some((part, rest)) => (part, Some(rest)),
        None => (path, None),
    }
}

fn child<K: PartialEq>(children: &mut Vec<(K, Node)>, key: K) -> &mut Node {
    let at = children.iter().position(|(known, _)| *known == key).unwrap_or(children.len());
    if at == children.len() {
        children.push((key, Node::default()));
    }
    &mut children[at].1
}

impl Routes {
    /// Those of a service that is known by `service` in metrics.
    pub fn of(service: &'static str, spec: &OpenApi) -> Self {
        let page = || Route { allow: PAGE_METHODS.to_owned(), acts: Vec::new() };
        let pages = UNDESCRIBED.map(|path| (path, page()));
        let described =
            spec.paths.paths.iter().map(|(path, item)| (path.as_str(), route(service, path, item)));
        let (mut root, mut plain) = (Node::default(), HashMap::new());
        for (path, route) in described.chain(pages) {
            if path.contains('{') {
                root.put(Some(path), route);
            } else {
                plain.insert(path.to_owned(), route);
            }
        }
        Self { root, plain, other: Meter::new(service, OTHER, OTHER.to_owned()) }
    }

    /// The methods of the route without parameters that `path` is. One that another route's parameter would match too
    /// has its own methods alone.
    pub(super) fn plain(&self, path: &str) -> Option<&str> {
        self.plain.get(path).map(|route| route.allow.as_str())
    }

    /// The route that `path` leads to.
    fn route(&self, path: &str) -> Option<&Route> {
        self.plain.get(path).or_else(|| self.root.find(Some(path)))
    }

    /// The methods that `path` has.
    pub(super) fn allow(&self, path: &str) -> Option<&str> {
        let page = path.starts_with(UNDESCRIBED_UNDER).then_some(PAGE_METHODS);
        self.route(path).map(|route| route.allow.as_str()).or(page)
    }

    /// What a request asks for. HEAD is answered as GET.
    pub(super) fn act(&self, request: &HttpRequest) -> Option<&Act> {
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        // As the router reads it, which decodes what needs no encoding.
        let route = self.route(request.match_info().as_str())?;
        route.acts.iter().find(|act| act.method == *method).map(Arc::as_ref)
    }

    /// By which the service is known in metrics.
    pub(super) const fn service(&self) -> &'static str {
        self.other.service()
    }

    /// GET of a path, by the path as it is described.
    pub(super) fn get(&self, path: &str) -> Option<Arc<Act>> {
        self.route(path)?.acts.iter().find(|act| act.method == Method::GET).cloned()
    }

    /// How a request for this is counted.
    pub(super) fn meter<'r>(&'r self, act: Option<&'r Act>) -> &'r Meter {
        act.map_or(&self.other, Act::meter)
    }
}

/// Whether the description has the path of a request, with its method.
pub fn is_described(request: &ServiceRequest) -> bool {
    let routes = request.app_data::<web::Data<Routes>>();
    routes.is_some_and(|routes| routes.act(request.request()).is_some())
}

fn route(service: &'static str, path: &str, item: &PathItem) -> Route {
    let all = [
        ("GET", Method::GET, &item.get),
        ("PUT", Method::PUT, &item.put),
        ("POST", Method::POST, &item.post),
        ("PATCH", Method::PATCH, &item.patch),
        ("DELETE", Method::DELETE, &item.delete),
    ];
    let mut route = Route { allow: String::new(), acts: Vec::new() };
    let mut allow = Vec::new();
    for (name, method, operation) in all {
        let Some(operation) = operation else { continue };
        allow.push(name);
        if method == Method::GET {
            allow.push("HEAD");
        }
        let meter = Meter::new(service, name, path.to_owned());
        let (queries, callers) = (queries(operation), Callers::of(operation));
        route.acts.push(Arc::new(Act { method, queries, callers, meter }));
    }
    route.allow = allow.join(", ");
    route
}

fn queries(operation: &Operation) -> Vec<String> {
    let name = |parameter: &RefOr<Parameter>| match parameter {
        RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => Some(parameter.name.clone()),
        RefOr::T(_) | RefOr::Ref(_) => None,
    };
    operation.parameters.iter().flatten().filter_map(name).collect()
}

impl Callers {
    fn of(operation: &Operation) -> Self {
        let Some(ways) = &operation.security else { return Self::Anybody };
        if ways.contains(&SecurityRequirement::new("service", [""; 0])) {
            return Self::Service;
        }
        if ways.contains(&SecurityRequirement::default()) { Self::PersonIfSaid } else { Self::Person }
    }

    /// Why a request has no such caller.
    async fn missing(self, request: &HttpRequest) -> Option<Problem> {
        match self {
            Self::Anybody | Self::Service => None,
            Self::PersonIfSaid => MaybeViewer::extract(request).await.err(),
            Self::Person => Viewer::extract(request).await.err(),
        }
    }
}

impl Act {
    /// How a request for it is counted.
    pub(super) const fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Refuses a query with a name that the description does not have; but first whoever may not ask.
    /// Of services this is not asked here: only their route knows which scope they need.
    pub(super) async fn check_query(&self, request: &HttpRequest) -> Result<(), Problem> {
        if self.callers == Callers::Service {
            return Ok(());
        }
        let Err(refusal) = self.read_query(request.query_string()) else { return Ok(()) };
        Err(self.callers.missing(request).await.unwrap_or(refusal))
    }

    /// Refuses a query with a name that the description does not have, whoever asks.
    pub(super) fn read_query(&self, query: &str) -> Result<(), Problem> {
        let knows = |name: &str| self.queries.iter().any(|known| known == name);
        for sent in query.split('&').filter(|sent| !sent.is_empty()) {
            let name = sent.split_once('=').map_or(sent, |(name, _)| name);
            if knows(name) {
                continue;
            }
            // Perhaps it is one that is written in another way.
            let read = web::Query::<Vec<(String, String)>>::from_query(name);
            let read = read.map_err(|error| invalid_query(&error))?.into_inner();
            let read = read.first().map_or("", |(name, _)| name);
            if !knows(read) {
                return Err(invalid_query(&format!("unknown parameter `{read}`")));
            }
        }
        Ok(())
    }
}

/// Refuses a query with a name that the description does not have.
pub(super) fn check_query_of_service(request: &HttpRequest) -> Result<(), Problem> {
    let routes = request.app_data::<web::Data<Routes>>();
    let act = routes.filter(|_| !request.query_string().is_empty()).and_then(|routes| routes.act(request));
    act.map_or(Ok(()), |act| act.read_query(request.query_string()))
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder};
    use utoipa::openapi::{InfoBuilder, OpenApiBuilder};

    use super::*;

    fn routes() -> Routes {
        let item = || PathItem::new(HttpMethod::Get, OperationBuilder::new().build());
        let paths = ["/v1/users/search", "/v1/users/{id}", "/v1/users/{id}/counts", "/v1/exports/{kind}.csv"];
        let paths = paths.iter().fold(PathsBuilder::new(), |paths, path| paths.path(*path, item()));
        let info = InfoBuilder::new().title("t").version("1").build();
        Routes::of("sample", &OpenApiBuilder::new().info(info).paths(paths.build()).build())
    }

    #[test]
    fn a_path_leads_to_the_route_that_the_router_finds() {
        let routes = routes();
        for path in [
            "/v1/users/search",
            "/v1/users/7",
            "/v1/users/7/counts",
            "/v1/exports/blocks.csv",
            "/openapi.json",
            "/docs",
            "/docs/index.html",
        ] {
            assert_eq!(routes.allow(path), Some("GET, HEAD"), "{path}");
        }
        for path in
            ["", "/", "/v1/users", "/v1/users/", "/v1/users/7/", "/v1/users//counts", "/v1/exports/.csv"]
        {
            assert_eq!(routes.allow(path), None, "{path}");
        }
    }
}
