//! Signing in: a username or an e-mail address, in any case, and a password.

use std::fmt;

use serde::Deserialize;
use shared::secret::Secret;
use utoipa::ToSchema;

use super::email::Email;
use super::field::{FieldProblem, Fields};
use super::text::{self, TextProblem};
use super::username::Username;

/// A login as it was asked for.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawCredentials {
    /// A username or an e-mail address, in any case.
    #[schema(value_type = String)]
    pub login: Option<String>,
    /// The password.
    #[schema(value_type = String, format = Password)]
    pub password: Option<String>,
    /// What the person calls the device: at most 100 characters.
    #[schema(max_length = 100)]
    pub device_name: Option<String>,
}

impl fmt::Debug for RawCredentials {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawCredentials").field("login", &self.login).finish_non_exhaustive()
    }
}

/// A login in which every value is in its one form. Whether it is right is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who the person says they are; nothing if that cannot be anybody.
    pub login: Option<Login>,
    /// The same as one text for each login, also for one that nobody can have.
    pub login_text: String,
    /// In clear. Not judged: whatever its form, it is simply right or wrong.
    pub password: Secret,
    /// Empty if none was given.
    pub device_name: String,
}

impl Credentials {
    /// Checks all fields and reports every refusal.
    pub fn validate(raw: RawCredentials) -> Result<Self, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let login =
            fields.required("login", raw.login, |raw| Ok::<_, TextProblem>((Login::parse(&raw), raw)));
        let password =
            fields.required("password", raw.password, |raw| Ok::<_, TextProblem>(Secret::new(raw)));
        let device_name = fields.optional("device_name", raw.device_name, |raw| text::device_name(&raw));
        let whole = login.zip(password).map(|((login, raw), password)| Self {
            login_text: login.as_ref().map_or_else(|| raw.trim().to_lowercase(), Login::to_text),
            login,
            password,
            device_name: device_name.unwrap_or_default(),
        });
        fields.finish(whole)
    }
}

/// A login in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A username.
    Name(Username),
    /// The key of an e-mail address: see [`Email::key`].
    Address(String),
}

impl Login {
    /// Reads a login; nothing if nobody can have it, which the caller must not let be noticed.
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        // A username has no `@`, so the two never meet.
        if raw.contains('@') {
            Email::parse(raw).ok().map(|email| Self::Address(email.key()))
        } else {
            Username::parse_any(raw).ok().map(Self::Name)
        }
    }

    fn to_text(&self) -> String {
        match self {
            Self::Name(name) => name.as_str().to_owned(),
            Self::Address(key) => key.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_outer_spaces_do_not_matter() {
        let name = Login::parse("alice").unwrap();
        let address = Login::parse("alice@example.com").unwrap();
        assert!(matches!((&name, &address), (Login::Name(_), Login::Address(_))));
        assert_eq!(Login::parse(" ALICE "), Some(name));
        assert_eq!(Login::parse("Alice@EXAMPLE.com"), Some(address));
        assert!(Login::parse("admin").is_some(), "the operator's own accounts have reserved names");
    }

    #[test]
    fn each_login_has_one_text() {
        let text = |login: &str| {
            let raw = RawCredentials {
                login: Some(login.to_owned()),
                password: Some(String::new()),
                device_name: None,
            };
            Credentials::validate(raw).unwrap().login_text
        };
        for (one, other) in
            [(" ALICE ", "alice"), ("Alice@EXAMPLE.com", "alice@example.com"), ("No-One ", "no-one")]
        {
            assert_eq!(text(one), text(other));
        }
        assert_ne!(text("alice"), text("alice@example.com"));
    }

    #[test]
    fn what_nobody_can_have_is_nothing() {
        for raw in ["", "@", "a", "a@b", "a\0b", "alice\0", "al ice", "a@b@example.com", "\u{212a}elvin"] {
            assert_eq!(Login::parse(raw), None, "{raw:?}");
        }
    }
}
