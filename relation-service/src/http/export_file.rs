//! Taking one's lists along as files.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, web};
use futures_util::stream;
use shared::http::Viewer;
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domain::{ImportKind, export_file};
use crate::handle::RelationHandle;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(following).service(blocks).service(mutes);
}

/// Whom I follow, as CSV
///
/// In Mastodon's columns, newest first, as an import takes them. Requests are not in it.
#[utoipa::path(tag = "imports", security(("user" = [])), responses(
    (status = 200, description = "The file", content_type = "text/csv", body = String), Refusals))]
#[get("/v1/me/exports/following.csv")]
async fn following(viewer: Viewer, relations: web::Data<RelationHandle>) -> Result<HttpResponse, Problem> {
    file(viewer, &relations, ImportKind::Following).await
}

/// Whom I block, as CSV
///
/// In Mastodon's column, with a header line, newest first, as an import takes it.
#[utoipa::path(tag = "imports", security(("user" = [])), responses(
    (status = 200, description = "The file", content_type = "text/csv", body = String), Refusals))]
#[get("/v1/me/exports/blocks.csv")]
async fn blocks(viewer: Viewer, relations: web::Data<RelationHandle>) -> Result<HttpResponse, Problem> {
    file(viewer, &relations, ImportKind::Blocks).await
}

/// Whom I mute, as CSV
///
/// In Mastodon's columns, newest first, as an import takes them. When a mute ends is not in it.
#[utoipa::path(tag = "imports", security(("user" = [])), responses(
    (status = 200, description = "The file", content_type = "text/csv", body = String), Refusals))]
#[get("/v1/me/exports/mutes.csv")]
async fn mutes(viewer: Viewer, relations: web::Data<RelationHandle>) -> Result<HttpResponse, Problem> {
    file(viewer, &relations, ImportKind::Mutes).await
}

/// The file, a page at a time. A failure on the way ends the answer before its end.
async fn file(viewer: Viewer, relations: &RelationHandle, kind: ImportKind) -> Result<HttpResponse, Problem> {
    let first = relations.export_file_page(kind, viewer.id, None).await?;
    let head = Bytes::from(export_file(kind, &first.0, true));
    let rest = stream::unfold((first.1, relations.clone()), move |(place, relations)| async move {
        let place = place?;
        Some(match relations.export_file_page(kind, viewer.id, Some(place)).await {
            Ok((rows, next)) => (Ok(Bytes::from(export_file(kind, &rows, false))), (next, relations)),
            Err(error) => (Err(Problem::from(error)), (None, relations)),
        })
    });
    let pages = futures_util::StreamExt::chain(stream::iter([Ok::<_, Problem>(head)]), rest);
    let name = format!("attachment; filename=\"{}.csv\"", kind.as_str());
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(Box::pin(pages)))
}
