//! What a path or a method that does not exist answers: 404, or 405 with the methods that do.

use actix_web::dev::ResourceDef;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::openapi::OpenApi;

use crate::problem::Problem;

/// What describes the routes is not among them.
const UNDESCRIBED: [&str; 3] = ["/openapi.json", "/docs", "/docs/{page}*"];

/// The paths of a service and their methods, taken from its OpenAPI description.
pub(super) struct Routes(Vec<(ResourceDef, String)>);

impl Routes {
    pub(super) fn of(spec: &OpenApi) -> Self {
        let methods = |path: &utoipa::openapi::PathItem| {
            let all = [
                ("GET", path.get.is_some()),
                ("PUT", path.put.is_some()),
                ("POST", path.post.is_some()),
                ("PATCH", path.patch.is_some()),
                ("DELETE", path.delete.is_some()),
            ];
            all.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        };
        let described = spec.paths.paths.iter().map(|(path, item)| (path.as_str(), methods(item)));
        let pages = UNDESCRIBED.map(|path| (path, "GET".to_owned()));
        Self(described.chain(pages).map(|(path, methods)| (ResourceDef::new(path), methods)).collect())
    }

    /// The methods of every route that `path` matches.
    fn allow(&self, path: &str) -> Option<String> {
        let matching: Vec<&str> = self
            .0
            .iter()
            .filter(|(pattern, _)| pattern.is_match(path))
            .flat_map(|(_, methods)| methods.split(", "))
            .collect();
        let known =
            ["GET", "PUT", "POST", "PATCH", "DELETE"].into_iter().filter(|name| matching.contains(name));
        Some(known.collect::<Vec<_>>().join(", ")).filter(|allow| !allow.is_empty())
    }
}

pub(super) async fn no_such_route(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let routes = request.app_data::<web::Data<Routes>>();
    match routes.and_then(|routes| routes.allow(request.path())) {
        Some(allow) => Err(Problem::method_not_allowed(allow)),
        None => Err(Problem::no_such_route()),
    }
}
