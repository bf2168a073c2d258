//! Why a request is not answered as asked, in the words of the rules.

use shared::db::StoreError;

use crate::domain::{Hidden, ImportDenial, Refusal};

/// Everything that can keep this service from doing what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum RelationError {
    /// The rules of relations refuse it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An import does not begin, or is not there.
    #[error(transparent)]
    Import(#[from] ImportDenial),
    /// R44: the list is not for this viewer.
    #[error("This list is private.")]
    PrivateList,
    /// An audit runs that only looks.
    #[error("An audit is running that repairs nothing. Try again when it has ended.")]
    AuditRuns,
    /// The store cannot do it now, or at all.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Hidden> for RelationError {
    fn from(hidden: Hidden) -> Self {
        match hidden {
            Hidden::NotFound => Self::Refused(Refusal::UserNotFound),
            Hidden::Private | Hidden::ListsFor(_) => Self::PrivateList,
        }
    }
}
