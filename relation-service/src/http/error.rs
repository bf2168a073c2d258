//! The one place where a refusal becomes a status.

use actix_web::http::StatusCode;
use shared::problem::Problem;
use shared::rate_limit::RateLimit;

use crate::domain::{Quota, Refusal};
use crate::handle::RelationError;

impl From<RelationError> for Problem {
    fn from(error: RelationError) -> Self {
        match error {
            RelationError::Refused(refusal) => refused(refusal),
            RelationError::Import(denial) => super::import::denied(denial),
            RelationError::PrivateList => Self::forbidden("private_list", "This list is private."),
            RelationError::AuditRuns => {
                Self::new(StatusCode::CONFLICT, "audit_running", RelationError::AuditRuns.to_string())
            }
            RelationError::Store(error) => error.into(),
        }
    }
}

/// What answers tell of a quota.
pub(super) fn told(Quota { at_most, left, wait }: Quota) -> RateLimit {
    RateLimit { max: number(at_most), remaining: number(left), resets_in: wait }
}

/// As answers tell it.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
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
        | Refusal::CloseFriendLimitReached
        | Refusal::NoteLimitReached
        | Refusal::NotAFollower => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::FollowQuotaExceeded { .. } => StatusCode::TOO_MANY_REQUESTS,
    };
    let problem = Problem::new(status, refusal.code(), refusal.to_string());
    if let Refusal::FollowQuotaExceeded { at_most, wait } = refusal {
        return problem.used_up(number(at_most), wait);
    }
    problem
}
