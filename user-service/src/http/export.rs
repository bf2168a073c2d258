//! Taking along everything that is held about oneself.

use actix_web::{HttpResponse, get, web};
use serde_json::{Map, Value, json};
use shared::event::Event;
use shared::http::{Piece, Viewer, document};
use shared::problem::{Problem, Refusals};
use utoipa_actix_web::service_config::ServiceConfig;

use super::views::OwnView;
use crate::domain::audit_log::Entry;
use crate::domain::mail_token::{MailToken, Purpose};
use crate::handle::{Held, UserHandle};
use crate::store::mail::Mail;
use crate::store::session::Session;

/// The parts that may be long, after those of [`head`].
const LISTS: &[&str] = &["moderation", "events"];

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(export);
}

/// Everything held about me
///
/// One JSON object: `account` with the profile and all settings, `former_usernames`, `sessions`, `mails` (not sent
/// yet) and `mail_tokens` (not used yet), `moderation` (what was done to my account, without by whom) and `events` (what
/// other services were told about me). No secret is in it.
/// Relations are at `GET /v1/me/export` of relation-service.
#[utoipa::path(tag = "me", security(("user" = [])), responses(
    (status = 200, description = "One object, as long as it needs to be", content_type = "application/json", body = Object),
    Refusals,
))]
#[get("/v1/me/export")]
async fn export(viewer: Viewer, users: web::Data<UserHandle>) -> Result<HttpResponse, Problem> {
    let head = head(users.held(viewer.id).await?)?;
    let users = users.get_ref().clone();
    Ok(document(head, LISTS, move |list, after| {
        let (users, id) = (users.clone(), viewer.id);
        async move {
            Ok(if list == "moderation" {
                Piece::of(&users.held_entries(id, after).await?, |entry| entry.id.get(), entry_view)
            } else {
                Piece::of(&users.held_events(id, after).await?, |event| event.seq, event_view)
            })
        }
    }))
}

fn head(held: Held) -> Result<Map<String, Value>, Problem> {
    let Held { at, user, former_names, sessions, mails, tokens } = held;
    let (updated_at, version) = (user.updated_at, user.version);
    let mut account = serde_json::to_value(OwnView::from(user)).map_err(|_| Problem::internal())?;
    account["updated_at"] = json!(updated_at);
    account["version"] = json!(version);
    let former: Vec<Value> =
        former_names.iter().map(|(name, until)| json!({"username": name, "kept_until": until})).collect();
    let mails: Vec<Value> = mails.iter().map(mail_view).collect();
    let tokens: Vec<Value> = tokens.iter().map(token_view).collect();
    let sessions: Vec<Value> = sessions.iter().map(session_view).collect();
    Ok(Map::from_iter([
        ("exported_at".to_owned(), json!(at)),
        ("account".to_owned(), account),
        ("former_usernames".to_owned(), json!(former)),
        ("sessions".to_owned(), json!(sessions)),
        ("mails".to_owned(), json!(mails)),
        ("mail_tokens".to_owned(), json!(tokens)),
    ]))
}

fn session_view(session: &Session) -> Value {
    let state = session.state;
    json!({
        "id": state.id, "device_name": session.device_name, "created_at": state.created_at,
        "last_used_at": state.last_used_at, "expires_at": state.expires_at, "ended_at": state.revoked_at,
    })
}

fn mail_view(mail: &Mail) -> Value {
    json!({
        "kind": mail.kind.as_str(), "recipient": mail.recipient, "expires_at": mail.expires_at,
        "failed_at": mail.failed_at,
    })
}

/// Without what the token is made from.
fn token_view(token: &MailToken) -> Value {
    let purpose = match token.purpose {
        Purpose::Verification => "verification",
        Purpose::EmailChange => "email_change",
        Purpose::PasswordReset => "password_reset",
    };
    json!({"purpose": purpose, "address": token.address, "expires_at": token.expires_at})
}

/// Who did it is not the person's to know.
fn entry_view(entry: &Entry) -> Value {
    json!({
        "at": entry.at, "action": entry.action.as_str(), "reason": entry.reason, "before": entry.before,
        "after": entry.after,
    })
}

fn event_view(event: &Event) -> Value {
    json!({"seq": event.seq, "type": event.kind, "at": event.at, "data": event.data})
}
