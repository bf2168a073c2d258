//! A second, deliberately plain telling of the rules: sets of ordered pairs, and no state machine.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A person's number in the small world of the histories.
pub type Person = usize;

/// Since when, and whether the option is on.
type Options = (Micros, bool);

/// Who follows, asks and blocks whom. Keys are (holder, other).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    pub follows: BTreeMap<(Person, Person), Options>,
    pub requests: BTreeMap<(Person, Person), Options>,
    pub blocks: BTreeMap<(Person, Person), Micros>,
    pub mutes: BTreeMap<(Person, Person), Mute>,
    pub close_friends: BTreeMap<(Person, Person), Micros>,
    pub private: BTreeSet<Person>,
    pub hidden: BTreeSet<Person>,
}

impl Model {
    /// Does what the contract says, rule by rule, with what `me` is shown to hold; tells whether anything changed, or the code of the refusal.
    pub fn act(
        &mut self,
        (me, them): (Person, Person),
        action: Action,
        bounds: (CountDelta, Limits),
        now: Micros,
    ) -> Result<bool, &'static str> {
        if me == them {
            return Err("self_relation");
        }
        let before = self.clone();
        match action {
            Action::Follow { notify } => self.follow(me, them, notify, bounds, now)?,
            Action::Unfollow => {
                self.follows.remove(&(me, them));
                self.requests.remove(&(me, them));
            }
            Action::Accept => {
                let (_, notify) = self.answer(me, them)?;
                self.follows.insert((them, me), (now, notify));
            }
            Action::Reject => {
                self.answer(me, them)?;
            }
            Action::RemoveFollower => {
                self.follows.remove(&(them, me));
            }
            Action::Block => self.block(me, them, bounds.1, now)?,
            Action::Unblock => {
                self.blocks.remove(&(me, them));
            }
            Action::Mute { notifications, duration } => {
                let expires_at = duration.map(|duration| now.after(duration));
                let mute = Mute { since: now, expires_at, notifications };
                self.mute(me, them, mute, bounds.1)?;
            }
            Action::KeepMuted { notifications } => match self.mutes.get_mut(&(me, them)) {
                Some(held) => held.notifications = notifications.unwrap_or(held.notifications),
                None => {
                    let notifications = notifications.unwrap_or(true);
                    let mute = Mute { since: now, expires_at: None, notifications };
                    self.mute(me, them, mute, bounds.1)?;
                }
            },
            Action::LeaveOut => {
                self.follows.remove(&(me, them));
            }
            Action::Unmute => {
                self.mutes.remove(&(me, them));
            }
            Action::MarkClose if self.hidden.contains(&them) => return Err("user_not_found"),
            Action::MarkClose if !self.follows.contains_key(&(them, me)) => return Err("not_a_follower"),
            Action::MarkClose => {
                self.close_friends.entry((me, them)).or_insert(now);
            }
            Action::UnmarkClose => {
                self.close_friends.remove(&(me, them));
            }
        }
        let follows = &self.follows;
        self.close_friends.retain(|(one, other), _| follows.contains_key(&(*other, *one)));
        Ok(*self != before)
    }

    fn follow(
        &mut self,
        me: Person,
        them: Person,
        notify: Option<bool>,
        (shown, limits): (CountDelta, Limits),
        now: Micros,
    ) -> Result<(), &'static str> {
        if self.hidden.contains(&them) {
            return Err("user_not_found");
        }
        if self.blocks.contains_key(&(me, them)) {
            return Err("you_block_them");
        }
        if self.blocks.contains_key(&(them, me)) {
            return Err("user_not_found");
        }
        if let Some((_, option)) = self.follows.get_mut(&(me, them)) {
            *option = notify.unwrap_or(*option);
            return Ok(());
        }
        if let Some((_, option)) = self.requests.get_mut(&(me, them)) {
            *option = notify.unwrap_or(*option);
            let carried = *option;
            if !self.private.contains(&them) {
                self.requests.remove(&(me, them));
                self.follows.insert((me, them), (now, carried));
            }
            return Ok(());
        }
        let option = notify == Some(true);
        if self.private.contains(&them) {
            if shown.requests_sent >= limits.requests_sent_max {
                return Err("request_limit_reached");
            }
            self.requests.insert((me, them), (now, option));
        } else {
            if shown.following >= limits.following_max {
                return Err("following_limit_reached");
            }
            self.follows.insert((me, them), (now, option));
        }
        Ok(())
    }

    fn mute(&mut self, me: Person, them: Person, mute: Mute, limits: Limits) -> Result<(), &'static str> {
        let shut_out = self.blocks.contains_key(&(them, me)) && !self.blocks.contains_key(&(me, them));
        if self.hidden.contains(&them) || shut_out {
            return Err("user_not_found");
        }
        if let Some(held) = self.mutes.get_mut(&(me, them)) {
            *held = Mute { since: held.since, ..mute };
            return Ok(());
        }
        if held(self.mutes.keys(), me) >= limits.mutes_max {
            return Err("mute_limit_reached");
        }
        self.mutes.insert((me, them), mute);
        Ok(())
    }

    /// A mute is over at the moment it says.
    pub fn forget_expired(&mut self, now: Micros) {
        self.mutes.retain(|_, mute| mute.expires_at.is_none_or(|end| now < end));
    }

    /// Takes away their request to me.
    fn answer(&mut self, me: Person, them: Person) -> Result<Options, &'static str> {
        if self.hidden.contains(&them) {
            return Err("no_such_request");
        }
        self.requests.remove(&(them, me)).ok_or("no_such_request")
    }

    fn block(&mut self, me: Person, them: Person, limits: Limits, now: Micros) -> Result<(), &'static str> {
        if self.blocks.contains_key(&(me, them)) {
            return Ok(());
        }
        if held(self.blocks.keys(), me) >= limits.blocks_max {
            return Err("block_limit_reached");
        }
        for way in [(me, them), (them, me)] {
            self.follows.remove(&way);
            self.requests.remove(&way);
        }
        self.blocks.insert((me, them), now);
        Ok(())
    }

    /// Counts one person's edges with people who are not hidden from the sets; all of their blocks.
    pub fn recount(&self, me: Person) -> CountDelta {
        let shown = |(holder, other): &&(Person, Person)| {
            !self.hidden.contains(if *holder == me { other } else { holder })
        };
        let mine = |(to, from): &(Person, Person)| self.follows.contains_key(&(*from, *to));
        let (follows, requests) =
            (|| self.follows.keys().filter(shown), || self.requests.keys().filter(shown));
        CountDelta {
            followers: to(follows(), me),
            following: held(follows(), me),
            friends: held(follows().filter(|way| mine(way)), me),
            requests_received: to(requests(), me),
            requests_sent: held(requests(), me),
            blocks: held(self.blocks.keys(), me),
        }
    }
}

/// How many of the ordered pairs begin with `me`.
fn held<'a>(ways: impl Iterator<Item = &'a (Person, Person)>, me: Person) -> i64 {
    i64::try_from(ways.filter(|(holder, _)| *holder == me).count()).unwrap()
}

/// How many of the ordered pairs end with `me`.
fn to<'a>(ways: impl Iterator<Item = &'a (Person, Person)>, me: Person) -> i64 {
    i64::try_from(ways.filter(|(_, other)| *other == me).count()).unwrap()
}
