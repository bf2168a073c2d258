//! Files of accounts that people bring from elsewhere: what becomes of one.

use std::time::Duration;

use super::action::Action;
use super::import_file::BadFile;

shared::typed_id! {
    /// One file that a person brought. It is the moment at which they did, so newer ones are greater.
    ImportId
}

/// Imports that are kept for one person; the oldest makes room for a new one.
pub const IMPORTS_KEPT_MAX: usize = 20;
/// How long an import is kept, whatever became of it.
pub const IMPORT_KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long the name of a request stands for it: an import that is younger makes no room.
pub const IMPORT_KEY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Failed rows of one import that are kept; beyond them they are only counted.
pub const FAILURES_KEPT_MAX: i64 = 1_000;

/// Which list a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportKind {
    /// Whom the person follows.
    Following,
    /// Whom they block.
    Blocks,
    /// Whom they mute.
    Mutes,
}

impl ImportKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Following => "following",
            Self::Blocks => "blocks",
            Self::Mutes => "mutes",
        }
    }

    /// What a row asks for. Its option is that of the kind; `None` leaves it as it is.
    pub const fn adding(self, option: Option<bool>) -> Action {
        match self {
            Self::Following => Action::Follow { notify: option },
            Self::Blocks => Action::Block,
            Self::Mutes => Action::KeepMuted { notifications: option },
        }
    }

    /// What becomes of who is on the list and not in a file that replaces it.
    pub const fn removing(self) -> Action {
        match self {
            Self::Following => Action::LeaveOut,
            Self::Blocks => Action::Unblock,
            Self::Mutes => Action::Unmute,
        }
    }
}

/// What a file is to the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportMode {
    /// It is added to the list.
    Merge,
    /// It replaces the list.
    Overwrite,
}

impl ImportMode {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Overwrite => "overwrite",
        }
    }
}

/// How far an import has come, as its owner sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportState {
    /// It has not begun.
    Queued,
    /// It is under way.
    Running,
    /// It goes on once user-service can say who its names are.
    Waiting,
    /// It has ended.
    Done,
}

impl ImportState {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Done => "done",
        }
    }
}

/// What the next step of an import does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportPhase {
    /// Finds out whom the rows name: all of them must be known before anybody can be left out.
    Resolve,
    /// Takes those off the list whom the file leaves out, which makes room for the others.
    Remove,
    /// Does what the rows ask for.
    Act,
    /// Decides everything at once without doing it.
    Foresee,
}

impl ImportPhase {
    /// With what an import begins, of a file that is one of accounts or not.
    pub const fn first(mode: ImportMode, dry_run: bool, of_accounts: bool) -> Self {
        match (mode, dry_run) {
            (_, true) => Self::Resolve,
            (ImportMode::Overwrite, false) if of_accounts => Self::Resolve,
            (ImportMode::Merge | ImportMode::Overwrite, false) => Self::Act,
        }
    }

    /// What comes once everybody is known.
    pub const fn after_resolving(dry_run: bool) -> Self {
        if dry_run { Self::Foresee } else { Self::Remove }
    }
}

/// Why an import does not begin, or is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImportDenial {
    /// The file is none of accounts.
    #[error(transparent)]
    BadFile(#[from] BadFile),
    /// One at a time of each kind, so that two files do not undo each other.
    #[error("An import of this kind is under way; wait until it is done.")]
    Running,
    /// The quota of a day is used up.
    #[error("You have begun {at_most} imports within 24 hours, as many as one account may.")]
    TooMany {
        /// The quota.
        at_most: usize,
        /// For how long no other will be taken.
        wait: Duration,
    },
    /// The request's name was sent with another body.
    #[error("This Idempotency-Key was sent with another request.")]
    KeyReused,
    /// None of the caller's.
    #[error("You have no such import.")]
    NotFound,
}
