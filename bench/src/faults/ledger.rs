//! What was acknowledged, and so has to be there.
//!
//! Each asker has pairs of its own, so the last acknowledged act of a pair says how it stands. Where an act was refused or
//! not answered, it may have been done all the same, or be done later: from then on nothing but the same act is asked of
//! that pair, until everything has come to rest and was looked at.

/// What one holds towards another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edge {
    /// Nothing.
    #[default]
    None,
    /// A request that waits.
    Requested,
    /// A follow.
    Following,
    /// A block.
    Blocking,
}

/// How a pair stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The edge.
    pub edge: Edge,
    /// Whether there is a mute.
    pub muting: bool,
}

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Follow, or ask to.
    Follow,
    /// End that.
    Unfollow,
    /// The other accepts.
    Accept,
    /// Block.
    Block,
    /// End that.
    Unblock,
    /// Mute.
    Mute,
    /// End that.
    Unmute,
}

/// Two people, of whom one acts towards the other, and how that stands.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Who acts, by number.
    pub viewer: u32,
    /// Towards whom, by number.
    pub target: u32,
    /// Whether the other's account is private.
    pub private: bool,
    /// As it was last acknowledged.
    pub known: Standing,
    /// Acts that were acknowledged.
    pub acknowledged: u64,
    /// What was refused or not answered, and may be done at any time.
    uncertain: Option<Act>,
}

impl Standing {
    /// After an act.
    pub const fn after(self, act: Act, private: bool) -> Self {
        let edge = match (act, self.edge) {
            (Act::Follow, Edge::None) if private => Edge::Requested,
            (Act::Follow, Edge::None) | (Act::Accept, Edge::Requested) => Edge::Following,
            (Act::Unfollow, Edge::Requested | Edge::Following) | (Act::Unblock, Edge::Blocking) => Edge::None,
            (Act::Block, _) => Edge::Blocking,
            (_, edge) => edge,
        };
        let muting = match act {
            Act::Mute => true,
            Act::Unmute => false,
            Act::Follow | Act::Unfollow | Act::Accept | Act::Block | Act::Unblock => self.muting,
        };
        Self { edge, muting }
    }

    /// The acts that change it; one of them is drawn.
    fn acts(self) -> Vec<Act> {
        let mut acts = match self.edge {
            // Twice as often as the others, so that there is something to end.
            Edge::None => vec![Act::Follow, Act::Follow, Act::Block],
            Edge::Requested => vec![Act::Accept, Act::Unfollow, Act::Block],
            Edge::Following => vec![Act::Unfollow, Act::Block],
            Edge::Blocking => vec![Act::Unblock, Act::Unblock],
        };
        acts.push(if self.muting { Act::Unmute } else { Act::Mute });
        acts
    }
}

impl Pair {
    /// Two who have had nothing to do with each other.
    pub const fn new(viewer: u32, target: u32, private: bool) -> Self {
        let known = Standing { edge: Edge::None, muting: false };
        Self { viewer, target, private, known, acknowledged: 0, uncertain: None }
    }

    /// What to do next.
    pub fn draw(&self, rng: &mut fastrand::Rng) -> Act {
        self.uncertain.unwrap_or_else(|| {
            let acts = self.known.acts();
            acts[rng.usize(..acts.len())]
        })
    }

    /// Writes down how an act was answered; 404 says of a repeated answer to a request that it was given before.
    pub fn write_down(&mut self, act: Act, status: Option<u16>) {
        let repeated = self.uncertain == Some(act);
        match status {
            Some(200) => {
                self.known = self.known.after(act, self.private);
                self.acknowledged += 1;
            }
            Some(404) if act == Act::Accept && repeated => self.known = self.known.after(act, self.private),
            _ => self.uncertain = Some(act),
        }
    }

    /// Whether the answers of others can be compared with what is known.
    pub const fn is_certain(&self) -> bool {
        self.uncertain.is_none()
    }

    /// Whether it may stand so.
    pub fn may_be(&self, seen: Standing) -> bool {
        let done = self.uncertain.map(|act| self.known.after(act, self.private));
        seen == self.known || done == Some(seen)
    }

    /// Takes what was seen when everything had come to rest.
    pub const fn settle(&mut self, seen: Standing) {
        self.known = seen;
        self.uncertain = None;
    }
}

/// A person whose display name is changed, and to what.
#[derive(Debug, Clone)]
pub struct Name {
    /// Who, by number.
    pub person: u32,
    /// The number in the name that was last acknowledged; 0 before the first.
    pub known: u64,
    /// Changes that were acknowledged.
    pub acknowledged: u64,
    /// What was refused or not answered.
    uncertain: Option<u64>,
}

impl Name {
    /// Somebody whose name nobody has changed.
    pub const fn new(person: u32) -> Self {
        Self { person, known: 0, acknowledged: 0, uncertain: None }
    }

    /// The next number.
    pub fn draw(&self) -> u64 {
        self.uncertain.unwrap_or(self.known + 1)
    }

    /// Writes down how a change was answered.
    pub fn write_down(&mut self, number: u64, status: Option<u16>) {
        if status == Some(200) {
            self.known = number;
            self.acknowledged += 1;
        } else {
            self.uncertain = Some(number);
        }
    }

    /// Whether it may be so.
    pub fn may_be(&self, seen: u64) -> bool {
        seen == self.known || self.uncertain == Some(seen)
    }

    /// Takes what was seen when everything had come to rest.
    pub const fn settle(&mut self, seen: u64) {
        self.known = seen;
        self.uncertain = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledged_act_has_to_be_there() {
        let mut pair = Pair::new(1, 2, false);
        pair.write_down(Act::Follow, Some(200));
        assert!(pair.may_be(Standing { edge: Edge::Following, muting: false }));
        assert!(!pair.may_be(Standing::default()), "a lost follow is seen");
    }

    #[test]
    fn an_unanswered_act_may_be_there_or_not_until_somebody_looks() {
        let mut pair = Pair::new(1, 2, true);
        pair.write_down(Act::Mute, None);
        assert!(!pair.is_certain());
        let muted = Standing { muting: true, ..Standing::default() };
        assert!(pair.may_be(muted) && pair.may_be(Standing::default()));
        assert!(!pair.may_be(Standing { edge: Edge::Requested, muting: false }));
        // Nothing else is asked meanwhile: what was not answered may come later.
        let mut rng = fastrand::Rng::with_seed(1);
        assert!((0..100).all(|_| pair.draw(&mut rng) == Act::Mute));
        pair.write_down(Act::Mute, Some(200));
        assert!(pair.may_be(muted) && !pair.may_be(Standing::default()), "the repetition was acknowledged");
        pair.settle(muted);
        assert!(pair.is_certain());
    }

    #[test]
    fn a_request_is_accepted_once() {
        let mut pair = Pair::new(1, 2, true);
        pair.write_down(Act::Follow, Some(200));
        assert_eq!(pair.known.edge, Edge::Requested);
        pair.write_down(Act::Accept, Some(503));
        pair.write_down(Act::Accept, Some(404));
        assert_eq!(pair.known.edge, Edge::Following);
    }

    #[test]
    fn a_name_that_was_acknowledged_has_to_be_there() {
        let mut name = Name::new(1);
        name.write_down(name.draw(), Some(200));
        name.write_down(name.draw(), None);
        assert!(name.may_be(1) && name.may_be(2) && !name.may_be(0));
        assert_eq!(name.draw(), 2);
    }
}
