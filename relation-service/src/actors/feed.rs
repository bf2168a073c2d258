//! Keeping this service's copy of user facts: user-service's feed in order, and a direct question for
//! a person whom the feed has not brought yet.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use awc::Client;
use log::{error, info, warn};
use serde::de::DeserializeOwned;
use shared::actor::start_on_own_thread;
use shared::clock::{Clock, Micros};
use shared::db::StoreError;
use shared::event::{Event, EventPage};
use shared::facts::{UserFacts, UserFactsPage};
use shared::id::{SessionId, UserId};
use shared::secret::Secret;
use shared::token::{KeySet, REFRESH_KEYS_EVERY, TokenVerifier};
use shared::writer::WriterHandle;
use tokio::sync::oneshot;

use super::change::{Command, Learned, RelationEngine};
use super::janitor::{Janitor, Look};
use crate::store::fact::KnownUser;

/// Questions about people that may wait; one more is refused.
const QUESTIONS_MAX: usize = 1_024;
/// People in one question to user-service.
const ASKED_MAX: usize = 100;
/// Events in one page of the feed.
const PAGE_EVENTS: u32 = 500;
/// How long a page may wait for its first event.
const PAGE_WAIT: Duration = Duration::from_secs(10);
/// How long a request to user-service may take beyond what it was asked to wait.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// The pause after a failure, doubled up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_LONGEST: Duration = Duration::from_millis(500);
/// A page of the feed has at most this many bytes.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// Where user-service is and how to prove who asks.
#[derive(Clone)]
pub struct UserService {
    /// Its URL, without a final slash.
    pub url: String,
    /// The secret that both services share.
    pub secret: Secret,
}

/// What the rest of the service may know about the feed, without asking the actor.
#[derive(Debug, Clone, Default)]
pub struct FeedState {
    last_contact: Arc<AtomicI64>,
    /// Since when news are known to wait; 0 while none are.
    behind_since: Arc<AtomicI64>,
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
    reader: Reader,
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
    /// How far the feed has been applied.
    pub position: i64,
}

/// Ask user-service about these people, and write down the answer.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Ask {
    /// About whom.
    pub users: Vec<UserId>,
    /// Told when the answer is written.
    pub reply: oneshot::Sender<Result<(), StoreError>>,
}

type Failure = String;

impl UserFeed {
    /// Starts the actor on a thread of its own.
    pub fn start(parts: Parts) -> Addr<Self> {
        start_on_own_thread(QUESTIONS_MAX, move || {
            let http = Client::builder().timeout(PAGE_WAIT + ANSWER_WAIT).disable_redirects().finish();
            Self { reader: Reader { parts, http }, waiting: Vec::new(), asking: false }
        })
    }

    /// Asks about everybody who waits, as far as one question goes; the others wait for the next.
    fn ask_next(&mut self, ctx: &mut Context<Self>) {
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
        let reader = self.reader.clone();
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
struct Reader {
    parts: Parts,
    http: Client,
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
                    warn!("user-service's feed waits {} ms: {failure}", pause.as_millis());
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_LONGEST);
                }
            }
        }
    }

    async fn apply_next_page(&mut self, wait: Duration) -> Result<(), Failure> {
        let wait_ms = wait.as_millis();
        let path = format!("/v1/events?after={}&limit={PAGE_EVENTS}&wait_ms={wait_ms}", self.parts.position);
        let page: EventPage = self.get(&path, wait + ANSWER_WAIT).await?;
        let position = self.parts.position;
        if page.newest < position {
            let newest = page.newest;
            return Err(format!("its log ends at {newest}, but {position} was read: is it an older copy?"));
        }
        if page.newest > position {
            self.parts.state.heard_of_news(self.parts.clock.now());
        }
        let current = page.next_after >= page.newest;
        if !page.items.is_empty() {
            self.apply(page).await?;
        }
        // Where there is more, the copy is not current yet.
        if current {
            self.parts.state.at_the_end(self.parts.clock.now());
        }
        Ok(())
    }

    async fn apply(&mut self, page: EventPage) -> Result<(), Failure> {
        let learned = learned_from(&page);
        let revoked = learned.revoked.clone();
        self.submit(Command::Learn(learned)).await?;
        for (session, at) in revoked {
            self.parts.tokens.revoked().add(session, at);
        }
        self.look_for_work();
        self.parts.position = page.next_after;
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
        let keys: KeySet = self.get("/.well-known/jwks.json", ANSWER_WAIT).await?;
        let first = !self.parts.tokens.is_ready();
        self.parts.tokens.set_keys(&keys);
        if first {
            info!("user-service at {} is there", self.parts.service.url);
        }
        self.submit(Command::Trust(keys)).await
    }

    /// Asks about `users` directly and writes down the answer.
    async fn ask(&self, users: &[UserId]) -> Result<(), Failure> {
        let mut known = Vec::new();
        for asked in users.chunks(ASKED_MAX) {
            let ids: Vec<String> = asked.iter().map(UserId::to_string).collect();
            let path = format!("/v1/user-facts?ids={}", ids.join(","));
            let page: UserFactsPage = self.get(&path, ANSWER_WAIT).await?;
            let seq = page.seq;
            let found = page.items.into_iter().filter_map(|item| Some((item.id, item.facts?)));
            known.extend(found.map(|(id, facts)| KnownUser { id, seq, facts }));
        }
        if known.is_empty() {
            return Ok(());
        }
        self.submit(Command::Learn(Learned { users: known, ..Learned::default() })).await?;
        self.look_for_work();
        Ok(())
    }

    fn look_for_work(&self) {
        // Full or gone, the janitor looks by itself a little later.
        let _ = self.parts.janitor.try_send(Look);
    }

    async fn submit(&self, command: Command) -> Result<(), Failure> {
        self.parts.writer.submit(command).await.map(drop).map_err(|error| error.to_string())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, patience: Duration) -> Result<T, Failure> {
        let token = self.parts.service.secret.as_internal_token();
        let request = self.http.get(format!("{}{path}", self.parts.service.url)).timeout(patience);
        let request = request.bearer_auth(token.reveal());
        let mut response = request.send().await.map_err(|error| error.to_string())?;
        if !response.status().is_success() {
            return Err(format!("{} answers {}", path.split('?').next().unwrap_or(path), response.status()));
        }
        response.json().limit(PAGE_BYTES_MAX).await.map_err(|error| error.to_string())
    }
}

