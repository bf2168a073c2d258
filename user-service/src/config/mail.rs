//! The settings of mails.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use clap::Args;
use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use shared::secret::Secret;
use url::Url;

/// How mails are sent, and what they say.
#[derive(Debug, Clone, Args)]
// A name of its own, so that it can be one of several groups.
#[group(id = "mail")]
#[expect(clippy::doc_markdown, reason = "the comments are the text of --help")]
pub struct MailConfig {
    /// The mail server: smtps://USER:PASSWORD@HOST:PORT (TLS, port 465), smtp://... (STARTTLS, port 587), or
    /// file://PATH of a file that holds one of these. Without it, mails are written into files. smtp://HOST?tls=none
    /// sends in clear; to this machine itself, ?tls=opportunistic is the default.
    #[arg(long, env)]
    pub smtp_url: Option<SmtpUrl>,
    /// Whom mails come from: an address, or "Name <address>". Needed with --smtp-url.
    #[arg(long, env)]
    pub mail_from: Option<MailFrom>,
    /// Where people use the app: mails link to PUBLIC_URL/verify-email#token=... and
    /// PUBLIC_URL/reset-password#token=.... Without it, they bring the token alone.
    #[arg(long, env)]
    pub public_url: Option<PublicUrl>,
}

/// Whether a connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the start.
    Wrapped,
    /// From STARTTLS on; without it, nothing is sent.
    Required,
    /// If the server offers it.
    Opportunistic,
    /// Never.
    Off,
}

/// A mail server. `Display` and `Debug` hide the password.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    /// Its name or number.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether to encrypt.
    pub tls: SmtpTls,
    /// Whom to sign in as, and the password, if at all.
    pub login: Option<(String, Secret)>,
}

/// Why a text is not the URL of a mail server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSmtpUrl {
    /// It has another form.
    #[error(
        "a mail server is smtps://USER:PASSWORD@HOST:PORT, smtp://..., or file://PATH of a file that holds one of these"
    )]
    Form,
    /// The part behind the question mark.
    #[error("behind the host of smtp://, only ?tls=required, ?tls=opportunistic or ?tls=none can stand")]
    Query,
    /// The file that is to hold the URL cannot be read.
    #[error("the file of the mail server's URL cannot be read: {0}")]
    File(String),
}

impl FromStr for SmtpUrl {
    type Err = InvalidSmtpUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("file://").filter(|path| !path.is_empty()) {
            Some(path) => {
                let held = fs::read_to_string(Path::new(path));
                let held = held.map_err(|error| InvalidSmtpUrl::File(format!("{path}: {error}")))?;
                Self::of(Secret::new(held.trim()).reveal())
            }
            None => Self::of(text),
        }
    }
}

impl SmtpUrl {
    fn of(text: &str) -> Result<Self, InvalidSmtpUrl> {
        let url = Url::parse(text).map_err(|_| InvalidSmtpUrl::Form)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(InvalidSmtpUrl::Form)?.to_owned();
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(InvalidSmtpUrl::Form);
        }
        let (tls, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (SmtpTls::Wrapped, 465),
            ("smtp", None) if is_this_machine(&host) => (SmtpTls::Opportunistic, 587),
            ("smtp", None | Some("tls=required")) => (SmtpTls::Required, 587),
            ("smtp", Some("tls=opportunistic")) => (SmtpTls::Opportunistic, 587),
            ("smtp", Some("tls=none")) => (SmtpTls::Off, 587),
            ("smtp" | "smtps", Some(_)) => return Err(InvalidSmtpUrl::Query),
            _ => return Err(InvalidSmtpUrl::Form),
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
        let login = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                let user = decoded(user).map_err(|_| InvalidSmtpUrl::Form)?;
                Some((user, Secret::new(decoded(password).map_err(|_| InvalidSmtpUrl::Form)?)))
            }
            _ => return Err(InvalidSmtpUrl::Form),
        };
        Ok(Self { host, port: url.port().unwrap_or(port), tls, login })
    }
}

fn is_this_machine(host: &str) -> bool {
    let number = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || number.is_ok_and(|number| number.is_loopback())
}

