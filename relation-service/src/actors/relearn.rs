//! Learning everybody afresh: where the events that led to what is are no longer kept, and where user-service's log is not
//! the one that was read, as after a restore of an older copy.

use std::time::Duration;

use log::{info, warn};
use shared::clock::Micros;
use shared::event::EventPage;
use shared::facts::{AccountStatus, UserFactsPage};
use shared::id::{UserId, made_at};

use super::change::{Learned, Listed};
use super::feed::{ANSWER_WAIT, Reader, VOID, known_of};
use super::user_client::{Expired, Failure};
use crate::store;
use crate::store::fact::{FeedPlace, KnownUser};

/// People in one page of everybody.
const PAGE_PEOPLE: usize = 500;
/// How long to wait before looking again whether a log that is nobody's copy has been put right.
const FOREIGN_PAUSE: Duration = Duration::from_secs(5);
/// How far the clocks of two instances of user-service may differ.
const CLOCKS_APART: Duration = Duration::from_secs(60);

/// Over the wire, times have milliseconds.
fn is_same_time(one: Micros, other: Micros) -> bool {
    let millis = |at: Micros| at.get().div_euclid(1_000);
    millis(one) == millis(other)
}

impl Reader {
    /// Goes on from where another instance on this database has moved to, if one has.
    pub(super) async fn join_others(&mut self) -> Result<(), Failure> {
        let found = self.place().await?;
        if found.round != self.parts.place.round {
            let done = if found.anew { "begun to learn" } else { "learned" };
            info!("another instance has {done} everybody: going on after event {}", found.position);
            self.parts.place = found;
        }
        Ok(())
    }

    /// As all instances on this database know it.
    pub(super) async fn place(&self) -> Result<FeedPlace, Failure> {
        self.parts.reads.run(store::fact::feed_place).await.map_err(|error| error.to_string())
    }

    /// Makes sure, before the feed is followed on, that its log still has the event that was read last; begins afresh if
    /// the log is an older copy, which may have gone on since. So it does where somebody has begun to.
    pub(super) async fn check_history(&mut self) -> Result<(), Failure> {
        let FeedPlace { position, at, anew, .. } = self.parts.place;
        if at.is_none() && !anew {
            return Ok(());
        }
        let page = match self.event_at(position).await? {
            Ok(page) => page,
            // What is no longer kept cannot be compared.
            Err(_) if !anew => return Ok(()),
            Err(expired) => return self.learn_everybody(expired.oldest, true).await,
        };
        let is_read = |at: Micros| self.parts.place.at.is_none_or(|read| is_same_time(at, read));
        let same = page.items.first().map_or(page.newest >= position, |event| is_read(event.at));
        if same && !anew { Ok(()) } else { self.go_back(page.newest, page.oldest).await }
    }

    /// Takes what user-service has now for what is, though later things were read. Whoever was registered after the copy
    /// was made is gone. A log that is not a copy of the one that was read changes nothing: somebody has to look.
    pub(super) async fn go_back(&mut self, newest: i64, oldest: i64) -> Result<(), Failure> {
        let position = self.parts.place.position;
        if let Some(reason) = self.not_a_copy(newest, oldest).await? {
            tokio::time::sleep(FOREIGN_PAUSE).await;
            return Err(format!("{position} was read, and its log ends at {newest}: {reason}"));
        }
        warn!(
            "user-service's log is an older copy than the one that was read up to {position}: asking about everybody"
        );
        self.learn_everybody(oldest, true).await
    }

    /// The page that begins with an event, and has no other.
    async fn event_at(&self, seq: i64) -> Result<Result<EventPage, Expired>, Failure> {
        let path = format!("/v1/events?after={}&limit=1&wait_ms=0", seq - 1);
        self.users.get_or_expired(&path, ANSWER_WAIT).await
    }

    /// When the last event was written that the log has in common with the one that was read: what came after that was
    /// written after it was put back, and so after everything that was read.
    async fn end_of_copy(&self, newest: i64, oldest: i64) -> Result<Option<Micros>, Failure> {
        let read_until = self.parts.place.at.unwrap_or(Micros::new(i64::MAX));
        let (mut end, mut low, mut high) = (None, oldest, newest.min(self.parts.place.position));
        while low <= high {
            let middle = low + (high - low) / 2;
            let page = self.event_at(middle).await?.map_err(|_| "its log is being forgotten".to_owned())?;
            let at = page.items.first().map(|event| event.at).ok_or("its log has become shorter")?;
            if at <= read_until {
                (end, low) = (Some(at), middle + 1);
            } else {
                high = middle - 1;
            }
        }
        Ok(end)
    }

