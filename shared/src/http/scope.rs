//! The scopes of service tokens, and requests that need one.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest};

use super::ServiceClient;
use super::auth::service_caller;
use super::routes::check_query_of_service;
use crate::problem::Problem;

/// What a service token may open.
pub trait Scope: 'static {
    /// Its name on the wire.
    const NAME: &'static str;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $scope:ident = $name:literal),+ $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $scope;

            impl Scope for $scope {
                const NAME: &'static str = $name;
            }
        )+

        /// The names of all of them.
        pub const SCOPES: &[&str] = &[$($scope::NAME),+];
    };
}

scopes! {
    /// Reading the feed of events.
    Events = "events",
    /// Asking whether people may see or address others.
    Visibility = "visibility",
    /// Asking how people stand to each other.
    Relationships = "relationships",
    /// Reading whole lists.
    Fanout = "fanout",
    /// Having everything recounted.
    Audit = "audit",
    /// Facts about people, hidden ones included.
    Facts = "facts",
}

/// What a service asks, read only once it is known that it holds the scope `S`: nobody is 401, and a person or a token
/// without the scope 403, whatever else is wrong with the request.
#[derive(Debug)]
pub struct Granted<S, T = ()> {
    /// Who asks.
    pub client: ServiceClient,
    /// What.
    pub asked: T,
    scope: PhantomData<S>,
}

impl<S: Scope, T: FromRequest + 'static> FromRequest for Granted<S, T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let client = granted::<S>(&request).await?;
            check_query_of_service(&request)?;
            let asked = T::from_request(&request, &mut payload).await.map_err(Into::into)?;
            Ok(Self { client, asked, scope: PhantomData })
        })
    }
}

async fn granted<S: Scope>(request: &HttpRequest) -> Result<ServiceClient, Problem> {
    service_caller(request).await?.with_scope(S::NAME)
}
