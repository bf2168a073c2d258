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
use crate::domain::session::SessionState;
use crate::domain::two_factor::TwoFactor;
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
/// One JSON object: `account` with the profile and all settings, `former_usernames`, `sessions`, `two_factor`,
/// `known_networks` (when I was seen in each; which they are cannot be told), `mails` (not sent yet) and `mail_tokens`
/// (not used yet), `moderation` (what was done to my account, without by whom) and `events` (what other services were
/// told about me). No secret is in it.
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
    let Held { at, user, former_names, sessions, mails, tokens, .. } = held;
    let (updated_at, version) = (user.updated_at, user.version);
    let mut account = serde_json::to_value(OwnView::from(user)).map_err(|_| Problem::internal())?;
    account["updated_at"] = json!(updated_at);
    account["version"] = json!(version);
    account["last_sign_in_at"] = json!(held.last_sign_in_at);
    let two_factor = two_factor_view(held.two_factor.as_ref(), held.recovery_codes_left);
    let networks: Vec<Value> =
        held.networks_seen_at.iter().map(|seen_at| json!({"seen_at": seen_at})).collect();
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
        ("two_factor".to_owned(), two_factor),
        ("known_networks".to_owned(), json!(networks)),
        ("mails".to_owned(), json!(mails)),
        ("mail_tokens".to_owned(), json!(tokens)),
    ]))
}

fn session_view(session: &Session) -> Value {
    let state = session.state;
    json!({
        "id": state.id, "device_name": session.device_name, "created_at": state.created_at,
        "last_used_at": state.last_used_at, "expires_at": state.expires_at, "ended_at": state.revoked_at,
        "proved_at": state.proved_at, "refreshes": state.generation - SessionState::FIRST_GENERATION,
    })
}

/// Without the secret, which the person's own device has.
fn two_factor_view(held: Option<&TwoFactor>, recovery_codes_left: usize) -> Value {
    json!({
        "since": held.and_then(|held| held.enabled_at), "begun_at": held.map(|held| held.begun_at),
        "wrong_codes": held.map_or(0, |held| held.wrong_codes), "recovery_codes_left": recovery_codes_left,
    })
}

fn mail_view(mail: &Mail) -> Value {
    json!({
        "kind": mail.kind.as_str(), "recipient": mail.recipient, "tries": mail.tries, "due_at": mail.due_at,
        "expires_at": mail.expires_at, "failed_at": mail.failed_at,
    })
}

/// Without what the token is made from.
fn token_view(token: &MailToken) -> Value {
    let purpose = match token.purpose {
        Purpose::Verification => "verification",
        Purpose::EmailChange => "email_change",
        Purpose::PasswordReset => "password_reset",
    };
    let (address, expires_at, session) = (&token.address, token.expires_at, token.session);
    json!({"purpose": purpose, "address": address, "expires_at": expires_at, "session_id": session})
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
