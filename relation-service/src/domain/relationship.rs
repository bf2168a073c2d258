//! A pair as one of the two may see it.

use shared::clock::Micros;

use super::pair::{Edge, Pair};

/// What the viewer, the pair's source, is told about the target.
///
/// There is no word for the target's block. Beside it the viewer's own edge is nothing or a block, so a
/// target who blocks looks like a stranger, or like somebody whom the viewer blocks, without a special case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relationship {
    /// The viewer follows the target.
    pub following: bool,
    /// The target follows the viewer.
    pub followed_by: bool,
    /// Both.
    pub friends: bool,
    /// The viewer has asked to follow the target.
    pub requested: bool,
    /// The target has asked to follow the viewer.
    pub requested_by: bool,
    /// The viewer blocks the target.
    pub blocking: bool,
    /// The viewer mutes the target.
    pub muting: bool,
    /// When the mute ends by itself.
    pub mute_expires_at: Option<Micros>,
    /// The mute covers notifications.
    pub mute_notifications: bool,
    /// The target is a close friend of the viewer's.
    pub close_friend: bool,
    /// The viewer's private note about the target; empty for none.
    pub note: String,
    /// The option of the viewer's follow or request.
    pub notify: bool,
    /// When the viewer's follow began.
    pub followed_at: Option<Micros>,
    /// When the target's follow began.
    pub followed_by_at: Option<Micros>,
}

impl Relationship {
    /// The view of the pair's source at a time: a mute that is over is none.
    pub fn from_pair(pair: Pair, now: Micros) -> Self {
        let Pair { forward, backward, marks, .. } = pair.at(now);
        Self {
            following: forward.is_follow(),
            followed_by: backward.is_follow(),
            friends: pair.is_friends(),
            requested: forward.is_request(),
            requested_by: backward.is_request(),
            blocking: forward.is_block(),
            muting: marks.mute.is_some(),
            mute_expires_at: marks.mute.and_then(|mute| mute.expires_at),
            mute_notifications: marks.mute.is_some_and(|mute| mute.notifications),
            close_friend: marks.close_friend.is_some(),
            note: String::new(),
            notify: forward.notify(),
            followed_at: follow_since(forward),
            followed_by_at: follow_since(backward),
        }
    }

    /// The same with the viewer's note, which is kept beside the pair.
    pub fn with_note(self, note: String) -> Self {
        Self { note, ..self }
    }
}

fn follow_since(edge: Edge) -> Option<Micros> {
    if edge.is_follow() { edge.since() } else { None }
}
