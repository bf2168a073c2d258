//! A second, deliberately plain telling of the rules: what each of a few people holds towards each other.

use std::collections::{BTreeMap, BTreeSet};

use relation_service::domain::Limits;

use crate::person::{Act, Counts};

/// What one holds towards another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Follow { notify: bool },
    Request { notify: bool },
    Block,
}

/// Who holds what, and who is private or hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub holds: BTreeMap<(usize, usize), Holds>,
    pub mutes: BTreeSet<(usize, usize)>,
    pub private: BTreeSet<usize>,
    pub hidden: BTreeSet<usize>,
    pub limits: Limits,
}

impl Model {
    pub fn new(limits: Limits) -> Self {
        Self {
            holds: BTreeMap::new(),
            mutes: BTreeSet::new(),
            private: BTreeSet::new(),
            hidden: BTreeSet::new(),
            limits,
        }
    }

    pub fn follows(&self, one: usize, other: usize) -> bool {
        matches!(self.holds.get(&(one, other)), Some(Holds::Follow { .. }))
    }

    pub fn asks(&self, one: usize, other: usize) -> bool {
        matches!(self.holds.get(&(one, other)), Some(Holds::Request { .. }))
    }

    pub fn blocks(&self, one: usize, other: usize) -> bool {
        self.holds.get(&(one, other)) == Some(&Holds::Block)
    }

    /// How many such edges `me` is shown to hold: those to hidden people do not count, blocks do.
    fn held(&self, me: usize, what: fn(&Holds) -> bool) -> i64 {
        let shown = |other: &usize, held: &Holds| *held == Holds::Block || !self.hidden.contains(other);
        let mine = self
            .holds
            .iter()
            .filter(|((holder, other), held)| *holder == me && what(held) && shown(other, held));
        i64::try_from(mine.count()).unwrap()
    }

