//! Keeping this service's copy of user facts: user-service's feed in order, and a direct question for
//! a person whom the feed has not brought yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use log::{Level, info, log, warn};
use shared::actor::start_on_own_thread;
use shared::clock::{Clock, Micros};
use shared::db::{Reads, StoreError};
use shared::event::EventPage;
use shared::facts::UserFactsPage;
use shared::id::UserId;
use shared::metric;
use shared::process::is_stopping;
use shared::telemetry::Trace;
use shared::token::{KeySet, REFRESH_KEYS_EVERY, TokenVerifier};
use shared::writer::WriterHandle;
use tokio::sync::oneshot;

use super::absent::Absent;
use super::change::{Answer, Command, Learned, RelationEngine};
use super::janitor::{Janitor, Look};
pub use super::news::learned_from;
pub use super::user_client::UserService;
use super::user_client::{Failure, UserClient};
use crate::store::fact::{FeedPlace, KnownUser};

/// Questions about people that may wait; one more is refused.
const QUESTIONS_MAX: usize = 1_024;
/// People in one question to user-service.
pub(super) const ASKED_MAX: usize = 100;
/// How often one question is asked, where each time another round begins before its answer is written.
const ASKED_AGAIN_MAX: usize = 2;
/// What becomes of what was asked for in an earlier round.
pub(super) const VOID: &str = "another instance learns everybody, or has done so meanwhile";
/// Events in one page of the feed.
const PAGE_EVENTS: u32 = 500;
/// How long a page may wait for its first event.
const PAGE_WAIT: Duration = Duration::from_secs(10);
/// How long a request to user-service may take beyond what it was asked to wait.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// The pause after a failure, doubled up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LONGEST: Duration = Duration::from_millis(500);

/// What the rest of the service may know about the feed, without asking the actor.
#[derive(Debug, Clone, Default)]
pub struct FeedState {
    last_contact: Arc<AtomicI64>,
    /// Since when news are known to wait; 0 while none are.
    behind_since: Arc<AtomicI64>,
    /// How many events they are.
    behind_by: Arc<AtomicI64>,
}

impl FeedState {
    /// How long ago the feed was known to be at its end or moving.
    pub fn lag(&self, clock: &Clock) -> Duration {
        clock.now().since(Micros::new(self.last_contact.load(Ordering::Relaxed)))
    }

    /// For how long news have been waiting that user-service has told of and that are not taken in yet.
    /// One that says nothing has told of none.
    pub fn behind(&self, clock: &Clock) -> Duration {
        match self.behind_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => clock.now().since(Micros::new(since)),
        }
    }

    /// Tells at `/metrics`, for as long as the process lives, how far the copy is behind.
    pub fn measure(&self, service: &'static str, clock: Clock) {
        let events = metrics::gauge!(metric::FEED_LAG_EVENTS, "service" => service);
        let seconds = metrics::gauge!(metric::FEED_LAG_SECONDS, "service" => service);
        let silence = metrics::gauge!(metric::FEED_SILENCE_SECONDS, "service" => service);
        let state = self.clone();
        metric::every_second(move || {
            events.set(metric::count(state.behind_by.load(Ordering::Relaxed)));
            seconds.set(state.behind(&clock).as_secs_f64());
            // Before the first answer it was never heard of.
            if state.last_contact.load(Ordering::Relaxed) != 0 {
                silence.set(state.lag(&clock).as_secs_f64());
            }
        });
    }

    fn left(&self, events: i64) {
        self.behind_by.store(events, Ordering::Relaxed);
    }

    fn heard_of_news(&self, now: Micros) {
        // Only the first that waits counts.
        let _ = self.behind_since.compare_exchange(0, now.get(), Ordering::Relaxed, Ordering::Relaxed);
    }

    fn at_the_end(&self, now: Micros) {
        self.behind_since.store(0, Ordering::Relaxed);
        self.last_contact.store(now.get(), Ordering::Relaxed);
    }
}

/// The actor.
pub struct UserFeed {
    pub(super) reader: Reader,
    waiting: Vec<Ask>,
    asking: bool,
}

/// What the actor works with.
#[derive(Clone)]
pub struct Parts {
    /// Whom to ask.
    pub service: UserService,
    /// Where to write.
    pub writer: WriterHandle<RelationEngine>,
    /// Whom to give keys and revoked sessions.
    pub tokens: Arc<TokenVerifier>,
    /// Whom to tell of new work.
    pub janitor: Addr<Janitor>,
    /// The time.
    pub clock: Clock,
    /// What to keep current.
    pub state: FeedState,
    /// Whom to remember as nobody.
    pub absent: Absent,
    /// How far the feed has been applied.
    pub place: FeedPlace,
    /// Where to look at who is known.
    pub reads: Reads,
}

