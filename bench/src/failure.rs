//! Why a run fails.

use std::io;

use shared::db::StoreError;

/// Shown on standard error.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file, an address or a process.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The services answered something else than they should.
    #[error("{operation}: unexpected answers: {what}")]
    Unexpected {
        /// Asked what.
        operation: String,
        /// Which answers, how often.
        what: String,
    },
    /// The audit found something; its lines are printed already.
    #[error("the audit after the run found drift: what was measured was not right")]
    Drift,
    /// Slower than the baseline by more than it may.
    #[error("slower than the baseline: {0}")]
    Slower(String),
    /// After a fault.
    #[error("{0} things should not have been; they are named in the report")]
    NotHealed(usize),
    /// Asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// 2 for what a change of the command would mend, 1 for everything else.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => shared::process::EXIT_USAGE,
            Self::Io(_)
            | Self::Store(_)
            | Self::Unexpected { .. }
            | Self::Drift
            | Self::Slower(_)
            | Self::NotHealed(_)
            | Self::Interrupted => 1,
        }
    }
}
