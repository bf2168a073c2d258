//! Becoming a member.

use std::fmt;

use serde::Deserialize;
use shared::secret::Secret;
use utoipa::ToSchema;

use super::email::Email;
use super::field::{FieldProblem, Fields};
use super::password::{PasswordProblem, check_password};
use super::text;
use super::username::{Username, UsernameProblem};

/// A registration as it was asked for.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRegistration {
    /// `[a-z0-9_.]{2,24}` in any case; no dot at either end, no two in a row.
    #[schema(value_type = String, min_length = 2, max_length = 24)]
    pub username: Option<String>,
    /// At most 254 bytes of ASCII.
    #[schema(value_type = String, format = Email, max_length = 254)]
    pub email: Option<String>,
    /// At least 8 characters (a setting) and at most 256 bytes; neither common nor containing the name.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    pub password: Option<String>,
    /// At most 50 characters.
    #[schema(max_length = 50)]
    pub display_name: Option<String>,
}

impl fmt::Debug for RawRegistration {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRegistration")
            .field("username", &self.username)
            .field("email", &self.email)
            .field("display_name", &self.display_name)
            .finish_non_exhaustive()
    }
}

impl RawRegistration {
    /// Every field, so that two registrations can be told apart.
    pub fn parts(&self) -> [Option<&str>; 4] {
        let Self { username, email, password, display_name } = self;
        [username, email, password, display_name].map(Option::as_deref)
    }
}

/// A registration in which every value is in its one form. Whether the names are free is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The name asked for.
    pub username: Username,
    /// The address, not verified.
    pub email: Email,
    /// The password in clear, to be hashed.
    pub password: Secret,
    /// Empty if none was given.
    pub display_name: String,
}

impl Registration {
    /// Checks all fields and reports every refusal. Judging the password takes time: see [`check_password`].
    pub fn validate(raw: RawRegistration, password_chars_min: usize) -> Result<Self, Vec<FieldProblem>> {
        Self::validate_with(raw, password_chars_min, Username::parse)
    }

    /// The same on the operator's word, who may take a name that is reserved.
    pub fn validate_by_operator(
        raw: RawRegistration,
        password_chars_min: usize,
    ) -> Result<Self, Vec<FieldProblem>> {
        Self::validate_with(raw, password_chars_min, Username::parse_any)
    }

    fn validate_with(
        raw: RawRegistration,
        password_chars_min: usize,
        parse_name: impl Fn(&str) -> Result<Username, UsernameProblem>,
    ) -> Result<Self, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let name = raw.username.clone().unwrap_or_default();
        let username = fields.required("username", raw.username, |raw| parse_name(&raw));
        let email = fields.required("email", raw.email.as_deref(), Email::parse);
        let password = fields.required("password", raw.password.map(Secret::new), |password| {
            check_password(password.reveal(), &name, raw.email.as_deref(), password_chars_min)?;
            Ok::<_, PasswordProblem>(password)
        });
        let display_name = fields.optional("display_name", raw.display_name, |raw| text::display_name(&raw));
        let whole = match (username, email, password) {
            (Some(username), Some(email), Some(password)) => {
                Some(Self { username, email, password, display_name: display_name.unwrap_or_default() })
            }
            (None, _, _) | (_, None, _) | (_, _, None) => None,
        };
        fields.finish(whole)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::limits::PASSWORD_CHARS_MIN_DEFAULT;
    use super::*;

    fn validate(raw: serde_json::Value) -> Result<Registration, Vec<FieldProblem>> {
        Registration::validate(serde_json::from_value(raw).unwrap(), PASSWORD_CHARS_MIN_DEFAULT)
    }

    #[test]
    fn a_registration_is_brought_into_form() {
        let raw = json!({
            "username": "Alice.B", "email": "Ann@Example.com", "password": "plum-Tractor-91", "display_name": " A ",
        });
        let got = validate(raw).unwrap();
        assert_eq!(got.username.as_str(), "alice.b");
        assert_eq!(got.email.as_str(), "Ann@example.com");
        assert_eq!(got.password.reveal(), "plum-Tractor-91");
        assert_eq!(got.display_name, "A");
    }

    #[test]
    fn a_display_name_is_optional() {
        for none in [json!({}), json!({"display_name": null}), json!({"display_name": ""})] {
            let mut raw =
                json!({"username": "alice", "email": "ann@example.com", "password": "plum-Tractor-91"});
            raw.as_object_mut().unwrap().extend(none.as_object().unwrap().clone());
            assert_eq!(validate(raw).unwrap().display_name, "");
        }
    }

    fn check(raw: serde_json::Value, expected: &[(&str, &str)]) {
        let problems = validate(raw.clone()).unwrap_err();
        let got: Vec<_> = problems.iter().map(|problem| (problem.field, problem.code)).collect();
        assert_eq!(got, expected, "{raw}");
    }

    #[test]
    fn all_refusals_are_reported() {
        check(json!({}), &[("username", "required"), ("email", "required"), ("password", "required")]);
        check(
            json!({"username": null, "email": "x", "password": "short", "display_name": "a\u{0}b"}),
            &[
                ("username", "required"),
                ("email", "invalid_format"),
                ("password", "too_short"),
                ("display_name", "invalid_characters"),
            ],
        );
        check(
            json!({"username": "Admin", "email": "ann@example.com", "password": "password"}),
            &[("username", "reserved"), ("password", "too_common")],
        );
        check(
            json!({"username": "a..b", "email": "wonder@example.com", "password": "wonder-kT7#v"}),
            &[("username", "invalid_format"), ("password", "contains_name")],
        );
    }

    #[test]
    fn the_operator_takes_reserved_names_and_obeys_every_other_rule() {
        let judge = |name: &str, password: &str| {
            let raw = json!({"username": name, "email": "ann@example.com", "password": password});
            let raw = serde_json::from_value(raw).unwrap();
            let judged = Registration::validate_by_operator(raw, PASSWORD_CHARS_MIN_DEFAULT);
            judged.map(drop).map_err(|problems| problems[0].code)
        };
        assert_eq!(judge("admin", "plum-Tractor-91"), Ok(()));
        assert_eq!(judge("a", "plum-Tractor-91"), Err("too_short"));
        assert_eq!(judge("root", "password"), Err("too_common"));
        assert_eq!(judge("root", "my-root-password-91"), Err("contains_name"));
    }

    #[test]
    fn the_password_is_not_printed() {
        let raw = RawRegistration { password: Some("plum-Tractor-91".to_owned()), ..Default::default() };
        assert!(!format!("{raw:?}").contains("plum"));
    }
}
