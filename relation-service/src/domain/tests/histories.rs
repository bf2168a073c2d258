//! Random histories of five people: [`decide()`] against the naive [`Model`], step by step.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::model::{Model, Person};
use super::steps::{PEOPLE, Step, histories};
use super::*;

/// The model, and beside it what the domain makes of the same steps.
struct World {
    limits: Limits,
    model: Model,
    /// One record per ordered pair, as a store would keep them.
    edges: [[Edge; PEOPLE]; PEOPLE],
    /// What each keeps about each, over or not.
    marks: [[Marks; PEOPLE]; PEOPLE],
    /// Sums of the deltas; never recounted.
    counts: [CountDelta; PEOPLE],
    /// Moved towards where the person's visibility wants it, edge by edge, between acts.
    shadows: [Shadow; PEOPLE],
    /// Follows, requests and blocks, rebuilt from the events alone.
    feed: BTreeSet<(&'static str, Person, Person)>,
    /// Codes, outcomes and event types that occurred.
    seen: BTreeSet<&'static str>,
}

impl World {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            model: Model::default(),
            edges: Default::default(),
            marks: Default::default(),
            counts: Default::default(),
            shadows: Default::default(),
            feed: BTreeSet::new(),
            seen: BTreeSet::new(),
        }
    }

    fn pair(&self, me: Person, them: Person) -> Pair {
        let (marks, back_marks) = (self.marks[me][them], self.marks[them][me]);
        Pair { marks, back_marks, ..pair(self.edges[me][them], self.edges[them][me]) }
    }

    fn step(&mut self, step: Step, now: Micros) {
        match step {
            Step::TogglePrivacy(person) => toggle(&mut self.model.private, person),
            Step::ToggleVisibility(person) => toggle(&mut self.model.hidden, person),
            Step::MoveShadow(person) => drop(self.move_shadow(person)),
            Step::Act(me, them, action) => {
                self.model.forget_expired(now);
                let held = self.counts[me];
                let decided = self.act(me, them, action, now);
                let modelled = self.model.act((me, them), action, (held, self.limits), now);
                assert_eq!(decided, modelled, "{me} {action:?} {them}");
            }
        }
        self.model.forget_expired(now);
        self.compare(now);
    }

    /// As the service does it: facts from the counters, then pairs, counters and events from the decision.
    fn act(&mut self, me: Person, them: Person, action: Action, now: Micros) -> Result<bool, &'static str> {
        let decided = check_not_self(id(me), id(them))
            .and_then(|()| decide(self.pair(me, them), action, &self.facts(me, them, now), now));
        let decision = decided.map_err(|refusal| {
            self.seen.insert(refusal.code());
            refusal.code()
        })?;
        let party = |person: Person| Party { id: id(person), shadow: self.shadows[person] };
        let (source, target) = deltas(self.pair(me, them), decision.pair, party(me), party(them));
        self.counts[me] += source;
        self.counts[them] += target;
        self.edges[me][them] = decision.pair.forward;
        self.edges[them][me] = decision.pair.backward;
        self.marks[me][them] = decision.pair.marks;
        self.marks[them][me] = decision.pair.back_marks;
        self.seen.insert(outcome(&decision).as_str());
        for change in &decision.changes {
            self.apply(*change, me, them);
        }
        Ok(decision.changed)
    }

    /// As a sweep does it in steps of one edge. Returns whether there was anything to move.
    fn move_shadow(&mut self, person: Person) -> bool {
        let before = self.shadows[person];
        let others = (0..PEOPLE).filter(|other| *other != person);
        let edges = others.clone().filter_map(|other| Place::of(self.edges[other][person], id(other)));
        let own = others.clone().filter(|other| Place::of(self.edges[person][*other], id(*other)).is_some());
        let after = if self.model.hidden.contains(&person) {
            match edges.filter(|place| *place > before.incoming).min() {
                Some(incoming) => Shadow { incoming, ..before },
                None => {
                    let outgoing = own.map(id).filter(|other| *other > before.outgoing).min();
                    let outgoing = outgoing.unwrap_or(Shadow::WHOLE.outgoing);
                    Shadow { incoming: Place::END, outgoing }
                }
            }
        } else {
            let mut left_out: Vec<_> = own.map(id).filter(|other| *other <= before.outgoing).collect();
            left_out.sort_unstable();
            match left_out.pop() {
                Some(_) => Shadow { outgoing: left_out.pop().unwrap_or(Shadow::NONE.outgoing), ..before },
                None => {
                    let mut places: Vec<_> = edges.filter(|place| *place <= before.incoming).collect();
                    places.sort_unstable();
                    places.pop();
                    let incoming = places.pop().unwrap_or(Place::START);
                    Shadow { incoming, outgoing: Shadow::NONE.outgoing }
                }
            }
        };
        for other in others {
            self.counts[other] += shadow_delta(self.pair(other, person), id(other), before, after);
        }
        self.shadows[person] = after;
        after != before
    }

    /// Lets every sweep come to its end: then exactly the hidden are left out.
    fn rest(&mut self) {
        for person in 0..PEOPLE {
            while self.move_shadow(person) {}
        }
        for (person, counts) in self.counts.iter().enumerate() {
            assert_eq!(*counts, self.model.recount(person), "counters of {person} at rest");
        }
    }

    fn facts(&self, me: Person, them: Person, now: Micros) -> Facts {
        let mutes = self.marks[me].iter().filter(|marks| marks.at(now).mute.is_some()).count();
        let mutes = i64::try_from(mutes).unwrap();
        let CountDelta { following, requests_sent, blocks, .. } = self.counts[me];
        Facts {
            target: TargetFacts {
                visible: !self.model.hidden.contains(&them),
                private: self.model.private.contains(&them),
            },
            actor: ActorFacts { following, requests_sent, blocks, mutes, ..NOTHING },
            limits: self.limits,
        }
    }

    /// Reads one event as a subscriber would. Each must be news, and no block may stand beside anything else.
    fn apply(&mut self, change: Change, me: Person, them: Person) {
        let person = |side| if side == Side::Source { me } else { them };
        let (actor, subject) = (person(change.actor), person(change.subject));
        self.seen.insert(change.kind.as_str());
        if change.kind == ChangeKind::MuteCreated || change.kind == ChangeKind::MuteRemoved {
            assert_eq!((actor, change.mute), (me, self.marks[me][them].mute));
            return;
        }
        let (edge, verb) = change.kind.as_str().split_once('.').unwrap();
        let news = match verb {
            "created" => self.feed.insert((edge, actor, subject)),
            _ => self.feed.remove(&(edge, actor, subject)),
        };
        assert!(news, "{change:?} of {actor} to {subject}");
        let between =
            |edge| self.feed.contains(&(edge, actor, subject)) || self.feed.contains(&(edge, subject, actor));
        assert!(!between("block") || !(between("follow") || between("request")), "{change:?}");
    }

    fn compare(&self, now: Micros) {
        let mut held = Model {
            private: self.model.private.clone(),
            hidden: self.model.hidden.clone(),
            ..Model::default()
        };
        for (me, them) in (0..PEOPLE).flat_map(|me| (0..PEOPLE).map(move |them| (me, them))) {
            match self.edges[me][them] {
                Edge::None => {}
                Edge::Follow { since, notify } => drop(held.follows.insert((me, them), (since, notify))),
                Edge::Request { since, notify } => drop(held.requests.insert((me, them), (since, notify))),
                Edge::Block { since } => drop(held.blocks.insert((me, them), since)),
            }
            if let Some(mute) = self.marks[me][them].at(now).mute {
                held.mutes.insert((me, them), mute);
            }
            if let Some(since) = self.marks[me][them].close_friend {
                held.close_friends.insert((me, them), since);
            }
            self.invariants(me, them, now);
        }
        assert_eq!(held, self.model);
        for (person, counts) in self.counts.iter().enumerate() {
            let others = (0..PEOPLE).filter(|other| *other != person);
            let counted = |other: Person| self.shadows[other].over(self.pair(person, other), id(person));
            let all =
                others.fold(CountDelta::default(), |sum, other| sum + CountDelta::of_source(counted(other)));
            assert_eq!(*counts, all, "counters of {person}");
        }
        assert_eq!(self.feed, feed_of(&self.model));
    }

    fn invariants(&self, me: Person, them: Person, now: Micros) {
        let both = self.pair(me, them);
        let alone = |edge: Edge| matches!(edge, Edge::None | Edge::Block { .. });
        assert!(!both.forward.is_block() || alone(both.backward), "a block beside {both:?}");
        assert_eq!(both.is_friends(), both.flip().is_friends());
        let (mine, theirs) = (Relationship::from_pair(both, now), Relationship::from_pair(both.flip(), now));
        assert_eq!((mine.friends, mine.following), (theirs.friends, theirs.followed_by));
        if both.backward.is_block() {
            let told = Relationship { blocking: false, ..mine };
            let marks = Pair { marks: both.marks, ..Pair::default() };
            assert_eq!(told, Relationship::from_pair(marks, now), "{me} is told of a block by {them}");
        }
        assert!(me != them || both == Pair::default(), "{me} has a relation to themselves");
    }
}

