//! The mails that people get: which there are, what they say, and when one is tried again.

use shared::clock::Micros;

use super::limits::{MAIL_RETRY_FIRST, MAIL_RETRY_MAX, MAIL_TRIES_MAX};

/// Why somebody gets a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// To the address of an account: is it yours?
    Verification,
    /// To the address that somebody wants for their account: is it yours?
    EmailChange,
    /// To the address in force: another one is wanted.
    EmailChangeAsked,
    /// To the address that was in force: another one is.
    EmailChanged,
    /// To an address that somebody wants, and somebody else has.
    AddressInUse,
    /// A new password may be set.
    PasswordReset,
    /// A new password is set.
    PasswordChanged,
    /// A second factor is in force.
    TwoFactorEnabled,
    /// No second factor is in force any more.
    TwoFactorEnded,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Verification,
        Self::EmailChange,
        Self::EmailChangeAsked,
        Self::EmailChanged,
        Self::AddressInUse,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::TwoFactorEnabled,
        Self::TwoFactorEnded,
    ];

    /// The number that stands for the kind in the database.
    pub const fn to_code(self) -> i16 {
        match self {
            Self::Verification => 0,
            Self::EmailChange => 1,
            Self::EmailChangeAsked => 2,
            Self::EmailChanged => 3,
            Self::AddressInUse => 4,
            Self::PasswordReset => 5,
            Self::PasswordChanged => 6,
            Self::TwoFactorEnabled => 7,
            Self::TwoFactorEnded => 8,
        }
    }

    /// The kind that `code` stands for in the database.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.to_code() == code)
    }

    /// The kind in logs, metrics and names of files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::EmailChange => "email_change",
            Self::EmailChangeAsked => "email_change_asked",
            Self::EmailChanged => "email_changed",
            Self::AddressInUse => "address_in_use",
            Self::PasswordReset => "password_reset",
            Self::PasswordChanged => "password_changed",
            Self::TwoFactorEnabled => "two_factor_enabled",
            Self::TwoFactorEnded => "two_factor_ended",
        }
    }

    /// The page of the app that a link in the mail leads to.
    const fn page(self) -> &'static str {
        match self {
            Self::PasswordReset => "reset-password",
            Self::Verification
            | Self::EmailChange
            | Self::EmailChangeAsked
            | Self::EmailChanged
            | Self::AddressInUse
            | Self::PasswordChanged
            | Self::TwoFactorEnabled
            | Self::TwoFactorEnded => "verify-email",
        }
    }
}

/// What a mail is written from.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// Why.
    pub kind: Kind,
    /// Whose account it is about.
    pub username: &'a str,
    /// For mails that ask for something.
    pub token: Option<&'a str>,
    /// Where the app is, without a slash at the end.
    pub public_url: Option<&'a str>,
}

/// A mail in words: plain ASCII in short lines, so that nothing on its way has to change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: &'static str,
    /// Lines that end with CRLF.
    pub body: String,
}

impl Letter<'_> {
    /// Writes the mail. Whatever comes from people is the username, which is `[a-z0-9_.]`.
    pub fn write(&self) -> Text {
        let (subject, lines): (_, &[&str]) = match self.kind {
            Kind::Verification => (
                "Confirm your e-mail address",
                &["please confirm that this is your e-mail address.", TOKEN, "It works once, for 24 hours."],
            ),
            Kind::EmailChange => (
                "Confirm your new e-mail address",
                &[
                    "please confirm that this is to be the e-mail address of your account.",
                    TOKEN,
                    "It works once, for 24 hours. Until then your old address stays.",
                ],
            ),
            Kind::EmailChangeAsked => (
                "Your e-mail address is to be changed",
                &[
                    "a new e-mail address was asked for, for your account. It takes the place of",
                    "this one when it is confirmed.",
                    "",
                    "If this was not you, change your password now.",
                ],
            ),
            Kind::EmailChanged => (
                "Your e-mail address was changed",
                &[
                    "your account has a new e-mail address now, in the place of this one.",
                    "",
                    "If this was not you, ask the people who run this service for help.",
                ],
            ),
            Kind::AddressInUse => (
                "Your e-mail address was asked for",
                &[
                    "somebody wanted this e-mail address for another account. It is yours, so",
                    "nothing has changed and nobody was told. There is nothing to do.",
                ],
            ),
            Kind::PasswordReset => (
                "Set a new password",
                &[
                    "somebody, hopefully you, asked for a new password for your account.",
                    TOKEN,
                    "It works once, for one hour. If this was not you, there is nothing to do: your",
                    "password stays as it is.",
                ],
            ),
            Kind::PasswordChanged => (
                "Your password was changed",
                &[
                    "the password of your account was changed, and your other sessions were ended.",
                    "",
                    "If this was not you, ask for a new password now.",
                ],
            ),
            Kind::TwoFactorEnabled => TWO_FACTOR_ENABLED,
            Kind::TwoFactorEnded => TWO_FACTOR_ENDED,
        };
        let greeting = format!("Hello {},", self.username);
        let mut body = vec![greeting, String::new()];
        for line in lines {
            if *line == TOKEN {
                body.extend(self.asking());
            } else {
                body.push((*line).to_owned());
            }
        }
        body.push(String::new());
        Text { subject, body: body.join("\r\n") }
    }

    /// The link, if there is an app to lead to, and the token by itself.
    fn asking(&self) -> Vec<String> {
        let token = self.token.unwrap_or_default();
        let mut lines = vec![String::new()];
        if let Some(app) = self.public_url {
            // Behind the `#`, so that it is in no log of a server and no referrer.
            lines.push(format!("{app}/{}#token={token}", self.kind.page()));
            lines.push(String::new());
            lines.push("If the link does not open, enter this in the app:".to_owned());
        } else {
            lines.push("Enter this in the app:".to_owned());
        }
        lines.extend([String::new(), format!("token: {token}"), String::new()]);
        lines
    }
}

