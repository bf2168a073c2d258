//! The one place where a refusal becomes a status.

use actix_web::http::StatusCode;
use shared::problem::Problem;

use crate::domain::Refusal;
use crate::handle::RelationError;

impl From<RelationError> for Problem {
    fn from(error: RelationError) -> Self {
        match error {
            RelationError::Refused(refusal) => refused(refusal),
            RelationError::PrivateList => Self::forbidden("private_list", "This list is private."),
            RelationError::Store(error) => error.into(),
        }
    }
}

fn refused(refusal: Refusal) -> Problem {
    let status = match refusal {
        Refusal::UserNotFound | Refusal::NoSuchRequest => StatusCode::NOT_FOUND,
        Refusal::YouBlockThem => StatusCode::FORBIDDEN,
        Refusal::SelfRelation
        | Refusal::FollowingLimitReached
        | Refusal::RequestLimitReached
        | Refusal::BlockLimitReached
        | Refusal::MuteLimitReached
        | Refusal::NotAFollower => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Problem::new(status, refusal.code(), refusal.to_string())
}
