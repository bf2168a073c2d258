//! What the OpenAPI descriptions of both services have in common. A route describes what is its own; what
//! all share is built once, and so described once: here.

use utoipa::Modify;
use utoipa::openapi::content::Content;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, Ref, RefOr, Required, Response};

use crate::id::ids_pattern;
use crate::page::CURSOR_PATTERN;

/// Adds the two ways to say who calls: `user` and `service`.
pub struct Security;

impl Modify for Security {
    fn modify(&self, description: &mut OpenApi) {
        let bearer = |text: &str, format: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
            SecurityScheme::Http(scheme.description(Some(text)).build())
        };
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("user", bearer("An access token of user-service.", "JWT"));
        components.add_security_scheme("service", bearer("A service token.", "mst"));
    }
}

/// Whether the answers of a service say as of which revision they are true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revisions {
    /// They do, and a request may ask for one.
    Stated,
    /// They do not.
    Absent,
}

/// Completes a description by what every route of the service does.
pub fn complete(spec: &mut OpenApi, revisions: Revisions) {
    for (path, item) in &mut spec.paths.paths {
        let has_id = path.contains('{');
        for (method, operation) in operations(item) {
            parameters(operation, revisions);
            not_null(operation);
            refusals(operation, method, has_id, revisions);
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    complete_response(status, response, revisions);
                }
            }
        }
    }
    let mut wrong_method = Response::new("`method_not_allowed`: any path, any method that it does not have");
    complete_response("405", &mut wrong_method, revisions);
    let components = spec.components.get_or_insert_default();
    components.responses.insert("MethodNotAllowed".to_owned(), wrong_method.into());
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let all = [
        (HttpMethod::Get, &mut item.get),
        (HttpMethod::Put, &mut item.put),
        (HttpMethod::Post, &mut item.post),
        (HttpMethod::Delete, &mut item.delete),
        (HttpMethod::Patch, &mut item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn parameters(operation: &mut Operation, revisions: Revisions) {
    let parameters = operation.parameters.get_or_insert_default();
    for parameter in parameters.iter_mut() {
        if let RefOr::T(parameter) = parameter {
            settle(parameter);
        }
    }
    if revisions == Revisions::Stated {
        let schema = whole_number().minimum(Some(0)).maximum(Some(i64::MAX));
        let at_least = ParameterBuilder::new()
            .name("Mutual-At-Least")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("A `Mutual-Revision`: wait up to a second for it, else 503 `not_caught_up`"))
            .schema(Some(schema));
        parameters.push(at_least.build().into());
        let fast = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["fast"]));
        let consistency = ParameterBuilder::new()
            .name("Mutual-Consistency")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "`fast`: an answer that may lack what other instances have committed a moment ago",
            ))
            .schema(Some(fast));
        parameters.push(consistency.build().into());
    }
    operation.parameters = operation.parameters.take().filter(|all| !all.is_empty());
}

/// A parameter that may be left out is not null for that; those that many routes have look the same on all.
fn settle(parameter: &mut Parameter) {
    if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
        && let SchemaType::Array(types) = &schema.schema_type
        && let Some(only) = types.iter().find(|kind| **kind != Type::Null)
    {
        schema.schema_type = only.clone().into();
    }
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let shared = match (&parameter.parameter_in, parameter.name.as_str()) {
        // More is taken as the most, so there is no maximum.
        (ParameterIn::Query, "limit") => whole_number().minimum(Some(1)),
        (ParameterIn::Query, "cursor") => text().pattern(Some(CURSOR_PATTERN)),
        (ParameterIn::Query, "ids") => text().pattern(Some(ids_pattern())).examples(["4503599627370496"]),
        _ => return,
    };
    parameter.schema = Some(shared.into());
}

fn whole_number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

/// A body that may be left out is not null for that.
fn not_null(operation: &mut Operation) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        let Some(RefOr::T(Schema::OneOf(choice))) = &content.schema else { continue };
        let mut real = choice.items.iter().filter(|item| !is_null(item));
        if let (Some(only), None) = (real.next(), real.next()) {
            content.schema = Some(only.clone());
        }
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// What is refused before a route's own rules are asked, by what the route takes.
fn refusals(operation: &mut Operation, method: HttpMethod, has_id: bool, revisions: Revisions) {
    let (asks, body) = (operation.security.is_some(), operation.request_body.is_some());
    let stated = revisions == Revisions::Stated;
    let decides = body || (method != HttpMethod::Get && has_id);
    let implied = [
        ("400", true, "`invalid_…`, `malformed_json`, `too_many_ids`: cannot be read"),
        ("401", asks, "`unauthenticated`: no token where one is needed, or one that is not valid"),
        ("403", asks, "Not for this caller: the code says why"),
        ("404", has_id, "Nobody and nothing there, or not for this caller to know"),
        ("408", body, "`body_too_slow`"),
        ("413", body, "`body_too_large`: more than 64 KiB"),
        ("415", body, "`unsupported_media_type`: not `application/json`"),
        ("422", decides, "Understood and refused: the code, or `errors`, says why"),
        ("503", stated, "`overloaded`, `unavailable` or `not_caught_up`"),
    ];
    let responses = &mut operation.responses.responses;
    responses.remove("4XX");
    for (status, _, text) in implied.into_iter().filter(|(_, applies, _)| *applies) {
        responses.entry(status.to_owned()).or_insert_with(|| Response::new(text).into());
    }
}

fn complete_response(status: &str, response: &mut Response, revisions: Revisions) {
    let refused = status.starts_with(['4', '5']);
    if refused && response.content.is_empty() {
        let body = Content::new(Some(Ref::from_schema_name("ProblemBody")));
        response.content.insert("application/problem+json".to_owned(), body.into());
    }
    let text = |about: &str| {
        HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .description(Some(about))
            .build()
    };
    let number = |about: &str, minimum: i64| {
        HeaderBuilder::new()
            .schema(Some(whole_number().minimum(Some(minimum))))
            .description(Some(about))
            .build()
    };
    let mut add = |name: &str, header: Header| {
        response.headers.entry(name.to_owned()).or_insert_with(|| header.into());
    };
    add("X-Request-Id", text("As it was sent, or made"));
    if revisions == Revisions::Stated {
        add("Mutual-Revision", number("The answer includes this event and all before it", 0));
    }
    match status {
        "405" => add("Allow", text("The methods that it has")),
        "401" => add("WWW-Authenticate", text("`Bearer`")),
        "429" | "503" => add("Retry-After", number("Seconds", 1)),
        _ => {}
    }
    if status == "429" {
        for name in ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"] {
            add(name, number("See the conventions", 0));
        }
    }
}
