//! Learning everybody afresh: where the events that led to what is are no longer kept, and where user-service's log is not
//! the one that was read, as after a restore of an older copy.

use std::time::Duration;

use log::{info, warn};
use shared::clock::Micros;
use shared::db::Conn;
use shared::event::EventPage;
use shared::facts::{AccountStatus, UserFactsPage};
use shared::id::{UserId, made_at};

use super::change::{Learned, Listed};
use super::feed::{ANSWER_WAIT, Reader, known_of};
use super::user_client::{Expired, Failure};
use crate::store;
use crate::store::fact::KnownUser;

/// People in one page of everybody.
const PAGE_PEOPLE: u32 = 500;
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
        let look = |conn: &mut Conn| {
            let at = store::fact::feed_position_at(conn)?;
            Ok((store::fact::feed_round(conn)?, store::fact::feed_position(conn)?, at))
        };
        let found = self.parts.reads.run_in_snapshot(look).await.map_err(|error| error.to_string())?;
        if found.0 != self.parts.round {
            info!("another instance has learned everybody: going on after event {}", found.1);
            (self.parts.round, self.parts.position, self.parts.position_at) = found;
        }
        Ok(())
    }

    /// Makes sure, before the feed is followed on, that its log still has the event that was read last; begins afresh if
    /// the log is an older copy, which may have gone on since.
    pub(super) async fn check_history(&mut self) -> Result<(), Failure> {
        let (position, Some(at)) = (self.parts.position, self.parts.position_at) else { return Ok(()) };
        // What is no longer kept cannot be compared.
        let Ok(page) = self.event_at(position).await? else { return Ok(()) };
        let same = page.items.first().map_or(page.newest >= position, |event| is_same_time(event.at, at));
        if same { Ok(()) } else { self.go_back(page.newest, page.oldest).await }
    }

    /// Takes what user-service has now for what is, though later things were read. Whoever was registered after the copy
    /// was made is gone. A log that is not a copy of the one that was read changes nothing: somebody has to look.
    pub(super) async fn go_back(&mut self, newest: i64, oldest: i64) -> Result<(), Failure> {
        let position = self.parts.position;
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
        let read_until = self.parts.position_at.unwrap_or(Micros::new(i64::MAX));
        let (mut end, mut low, mut high) = (None, oldest, newest.min(self.parts.position));
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
        let look =
            move |conn: &mut _| store::fact::known_between(conn, after, through, i64::from(PAGE_PEOPLE));
        self.parts.reads.run(look).await.map_err(|error| error.to_string())
    }

    async fn everybody_after(&self, after: i64) -> Result<UserFactsPage, Failure> {
        let place = if after == 0 { String::new() } else { format!("&after={after}") };
        self.users.get(&format!("/v1/user-facts/all?limit={PAGE_PEOPLE}{place}"), ANSWER_WAIT).await
    }

    /// Learns the state of everybody instead of the events that led to it, then goes on with the oldest that is kept. With
    /// `anew`, also where something newer was learned. The position moves at the end, so that a stop on the way begins again.
    pub(super) async fn learn_everybody(&mut self, oldest: i64, anew: bool) -> Result<(), Failure> {
        let mut after = 0;
        loop {
            let page = self.everybody_after(after).await?;
            let seq = page.seq;
            let through = page.items.last().map_or(i64::MAX, |item| item.id.get());
            let users = known_of(page);
            let listed = Some(Listed { after, through, seq, anew });
            let last = users.is_empty();
            self.learn(Learned { users, listed, ..Learned::default() }).await?;
            self.look_for_work();
            if last {
                break;
            }
            after = through;
        }
        self.move_to(oldest.saturating_sub(1), None).await?;
        info!("everybody is known again");
        Ok(())
    }

    async fn move_to(&mut self, position: i64, at: Option<Micros>) -> Result<(), Failure> {
        let learned =
            Learned { position: Some(position), moved: true, position_at: at, ..Learned::default() };
        self.learn(learned).await?;
        (self.parts.position, self.parts.position_at) = (position, at);
        self.parts.round += 1;
        Ok(())
    }
}
