//! Proving again who one is, and changing the password.

use std::fmt;

use serde::Deserialize;
use shared::secret::Secret;
use utoipa::ToSchema;

use super::field::{FieldProblem, Fields};
use super::password::{PasswordProblem, check_password};

/// A change of the password as it was asked for.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawPasswordChange {
    /// The password in force.
    #[schema(value_type = String, format = Password)]
    pub current_password: Option<String>,
    /// At least 8 characters (a setting) and at most 256 bytes; neither common nor containing the name.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    pub new_password: Option<String>,
}

impl fmt::Debug for RawPasswordChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawPasswordChange(***)")
    }
}

/// A change of the password with everything that it needs. Nothing of it is judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordChange {
    /// In clear: right or wrong, whatever its form.
    pub current: Secret,
    /// In clear.
    pub new: Secret,
}

impl RawPasswordChange {
    /// Checks that both passwords are there.
    pub fn validate(self) -> Result<PasswordChange, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let current = fields.required("current_password", self.current_password, any_password);
        let new = fields.required("new_password", self.new_password, any_password);
        fields.finish(current.zip(new).map(|(current, new)| PasswordChange { current, new }))
    }
}

/// The password of a signed-in person, asked for again before an act that matters.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawProof {
    /// The password in force.
    #[schema(value_type = String, format = Password)]
    pub password: Option<String>,
}

impl fmt::Debug for RawProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawProof(***)")
    }
}

impl RawProof {
    /// Checks that the password is there.
    pub fn validate(self) -> Result<Secret, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let password = fields.required("password", self.password, any_password);
        fields.finish(password)
    }
}

fn any_password(raw: String) -> Result<Secret, PasswordProblem> {
    Ok(Secret::new(raw))
}

/// A password that somebody wants, with what it must not contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassword {
    /// In clear.
    pub password: Secret,
    /// Whose it is to be.
    pub username: String,
    /// The address, if there is one.
    pub email: Option<String>,
}

impl NewPassword {
    /// Whether it is good enough. Takes time: see [`check_password`].
    pub fn judge(&self, password_chars_min: usize) -> Result<(), Vec<FieldProblem>> {
        let email = self.email.as_deref();
        let judged = check_password(self.password.reveal(), &self.username, email, password_chars_min);
        judged.map_err(|problem| vec![FieldProblem::new("new_password", &problem)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limits::PASSWORD_CHARS_MIN_DEFAULT;

    fn raw(current: Option<&str>, new: Option<&str>) -> RawPasswordChange {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        RawPasswordChange { current_password: owned(current), new_password: owned(new) }
    }

    #[test]
    fn both_passwords_are_needed() {
        let check = |raw: RawPasswordChange, expected: &[&str]| {
            let problems = raw.validate().unwrap_err();
            assert!(problems.iter().all(|problem| problem.code == "required"));
            let fields: Vec<_> = problems.iter().map(|problem| problem.field).collect();
            assert_eq!(fields, expected);
        };
        check(raw(None, None), &["current_password", "new_password"]);
        check(raw(Some("a"), None), &["new_password"]);
        check(raw(None, Some("a")), &["current_password"]);
        assert_eq!(RawProof::default().validate().unwrap_err()[0].field, "password");
        assert_eq!(raw(Some(""), Some("x")).validate().unwrap().new.reveal(), "x");
    }

    #[test]
    fn a_new_password_is_judged_as_on_registration() {
        let check = |password: &str, expected: Result<(), &str>| {
            let new = NewPassword {
                password: Secret::new(password),
                username: "alice".to_owned(),
                email: Some("wonder@example.com".to_owned()),
            };
            let judged = new.judge(PASSWORD_CHARS_MIN_DEFAULT);
            let judged = judged.map_err(|problems| (problems[0].field, problems[0].code));
            assert_eq!(judged, expected.map_err(|code| ("new_password", code)), "{password}");
        };
        check("plum-Tractor-91", Ok(()));
        check("short", Err("too_short"));
        check("password1", Err("too_common"));
        check("my-wonder-91-plum", Ok(()));
        check("wonder-kT7#v", Err("contains_name"));
        check("Alice-91-plum-sky", Err("contains_name"));
        check(&"7f!Q".repeat(65), Err("too_long"));
    }

    #[test]
    fn passwords_are_not_printed() {
        let raw = raw(Some("plum-Tractor"), Some("plum-Tractor-91"));
        let proof = RawProof { password: Some("plum-Tractor".to_owned()) };
        let printed = format!("{raw:?} {:?} {proof:?}", raw.clone().validate());
        assert!(!printed.contains("plum"), "{printed}");
    }
}
