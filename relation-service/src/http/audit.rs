//! Recounting everything, for services.

use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use shared::clock::Micros;
use shared::http::scope::Audit;
use shared::http::{Granted, Json, OptionalBody};
use shared::problem::{Problem, Refusals};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::actors::audit::Repair;
use crate::actors::auditor::{AuditState, Report, Running};
use crate::handle::RelationHandle;
use crate::store::audit::{Cure, Finding, Row};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(begin_audit).service(audit_state);
}

/// What an audit is to do.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct AuditOrder {
    /// Also make anew what is derived and wrong.
    #[schema(default = false)]
    repair: bool,
}

/// One check.
#[derive(Debug, Serialize, ToSchema)]
struct CheckResult {
    /// Its name.
    check: &'static str,
    /// What must hold, in words.
    rule: &'static str,
    /// The rules of relations that it stands for.
    #[schema(examples("R1"))]
    rules: Vec<String>,
    /// Why it could not be checked; null if it was.
    unchecked: Option<&'static str>,
    /// How many rows break it now.
    #[schema(minimum = 0)]
    drift: i64,
    /// Some of these rows: a person and another, a person twice, or an event's number twice.
    examples: Vec<[String; 2]>,
    /// Whether a repair can mend it; if not, a person has to look.
    repairable: bool,
    /// How many rows were made anew.
    #[schema(minimum = 0)]
    repaired: u64,
    /// Some of these.
    repairs: Vec<RepairedRow>,
}

/// A row that was made anew.
#[derive(Debug, Serialize, ToSchema)]
struct RepairedRow {
    /// What was done.
    what: &'static str,
    /// Whose row it is: a person and another, or a person twice.
    row: [String; 2],
}

/// What an audit came to.
#[derive(Debug, Serialize, ToSchema)]
struct AuditResult {
    /// Whether it was to repair, too.
    repair: bool,
    started_at: Micros,
    finished_at: Micros,
    /// The newest event when it ended.
    #[schema(minimum = 0)]
    revision: i64,
    /// How many rows break a rule now, in all.
    #[schema(minimum = 0)]
    drift: i64,
    /// Each check.
    items: Vec<CheckResult>,
}

/// An audit that is under way.
#[derive(Debug, Serialize, ToSchema)]
struct AuditUnderWay {
    /// Whether it is to repair, too.
    repair: bool,
    started_at: Micros,
    /// People and events looked at.
    #[schema(minimum = 0)]
    done: i64,
    /// As many as there are.
    #[schema(minimum = 0)]
    total: i64,
}

/// What there is to say about audits of this process.
#[derive(Debug, Serialize, ToSchema)]
struct AuditStateBody {
    /// The one under way.
    running: Option<AuditUnderWay>,
    /// The newest one that has ended; null before the first.
    newest: Option<AuditResult>,
}

fn shown((one, other): Row) -> [String; 2] {
    [one.to_string(), other.to_string()]
}

fn result_of(finding: &Finding, repairs: &[Repair]) -> CheckResult {
    let repair = repairs.iter().find(|repair| finding.check.cure == Cure::Mend(repair.mend));
    let rows = repair.map(|repair| repair.examples.as_slice()).unwrap_or_default();
    CheckResult {
        check: finding.check.name,
        rule: finding.rule,
        rules: finding.check.rules.iter().map(|number| format!("R{number}")).collect(),
        unchecked: finding.unchecked,
        drift: finding.drift,
        examples: finding.examples.iter().copied().map(shown).collect(),
        repairable: matches!(finding.check.cure, Cure::Mend(_)),
        repaired: repair.map_or(0, |repair| repair.rows),
        repairs: rows
            .iter()
            .map(|mended| RepairedRow { what: mended.what, row: shown(mended.row) })
            .collect(),
    }
}

impl From<&Report> for AuditResult {
    fn from(report: &Report) -> Self {
        let findings = &report.audited.findings;
        Self {
            repair: report.repair,
            started_at: report.started_at,
            finished_at: report.finished_at,
            revision: report.revision,
            drift: findings.iter().map(|finding| finding.drift).sum(),
            items: findings.iter().map(|finding| result_of(finding, &report.audited.repairs)).collect(),
        }
    }
}

impl From<&AuditState> for AuditStateBody {
    fn from(state: &AuditState) -> Self {
        let under_way = |Running { repair, started_at, progress, .. }| AuditUnderWay {
            repair,
            started_at,
            done: progress.done,
            total: progress.total,
        };
        Self { running: state.running.map(under_way), newest: state.newest.as_deref().map(AuditResult::from) }
    }
}

/// Recounts everything
///
/// Every rule that can be checked from the tables, in the background and in small steps, exact beside running writes.
/// Answers with the result if the audit ends within 20 seconds, and else with 202; then `GET /v1/admin/audit` tells how
/// far it is, and the result at the end. One runs at a time: who asks while one runs gets the result of that one, or, if
/// something was written since it began, of the next, which begins when it ends. With
/// `repair`, rows that are derived and wrong are made anew through the writer, and the result says which;
/// 409 `audit_running` if one runs that only looks. Scope `audit`.
#[utoipa::path(tag = "services", request_body = Option<AuditOrder>, security(("service" = [])), responses(
    (status = 200, description = "The result", body = AuditResult),
    (status = 202, description = "It goes on", body = AuditStateBody),
    (status = 409, description = "`audit_running`"),
    Refusals,
))]
#[post("/v1/admin/audit")]
async fn begin_audit(
    granted: Granted<Audit, OptionalBody<AuditOrder>>,
    relations: web::Data<RelationHandle>,
) -> Result<HttpResponse, Problem> {
    let Granted { asked: order, .. } = granted;
    let (state, ended) = relations.audit(order.0.repair).await?;
    if !ended {
        return Ok(HttpResponse::Accepted().json(AuditStateBody::from(&state)));
    }
    match state.newest {
        Some(report) if !state.failed => Ok(HttpResponse::Ok().json(AuditResult::from(report.as_ref()))),
        Some(_) | None => Err(Problem::unavailable()),
    }
}

/// The audit under way, and the newest result
///
/// Of this process, since its start. Scope `audit`.
#[utoipa::path(tag = "services", security(("service" = [])), responses(
    (status = 200, description = "What there is to say", body = AuditStateBody),
    Refusals,
))]
#[get("/v1/admin/audit")]
async fn audit_state(
    _: Granted<Audit>,
    relations: web::Data<RelationHandle>,
) -> Result<Json<AuditStateBody>, Problem> {
    Ok(Json(AuditStateBody::from(&relations.audit_state())))
}
