//! The one place where a denial becomes a status.

use actix_web::http::StatusCode;
use shared::problem::{FieldError, Problem};

use crate::domain::denial::Denial;
use crate::domain::field::FieldProblem;
use crate::domain::window::TooMany;
use crate::handle::UserError;

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Denied(denial) => denied(denial),
            UserError::Invalid(problems) => Self::validation(problems.into_iter().map(field_error).collect()),
            UserError::TooManyTries(TooMany { max, wait }) => {
                Self::rate_limited("Too many wrong passwords; wait before the next try.", max, wait)
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
        Denial::TooManyCodes(TooMany { max, wait }) | Denial::TooManyMails(TooMany { max, wait }) => {
            return Problem::rate_limited(denial.to_string(), max, wait);
        }
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
        Denial::Overloaded | Denial::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    Problem::new(status, denial.code(), denial.to_string())
}

fn field_error(problem: FieldProblem) -> FieldError {
    FieldError { field: problem.field.into(), code: problem.code.into(), detail: problem.detail }
}
