//! Why a request is not answered as asked, in the words of the rules.

use shared::db::StoreError;

use crate::domain::denial::Denial;
use crate::domain::field::FieldProblem;
use crate::domain::window::TooMany;

/// Everything that can keep this service from doing what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The rules deny it.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// Some fields are refused.
    #[error("some fields are refused")]
    Invalid(Vec<FieldProblem>),
    /// Too many passwords were wrong.
    #[error("too many wrong passwords")]
    TooManyTries(TooMany),
    /// The store cannot do it now, or at all.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// relation-service cannot be asked.
    #[error("relation-service cannot be asked: {0}")]
    RelationsAway(String),
    /// Our own fault.
    #[error("{0}")]
    Internal(String),
}

impl From<Vec<FieldProblem>> for UserError {
    fn from(problems: Vec<FieldProblem>) -> Self {
        Self::Invalid(problems)
    }
}