/// Ask user-service about these people, and write down the answer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ask {
    /// About whom.
    pub users: Vec<UserId>,
    /// Of the request for whose sake it is asked.
    pub trace: Option<Trace>,
    /// Told when the answer is written.
    pub reply: oneshot::Sender<Result<(), StoreError>>,
}

impl UserFeed {
    /// Starts the actor on a thread of its own.
    pub fn start(parts: Parts) -> Addr<Self> {
        start_on_own_thread(QUESTIONS_MAX, move || {
            let users = UserClient::new(parts.service.clone(), PAGE_WAIT + ANSWER_WAIT);
            Self { reader: Reader { parts, users }, waiting: Vec::new(), asking: false }
        })
    }

    /// Asks about everybody who waits, as far as one question goes; the others wait for the next.
    fn ask_next(&mut self, ctx: &mut Context<Self>) {
        // Who waits no longer needs no answer.
        self.waiting.retain(|ask| !ask.reply.is_closed());
        if self.asking || self.waiting.is_empty() {
            return;
        }
        self.asking = true;
        let mut asked: Vec<UserId> = Vec::new();
        let mut room = ASKED_MAX;
        let fits = self.waiting.iter().take_while(|ask| {
            let first = room == ASKED_MAX;
            room = room.saturating_sub(ask.users.len());
            first || room > 0
        });
        let count = fits.count();
        let asks: Vec<Ask> = self.waiting.drain(..count).collect();
        asked.extend(asks.iter().flat_map(|ask| &ask.users));
        asked.sort_unstable();
        asked.dedup();
        let mut reader = self.reader.clone();
        // One question can name one request: the first that waits.
        reader.users = reader.users.on_behalf_of(asks.first().and_then(|ask| ask.trace.clone()));
        let question = async move { reader.ask(&asked).await };
        ctx.spawn(question.into_actor(self).map(move |done, feed, ctx| {
            for ask in asks {
                // A caller that hung up does not need its answer.
                let _ = ask.reply.send(done.clone().map_err(StoreError::Unavailable));
            }
            feed.asking = false;
            feed.ask_next(ctx);
        }));
    }
}

impl Actor for UserFeed {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(self.reader.clone().follow_feed().into_actor(self));
        ctx.spawn(self.reader.clone().follow_keys().into_actor(self));
    }
}

impl Handler<Ask> for UserFeed {
    type Result = ();

    fn handle(&mut self, ask: Ask, ctx: &mut Self::Context) {
        if self.waiting.len() >= QUESTIONS_MAX {
            // A caller that hung up does not need its refusal.
            let _ = ask.reply.send(Err(StoreError::Overloaded));
            return;
        }
        self.waiting.push(ask);
        self.ask_next(ctx);
    }
}

/// The part of the actor that its futures own.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) parts: Parts,
    pub(super) users: UserClient,
}