fn id(person: Person) -> shared::id::UserId {
    shared::id::UserId::new(i64::try_from(person).unwrap() + 1)
}

fn toggle(set: &mut BTreeSet<Person>, person: Person) {
    if !set.remove(&person) {
        set.insert(person);
    }
}

fn feed_of(model: &Model) -> BTreeSet<(&'static str, Person, Person)> {
    let named = |name| move |&(me, them): &(Person, Person)| (name, me, them);
    let follows = model.follows.keys().map(named("follow"));
    let requests = model.requests.keys().map(named("request"));
    follows.chain(requests).chain(model.blocks.keys().map(named("block"))).collect()
}

fn live(limits: Limits, steps: &[Step]) -> World {
    let mut world = World::new(limits);
    for (step, now) in steps.iter().zip(1..) {
        world.step(*step, Micros::new(now));
    }
    world.rest();
    world
}

proptest! {
    #![proptest_config(Config::with_cases(256))]

    #[test]
    fn random_histories_agree_with_the_naive_model((limits, steps) in histories()) {
        live(limits, &steps);
    }
}

/// Guards the property above against a generator that no longer reaches everything.
#[test]
fn random_histories_reach_every_refusal_outcome_and_event() {
    let mut seen = BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..32 {
        let (limits, steps) = histories().new_tree(&mut runner).unwrap().current();
        seen.extend(live(limits, &steps).seen);
    }
    let all = [
        "accepted",
        "block.created",
        "block.removed",
        "block_limit_reached",
        "blocked",
        "follow.created",
        "follow.removed",
        "followed",
        "following_limit_reached",
        "mute.created",
        "mute.removed",
        "mute_limit_reached",
        "muted",
        "no_such_request",
        "not_a_follower",
        "rejected",
        "removed",
        "request.accepted",
        "request.created",
        "request.removed",
        "request_limit_reached",
        "requested",
        "self_relation",
        "unblocked",
        "unchanged",
        "unmuted",
        "user_not_found",
        "you_block_them",
    ];
    assert_eq!(seen, BTreeSet::from(all));
}