    /// Does it; tells whether anything changed, or the code of the refusal.
    pub fn act(
        &mut self,
        me: usize,
        act: Act,
        notify: Option<bool>,
        them: usize,
    ) -> Result<bool, &'static str> {
        if me == them {
            return Err("self_relation");
        }
        let before = (self.holds.clone(), self.mutes.clone());
        match act {
            Act::Follow => self.follow(me, notify, them)?,
            Act::Unfollow => self.leave(me, them),
            Act::Accept | Act::Reject if self.hidden.contains(&them) || !self.asks(them, me) => {
                return Err("no_such_request");
            }
            Act::Accept => self.accept(me, them),
            Act::Reject => self.leave(them, me),
            Act::RemoveFollower if self.follows(them, me) => self.leave(them, me),
            Act::RemoveFollower => {}
            Act::Block if self.blocks(me, them) => {}
            Act::Block => {
                if self.held(me, |held| *held == Holds::Block) >= self.limits.blocks_max {
                    return Err("block_limit_reached");
                }
                self.leave(them, me);
                self.holds.insert((me, them), Holds::Block);
            }
            Act::Unblock if self.blocks(me, them) => {
                self.holds.remove(&(me, them));
            }
            Act::Unblock => {}
            Act::Mute => self.mute(me, them)?,
            Act::Unmute => drop(self.mutes.remove(&(me, them))),
        }
        Ok((&self.holds, &self.mutes) != (&before.0, &before.1))
    }

    fn follow(&mut self, me: usize, sent: Option<bool>, them: usize) -> Result<(), &'static str> {
        if self.hidden.contains(&them) {
            return Err("user_not_found");
        }
        if self.blocks(me, them) {
            return Err("you_block_them");
        }
        if self.blocks(them, me) {
            return Err("user_not_found");
        }
        let private = self.private.contains(&them);
        let next = match self.holds.get(&(me, them)) {
            Some(Holds::Follow { notify }) => Holds::Follow { notify: sent.unwrap_or(*notify) },
            Some(Holds::Request { notify }) if private => Holds::Request { notify: sent.unwrap_or(*notify) },
            Some(Holds::Request { notify }) => Holds::Follow { notify: sent.unwrap_or(*notify) },
            _ if private => {
                if self.held(me, |held| matches!(held, Holds::Request { .. }))
                    >= self.limits.requests_sent_max
                {
                    return Err("request_limit_reached");
                }
                Holds::Request { notify: sent == Some(true) }
            }
            _ => {
                if self.held(me, |held| matches!(held, Holds::Follow { .. })) >= self.limits.following_max {
                    return Err("following_limit_reached");
                }
                Holds::Follow { notify: sent == Some(true) }
            }
        };
        self.holds.insert((me, them), next);
        Ok(())
    }

    fn mute(&mut self, me: usize, them: usize) -> Result<(), &'static str> {
        if self.hidden.contains(&them) || self.blocks(them, me) && !self.blocks(me, them) {
            return Err("user_not_found");
        }
        let held = self.mutes.iter().filter(|(holder, _)| *holder == me).count();
        let full = i64::try_from(held).unwrap() >= self.limits.mutes_max;
        if full && !self.mutes.contains(&(me, them)) {
            return Err("mute_limit_reached");
        }
        self.mutes.insert((me, them));
        Ok(())
    }

    /// Ends a follow or a request; a block stays.
    fn leave(&mut self, me: usize, them: usize) {
        if !self.blocks(me, them) {
            self.holds.remove(&(me, them));
        }
    }

    fn accept(&mut self, me: usize, them: usize) {
        if let Some(Holds::Request { notify }) = self.holds.remove(&(them, me)) {
            self.holds.insert((them, me), Holds::Follow { notify });
        }
    }

    /// Accepts what `me` has asked of accounts that are public now.
    pub fn accept_sent(&mut self, me: usize) {
        let public = |other: &usize| !self.private.contains(other) && !self.hidden.contains(other);
        let asked = self.holds.keys().filter(|(holder, other)| *holder == me && self.asks(me, *other));
        let accepted: Vec<usize> = asked.map(|(_, other)| *other).filter(public).collect();
        for other in accepted {
            self.accept(other, me);
        }
    }

    /// Answers every request to `me` of somebody who is not hidden; returns how many there were.
    pub fn answer_all(&mut self, me: usize, accept: bool) -> usize {
        let visible = |holder| !self.hidden.contains(&holder) && self.asks(holder, me);
        let asked = self.holds.keys().filter(|(holder, other)| *other == me && visible(*holder));
        let askers: Vec<usize> = asked.map(|(holder, _)| *holder).collect();
        for &asker in &askers {
            if accept { self.accept(me, asker) } else { self.leave(asker, me) }
        }
        askers.len()
    }

    /// Followers, following, friends, requests received, requests sent: of people who are not hidden.
    pub fn counts(&self, me: usize) -> Counts {
        let mut counts = [0; 5];
        let hidden = |&(holder, other): &&(usize, usize)| {
            self.hidden.contains(if *holder == me { other } else { holder })
        };
        for &(holder, other) in self.holds.keys().filter(|way| !hidden(way)) {
            let (mine, theirs) = (holder == me, other == me);
            counts[0] += i64::from(theirs && self.follows(holder, me));
            counts[1] += i64::from(mine && self.follows(me, other));
            counts[2] += i64::from(mine && self.follows(me, other) && self.follows(other, me));
            counts[3] += i64::from(theirs && self.asks(holder, me));
            counts[4] += i64::from(mine && self.asks(me, other));
        }
        counts
    }

    /// How many `me` blocks.
    pub fn blocked(&self, me: usize) -> i64 {
        self.held(me, |held| *held == Holds::Block)
    }

    /// The words of a relationship that are true.
    pub fn sees(&self, me: usize, them: usize) -> String {
        let notify = |held: Option<&Holds>| {
            matches!(held, Some(Holds::Follow { notify: true } | Holds::Request { notify: true }))
        };
        let words = [
            ("following", self.follows(me, them)),
            ("followed_by", self.follows(them, me)),
            ("friends", self.follows(me, them) && self.follows(them, me)),
            ("requested", self.asks(me, them)),
            ("requested_by", self.asks(them, me)),
            ("blocking", self.blocks(me, them)),
            ("muting", self.mutes.contains(&(me, them))),
            ("mute_notifications", self.mutes.contains(&(me, them))),
            ("notify", notify(self.holds.get(&(me, them)))),
        ];
        words.into_iter().filter(|(_, held)| *held).map(|(word, _)| word).collect::<Vec<_>>().join(" ")
    }
}
