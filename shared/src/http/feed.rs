//! The event feed, the same for both services: pages with long polling, and server-sent events.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::auth::Pass;
use super::json::Json;
use super::readers::FeedReaders;
use super::scope::{Events, Granted, Scope};
use crate::db::{Reads, StoreError, log};
use crate::event::{Event, EventPage};
use crate::metric;
use crate::page::parse_limit;
use crate::problem::{Problem, Refusals};
use crate::publisher::READER as PUBLISHER;
use crate::revision::Lookout;

/// Events on a page when the caller does not say.
const EVENTS_LIMIT_DEFAULT: i64 = 100;
/// Events on a page at the most; more is clamped to this.
pub const EVENTS_LIMIT_MAX: i64 = 1_000;
/// How long a page may wait for its first event; more is clamped to this.
pub const EVENTS_WAIT_MAX: Duration = Duration::from_secs(30);
/// How long a stream is silent before it shows that it lives.
const STREAM_BEAT: Duration = Duration::from_secs(15);

/// The query of the feed.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// Continue after this event; 0 is the beginning.
    #[param(value_type = i64, required = false, minimum = 0)]
    pub after: Option<u64>,
    /// At most this many events: 1 to 1,000.
    #[param(value_type = Option<u32>, minimum = 1)]
    pub limit: Option<String>,
    /// Wait up to this many milliseconds for an event, if there is none yet: at most 30,000.
    #[param(value_type = i64, required = false, minimum = 0, maximum = 4_294_967_295_u32)]
    pub wait_ms: Option<u32>,
}

/// The query of the stream.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Continue after this event; 0 is the beginning.
    #[param(value_type = i64, required = false, minimum = 0)]
    pub after: Option<u64>,
}

/// What the stream sends for each event, as the lines of these names.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes lines that `as_stream` writes")]
struct StreamedEvent {
    /// The event's number.
    #[schema(pattern = "^[1-9][0-9]*$")]
    id: String,
    /// Its type.
    event: String,
    /// The event as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// What the feed of a service is made of.
#[derive(Clone)]
pub struct Feed {
    reads: Reads,
    lookout: Lookout,
    readers: FeedReaders,
    closing: watch::Sender<bool>,
}

impl Feed {
    /// The feed of the log that `reads` reads, with whoever waits for its events.
    pub fn new(reads: Reads, lookout: Lookout, readers: FeedReaders) -> Self {
        Self { reads, lookout, readers, closing: watch::Sender::new(false) }
    }

    /// Tells at `/metrics`, for as long as the process lives, how far each reader is behind. Readers have tokens, so they
    /// are few.
    pub fn measure(&self, service: &'static str) {
        let feed = self.clone();
        metric::every_second(move || {
            let newest = feed.lookout.revision();
            let positions = feed.readers.positions();
            // How far the publisher has come it tells itself: it may be another instance's turn.
            for (reader, position) in positions.iter().filter(|(reader, _)| *reader != PUBLISHER) {
                let reader = reader.clone();
                metrics::gauge!(metric::FEED_READER_LAG, "service" => service, "reader" => reader)
                    .set(metric::count(newest.saturating_sub(*position).max(0)));
            }
        });
    }

    /// Set to true when the server stops: then nobody waits here any longer.
    pub fn closing(&self) -> watch::Sender<bool> {
        self.closing.clone()
    }

    /// The newest event's number, or at least `enough`.
    async fn newest(&self, enough: i64) -> Result<i64, StoreError> {
        let seen = self.lookout.revision();
        // On a server another instance may be ahead of what this one has seen.
        if seen >= enough { Ok(seen) } else { Ok(self.reads.run(log::head).await?.seq) }
    }

