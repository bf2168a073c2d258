//! Changing and verifying one's e-mail address.

use std::fmt;

use serde::Deserialize;
use shared::secret::Secret;
use utoipa::ToSchema;

use super::denial::Denial;
use super::email::Email;
use super::field::{FieldProblem, Fields};
use super::mail_token::{self, Presented};

/// A change of the address as it was asked for.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawEmailChange {
    /// At most 254 bytes of ASCII.
    #[schema(value_type = String, format = Email, max_length = 254)]
    pub email: Option<String>,
    /// The password in force. May be left out where the session has proved its person lately.
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<String>,
}

impl fmt::Debug for RawEmailChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawEmailChange(***)")
    }
}

/// A change of the address that may be made if its owner proves who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailChange {
    /// The new address.
    pub email: Email,
    /// In clear, if it was given.
    pub password: Option<Secret>,
}

impl RawEmailChange {
    /// Checks the address.
    pub fn validate(self) -> Result<EmailChange, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let email = fields.required("email", self.email, |raw| Email::parse(&raw));
        let password = self.password.map(Secret::new);
        fields.finish(email.map(|email| EmailChange { email, password }))
    }
}

/// A token from a mail.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawToken {
    /// As the mail has it.
    #[schema(value_type = String)]
    pub token: Option<String>,
}

impl fmt::Debug for RawToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawToken(***)")
    }
}

impl RawToken {
    /// Reads the token. Nothing of it is proved yet; one that cannot be read is as good as a wrong one.
    pub fn validate(self) -> Result<Result<Presented, Denial>, Vec<FieldProblem>> {
        let token = self.token.map(Secret::new).ok_or_else(|| vec![FieldProblem::required("token")])?;
        Ok(mail_token::parse(token.reveal()).ok_or(Denial::InvalidToken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_judged_as_on_registration() {
        let check = |email: Option<&str>, expected: Result<&str, &str>| {
            let raw = RawEmailChange { email: email.map(str::to_owned), password: None };
            let got = raw.validate();
            let got = got.as_ref().map(|change| change.email.as_str()).map_err(|problems| problems[0].code);
            assert_eq!(got, expected);
        };
        check(Some("Ann@Example.com"), Ok("Ann@example.com"));
        check(Some("ann"), Err("invalid_format"));
        check(Some("m\u{131}ke@example.com"), Err("invalid_characters"));
        check(None, Err("required"));
    }

    #[test]
    fn what_is_no_token_is_a_wrong_one() {
        let raw = |token: Option<&str>| RawToken { token: token.map(str::to_owned) };
        assert_eq!(raw(Some("x")).validate(), Ok(Err(Denial::InvalidToken)));
        assert_eq!(raw(None).validate().unwrap_err()[0].code, "required");
        let change = RawEmailChange { password: Some("plum".to_owned()), ..Default::default() };
        assert!(!format!("{:?} {change:?}", raw(Some("s3cret"))).contains("s3cret"));
    }
}
