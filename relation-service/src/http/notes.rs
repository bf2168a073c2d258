//! Private notes.

use actix_web::{put, web};
use serde::Deserialize;
use shared::http::{Body, Json, Viewer};
use shared::id::UserId;
use shared::problem::{FieldError, Problem, Refusals};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::relationship::ActedBody;
use crate::domain::Note;
use crate::handle::RelationHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(note);
}

/// A note.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoteBody {
    /// The whole text; empty clears the note.
    #[schema(max_length = 2000)]
    note: String,
}

/// Note something about a person
///
/// For myself alone: nobody else is shown or told of it.
#[utoipa::path(tag = "notes", params(("id" = UserId, Path, description = "About whom")),
    request_body = NoteBody, security(("user" = [])),
    responses((status = 200, description = "The relationship now", body = ActedBody), Refusals))]
#[put("/v1/me/notes/{id}")]
async fn note(
    viewer: Viewer,
    target: web::Path<UserId>,
    body: Body<NoteBody>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ActedBody>, Problem> {
    let note = Note::parse(body.0.note, relations.limits().note_chars_max).map_err(|bad| {
        let (field, code, detail) = ("note".into(), bad.code().into(), bad.to_string());
        Problem::validation(vec![FieldError { field, code, detail }])
    })?;
    let acted = relations.note(viewer.id, *target, note).await?;
    Ok(Json(ActedBody::new(*target, acted)))
}