/// A subject, and lines below the greeting.
type Words = (&'static str, &'static [&'static str]);

const TWO_FACTOR_ENABLED: Words = (
    "Your account has two factors now",
    &[
        "from now on, signing in to your account needs a code besides the password.",
        "",
        "If this was not you, ask the people who run this service for help.",
    ],
);
const TWO_FACTOR_ENDED: Words = (
    "Your account has no second factor any more",
    &[
        "from now on, the password is enough to sign in to your account.",
        "",
        "If this was not you, change your password now.",
    ],
);

/// Where a text names its token.
const TOKEN: &str = "<token>";

/// When a mail is tried again that has failed `tries` times; nothing if it is given up. `jitter`, 0 to 999 at
/// random, spreads the mails that failed together.
pub fn retry_at(tries: i64, expires_at: Micros, now: Micros, jitter: u32) -> Option<Micros> {
    if tries >= MAIL_TRIES_MAX {
        return None;
    }
    let doublings = u32::try_from(tries.max(1) - 1).unwrap_or(u32::MAX);
    let longest = 2_u32.checked_pow(doublings).map_or(MAIL_RETRY_MAX, |factor| {
        MAIL_RETRY_FIRST.checked_mul(factor).unwrap_or(MAIL_RETRY_MAX).min(MAIL_RETRY_MAX)
    });
    // Between half of it and all of it.
    let wait = longest / 2 + longest / 2_000 * jitter.min(999);
    Some(now.after(wait)).filter(|at| *at < expires_at)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn letter(kind: Kind, public_url: Option<&str>) -> Text {
        Letter { kind, username: "ann", token: Some("t0k_en-1"), public_url }.write()
    }

    #[test]
    fn every_mail_is_short_plain_lines() {
        for kind in Kind::ALL {
            for public_url in [None, Some("https://app.example")] {
                let Text { subject, body } = letter(kind, public_url);
                assert!(subject.is_ascii() && subject.len() < 60 && !subject.contains('\r'));
                assert!(body.is_ascii() && body.ends_with("\r\n") && !body.contains("<token>"), "{body}");
                assert!(body.starts_with("Hello ann,\r\n\r\n"));
                assert!(body.split("\r\n").all(|line| line.len() <= 80 && !line.contains(['\r', '\n'])));
            }
        }
    }

    #[test]
    fn only_who_asks_for_something_brings_the_token() {
        let asking = [Kind::Verification, Kind::EmailChange, Kind::PasswordReset];
        for kind in Kind::ALL {
            let body = letter(kind, Some("https://app.example")).body;
            assert_eq!(body.contains("t0k_en-1"), asking.contains(&kind), "{body}");
        }
        let body = letter(Kind::PasswordReset, Some("https://app.example")).body;
        assert!(body.contains("\r\nhttps://app.example/reset-password#token=t0k_en-1\r\n"), "{body}");
        assert!(body.contains("\r\ntoken: t0k_en-1\r\n"), "{body}");
        assert!(
            letter(Kind::EmailChange, Some("https://a.b")).body.contains("https://a.b/verify-email#token=")
        );
        let body = letter(Kind::Verification, None).body;
        assert!(!body.contains("http") && body.contains("\r\ntoken: t0k_en-1\r\n"), "{body}");
    }

    #[test]
    fn kinds_have_codes() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.to_code()), Some(kind));
        }
        assert_eq!(Kind::from_code(9), None);
    }

    #[test]
    fn waits_double_up_to_an_hour_and_end() {
        let (now, never) = (Micros::from_millis(0), Micros::new(i64::MAX));
        let wait = |tries, jitter| retry_at(tries, never, now, jitter).map(|at| at.since(now).as_millis());
        assert_eq!(wait(1, 0), Some(2_500));
        assert_eq!(wait(1, 999), Some(4_997));
        assert_eq!(wait(2, 0), Some(5_000));
        assert_eq!(wait(5, 0), Some(40_000));
        assert_eq!(wait(15, 0), Some(1_800_000));
        assert!(wait(15, 5_000) < Some(3_600_000));
        assert_eq!(wait(16, 0), None);
        assert_eq!(retry_at(1, now.after(Duration::from_secs(2)), now, 0), None, "nobody wants it then");
    }
}