    /// Why the log is not an earlier state of the one that was read: a copy knows everybody who was registered before it
    /// was made.
    async fn not_a_copy(&self, newest: i64, oldest: i64) -> Result<Option<String>, Failure> {
        let Some(end) = self.end_of_copy(newest, oldest).await? else {
            return Ok(Some("it has nothing of the time that was read".to_owned()));
        };
        let (mut after, mut common, mut missing) = (0, false, false);
        loop {
            let page = self.everybody_after(after).await?;
            let told: Vec<UserId> = page.items.iter().map(|item| item.id).collect();
            let through = told.last().map_or(i64::MAX, |id| id.get());
            let mut known = self.known_between(after, through).await?;
            while let Some(last) = known.last().map(|user| user.id.get()) {
                for user in known.iter().filter(|user| user.facts.status != AccountStatus::Deleted) {
                    let (id, is_told) = (user.id, told.binary_search(&user.id).is_ok());
                    if !is_told && made_at(id.get()).after(CLOCKS_APART) < end {
                        let reason = "who was registered before the copy can have been made";
                        return Ok(Some(format!("it does not know {id}, {reason}")));
                    }
                    common |= is_told;
                    missing |= !is_told;
                }
                known = self.known_between(last, through).await?;
            }
            if told.is_empty() {
                let stranger = missing && !common;
                return Ok(stranger.then(|| "it knows none of the people".to_owned()));
            }
            after = through;
        }
    }

    async fn known_between(&self, after: i64, through: i64) -> Result<Vec<KnownUser>, Failure> {
        let limit = i64::try_from(PAGE_PEOPLE).unwrap_or(i64::MAX);
        let look = move |conn: &mut _| store::fact::known_between(conn, after, through, limit);
        self.parts.reads.run(look).await.map_err(|error| error.to_string())
    }

    async fn everybody_after(&self, after: i64) -> Result<UserFactsPage, Failure> {
        let place = if after == 0 { String::new() } else { format!("&after={after}") };
        self.users.get(&format!("/v1/user-facts/all?limit={PAGE_PEOPLE}{place}"), ANSWER_WAIT).await
    }

    /// Learns the state of everybody instead of the events that led to it, then goes on with the oldest that is kept. With
    /// `anew`, also where something newer was learned. The position moves at the end, so that a stop on the way begins again.
    pub(super) async fn learn_everybody(&mut self, oldest: i64, anew: bool) -> Result<(), Failure> {
        if anew {
            self.begin_anew().await?;
        }
        let mut after = 0;
        loop {
            // Before it is asked: who comes to be known meanwhile is not gone for being in no older answer.
            let known = self.known_between(after, i64::MAX).await?;
            let is_rest = known.len() < PAGE_PEOPLE;
            let known_through = known.last().filter(|_| !is_rest).map_or(i64::MAX, |user| user.id.get());
            let page = self.everybody_after(after).await?;
            let (seq, is_last) = (page.seq, page.items.is_empty() && is_rest);
            let through = page.items.last().map_or(i64::MAX, |item| item.id.get()).min(known_through);
            let users = known_of(page).into_iter().filter(|user| user.id.get() <= through).collect();
            let before = anew.then(|| known.iter().map(|user| (user.id, user.seq)).collect());
            let listed = Some(Listed { after, through, seq, before });
            self.learn(Learned { users, listed, ..Learned::default() }).await?;
            self.look_for_work();
            if is_last {
                break;
            }
            after = through;
        }
        self.move_to(oldest.saturating_sub(1)).await?;
        info!("everybody is known again");
        Ok(())
    }

    /// From here on what was asked before, by whichever instance, is void: it may be of the log that is no more.
    async fn begin_anew(&mut self) -> Result<(), Failure> {
        self.learn(Learned { begins: true, ..Learned::default() }).await?;
        self.parts.place = self.place().await?;
        if self.parts.place.anew { Ok(()) } else { Err(VOID.to_owned()) }
    }

    async fn move_to(&mut self, position: i64) -> Result<(), Failure> {
        let moved = Learned { position: Some(position), moved: true, ..Learned::default() };
        self.learn(moved).await?;
        let round = self.parts.place.round + 1;
        self.parts.place = FeedPlace { position, at: None, round, anew: false };
        Ok(())
    }
}
