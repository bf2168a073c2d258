//! Who calls: the one place where a request's `Authorization` becomes a person, a service or nobody.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};

use super::{ServiceClient, ServiceTokens};
use crate::id::{SessionId, UserId};
use crate::problem::Problem;
use crate::token::TokenVerifier;

/// What a service needs to know its callers.
pub struct Auth {
    /// For people.
    pub tokens: Arc<TokenVerifier>,
    /// For other services.
    pub services: ServiceTokens,
}

/// A signed-in person. Nobody is 401, a service 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// Who.
    pub id: UserId,
    /// Signed in where.
    pub session: SessionId,
}

/// A signed-in person or nobody. A token that is not valid is 401 all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaybeViewer(pub Option<UserId>);

/// Another backend service. Nobody is 401, a person 403.
pub(super) struct ServiceCaller(ServiceClient);

impl ServiceCaller {
    /// The client, if it holds `scope`; 403 otherwise.
    pub(super) fn with_scope(self, scope: &str) -> Result<ServiceClient, Problem> {
        if self.0.may(scope) {
            return Ok(self.0);
        }
        Err(Problem::forbidden("missing_scope", format!("This needs the scope {scope}.")))
    }
}

/// What stands before an access token, in any case.
const SCHEME: &str = "Bearer ";

/// The raw claim of a request: its bearer token, if it sent one.
struct Claimed<'r>(Option<&'r str>);

impl<'r> Claimed<'r> {
    fn of(headers: &'r HeaderMap) -> Result<Self, Problem> {
        let mut sent = headers.get_all(AUTHORIZATION);
        let Some(value) = sent.next() else { return Ok(Self(None)) };
        // Not `to_str`, which looks at each character: a token with others than it may have is refused in any case.
        let text = std::str::from_utf8(value.as_bytes()).ok().filter(|_| sent.next().is_none());
        let bearer = text
            .and_then(|text| text.split_at_checked(SCHEME.len()))
            .filter(|(scheme, token)| scheme.eq_ignore_ascii_case(SCHEME) && !token.is_empty());
        match bearer {
            Some((_, token)) => Ok(Self(Some(token.trim()))),
            None => Err(Problem::unauthenticated("Send Authorization: Bearer and an access token.")),
        }
    }

    fn required(self) -> Result<&'r str, Problem> {
        self.0.ok_or_else(|| Problem::unauthenticated("This needs an access token."))
    }
}

fn auth(request: &HttpRequest) -> Result<&web::Data<Auth>, Problem> {
    request.app_data::<web::Data<Auth>>().ok_or_else(Problem::internal)
}

fn person(auth: &Auth, token: &str) -> Result<Viewer, Problem> {
    if ServiceTokens::is_service_token(token) {
        return Err(Problem::forbidden("not_for_services", "This route is for people, not for services."));
    }
    let said = auth.tokens.verify(token)?;
    Ok(Viewer { id: said.user, session: said.session })
}

async fn service(auth: &Auth, token: &str) -> Result<ServiceCaller, Problem> {
    if !ServiceTokens::is_service_token(token) {
        auth.tokens.verify(token)?;
        return Err(Problem::forbidden("only_for_services", "This route is for services, not for people."));
    }
    let client = auth.services.verify(token).await?;
    client.map(ServiceCaller).ok_or_else(|| Problem::unauthenticated("The service token is not valid."))
}

/// The person who sends a request with these headers, or nobody: if that is known without another look at the token.
pub(super) fn known_caller(auth: &Auth, headers: &HeaderMap) -> Option<Option<Viewer>> {
    let Some(token) = Claimed::of(headers).ok()?.0 else { return Some(None) };
    let said = auth.tokens.recall(token)?;
    Some(Some(Viewer { id: said.user, session: said.session }))
}

/// A service's token, kept to be looked at again while a long answer goes on.
pub struct Pass {
    auth: web::Data<Auth>,
    token: String,
}

impl Pass {
    /// The token of this request.
    pub fn of(request: &HttpRequest) -> Result<Self, Problem> {
        Ok(Self {
            auth: auth(request)?.clone(),
            token: Claimed::of(request.headers())?.required()?.to_owned(),
        })
    }

    /// Whether it is still a service's, with this scope.
    pub async fn still_opens(&self, scope: &str) -> bool {
        service(&self.auth, &self.token).await.is_ok_and(|caller| caller.with_scope(scope).is_ok())
    }
}

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let viewer = || person(auth(request)?, Claimed::of(request.headers())?.required()?);
        std::future::ready(viewer())
    }
}

impl FromRequest for MaybeViewer {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let viewer = || match Claimed::of(request.headers())?.0 {
            Some(token) => Ok(Self(Some(person(auth(request)?, token)?.id))),
            None => Ok(Self(None)),
        };
        std::future::ready(viewer())
    }
}

/// The service that sends this request.
pub(super) async fn service_caller(request: &HttpRequest) -> Result<ServiceCaller, Problem> {
    let token = Claimed::of(request.headers())?.required()?;
    service(auth(request)?, token).await
}
