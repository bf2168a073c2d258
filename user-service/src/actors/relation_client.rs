//! Asks relation-service who must not see whom: the one thing about people that this service does not know.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::prelude::*;
use awc::Client;
use serde::Deserialize;
use shared::actor::start_on_own_thread;
use shared::id::UserId;
use shared::secret::Secret;
use shared::telemetry::Trace;
use tokio::sync::oneshot;

/// People in one question: as many as relation-service takes.
pub const ASKED_MAX: i64 = 200;
/// Questions under way; one more is refused.
const QUESTIONS_MAX: usize = 256;
/// How long a question may take: somebody who searches waits for it.
const ANSWER_WAIT: Duration = Duration::from_millis(500);
/// The longest note that any setting of relation-service allows, 10,000 characters, each of at most 6 bytes in JSON.
const NOTE_BYTES_MAX: usize = 10_000 * 6;
/// What an answer says of one person beside the note.
const STANDING_BYTES_MAX: usize = 1_024;
/// An answer has at most this many bytes: the private notes of the asker come along, about [`ASKED_MAX`] people.
const ANSWER_BYTES_MAX: usize = 200 * (NOTE_BYTES_MAX + STANDING_BYTES_MAX);

/// Why there is no answer.
pub type Failure = String;

/// For anybody on any thread. Clones share everything.
#[derive(Clone)]
pub struct Relations {
    url: Arc<OnceLock<String>>,
    client: Addr<RelationClient>,
}

/// The actor: it has the connections.
pub struct RelationClient {
    http: Client,
    token: Secret,
    under_way: usize,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Ask {
    url: String,
    /// Of the request for whose sake it is asked.
    trace: Option<Trace>,
    reply: oneshot::Sender<Result<Standings, Failure>>,
}

#[derive(Debug, Deserialize)]
struct Standings {
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    id: UserId,
    relationship: Option<Standing>,
}

#[derive(Debug, Deserialize)]
struct Standing {
    blocking: bool,
    blocked_by: bool,
}

impl Relations {
    /// Starts the actor. Where relation-service is may be said later: see [`Relations::are_at`].
    pub fn start(secret: &Secret, url: Option<String>) -> Self {
        let token = secret.as_internal_token();
        let client = start_on_own_thread(QUESTIONS_MAX, move || {
            let http = Client::builder().timeout(ANSWER_WAIT).disable_redirects().finish();
            RelationClient { http, token, under_way: 0 }
        });
        let known = Self { url: Arc::default(), client };
        if let Some(url) = url {
            known.are_at(url);
        }
        known
    }

    /// Says where relation-service is, without a final slash. What is known already stays.
    pub fn are_at(&self, url: String) {
        let _ = self.url.set(url);
    }

    /// Whether there is anybody to ask.
    pub fn are_known(&self) -> bool {
        self.url.get().is_some()
    }

    /// Those of at most [`ASKED_MAX`] people whom `viewer` may see: nobody is between whom and the viewer there is a
    /// block, and nobody of whom relation-service does not know it.
    pub async fn not_blocked(&self, viewer: UserId, people: &[UserId]) -> Result<HashSet<UserId>, Failure> {
        if people.is_empty() {
            return Ok(HashSet::new());
        }
        let base = self.url.get().ok_or("nobody has said where it is")?;
        let ids: Vec<String> = people.iter().map(UserId::to_string).collect();
        let url = format!("{base}/v1/relationships?viewer_id={viewer}&ids={}", ids.join(","));
        let (reply, answered) = oneshot::channel();
        let trace = Trace::current();
        self.client.try_send(Ask { url, trace, reply }).map_err(|_| "too many questions wait")?;
        let Standings { items } = answered.await.map_err(|_| "the client has stopped")??;
        let apart = |standing: &Standing| standing.blocking || standing.blocked_by;
        let seen = items.into_iter().filter(|item| item.relationship.as_ref().is_some_and(|s| !apart(s)));
        Ok(seen.map(|item| item.id).collect())
    }
}

impl Actor for RelationClient {
    type Context = Context<Self>;
}

impl Handler<Ask> for RelationClient {
    type Result = ();

    fn handle(&mut self, Ask { url, trace, reply }: Ask, ctx: &mut Self::Context) {
        if self.under_way >= QUESTIONS_MAX {
            // A caller that hung up does not need its refusal.
            let _ = reply.send(Err("too many questions are under way".to_owned()));
            return;
        }
        self.under_way += 1;
        let request = self.http.get(url).bearer_auth(self.token.reveal());
        let headers = trace.iter().flat_map(Trace::headers);
        let request = headers.fold(request, awc::ClientRequest::insert_header);
        let question = async move { tokio::time::timeout(ANSWER_WAIT, answer(request)).await };
        ctx.spawn(question.into_actor(self).map(|answered, client, _| {
            client.under_way -= 1;
            let late = |_| Err(format!("no answer within {} ms", ANSWER_WAIT.as_millis()));
            let _ = reply.send(answered.unwrap_or_else(late));
        }));
    }
}

async fn answer(request: awc::ClientRequest) -> Result<Standings, Failure> {
    let mut response = request.send().await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("it answers {}", response.status()));
    }
    response.json().limit(ANSWER_BYTES_MAX).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_longest_notes_fit() {
        let note = "\u{1}".repeat(10_000);
        let item = json!({"id": UserId::new(i64::MAX), "relationship": {"note": note, "blocking": false}});
        let items = vec![item; usize::try_from(ASKED_MAX).unwrap()];
        assert!(json!({ "items": items }).to_string().len() < ANSWER_BYTES_MAX);
    }
}