impl Reader {
    /// Applies page after page, for as long as the process lives.
    async fn follow_feed(mut self) {
        let mut pause = PAUSE_FIRST;
        // Without waiting for news at first: only an answer tells that the feed is there and at its end.
        let mut wait = Duration::ZERO;
        loop {
            match self.apply_next_page(wait).await {
                Ok(()) => (pause, wait) = (PAUSE_FIRST, PAGE_WAIT),
                Err(failure) => {
                    wait = Duration::ZERO;
                    // Once is what a restart looks like; who stops in one process with user-service is left by it.
                    let level = match pause {
                        _ if is_stopping() => Level::Debug,
                        PAUSE_FIRST => Level::Info,
                        _ => Level::Warn,
                    };
                    log!(level, "user-service's feed waits {} ms: {failure}", pause.as_millis());
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_LONGEST);
                }
            }
        }
    }

    async fn apply_next_page(&mut self, wait: Duration) -> Result<(), Failure> {
        // Whatever was away may be another when it is back.
        if wait.is_zero() {
            self.join_others().await?;
            self.check_history().await?;
        }
        let wait_ms = wait.as_millis();
        let path =
            format!("/v1/events?after={}&limit={PAGE_EVENTS}&wait_ms={wait_ms}", self.parts.place.position);
        let page: EventPage = match self.users.get_or_expired(&path, wait + ANSWER_WAIT).await? {
            Ok(page) => page,
            Err(expired) => {
                warn!(
                    "user-service's events before {} are no longer kept: asking about everybody",
                    expired.oldest
                );
                return self.learn_everybody(expired.oldest, false).await;
            }
        };
        if page.newest < self.parts.place.position {
            return self.go_back(page.newest, page.oldest).await;
        }
        if page.newest > self.parts.place.position {
            self.parts.state.heard_of_news(self.parts.clock.now());
        }
        self.parts.state.left(page.newest - self.parts.place.position);
        let (current, left) = (page.next_after >= page.newest, page.newest - page.next_after);
        if !page.items.is_empty() {
            self.apply(page).await?;
        }
        self.parts.state.left(left);
        // Where there is more, the copy is not current yet.
        if current {
            self.parts.state.at_the_end(self.parts.clock.now());
        }
        Ok(())
    }

    async fn apply(&mut self, page: EventPage) -> Result<(), Failure> {
        let learned = learned_from(&page);
        let revoked = learned.revoked.clone();
        self.learn(learned).await?;
        for (session, at) in revoked {
            self.parts.tokens.revoked().add(session, at);
        }
        self.look_for_work();
        self.parts.place.position = page.next_after;
        self.parts.place.at = page.items.last().map(|event| event.at);
        Ok(())
    }

    /// Fetches the key set now and then, so that a new key is known before it is used.
    async fn follow_keys(self) {
        let mut pause = PAUSE_FIRST;
        loop {
            let wait = match self.fetch_keys().await {
                Ok(()) => {
                    pause = PAUSE_FIRST;
                    REFRESH_KEYS_EVERY
                }
                Err(failure) => {
                    warn!("user-service's keys wait {} ms: {failure}", pause.as_millis());
                    let wait = pause;
                    pause = (pause * 2).min(PAUSE_LONGEST);
                    wait
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn fetch_keys(&self) -> Result<(), Failure> {
        let keys: KeySet = self.users.get("/.well-known/jwks.json", ANSWER_WAIT).await?;
        let first = !self.parts.tokens.is_ready();
        self.parts.tokens.set_keys(&keys);
        if first {
            info!("user-service at {} is there", self.users.url());
        }
        self.submit(Command::Trust(keys)).await.map(drop)
    }

    /// Asks about `users` directly and writes down the answer.
    async fn ask(&self, users: &[UserId]) -> Result<(), Failure> {
        for asked in users.chunks(ASKED_MAX) {
            let ids: Vec<String> = asked.iter().map(UserId::to_string).collect();
            let path = format!("/v1/user-facts?ids={}", ids.join(","));
            self.learn_asked(async || {
                let page: UserFactsPage = self.users.get(&path, ANSWER_WAIT).await?;
                let nobody = page.items.iter().filter(|item| item.facts.is_none());
                nobody.for_each(|item| self.parts.absent.note(item.id));
                Ok((known_of(page), ()))
            })
            .await?;
        }
        Ok(())
    }

    /// Asks directly, and writes down whom the answer tells of. Once more if another round has begun since, as the answer
    /// may be of a log that is no more. Returns what else there is in the answer.
    pub(super) async fn learn_asked<T>(
        &self,
        ask: impl AsyncFn() -> Result<(Vec<KnownUser>, T), Failure>,
    ) -> Result<T, Failure> {
        for _ in 0..ASKED_AGAIN_MAX {
            let round = Some(self.place().await?.round);
            let (users, rest) = ask().await?;
            if users.is_empty() {
                return Ok(rest);
            }
            let learned = Learned { users, round, ..Learned::default() };
            if self.submit(Command::Learn(learned)).await? != Answer::Void {
                self.look_for_work();
                return Ok(rest);
            }
        }
        Err(VOID.to_owned())
    }

    pub(super) fn look_for_work(&self) {
        // Full or gone, the janitor looks by itself a little later.
        let _ = self.parts.janitor.try_send(Look);
    }

    /// Writes down what was asked for in this round.
    pub(super) async fn learn(&self, learned: Learned) -> Result<(), Failure> {
        let learned = Learned { round: Some(self.parts.place.round), ..learned };
        let answer = self.submit(Command::Learn(learned)).await?;
        if answer == Answer::Void { Err(VOID.to_owned()) } else { Ok(()) }
    }

    async fn submit(&self, command: Command) -> Result<Answer, Failure> {
        let done = self.parts.writer.submit(command).await.map_err(|error| error.to_string())?;
        Ok(done.answer)
    }
}

pub(super) fn known_of(page: UserFactsPage) -> Vec<KnownUser> {
    let seq = page.seq;
    let found = page.items.into_iter().filter_map(|item| Some((item.id, item.facts?)));
    found.map(|(id, facts)| KnownUser { id, seq, facts }).collect()
}
