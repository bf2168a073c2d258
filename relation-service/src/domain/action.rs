//! What one person can do to another.

use std::time::Duration;

/// An act of the source towards the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Follow, or ask to if the target is private; repeated, it changes only the options sent (R1, R6, R12).
    Follow {
        /// The option as sent; `None` leaves it as it is, and means false for a new edge.
        notify: Option<bool>,
    },
    /// End the source's follow, or cancel the source's request (R7, R8).
    Unfollow,
    /// Accept the target's request to follow the source (R14).
    Accept,
    /// Reject the target's request to follow the source (R17).
    Reject,
    /// End the target's follow of the source (R25).
    RemoveFollower,
    /// Block the target, which ends follows and requests both ways (R29).
    Block,
    /// End the source's block; nothing that it removed comes back (R31).
    Unblock,
    /// Mute the target, in place of an earlier mute (R37 to R39).
    Mute {
        /// Notifications too.
        notifications: bool,
        /// For how long; `None` is for ever.
        duration: Option<Duration>,
    },
    /// End the source's mute.
    Unmute,
    /// Mute the target as a file says, in which mutes have no end: one that holds keeps its own.
    KeepMuted {
        /// Notifications too; `None` leaves a mute as it is, and means true for a new one.
        notifications: Option<bool>,
    },
    /// End the source's follow because a file that replaces the list leaves the target out.
    LeaveOut,
    /// Mark the target, a follower, as a close friend.
    MarkClose,
    /// Take that mark away.
    UnmarkClose,
}
