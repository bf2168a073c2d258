//! Setting a new password without the old one.

use std::fmt;

use serde::Deserialize;
use shared::secret::Secret;
use utoipa::ToSchema;

use super::denial::Denial;
use super::email::{Email, EmailProblem};
use super::field::{FieldProblem, Fields};
use super::mail_token::{self, Presented, Purpose};

/// A wish for a new password.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawResetRequest {
    /// The address of the account, in any case.
    #[schema(value_type = String)]
    pub email: Option<String>,
}

impl RawResetRequest {
    /// The key of the address; nothing if it cannot be anybody's.
    pub fn validate(self) -> Result<Option<String>, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let key = |raw: String| Ok::<_, EmailProblem>(Email::parse(&raw).ok().map(|email| email.key()));
        let email = fields.required("email", self.email, key);
        fields.finish(email)
    }
}

/// A new password with the token that allows it.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawReset {
    /// As the mail has it.
    #[schema(value_type = String)]
    pub token: Option<String>,
    /// At least 8 characters (a setting) and at most 256 bytes; neither common nor containing the name.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    pub new_password: Option<String>,
}

impl fmt::Debug for RawReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawReset(***)")
    }
}

/// A new password, not judged yet, with a token of which nothing is proved yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// One for a new password.
    pub token: Result<Presented, Denial>,
    /// In clear.
    pub new: Secret,
}

impl RawReset {
    /// Checks that both fields are there.
    pub fn validate(self) -> Result<Reset, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let secret = |raw: String| Ok::<_, EmailProblem>(Secret::new(raw));
        let token = fields.required("token", self.token, secret);
        let new = fields.required("new_password", self.new_password, secret);
        let presented = |token: Secret| {
            let presented = mail_token::parse(token.reveal());
            presented.filter(|token| token.purpose == Purpose::PasswordReset).ok_or(Denial::InvalidToken)
        };
        fields.finish(token.zip(new).map(|(token, new)| Reset { token: presented(token), new }))
    }
}

#[cfg(test)]
mod tests {
    use shared::clock::Micros;
    use shared::id::UserId;

    use super::super::mail_token::MailToken;
    use super::super::refresh_token::RefreshKey;
    use super::*;

    #[test]
    fn only_an_address_can_be_somebodys() {
        let key = |email: &str| RawResetRequest { email: Some(email.to_owned()) }.validate().unwrap();
        assert_eq!(key("Ann@Example.COM").as_deref(), Some("ann@example.com"));
        for nobodys in
            ["", "ann", "m\u{131}ke@example.com", "mi\u{212a}e@example.com", "ann@example.com,bob@x.com"]
        {
            assert_eq!(key(nobodys), None, "{nobodys}");
        }
        assert_eq!(RawResetRequest::default().validate().unwrap_err()[0].code, "required");
    }

    #[test]
    fn only_a_token_for_a_new_password_will_do() {
        let token = |purpose| {
            let nonce = Secret::new("n");
            let (user, expires_at) = (UserId::new(1), Micros::new(9));
            let address = "a@b.io".to_owned();
            let held = MailToken { user, purpose, id: 1, nonce, address, expires_at, session: None };
            held.mint(&RefreshKey::new(&[1; 32])).reveal().to_owned()
        };
        let read = |token: String| {
            RawReset { token: Some(token), new_password: Some("x".to_owned()) }.validate().unwrap().token
        };
        assert!(read(token(Purpose::PasswordReset)).is_ok());
        for bad in [token(Purpose::Verification), token(Purpose::EmailChange), "x".to_owned()] {
            assert_eq!(read(bad), Err(Denial::InvalidToken));
        }
        let problems = RawReset::default().validate().unwrap_err();
        let fields: Vec<_> = problems.iter().map(|problem| (problem.field, problem.code)).collect();
        assert_eq!(fields, [("token", "required"), ("new_password", "required")]);
        let raw = RawReset { token: Some("s3cret".to_owned()), new_password: Some("s3cret".to_owned()) };
        assert!(!format!("{raw:?} {:?}", raw.clone().validate()).contains("s3cret"));
    }
}
