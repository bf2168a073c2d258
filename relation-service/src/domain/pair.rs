//! What two people are to each other.

use shared::clock::Micros;

use super::marks::Marks;

/// What one person holds towards another. One value per ordered pair, so a follow, a request and a block
/// in the same direction exclude each other by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edge {
    /// Nothing.
    #[default]
    None,
    /// Follows.
    Follow {
        /// When the follow began; for an accepted request, when it was accepted.
        since: Micros,
        /// Wants to be told of new posts.
        notify: bool,
    },
    /// Has asked to follow a private account and waits for the answer.
    Request {
        /// When it was asked.
        since: Micros,
        /// Carried into the follow on acceptance.
        notify: bool,
    },
    /// Blocks.
    Block {
        /// When the block began.
        since: Micros,
    },
}

impl Edge {
    /// An accepted follow; a request does not count.
    pub const fn is_follow(self) -> bool {
        matches!(self, Self::Follow { .. })
    }

    /// A request that waits for its answer.
    pub const fn is_request(self) -> bool {
        matches!(self, Self::Request { .. })
    }

    /// A block.
    pub const fn is_block(self) -> bool {
        matches!(self, Self::Block { .. })
    }

    /// When the edge took its present kind; options do not move it.
    pub const fn since(self) -> Option<Micros> {
        match self {
            Self::None => None,
            Self::Follow { since, .. } | Self::Request { since, .. } | Self::Block { since } => Some(since),
        }
    }

    /// The option of a follow or a request; false where there is neither.
    pub const fn notify(self) -> bool {
        match self {
            Self::Follow { notify, .. } | Self::Request { notify, .. } => notify,
            Self::None | Self::Block { .. } => false,
        }
    }

    /// This edge with its option replaced if one was sent; everything else, `since` included, stays.
    pub(super) const fn with_notify(self, sent: Option<bool>) -> Self {
        match (self, sent) {
            (Self::Follow { since, .. }, Some(notify)) => Self::Follow { since, notify },
            (Self::Request { since, .. }, Some(notify)) => Self::Request { since, notify },
            (edge, _) => edge,
        }
    }
}

/// Both directions between a source (who acts or looks) and a target.
///
/// Beside a block the other direction is nothing or a block: [`super::decide()`] keeps that, R11 and R29.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pair {
    /// What the source holds towards the target.
    pub forward: Edge,
    /// What the target holds towards the source.
    pub backward: Edge,
    /// What the source keeps about the target.
    pub marks: Marks,
    /// What the target keeps about the source.
    pub back_marks: Marks,
}

impl Pair {
    /// The same pair as the other person sees it.
    pub const fn flip(self) -> Self {
        Self {
            forward: self.backward,
            backward: self.forward,
            marks: self.back_marks,
            back_marks: self.marks,
        }
    }

    /// The same pair without marks that are over at this time.
    pub fn at(self, now: Micros) -> Self {
        Self { marks: self.marks.at(now), back_marks: self.back_marks.at(now), ..self }
    }

    /// The same pair without marks that went with a follow, whoever ended it and how (R7, R29).
    pub(super) fn without_lost_marks(self) -> Self {
        let marks = self.marks.beside(self.backward.is_follow());
        Self { marks, back_marks: self.back_marks.beside(self.forward.is_follow()), ..self }
    }

    /// Each follows the other (R27). Derived, never stored, so it ends with either follow (R28).
    pub const fn is_friends(self) -> bool {
        self.forward.is_follow() && self.backward.is_follow()
    }

    /// When the later of the two follows began.
    pub fn friends_since(self) -> Option<Micros> {
        if self.is_friends() { self.forward.since().max(self.backward.since()) } else { None }
    }
}
