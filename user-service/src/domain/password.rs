//! Which passwords are good enough. Length and commonness count; rules of composition do not.

use zeroize::Zeroizing;

use super::field::{Refusal, code};
use super::limits::{
    PASSWORD_BYTES_MAX, PASSWORD_COMMON_CHARS_MAX, PASSWORD_GUESSES_MIN, PASSWORD_JUDGED_CHARS_MAX,
    PASSWORD_NAME_CHARS_MIN,
};

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Fewer characters than the setting asks for.
    #[error("a password has at least {chars_min} characters")]
    TooShort {
        /// The setting.
        chars_min: usize,
    },
    /// More than [`PASSWORD_BYTES_MAX`] bytes.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// Guessed quickly by anybody.
    #[error("this password is too common or too easy to guess")]
    TooCommon,
    /// Contains the username, or half of it is the e-mail address.
    #[error(
        "a password must not contain the username, and the e-mail address up to the '@' must be less than half of it"
    )]
    ContainsName,
}

impl Refusal for PasswordProblem {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => code::TOO_SHORT,
            Self::TooLong => code::TOO_LONG,
            Self::TooCommon => code::TOO_COMMON,
            Self::ContainsName => code::CONTAINS_NAME,
        }
    }
}

/// Whether `password` is good enough for the person called `username`. It is judged as it is: neither
/// trimmed, nor normalised, nor cut.
///
/// Usually takes less than 1 ms of CPU, and about 0.1 s for an input chosen to be slow, so it belongs on the
/// threads that hash, not on those that serve.
pub fn check_password(
    password: &str,
    username: &str,
    email: Option<&str>,
    chars_min: usize,
) -> Result<(), PasswordProblem> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordProblem::TooLong);
    }
    let chars = password.chars().count();
    if chars < chars_min {
        return Err(PasswordProblem::TooShort { chars_min });
    }
    let local_part = email.and_then(|email| email.split('@').next()).unwrap_or_default();
    // The address is not the name: its part before the `@` is often a common word, which may be one of several.
    let half = chars.div_ceil(2);
    if contains(password, username, PASSWORD_NAME_CHARS_MIN) || contains(password, local_part, half) {
        return Err(PasswordProblem::ContainsName);
    }
    if chars <= PASSWORD_COMMON_CHARS_MAX && is_common(password, &["mutual", username, local_part]) {
        return Err(PasswordProblem::TooCommon);
    }
    Ok(())
}

/// Whether `name`, when long enough to mean something, occurs in `password` in any case.
fn contains(password: &str, name: &str, name_chars_min: usize) -> bool {
    name.chars().count() >= name_chars_min && password.to_lowercase().contains(&name.to_lowercase())
}

/// Whether the beginning of `password`, which is no harder to guess than the whole, is found quickly.
fn is_common(password: &str, own_words: &[&str]) -> bool {
    let judged: Zeroizing<String> =
        Zeroizing::new(password.chars().take(PASSWORD_JUDGED_CHARS_MAX).collect());
    zxcvbn::zxcvbn(&judged, own_words).guesses() < PASSWORD_GUESSES_MIN
}

#[cfg(test)]
mod tests {
    use super::super::limits::PASSWORD_CHARS_MIN_DEFAULT;
    use super::*;

    const TOO_SHORT: PasswordProblem = PasswordProblem::TooShort { chars_min: PASSWORD_CHARS_MIN_DEFAULT };

    fn check(password: &str, expected: Result<(), PasswordProblem>) {
        let email = Some("wonder.land@example.com");
        let got = check_password(password, "alice", email, PASSWORD_CHARS_MIN_DEFAULT);
        assert_eq!(got, expected, "{password:?}");
    }

    #[test]
    fn good_passwords_are_accepted() {
        for password in [
            "correct horse battery staple",
            "plum-Tractor-91",
            "kT7#vR2p",
            "s3cret-pass",
            "  spaced  out  ",
            "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}12",
            "\u{1f511}\u{1f3e0}\u{1f422}\u{1f680}\u{1f9ca}\u{1f3bb}\u{1fad0}\u{1f9f6}",
            &"7f!Q".repeat(64),
        ] {
            check(password, Ok(()));
        }
    }

    #[test]
    fn length_is_checked_in_characters_below_and_in_bytes_above() {
        check("", Err(TOO_SHORT));
        check("kT7#vR2", Err(TOO_SHORT));
        check("\u{e9}\u{e8}\u{ea}\u{eb}", Err(TOO_SHORT));
        check(&format!("{}x", "7f!Q".repeat(64)), Err(PasswordProblem::TooLong));
        check(&"\u{e9}".repeat(129), Err(PasswordProblem::TooLong));
        let got = check_password("kT7#vR2p", "alice", None, 12);
        assert_eq!(got, Err(PasswordProblem::TooShort { chars_min: 12 }));
    }

    #[test]
    fn common_passwords_are_refused() {
        for password in [
            "password",
            "Password1",
            "Passw0rd!",
            "12345678",
            "qwertyuiop",
            "letmein123",
            "aaaaaaaa",
            "abcd1234",
            "iloveyou",
            "mutual123",
            "passwordpassword",
        ] {
            check(password, Err(PasswordProblem::TooCommon));
        }
        check(&"password".repeat(8), Err(PasswordProblem::TooCommon));
    }

    #[test]
    fn the_own_name_is_refused() {
        for password in ["alice-kT7#vR2p", "kT7#ALICEvR2p", "xx-Wonder.Land-77"] {
            check(password, Err(PasswordProblem::ContainsName));
        }
        let check = |username, email, expected| {
            let got = check_password("royal-battery-42-horse", username, email, PASSWORD_CHARS_MIN_DEFAULT);
            assert_eq!(got, expected, "{username} {email:?}");
        };
        check("al", None, Ok(()));
        check("roy", None, Err(PasswordProblem::ContainsName));
        // 22 characters.
        check("zoe", Some("battery@example.com"), Ok(()));
        check("zoe", Some("royal-batt@example.com"), Ok(()));
        check("zoe", Some("Royal-Batte@example.com"), Err(PasswordProblem::ContainsName));
        check("zoe", Some(""), Ok(()));
    }
}
