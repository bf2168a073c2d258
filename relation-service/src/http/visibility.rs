//! Whether people may do what other services are about to let them do.

use actix_web::{HttpRequest, post, web};
use serde::{Deserialize, Serialize};
use shared::http::scope::Visibility;
use shared::http::{Body, Granted, Json};
use shared::id::UserId;
use shared::problem::{FieldError, Problem, Refusals};
use shared::word::Word;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::revision::is_read;
use crate::domain::{Attempt, Denial};
use crate::handle::{Check, RelationHandle};

/// Checks in one question: more do not fit into a body.
const CHECKS_MAX: usize = 500;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(visibility);
}

/// What can be asked about.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AttemptWord {
    ViewProfile,
    ViewContent,
    Follow,
    Message,
    Comment,
    Mention,
    SeeRelations,
}

impl From<AttemptWord> for Attempt {
    fn from(word: AttemptWord) -> Self {
        match word {
            AttemptWord::ViewProfile => Self::ViewProfile,
            AttemptWord::ViewContent => Self::ViewContent,
            AttemptWord::Follow => Self::Follow,
            AttemptWord::Message => Self::Message,
            AttemptWord::Comment => Self::Comment,
            AttemptWord::Mention => Self::Mention,
            AttemptWord::SeeRelations => Self::SeeRelations,
        }
    }
}

/// One question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CheckBody {
    /// Who would do it; null or left out where nobody is signed in.
    viewer_id: Option<UserId>,
    /// To whom, or to what is whose.
    owner_id: UserId,
    /// What.
    #[schema(value_type = AttemptWord)]
    action: Word<AttemptWord>,
}

/// Questions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChecksBody {
    /// 1 to 500.
    #[schema(min_items = 1, max_items = 500)]
    checks: Vec<CheckBody>,
}

/// The questions, or every one of them that asks about no action that there is.
fn read(bodies: Vec<CheckBody>) -> Result<Vec<Check>, Problem> {
    let (mut checks, mut errors) = (Vec::with_capacity(bodies.len()), Vec::new());
    for (index, CheckBody { viewer_id, owner_id, action }) in bodies.into_iter().enumerate() {
        match action.read() {
            Ok(word) => checks.push(Check { viewer: viewer_id, owner: owner_id, attempt: word.into() }),
            Err(refusal) => {
                let (field, detail) = (format!("checks[{index}].action"), refusal.to_string());
                errors.push(FieldError { field: field.into(), code: "invalid_format".into(), detail });
            }
        }
    }
    if errors.is_empty() { Ok(checks) } else { Err(Problem::validation(errors)) }
}

/// One answer.
#[derive(Debug, Serialize, ToSchema)]
struct Verdict {
    /// Whether they may.
    allow: bool,
    /// Why not; null if they may. `unknown`, `suspended`, `deactivated`, `deleted`, `blocked`,
    /// `private_account`, `followers_only`, `friends_only`, `nobody`, `sign_in_required`, `unconfirmed`, or
    /// the code that a follow would be refused with.
    reason: Option<&'static str>,
}

impl From<Result<(), Denial>> for Verdict {
    fn from(verdict: Result<(), Denial>) -> Self {
        Self { allow: verdict.is_ok(), reason: verdict.err().map(Denial::reason) }
    }
}

/// Answers in the order of the question.
#[derive(Debug, Serialize, ToSchema)]
struct Verdicts {
    items: Vec<Verdict>,
}

/// Whether people may see, follow or address others
///
/// One answer a check, in their order, duplicates included. Who is unknown or hidden is denied and spoils no
/// other answer. 400 `too_many_ids` for more than 500 checks. Scope `visibility`.
#[utoipa::path(tag = "services", request_body = ChecksBody, security(("service" = [])),
    responses((status = 200, description = "The answers", body = Verdicts), Refusals))]
#[post("/v1/visibility")]
async fn visibility(
    granted: Granted<Visibility, Body<ChecksBody>>,
    request: HttpRequest,
    relations: web::Data<RelationHandle>,
) -> Result<Json<Verdicts>, Problem> {
    let Granted { asked: body, .. } = granted;
    let checks = body.0.checks;
    if checks.is_empty() {
        let (field, code) = ("checks".into(), "required".into());
        let detail = "At least one check is needed.".to_owned();
        return Err(Problem::validation(vec![FieldError { field, code, detail }]));
    }
    if checks.len() > CHECKS_MAX {
        return Err(Problem::malformed("too_many_ids", format!("At most {CHECKS_MAX} checks at once.")));
    }
    is_read(&request, &relations);
    let verdicts = relations.visibility(read(checks)?).await?;
    Ok(Json(Verdicts { items: verdicts.into_iter().map(Verdict::from).collect() }))
}