    /// The page after `after`, waiting up to `wait` for its first event.
    async fn page(&self, after: i64, limit: i64, wait: Duration) -> Result<EventPage, Problem> {
        if self.lookout.revision() <= after && !wait.is_zero() {
            let mut closing = self.closing.subscribe();
            let news = async {
                tokio::select! {
                    () = self.lookout.moved_past(after) => {}
                    _ = closing.wait_for(|closing| *closing) => {}
                }
            };
            // Nothing came: an empty page says so.
            let _ = timeout(wait, news).await;
        }
        if *self.closing.borrow() {
            return Err(Problem::unavailable());
        }
        let read = move |conn: &mut crate::db::Conn| -> Result<(Vec<Event>, i64, i64), StoreError> {
            Ok((log::after(conn, after, limit)?, log::oldest(conn)?, log::head(conn)?.seq))
        };
        let (items, oldest, newest) = self.reads.run(read).await?;
        if after < oldest - 1 {
            return Err(Problem::events_expired(oldest));
        }
        let next_after = items.last().map_or(after, |event| event.seq);
        Ok(EventPage { items, next_after, oldest, newest })
    }
}

/// Events, oldest first
///
/// A page of the log after `after`. Numbers are contiguous and in commit order. With `wait_ms` the
/// answer waits for an event. 410
/// `events_expired` says that what comes after `after` is no longer kept. For services with the scope `events`.
#[utoipa::path(tag = "events", params(FeedQuery), security(("service" = [])), responses(
    (status = 200, description = "A page; empty if nothing came in time", body = EventPage),
    (status = 410, description = "`events_expired`"),
    Refusals,
))]
#[get("/v1/events")]
pub async fn events(
    granted: Granted<Events, web::Query<FeedQuery>>,
    feed: web::Data<Feed>,
) -> Result<Json<EventPage>, Problem> {
    let Granted { client, asked: query, .. } = granted;
    let after = position(query.after)?;
    let limit = parse_limit(query.limit.as_deref(), EVENTS_LIMIT_DEFAULT, EVENTS_LIMIT_MAX)?;
    let wait = Duration::from_millis(u64::from(query.wait_ms.unwrap_or(0))).min(EVENTS_WAIT_MAX);
    // Before the wait, because somebody waits for it; not for a place that the log has not come to, as
    // after a restore of an older copy.
    if after <= feed.newest(after).await? {
        feed.readers.acknowledge(&client.name, after).await?;
    }
    Ok(Json(feed.page(after, limit, wait).await?))
}

/// Events as they happen (server-sent events)
///
/// `id` is the event's number; a client that reconnects with `Last-Event-ID` continues after it.
/// For services with the scope `events`.
#[utoipa::path(tag = "events", params(StreamQuery, ("Last-Event-ID" = Option<i64>, Header, minimum = 0,
    description = "As `after`, before which it goes")), security(("service" = [])), responses(
    (status = 200, description = "The stream", content_type = "text/event-stream", body = StreamedEvent),
    (status = 410, description = "`events_expired`"),
    Refusals,
))]
#[get("/v1/events/stream")]
pub async fn events_stream(
    request: HttpRequest,
    granted: Granted<Events, web::Query<StreamQuery>>,
    feed: web::Data<Feed>,
) -> Result<HttpResponse, Problem> {
    let Granted { asked: query, .. } = granted;
    let seen = request.headers().get(HeaderName::from_static("last-event-id"));
    let unread = || Problem::malformed("invalid_query", "Last-Event-ID is the number of an event.");
    let number = |id: &HeaderValue| id.to_str().ok().and_then(|id| id.parse::<u64>().ok()).ok_or_else(unread);
    let (asked, seen) = (position(query.after)?, seen.map(number).transpose()?);
    let after = if seen.is_some() { position(seen)? } else { asked };
    let feed = feed.get_ref().clone();
    // The first page decides about 410 while there is still a status to send.
    let first = feed.page(after, EVENTS_LIMIT_MAX, Duration::ZERO).await?;
    let pass = Pass::of(&request)?;
    let pages = stream::unfold((feed, pass, Some(first), after), |(feed, pass, ready, after)| async move {
        let page = match ready {
            Some(page) => page,
            None => feed.page(after, EVENTS_LIMIT_MAX, STREAM_BEAT).await.ok()?,
        };
        // A token that was revoked in the meantime ends the stream.
        pass.still_opens(Events::NAME).await.then_some(())?;
        let after = page.next_after;
        Some((Ok::<_, Problem>(as_stream(&page)), (feed, pass, None, after)))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        .streaming(pages))
}

fn position(after: Option<u64>) -> Result<i64, Problem> {
    let invalid = |_| Problem::malformed("invalid_query", "after is the number of an event.");
    i64::try_from(after.unwrap_or(0)).map_err(invalid)
}

fn as_stream(page: &EventPage) -> web::Bytes {
    if page.items.is_empty() {
        return web::Bytes::from_static(b": alive\n\n");
    }
    let lines: String = page
        .items
        .iter()
        .map(|event| {
            let data = serde_json::to_string(event).unwrap_or_default();
            format!("id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.kind)
        })
        .collect();
    web::Bytes::from(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_reader_says_how_far_all_have_read() {
        let readers = FeedReaders::default();
        assert_eq!(readers.all_have_read(), i64::MAX, "nobody reads");
        readers.expect("publisher");
        readers.has_read("notifier", 7);
        assert_eq!(readers.all_have_read(), 0, "who is expected has read nothing yet");
        readers.has_read("publisher", 5);
        readers.has_read("publisher", 3);
        assert_eq!(readers.all_have_read(), 5, "nobody goes back");
    }
}