/// The newest facts of each person on a page, the sessions that ended, and what could not be read.
pub fn learned_from(page: &EventPage) -> Learned {
    let mut users: HashMap<UserId, KnownUser> = HashMap::new();
    let mut learned = Learned { position: Some(page.next_after), ..Learned::default() };
    for event in &page.items {
        let read = if event.kind == "session.revoked" {
            session_of(event).map(|session| learned.revoked.push((session, event.at)))
        } else if event.kind.starts_with("user.") {
            known_from(event).map(|known| drop(users.insert(known.id, known)))
        } else {
            Ok(())
        };
        if let Err(reason) = read {
            error!("event {} ({}) of user-service is parked: {reason}", event.seq, event.kind);
            learned.parked.push((event.seq, reason));
        }
    }
    learned.users = users.into_values().collect();
    learned
}

fn known_from(event: &Event) -> Result<KnownUser, Failure> {
    let id = event.subject_id.ok_or("it names nobody")?;
    let facts: UserFacts = serde_json::from_value(event.data.clone()).map_err(|error| error.to_string())?;
    Ok(KnownUser { id, seq: event.seq, facts })
}

fn session_of(event: &Event) -> Result<SessionId, Failure> {
    let session = event.data.get("session_id").and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
    session.ok_or_else(|| "it names no session".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(seq: i64, kind: &str, data: serde_json::Value) -> Event {
        let subject_id = Some(UserId::new(5));
        Event { seq, kind: kind.into(), at: Micros::new(seq), actor_id: None, subject_id, cause: None, data }
    }

    fn facts(name: &str) -> serde_json::Value {
        json!({"username": name, "display_name": "", "avatar_url": null, "verified": false, "status": "active",
            "private_account": false, "show_relations": "everyone", "show_counts": true,
            "suggest_to_others": true, "messages_from": "everyone", "comments_from": "everyone",
            "mentions_from": "everyone"})
    }

    #[test]
    fn a_page_becomes_the_newest_facts_of_each_person() {
        let items = vec![
            event(1, "user.registered", facts("old")),
            event(2, "session.revoked", json!({"session_id": "77"})),
            event(3, "user.renamed", facts("new")),
            event(4, "user.updated", json!({"unreadable": true})),
            event(5, "something.else", json!({})),
        ];
        let learned = learned_from(&EventPage { items, next_after: 5, oldest: 1, newest: 5 });
        assert_eq!(learned.position, Some(5));
        assert_eq!(learned.revoked, [(SessionId::new(77), Micros::new(2))]);
        let known: Vec<(i64, &str)> =
            learned.users.iter().map(|u| (u.seq, u.facts.username.as_str())).collect();
        assert_eq!(known, [(3, "new")]);
        assert_eq!(learned.parked.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [4]);
    }
}
