//! What it answers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use shared::event::{Event, EventPage};
use shared::facts::{NamedFacts, NamedFactsItem, NamedFactsPage, UserFactsItem, UserFactsPage};
use shared::id::UserId;
use tokio::time::timeout;

use super::{Mode, STALLED_PAUSE, State};

/// An answer instead of the one asked for: the caller is not known, or nobody is there.
async fn turned_away(request: &HttpRequest, state: &State) -> Option<HttpResponse> {
    let mut mode = state.mode.subscribe();
    if *mode.borrow() == Mode::Silent {
        mode.wait_for(|mode| *mode != Mode::Silent).await.unwrap();
        return Some(HttpResponse::ServiceUnavailable().finish());
    }
    if *mode.borrow() == Mode::Down {
        return Some(HttpResponse::ServiceUnavailable().finish());
    }
    let sent = request.headers().get("authorization").and_then(|sent| sent.to_str().ok());
    (sent != Some(&state.authorization)).then(|| HttpResponse::new(StatusCode::UNAUTHORIZED))
}

pub(super) async fn keys(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    if let Some(answer) = turned_away(&request, &state).await {
        return answer;
    }
    HttpResponse::Ok().json(state.signer.key_set())
}

#[derive(Deserialize)]
pub(super) struct EventsQuery {
    after: i64,
    limit: usize,
    wait_ms: u64,
}

pub(super) async fn events(
    request: HttpRequest,
    query: web::Query<EventsQuery>,
    state: web::Data<State>,
) -> HttpResponse {
    if let Some(answer) = turned_away(&request, &state).await {
        return answer;
    }
    state.events_asked.fetch_add(1, Ordering::SeqCst);
    let EventsQuery { after, limit, wait_ms } = query.into_inner();
    // As the real one: nobody has read what is not there.
    if after <= *state.shown.borrow() {
        state.applied.send_if_modified(|held| std::mem::replace(held, (*held).max(after)) < after);
    }
    let (mut shown, mut mode) = (state.shown.subscribe(), state.mode.subscribe());
    tokio::select! {
        // What a switch turned off shows nothing more.
        biased;
        _ = mode.wait_for(|mode| *mode != Mode::Up) => return HttpResponse::ServiceUnavailable().finish(),
        _ = timeout(Duration::from_millis(wait_ms), shown.wait_for(|seq| *seq > after)) => {}
    }
    let shown = *state.shown.borrow();
    if state.log.lock().unwrap().stalled {
        tokio::time::sleep(STALLED_PAUSE).await;
    }
    let log = state.log.lock().unwrap();
    if after < log.expired {
        let body = json!({"status": 410, "code": "events_expired", "oldest": log.expired + 1});
        return HttpResponse::Gone().json(body);
    }
    if log.stalled {
        return HttpResponse::Ok().json(EventPage {
            items: vec![],
            next_after: after,
            oldest: 1,
            newest: shown,
        });
    }
    let items = log.events.iter().filter(|event| event.seq > after && event.seq <= shown);
    let items: Vec<Event> = items.take(limit).cloned().collect();
    let next_after = items.last().map_or(after, |event| event.seq);
    HttpResponse::Ok().json(EventPage { items, next_after, oldest: log.expired + 1, newest: shown })
}

#[derive(Deserialize)]
pub(super) struct FactsQuery {
    ids: String,
}

pub(super) async fn user_facts(
    request: HttpRequest,
    query: web::Query<FactsQuery>,
    state: web::Data<State>,
) -> HttpResponse {
    state.questions.lock().unwrap().push(request.headers().clone());
    if let Some(answer) = turned_away(&request, &state).await {
        return answer;
    }
    let page = facts_of(&query.ids, &state);
    let mut held = state.questions_held.subscribe();
    held.wait_for(|held| !held).await.unwrap();
    HttpResponse::Ok().json(page)
}

fn facts_of(ids: &str, state: &State) -> UserFactsPage {
    let log = state.log.lock().unwrap();
    let item = |id: UserId| UserFactsItem { id, facts: log.people.get(&id).cloned() };
    let items = ids.split(',').map(|id| item(id.parse().unwrap())).collect();
    let seq = i64::try_from(log.events.len()).unwrap();
    UserFactsPage { items, seq }
}

#[derive(Deserialize)]
pub(super) struct NamesQuery {
    usernames: String,
}

pub(super) async fn named_facts(
    request: HttpRequest,
    query: web::Query<NamesQuery>,
    state: web::Data<State>,
) -> HttpResponse {
    if let Some(answer) = turned_away(&request, &state).await {
        return answer;
    }
    if state.names_away.load(Ordering::SeqCst) {
        return HttpResponse::ServiceUnavailable().finish();
    }
    let names: Vec<&str> = query.usernames.split(',').collect();
    assert!(names.len() <= 100, "more names than the route takes");
    state.names_asked.lock().unwrap().extend(names.iter().map(|name| (*name).to_owned()));
    let log = state.log.lock().unwrap();
    let item = |name: &str| {
        let holder = log.people.iter().find(|(_, facts)| facts.username == name).map(|(id, _)| *id);
        let id = holder.or_else(|| log.former.get(name).copied());
        let found = id.and_then(|id| Some(NamedFacts { id, facts: log.people.get(&id)?.clone() }));
        NamedFactsItem { username: name.to_owned(), found }
    };
    let items = names.into_iter().map(item).collect();
    let seq = i64::try_from(log.events.len()).unwrap();
    HttpResponse::Ok().json(NamedFactsPage { items, seq })
}

#[derive(Deserialize)]
pub(super) struct AllFactsQuery {
    after: Option<UserId>,
    limit: usize,
}

pub(super) async fn all_facts(
    request: HttpRequest,
    query: web::Query<AllFactsQuery>,
    state: web::Data<State>,
) -> HttpResponse {
    if let Some(answer) = turned_away(&request, &state).await {
        return answer;
    }
    let asked = state.everybody_asked.fetch_add(1, Ordering::SeqCst) + 1;
    let page = everybody(&query, &state);
    let mut held = state.everybody_held.subscribe();
    held.wait_for(|held| *held != Some(asked)).await.unwrap();
    HttpResponse::Ok().json(page)
}

fn everybody(query: &AllFactsQuery, state: &State) -> UserFactsPage {
    let log = state.log.lock().unwrap();
    let mut ids: Vec<UserId> = log.people.keys().copied().collect();
    ids.sort_unstable();
    let rest = ids.into_iter().filter(|id| query.after.is_none_or(|after| *id > after)).take(query.limit);
    let items = rest.map(|id| UserFactsItem { id, facts: log.people.get(&id).cloned() }).collect();
    let seq = i64::try_from(log.events.len()).unwrap();
    UserFactsPage { items, seq }
}
