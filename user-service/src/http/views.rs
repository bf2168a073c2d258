//! How people and sessions look on the wire.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use serde::{Serialize, Serializer};
use shared::clock::Micros;
use shared::facts::AccountStatus;
use shared::id::{SessionId, UserId};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::account::{Role, User};
use crate::domain::email::Email;
use crate::domain::privacy::Privacy;
use crate::handle::{SignedIn, Tokens};

/// Says which service has not honoured a change yet.
pub(super) const PENDING: (HeaderName, &str) = (HeaderName::from_static("mutual-pending"), "relation");

/// What was asked for is done, or will be, if it can be: nothing more is told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// `accepted`.
    status: &'static str,
}

/// Answers 202.
pub(super) fn accepted() -> HttpResponse {
    HttpResponse::Accepted().json(Accepted { status: "accepted" })
}

/// A person as anybody sees them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
struct PublicBody<'u> {
    id: UserId,
    /// In lower case.
    username: &'u str,
    /// Empty if none was given.
    display_name: &'u str,
    /// Empty if none was given.
    bio: &'u str,
    avatar_url: Option<&'u str>,
    links: &'u [String],
    /// ISO 3166-1 alpha-2.
    region: Option<&'u str>,
    /// Following needs the person's consent.
    private_account: bool,
    /// A moderator vouches for the person.
    verified: bool,
    created_at: Micros,
}

/// The same, before it is written: nothing of a person who is remembered is copied.
#[derive(Debug)]
pub(super) struct PublicView(Arc<User>);

impl From<Arc<User>> for PublicView {
    fn from(user: Arc<User>) -> Self {
        Self(user)
    }
}

impl From<User> for PublicView {
    fn from(user: User) -> Self {
        Self(Arc::new(user))
    }
}

impl Serialize for PublicView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let user = &*self.0;
        let body = PublicBody {
            id: user.id,
            username: user.username.as_str(),
            display_name: &user.display_name,
            bio: &user.bio,
            avatar_url: user.avatar_url.as_deref(),
            links: &user.links,
            region: user.region.as_deref(),
            private_account: user.privacy.private_account,
            verified: user.verified,
            created_at: user.created_at,
        };
        body.serialize(serializer)
    }
}

impl PartialSchema for PublicView {
    fn schema() -> RefOr<Schema> {
        PublicBody::schema()
    }
}

impl ToSchema for PublicView {
    fn name() -> Cow<'static, str> {
        PublicBody::name()
    }
}

/// A person as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnUser)]
pub(super) struct OwnView {
    #[serde(flatten)]
    public: PublicView,
    /// Null for people of another system.
    #[schema(value_type = Option<String>)]
    email: Option<Email>,
    email_verified: bool,
    /// BCP 47.
    language: Option<String>,
    privacy: Privacy,
    role: Role,
    status: AccountStatus,
}

impl From<User> for OwnView {
    fn from(user: User) -> Self {
        Self {
            email: user.email.clone(),
            email_verified: user.email_verified,
            language: user.language.clone(),
            privacy: user.privacy,
            role: user.role,
            status: user.status,
            public: user.into(),
        }
    }
}

/// The tokens of a session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionView {
    id: SessionId,
    /// For `Authorization: Bearer`.
    access_token: String,
    access_expires_at: Micros,
    /// For one use of `POST /v1/sessions/refresh`.
    refresh_token: String,
    refresh_expires_at: Micros,
    /// `Bearer`.
    token_type: &'static str,
}

impl From<Tokens> for SessionView {
    fn from(tokens: Tokens) -> Self {
        Self {
            id: tokens.session,
            access_token: tokens.access_token.reveal().to_owned(),
            access_expires_at: tokens.access_expires_at,
            refresh_token: tokens.refresh_token.reveal().to_owned(),
            refresh_expires_at: tokens.refresh_expires_at,
            token_type: "Bearer",
        }
    }
}

/// A person who has just signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(super) struct SignedInView {
    user: OwnView,
    session: SessionView,
}

/// The tokens alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refreshed)]
pub(super) struct RefreshedView {
    session: SessionView,
}

/// Answers who has signed in. Tokens are for nobody's cache.
pub(super) fn signed_in_answer(signed_in: SignedIn) -> HttpResponse {
    let SignedIn { user, tokens, pending } = signed_in;
    let view = SignedInView { user: user.into(), session: tokens.into() };
    let mut response = HttpResponse::Created();
    if pending {
        response.insert_header(PENDING);
    }
    response.insert_header((CACHE_CONTROL, "no-store")).json(view)
}

/// Answers the next tokens.
pub(super) fn refreshed_answer(tokens: Tokens) -> HttpResponse {
    let view = RefreshedView { session: tokens.into() };
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(view)
}
