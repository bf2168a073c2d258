//! The one place where a denial becomes a status.

use actix_web::http::StatusCode;
use shared::problem::{FieldError, Problem};

use crate::domain::denial::Denial;
use crate::domain::field::FieldProblem;
use crate::handle::UserError;

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Denied(denial) => denied(denial),
            UserError::Invalid(problems) => Self::validation(problems.into_iter().map(field_error).collect()),
            UserError::TooManyTries { wait } => {
                let detail = "Too many wrong passwords; wait before the next try.";
                let secs = wait.as_micros().div_ceil(1_000_000);
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail)
                    .retry_after(u32::try_from(secs).unwrap_or(u32::MAX))
            }
            UserError::Store(error) => error.into(),
            UserError::RelationsAway(_) => {
                log::warn!("{error}");
                Self::unavailable()
            }
            UserError::Internal(what) => {
                log::error!("{what}");
                Self::internal()
            }
        }
    }
}

fn denied(denial: Denial) -> Problem {
    let status = match denial {
        Denial::TooManyCodes { wait_secs } => return too_many(denial, wait_secs),
        Denial::UsernameTaken
        | Denial::RenamedRecently
        | Denial::EmailTaken
        | Denial::LastAdmin
        | Denial::TwoFactorEnabled
        | Denial::TwoFactorNotPending
        | Denial::TwoFactorNotEnabled => StatusCode::CONFLICT,
        Denial::InvalidCredentials
        | Denial::TwoFactorRequired
        | Denial::InvalidCode
        | Denial::InvalidRefreshToken
        | Denial::AccountGone => StatusCode::UNAUTHORIZED,
        Denial::WrongPassword
        | Denial::CodeRequired
        | Denial::WrongCode
        | Denial::StepUpRequired
        | Denial::Forbidden
        | Denial::NotOnYourself => StatusCode::FORBIDDEN,
        Denial::SessionNotFound | Denial::UserNotFound => StatusCode::NOT_FOUND,
        Denial::IdempotencyKeyReused | Denial::InvalidToken => StatusCode::UNPROCESSABLE_ENTITY,
        Denial::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Denial::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Denial::TooManyMails { .. } => StatusCode::TOO_MANY_REQUESTS,
    };
    let problem = Problem::new(status, denial.code(), denial.to_string());
    if let Denial::TooManyMails { retry_after_secs } = denial {
        return problem.retry_after(retry_after_secs);
    }
    problem
}

fn too_many(denial: Denial, wait_secs: u32) -> Problem {
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, denial.code(), denial.to_string());
    problem.retry_after(wait_secs)
}

fn field_error(problem: FieldProblem) -> FieldError {
    FieldError { field: problem.field.into(), code: problem.code.into(), detail: problem.detail }
}
