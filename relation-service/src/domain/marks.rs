//! What one person keeps about another without the other being told.

use shared::clock::Micros;

/// A mute. It ends by itself: whether it still holds is asked of the time, not of a job (R39).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mute {
    /// When it began; replacing it does not move that.
    pub since: Micros,
    /// The first moment at which it no longer holds; `None` holds for ever.
    pub expires_at: Option<Micros>,
    /// Notifications are muted too.
    pub notifications: bool,
}

impl Mute {
    fn holds(self, now: Micros) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// One person's marks on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// The mute, perhaps one that is over.
    pub mute: Option<Mute>,
    /// Since when the other is a close friend: a follower of whom this person has said so.
    pub close_friend: Option<Micros>,
}

impl Marks {
    /// Those that hold at this time.
    pub fn at(self, now: Micros) -> Self {
        Self { mute: self.mute.filter(|mute| mute.holds(now)), ..self }
    }

    /// Those that stay when the other follows this person, or does not: a close friend is a follower (R7).
    pub(super) fn beside(self, follower: bool) -> Self {
        Self { close_friend: self.close_friend.filter(|_| follower), ..self }
    }
}
