//! Bringing lists from elsewhere.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::http::{Json, Viewer, long_body};
use shared::problem::{Problem, Refusals};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::error::{number, told};
use super::idempotency;
use crate::domain::{BadFile, IMPORT_KEPT_FOR, ImportDenial, ImportId, ImportKind, ImportMode};
use crate::handle::{Brought, RelationHandle};
use crate::store::import::Import;
use crate::store::import_row::StoredRow;

/// The largest file: as many rows as a file may have, with accounts of a hundred bytes.
const FILE_BYTES_MAX: usize = 2 << 20;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(begin).service(progress);
}

/// Which list.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum KindWord {
    Following,
    Blocks,
    Mutes,
}

impl From<KindWord> for ImportKind {
    fn from(word: KindWord) -> Self {
        match word {
            KindWord::Following => Self::Following,
            KindWord::Blocks => Self::Blocks,
            KindWord::Mutes => Self::Mutes,
        }
    }
}

/// What a file is to the list.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ModeWord {
    #[default]
    Merge,
    Overwrite,
}

impl From<ModeWord> for ImportMode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Merge => Self::Merge,
            ModeWord::Overwrite => Self::Overwrite,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportQuery {
    /// Which list.
    #[param(inline)]
    kind: KindWord,
    /// `merge` adds the file to the list; `overwrite` makes the list what the file says. `merge` if left out.
    #[serde(default)]
    #[param(inline)]
    mode: ModeWord,
    /// Only say what the import would do.
    #[serde(default)]
    dry_run: bool,
}

/// An import, and how far it has come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
pub(super) struct ImportBody {
    id: ImportId,
    /// `following`, `blocks` or `mutes`.
    kind: &'static str,
    /// `merge` or `overwrite`.
    mode: &'static str,
    /// Nothing is changed.
    dry_run: bool,
    /// `queued`, `running`, `waiting` (for user-service) or `done`.
    state: &'static str,
    /// Rows of the file, without its header.
    total: i64,
    /// Rows that are done, failed ones included.
    processed: i64,
    /// Rows that failed.
    failed: i64,
    /// Rows that changed something.
    changed: i64,
    /// People who were on the list and not in the file, and are off it now.
    removed: i64,
    created_at: Micros,
    /// Until when it is kept at the most.
    expires_at: Micros,
}

impl From<Import> for ImportBody {
    fn from(import: Import) -> Self {
        Self {
            id: import.id,
            kind: import.kind.as_str(),
            mode: import.mode.as_str(),
            dry_run: import.dry_run,
            state: import.state.as_str(),
            total: import.total,
            processed: import.processed,
            failed: import.failed,
            changed: import.changed,
            removed: import.removed,
            created_at: import.created_at(),
            expires_at: import.created_at().after(IMPORT_KEPT_FOR),
        }
    }
}

/// A row that failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportFailure)]
struct FailureBody {
    /// Its number: the first below the header is 1.
    row: i64,
    /// The account as written, up to 100 characters.
    account: String,
    /// Why, as in batches; or `invalid_row`, `unknown_host`.
    code: String,
}

impl From<StoredRow> for FailureBody {
    fn from(row: StoredRow) -> Self {
        Self { row: row.number, account: row.account, code: row.code }
    }
}

/// An import, how far it has come, and the rows that failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportReport)]
struct ReportBody {
    #[serde(flatten)]
    import: ImportBody,
    /// In the order of the file, the first 1,000; `failed` counts them all.
    failures: Vec<FailureBody>,
}

/// Import a list
///
/// The body is CSV in UTF-8, with Mastodon's columns: `Account address`, and for `following` `Notify on new posts`, for
/// `mutes` `Hide notifications` (true if left out). Other columns are ignored; without a header line, columns stand as in
/// an export. At most 2 MiB and 20,000 rows, else 413. 202 once the file is kept: it is worked off row by row, also after
/// a crash, and a row that fails is in nobody's way. With an `Idempotency-Key`, the same request is answered the same for
/// 24 hours. 409 `import_running` while another of the kind is under way.
#[utoipa::path(tag = "imports", params(ImportQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters",
            min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body(content = String, content_type = "text/csv"), security(("user" = [])),
    responses(
        (status = 202, description = "It is kept, and will be worked off", body = ImportBody,
            headers(("Location", description = "Where its progress is")),
            links(("progress" = (operation_id = "progress", parameters(("id" = "$response.body#/id")))))),
        (status = 409, description = "`import_running`"),
        (status = 413, description = "`body_too_large`: more than 2 MiB; `too_many_rows`: more than 20,000 rows"),
        (status = 415, description = "`unsupported_media_type`: not `text/csv`"),
        (status = 422, description = "`invalid_csv`, `idempotency_key_reused`"),
        (status = 429, description = "`too_many_imports`: as many as one may within 24 hours"),
        Refusals,
    ))]
#[post("/v1/me/imports")]
async fn begin(
    viewer: Viewer,
    request: HttpRequest,
    query: web::Query<ImportQuery>,
    body: web::Payload,
    relations: web::Data<RelationHandle>,
) -> Result<HttpResponse, Problem> {
    let ImportQuery { kind, mode, dry_run } = query.into_inner();
    let key = idempotency::key(&request)?;
    relations.may_begin_import(viewer.id, kind.into(), key).await?;
    let _place = relations.place_for_file(viewer.id).await?;
    let bytes = long_body(&request, body, "text/csv", FILE_BYTES_MAX).await?;
    let brought = Brought {
        kind: kind.into(),
        mode: mode.into(),
        dry_run,
        key: key.map(str::to_owned),
        bytes: bytes.to_vec(),
    };
    let import = relations.begin_import(viewer.id, brought).await?;
    let place = format!("/v1/me/imports/{}", import.id);
    let mut response =
        HttpResponse::Accepted().insert_header((LOCATION, place)).json(ImportBody::from(import));
    if let Some(quota) = relations.import_quota(viewer.id).await {
        told(quota).tell(response.headers_mut());
    }
    Ok(response)
}

pub(super) fn denied(denial: ImportDenial) -> Problem {
    let (status, code) = match denial {
        ImportDenial::BadFile(BadFile::TooManyRows) => (StatusCode::PAYLOAD_TOO_LARGE, "too_many_rows"),
        ImportDenial::BadFile(BadFile::NotUtf8 | BadFile::Empty | BadFile::NoHeader) => {
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid_csv")
        }
        ImportDenial::Running => (StatusCode::CONFLICT, "import_running"),
        ImportDenial::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_imports"),
        ImportDenial::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
        ImportDenial::NotFound => (StatusCode::NOT_FOUND, "import_not_found"),
    };
    let problem = Problem::new(status, code, denial.to_string());
    if let ImportDenial::TooMany { at_most, wait } = denial {
        return problem.used_up(number(at_most), wait);
    }
    problem
}

/// How far an import of mine has come
///
/// With the rows that failed so far. Kept for seven days, the newest 20 of a person.
#[utoipa::path(tag = "imports", params(("id" = ImportId, Path, description = "Which")), security(("user" = [])),
    responses(
        (status = 200, description = "The import", body = ReportBody),
        (status = 404, description = "`import_not_found`: none of mine"),
        Refusals,
    ))]
#[get("/v1/me/imports/{id}")]
async fn progress(
    viewer: Viewer,
    id: web::Path<ImportId>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<ReportBody>, Problem> {
    let (import, failures) = relations.import(viewer.id, *id).await?;
    let failures = failures.into_iter().map(FailureBody::from).collect();
    Ok(Json(ReportBody { import: import.into(), failures }))
}
