//! Whether people may do what other services are about to let them do.

use std::sync::Arc;
use std::time::Duration;

use log::warn;
use shared::clock::Micros;
use shared::db::distinct;
use shared::id::UserId;

use super::ask::Question;
use super::{RelationError, RelationHandle};
use crate::domain::{ActorFacts, Attempt, Circumstances, Denial, QUOTA_SPAN, Viewer, check_visibility};
use crate::store::graph::Brief;
use crate::store::pair::Key;
use crate::store::sight::{Needs, Sight, counts_of};

/// News about people that wait for longer may have closed what the copy shows as open.
const NEWS_WAIT_MAX: Duration = Duration::from_secs(10);

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Who would do it; `None` is nobody who is signed in.
    pub viewer: Option<UserId>,
    /// To whom, or to what is whose.
    pub owner: UserId,
    /// What.
    pub attempt: Attempt,
}

type Verdicts = Vec<Result<(), Denial>>;

impl RelationHandle {
    /// The answer to each of `checks`, in their order. Who is not known yet is asked about once; where that
    /// fails, what concerns them is denied, and the others are answered all the same (R53).
    pub async fn visibility(&self, checks: Vec<Check>) -> Result<Verdicts, RelationError> {
        let circumstances = Circumstances {
            limits: self.engine.limits,
            now: self.clock.now(),
            current: self.feed_state.behind(&self.clock) <= NEWS_WAIT_MAX,
        };
        let checks = Checks { checks: Arc::new(checks), circumstances };
        let first = self.ask(&checks).await?;
        match self.learn_to_read(first.unknown).await {
            Ok(false) => Ok(first.value),
            Ok(true) => Ok(self.ask(&checks).await?.value),
            Err(error) => {
                warn!("people who are not known yet are denied: {error}");
                let unsure = |denial| if denial == Denial::Unknown { Denial::Unconfirmed } else { denial };
                Ok(first.value.into_iter().map(|verdict| verdict.map_err(unsure)).collect())
            }
        }
    }
}

#[derive(Clone)]
struct Checks {
    checks: Arc<Vec<Check>>,
    circumstances: Circumstances,
}

impl Question for Checks {
    type Answer = Verdicts;

    fn answer(&self, sight: &mut dyn Sight) -> Verdicts {
        if sight.needs_words(self.checks.len()) {
            self.prepare(sight);
        }
        self.checks.iter().map(|check| self.verdict(sight, *check)).collect()
    }
}

impl Checks {
    fn prepare(&self, sight: &mut dyn Sight) {
        let checks = self.checks.as_slice();
        let met = |check: &Check| {
            let viewer = check.viewer.filter(|viewer| *viewer != check.owner)?;
            Some((viewer, check.owner))
        };
        let meetings: Vec<Key> = checks.iter().filter_map(met).collect();
        let alone: Vec<UserId> =
            checks.iter().filter(|check| met(check).is_none()).map(|check| check.owner).collect();
        let would_follow = checks.iter().filter(|check| check.attempt == Attempt::Follow);
        let followers = distinct(would_follow.filter_map(|check| check.viewer));
        let starts = self.has_quota().then_some((followers.as_slice(), self.quota_from()));
        sight.prepare(Needs {
            people: &alone,
            counts: &followers,
            meetings: &meetings,
            starts,
            ..Needs::default()
        });
    }

    fn has_quota(&self) -> bool {
        self.circumstances.limits.follows_per_24h > 0
    }

    fn quota_from(&self) -> Micros {
        self.circumstances.now.before(QUOTA_SPAN)
    }

    fn verdict(&self, sight: &mut dyn Sight, asked: Check) -> Result<(), Denial> {
        let Check { viewer, owner, attempt } = asked;
        if let Some(viewer) = viewer.filter(|viewer| *viewer != owner) {
            sight.meet(viewer, owner);
        }
        let owner_known = sight.person(owner);
        let (known, viewer) = match viewer {
            None => (None, None),
            Some(viewer) if viewer == owner => (None, Some(viewer)),
            Some(viewer) => (sight.person(viewer), Some(viewer)),
        };
        let holds = match viewer {
            Some(viewer) if attempt == Attempt::Follow => self.holds(sight, viewer, known),
            _ => ActorFacts::default(),
        };
        let viewer = match viewer {
            None => Viewer::Nameless,
            Some(viewer) if viewer == owner => Viewer::Owner,
            Some(viewer) => Viewer::Other {
                known: known.map(|person| person.access),
                pair: sight.pair(viewer, owner),
                holds,
            },
        };
        check_visibility(attempt, viewer, owner_known.map(|person| person.access), self.circumstances)
    }

    /// What the limits of a follow ask about.
    fn holds(&self, sight: &mut dyn Sight, user: UserId, person: Option<Brief>) -> ActorFacts {
        let starts = if self.has_quota() { sight.starts(user, self.quota_from()) } else { Vec::new() };
        let may_follow_from = self.circumstances.limits.may_follow_from(&starts);
        ActorFacts { may_follow_from, ..counts_of(person).into() }
    }
}
