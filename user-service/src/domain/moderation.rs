//! Who may do what to whose account.

use serde::Deserialize;
use shared::clock::Micros;
use shared::id::UserId;
use shared::word::Word;
use utoipa::ToSchema;

use super::account::{Role, Status, User};
use super::denial::Denial;
use super::field::{FieldProblem, Fields, Refusal, code};
use super::text::{self, TextProblem};

/// Something to do to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// Close it, for a while or for good.
    Suspend(Sentence),
    /// Open it again.
    Unsuspend,
    /// Give the badge, or take it.
    Verify(bool),
    /// Give another role.
    SetRole(Role),
}

/// Why an account is closed, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// For people.
    pub reason: String,
    /// `None` for good.
    pub until: Option<Micros>,
}

/// An account that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Why and until when.
    pub sentence: Sentence,
    /// Since when.
    pub since: Micros,
    /// By whom; `None` for the operator.
    pub by: Option<UserId>,
    /// What the account was, and will be again.
    pub status_before: Status,
}

impl Suspension {
    /// Whether its time is over.
    pub fn is_over(&self, now: Micros) -> bool {
        self.sentence.until.is_some_and(|until| until <= now)
    }
}

/// Who acts: the operator may do everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority<'a> {
    /// Whoever runs the service.
    Operator,
    /// A person, as they are now.
    Person(&'a User),
}

/// Decides whether somebody may do something to an account. `other_admins` says whether there is an active admin
/// beside the subject.
///
/// Moderators act on plain users, admins on everybody, and roles are for admins to give. Nobody takes anything
/// from themselves: who is alone would lock everybody out, and who is not can ask another.
pub fn permit(
    by: Authority<'_>,
    subject: &User,
    measure: &Measure,
    other_admins: bool,
) -> Result<(), Denial> {
    let takes = match measure {
        Measure::Suspend(_) => true,
        Measure::SetRole(role) => *role < subject.role,
        Measure::Unsuspend | Measure::Verify(_) => false,
    };
    if let Authority::Person(actor) = by
        && (!actor.is_visible() || actor.role < needed(subject, measure))
    {
        return Err(Denial::Forbidden);
    }
    let is_last = subject.role == Role::Admin && subject.status == Status::Active && !other_admins;
    if takes && is_last {
        return Err(Denial::LastAdmin);
    }
    match by {
        Authority::Person(actor) if takes && actor.id == subject.id => Err(Denial::NotOnYourself),
        Authority::Person(_) | Authority::Operator => Ok(()),
    }
}

/// The role that a measure asks for.
fn needed(subject: &User, measure: &Measure) -> Role {
    match measure {
        Measure::SetRole(_) => Role::Admin,
        Measure::Suspend(_) | Measure::Unsuspend | Measure::Verify(_) => match subject.role {
            Role::User => Role::Moderator,
            Role::Moderator | Role::Admin => Role::Admin,
        },
    }
}

/// A suspension as it was asked for.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawSuspension {
    /// For the audit log: 1 to 500 characters.
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    pub reason: Option<String>,
    /// When it ends by itself, in the future; for good if left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Word<Micros>>,
}

/// What may be said about any other measure.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReason {
    /// For the audit log: at most 500 characters.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// A change of a role as it was asked for.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRole {
    /// `user`, `moderator` or `admin`.
    #[schema(value_type = Role)]
    pub role: Option<Word<Role>>,
    /// For the audit log: at most 500 characters.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// What is wrong with the end of a suspension.
#[derive(Debug, thiserror::Error)]
#[error("must be in the future")]
struct NotInTheFuture;

impl Refusal for NotInTheFuture {
    fn code(&self) -> &'static str {
        code::OUT_OF_RANGE
    }
}

/// What is wrong with a text that must be there.
#[derive(Debug, thiserror::Error)]
enum ReasonProblem {
    #[error("at least one character is needed")]
    Empty,
    #[error(transparent)]
    Text(#[from] TextProblem),
}

impl Refusal for ReasonProblem {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => code::TOO_SHORT,
            Self::Text(problem) => problem.code(),
        }
    }
}

impl RawSuspension {
    /// Checks all fields and reports every refusal.
    pub fn validate(self, now: Micros) -> Result<Sentence, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let reason = fields.required("reason", self.reason, |raw| match text::reason(&raw)? {
            reason if reason.is_empty() => Err(ReasonProblem::Empty),
            reason => Ok(reason),
        });
        // As answers say it, in milliseconds, so that what was read and is sent again changes nothing.
        let until = fields.optional("until", self.until, Word::read);
        let until = until.map(|until| Micros::from_millis(until.as_millis()));
        let ahead = |until| if until > now { Ok(until) } else { Err(NotInTheFuture) };
        let until = fields.optional("until", until, ahead);
        fields.finish(reason.map(|reason| Sentence { reason, until }))
    }
}

impl RawReason {
    /// Checks what is said.
    pub fn validate(self) -> Result<Option<String>, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let reason = fields.optional("reason", self.reason, |raw| text::reason(&raw));
        fields.finish(Some(reason.filter(|reason| !reason.is_empty())))
    }
}

impl RawRole {
    /// Checks all fields and reports every refusal.
    pub fn validate(self) -> Result<(Role, Option<String>), Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let role = fields.required("role", self.role, Word::read);
        let reason = fields.optional("reason", self.reason, |raw| text::reason(&raw));
        fields.finish(role.map(|role| (role, reason.filter(|reason| !reason.is_empty()))))
    }
}

#[cfg(test)]
#[path = "moderation_tests.rs"]
mod tests;