impl fmt::Display for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls == SmtpTls::Wrapped { "smtps" } else { "smtp" };
        write!(f, "{scheme}://")?;
        if let Some((user, _)) = &self.login {
            write!(f, "{user}:***@")?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whom mails come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFrom(pub Mailbox);

impl FromStr for MailFrom {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // lettre encodes what is not ASCII; a line break is nobody's name.
        if text.chars().any(char::is_control) {
            return Err("an address has no control characters");
        }
        text.parse().map(Self).map_err(|_| "not an address, and not \"Name <address>\"")
    }
}

/// Where people use the app: an address of the web, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

/// Longest address of the app: a link with its token stays far below the 998 bytes that a line of a mail may have.
const PUBLIC_URL_BYTES_MAX: usize = 500;

impl PublicUrl {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| "not an address of the web")?;
        let fits = matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.password().is_none()
            && url.username().is_empty()
            && url.as_str().len() <= PUBLIC_URL_BYTES_MAX;
        if !fits {
            return Err("an address of the web, without a login, a question mark and a fragment");
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts<'a> = (&'a str, u16, SmtpTls, Option<(&'a str, &'a str)>);

    fn check(text: &str, expected: Result<Parts<'_>, InvalidSmtpUrl>) {
        let got = text.parse::<SmtpUrl>();
        let got = got.map(|url| (url.host.clone(), url.port, url.tls, url.login.clone()));
        let expected = expected.map(|(host, port, tls, login)| {
            let login = login.map(|(user, password)| (user.to_owned(), Secret::new(password)));
            (host.to_owned(), port, tls, login)
        });
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn the_url_says_how_to_encrypt() {
        use SmtpTls::{Off, Opportunistic, Required, Wrapped};
        check("smtps://a:b%40c@mail.example.com", Ok(("mail.example.com", 465, Wrapped, Some(("a", "b@c")))));
        check("smtp://mail.example.com:2525", Ok(("mail.example.com", 2525, Required, None)));
        check("smtp://mail.example.com/?tls=required", Ok(("mail.example.com", 587, Required, None)));
        check("smtp://127.0.0.1:25", Ok(("127.0.0.1", 25, Opportunistic, None)));
        check("smtp://[::1]:25", Ok(("[::1]", 25, Opportunistic, None)));
        check("smtp://localhost?tls=required", Ok(("localhost", 587, Required, None)));
        check("smtp://mail?tls=none", Ok(("mail", 587, Off, None)));
        check("smtp://mail?tls=opportunistic", Ok(("mail", 587, Opportunistic, None)));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "mail", "http://mail", "smtp://", "smtp://a@mail", "smtp://:b@mail", "smtp://mail/x"]
        {
            check(bad, Err(InvalidSmtpUrl::Form));
        }
        for bad in ["smtp://mail?tls=maybe", "smtp://mail?x=y", "smtps://mail?tls=none"] {
            check(bad, Err(InvalidSmtpUrl::Query));
        }
    }

    #[test]
    fn a_file_may_hold_it_and_the_password_is_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        std::fs::write(&path, "smtp://a:s3cret@mail\n").unwrap();
        let url: SmtpUrl = format!("file://{}", path.display()).parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "smtp://a:***@mail:587 smtp://a:***@mail:587");
        std::fs::write(&path, "s3cret").unwrap();
        let error = format!("file://{}", path.display()).parse::<SmtpUrl>().unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
        assert!(matches!("file:///no/such".parse::<SmtpUrl>(), Err(InvalidSmtpUrl::File(_))));
    }

    #[test]
    fn links_begin_with_an_address_of_the_web() {
        let parse = |text: &str| text.parse::<PublicUrl>().map(|url| url.as_str().to_owned());
        assert_eq!(parse("https://app.example.com/"), Ok("https://app.example.com".to_owned()));
        assert_eq!(parse("http://localhost:3000/x/"), Ok("http://localhost:3000/x".to_owned()));
        for bad in ["", "app.example.com", "ftp://a.b", "https://a.b?x", "https://a.b#x", "https://u:p@a.b"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("javascript:alert(1)").is_err());
    }

    #[test]
    fn mails_come_from_an_address() {
        for good in ["mutual@example.com", "Mutual <mutual@example.com>", "\"A, B\" <a@b.io>"] {
            assert!(good.parse::<MailFrom>().is_ok(), "{good}");
        }
        for bad in ["", "Mutual", "a@b.io\r\nBcc: c@d.io", "A\nB <a@b.io>", "a@b.io, c@d.io"] {
            assert!(bad.parse::<MailFrom>().is_err(), "{bad}");
        }
    }
}
