//! Taking along everything that one holds here.

use actix_web::{HttpResponse, get, web};
use serde_json::{Map, Value, json};
use shared::clock::Micros;
use shared::http::{Piece, Viewer, document};
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use super::import::ImportBody;
use crate::domain::CountDelta;
use crate::handle::RelationHandle;
use crate::store::export::{ExportRow, Part};

/// The names of all lists.
const LISTS: [&str; Part::ALL.len()] = {
    let mut names = [""; Part::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = Part::ALL[index].1;
        index += 1;
    }
    names
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(export);
}

/// Everything I hold here
///
/// One JSON object: `counts`, `imports` that are kept, then the lists `following`, `followers`, `requests_sent`,
/// `requests_received`, `blocks`, `mutes`, `close_friends`, `dismissals` and `notes`, hidden people included. What others keep
/// to themselves is not in it: who
/// blocks or mutes me, whose close friend I am, and what they noted. Who I am is at `GET /v1/me/export` of user-service.
#[utoipa::path(tag = "me", security(("user" = [])), responses(
    (status = 200, description = "One object, as long as it needs to be", content_type = "application/json", body = Object),
    Refusals,
))]
#[get("/v1/me/export")]
async fn export(viewer: Viewer, relations: web::Data<RelationHandle>) -> Result<HttpResponse, Problem> {
    let head = head(relations.get_ref(), viewer).await?;
    let relations = relations.get_ref().clone();
    Ok(document(head, &LISTS, move |list, after| {
        let relations = relations.clone();
        async move {
            let part = Part::ALL.iter().find(|(_, name)| *name == list).map(|(part, _)| *part);
            let part = part.ok_or_else(Problem::internal)?;
            let rows = relations.exported(viewer.id, part, after).await?;
            Ok(Piece::of(&rows, |row| row.place, |row| item(part, row)))
        }
    }))
}

async fn head(relations: &RelationHandle, viewer: Viewer) -> Result<Map<String, Value>, Problem> {
    let found = relations.counts(Some(viewer.id), vec![viewer.id]).await?;
    let counts = found.into_iter().find_map(|(_, seen)| seen).flatten();
    let CountDelta { followers, following, friends, requests_received, requests_sent, blocks } =
        counts.unwrap_or_default();
    let counts = json!({
        "followers": followers, "following": following, "friends": friends, "blocks": blocks,
        "requests_received": requests_received, "requests_sent": requests_sent,
    });
    let imports: Vec<ImportBody> =
        relations.imports(viewer.id).await?.into_iter().map(ImportBody::from).collect();
    let parts = [("user_id", json!(viewer.id)), ("counts", counts), ("imports", json!(imports))];
    Ok(parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect())
}

fn item(part: Part, row: &ExportRow) -> Value {
    let ExportRow { user, since, until, option, text, .. } = row;
    let ends = (*until != Micros::new(i64::MAX)).then_some(until);
    match part {
        Part::Following | Part::RequestsSent => json!({"user_id": user, "since": since, "notify": option}),
        Part::Mutes => {
            json!({"user_id": user, "since": since, "expires_at": ends, "notifications": option})
        }
        Part::Notes => json!({"user_id": user, "note": text}),
        Part::Followers | Part::RequestsReceived | Part::Blocks | Part::CloseFriends | Part::Dismissals => {
            json!({"user_id": user, "since": since})
        }
    }
}
