//! Whether people may do what other services are about to let them do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use log::warn;
use shared::db::{Conn, StoreError};
use shared::id::UserId;

use super::{Known, RelationError, RelationHandle};
use crate::domain::{ActorFacts, Attempt, Circumstances, Denial, Pair, QUOTA_SPAN, Viewer, check_visibility};
use crate::store;
use crate::store::fact::KnownUser;

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
        let checks = Arc::new(checks);
        let read = move |conn: &mut Conn| read(conn, &checks, circumstances);
        let first = self.reads.run(read.clone()).await?;
        if first.unknown.is_empty() {
            return Ok(first.value);
        }
        match self.learn(first.unknown).await {
            Ok(()) => Ok(self.reads.run(read).await?.value),
            Err(error) => {
                warn!("people who are not known yet are denied: {error}");
                let unsure = |denial| if denial == Denial::Unknown { Denial::Unconfirmed } else { denial };
                Ok(first.value.into_iter().map(|verdict| verdict.map_err(unsure)).collect())
            }
        }
    }
}

/// What all checks need, in a few statements, however many they are.
struct Loaded {
    known: HashMap<UserId, KnownUser>,
    pairs: HashMap<(UserId, UserId), Pair>,
    /// Of those who would follow.
    holds: HashMap<UserId, ActorFacts>,
}

fn read(
    conn: &mut Conn,
    checks: &[Check],
    circumstances: Circumstances,
) -> Result<Known<Verdicts>, StoreError> {
    let people = distinct(checks.iter().flat_map(|check| [Some(check.owner), check.viewer]).flatten());
    let keys = distinct(checks.iter().filter_map(|check| Some((check.viewer?, check.owner))));
    let would_follow = checks.iter().filter(|check| check.attempt == Attempt::Follow);
    let followers = distinct(would_follow.filter_map(|check| check.viewer));
    let loaded = Loaded {
        known: store::fact::known(conn, &people)?,
        pairs: store::pair::pairs(conn, &keys)?,
        holds: holds(conn, &followers, circumstances)?,
    };
    let value = checks.iter().map(|check| loaded.verdict(*check, circumstances)).collect();
    let unknown = people.into_iter().filter(|user| !loaded.known.contains_key(user)).collect();
    Ok(Known { value, unknown })
}

impl Loaded {
    fn verdict(&self, asked: Check, circumstances: Circumstances) -> Result<(), Denial> {
        let Check { viewer, owner, attempt } = asked;
        let known = |user| self.known.get(&user).map(|known| &known.facts);
        let viewer = match viewer {
            None => Viewer::Nameless,
            Some(viewer) if viewer == owner => Viewer::Owner,
            Some(viewer) => Viewer::Other {
                known: known(viewer),
                pair: self.pairs.get(&(viewer, owner)).copied().unwrap_or_default(),
                holds: self.holds.get(&viewer).copied().unwrap_or_default(),
            },
        };
        check_visibility(attempt, viewer, known(owner), circumstances)
    }
}

/// What the limits of a follow ask about.
fn holds(
    conn: &mut Conn,
    users: &[UserId],
    circumstances: Circumstances,
) -> Result<HashMap<UserId, ActorFacts>, StoreError> {
    let Circumstances { limits, now, .. } = circumstances;
    let counts = store::count::counts(conn, users)?;
    let starts = match limits.follows_per_24h {
        0 => HashMap::new(),
        _ => store::follow_start::starts(conn, users, now.before(QUOTA_SPAN))?,
    };
    let held = |&user: &UserId| {
        let may_follow_from = starts.get(&user).and_then(|starts| limits.may_follow_from(starts));
        let counted = counts.get(&user).copied().unwrap_or_default();
        (user, ActorFacts { may_follow_from, ..counted.into() })
    };
    Ok(users.iter().map(held).collect())
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}
