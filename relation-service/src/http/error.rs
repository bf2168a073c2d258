//! The one place where a refusal becomes a status.

use std::time::Duration;

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

/// A limit of which nothing is left for so long.
pub(super) fn used_up(at_most: usize, wait: Duration) -> RateLimit {
    told(Quota { at_most, left: 0, wait })
}

/// What answers tell of a quota.
pub(super) fn told(quota: Quota) -> RateLimit {
    let number = |count| u32::try_from(count).unwrap_or(u32::MAX);
    let Quota { at_most, left, wait } = quota;
    RateLimit { limit: number(at_most), remaining: number(left), resets_in_secs: whole_seconds(wait) }
}

/// Seconds to wait before another try: none too few.
fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u32::MAX)
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
        return problem.used_up(used_up(at_most, wait));
    }
    problem
}
