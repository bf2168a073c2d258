//! The settings of the publisher.

use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::secret::Secret;

/// Longest prefix, in characters: it is part of the name of a stream, which is a file's.
const PREFIX_CHARS_MAX: usize = 32;

/// Where events are published to besides the feed.
#[derive(Debug, Clone, Args)]
#[group(id = "nats")]
#[expect(clippy::doc_markdown, reason = "the comments are the text of --help")]
pub struct NatsConfig {
    /// Publish each event to NATS JetStream too: nats://USER:PASSWORD@HOST:PORT, tls:// instead where NATS has TLS; a
    /// token instead of user and password; several of a cluster, separated by commas; or file://PATH of a file that
    /// holds this. Not set, nothing is published.
    #[arg(long, env)]
    pub nats_url: Option<NatsUrl>,
    /// What the subjects and the streams begin with: events go to the subjects PREFIX.user.> and PREFIX.relation.>, in
    /// the streams PREFIX-user and PREFIX-relation.
    #[arg(long, env, default_value = "mutual", value_parser = prefix)]
    pub nats_prefix: String,
    /// On how many servers of a cluster a stream is kept that is made by this program.
    #[arg(long, env, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub nats_replicas: u8,
}

impl NatsConfig {
    /// Nothing is published.
    pub fn off() -> Self {
        Self { nats_url: None, nats_prefix: "mutual".into(), nats_replicas: 1 }
    }

    /// What a service publishes with, if it does: its events are known by `log`, and a stream keeps them for `keep`.
    pub fn publishing(&self, log: &str, keep: Option<Duration>) -> Option<Publishing> {
        Some(Publishing {
            servers: self.nats_url.clone()?,
            subjects: format!("{}.{log}", self.nats_prefix),
            stream: format!("{}-{log}", self.nats_prefix),
            replicas: self.nats_replicas.into(),
            keep: keep.unwrap_or_default(),
        })
    }
}

/// What the publisher of one log works with.
#[derive(Debug, Clone)]
pub struct Publishing {
    /// Where NATS is.
    pub(super) servers: NatsUrl,
    /// What the subject of each event begins with.
    pub(super) subjects: String,
    /// The stream.
    pub(super) stream: String,
    /// On how many servers it is kept, if it is made.
    pub(super) replicas: usize,
    /// How long it keeps events, if it is made; zero is for ever.
    pub(super) keep: Duration,
}

fn prefix(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=PREFIX_CHARS_MAX).contains(&text.chars().count()) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err(format!("1 to {PREFIX_CHARS_MAX} letters, digits, - or _"))
}

/// The servers of NATS, and as whom to sign in. `Display` and `Debug` hide the latter.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsUrl {
    /// Without anybody's name.
    pub(super) servers: Vec<Url>,
    /// As whom to sign in, if as anybody.
    pub(super) login: Option<Login>,
}

/// As whom to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// By a token.
    Token(Secret),
    /// By name and password.
    User(String, Secret),
}

/// Why a text does not say where NATS is. It is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNatsUrl {
    /// It is something else.
    #[error(
        "NATS is at nats://USER:PASSWORD@HOST:PORT or tls://..., several separated by commas and with one login, or \
         file://PATH of a file that holds this"
    )]
    Form,
    /// The file that is to hold it cannot be read, or holds something else.
    #[error("{0}: {1}")]
    File(String, String),
}

impl FromStr for NatsUrl {
    type Err = InvalidNatsUrl;

    fn from_str(text: &str) -> Result<Self, InvalidNatsUrl> {
        let Some(path) = text.strip_prefix("file://").filter(|path| !path.is_empty()) else {
            return Self::of_servers(text).ok_or(InvalidNatsUrl::Form);
        };
        let refused = |reason: String| InvalidNatsUrl::File(path.to_owned(), reason);
        let held = fs::read_to_string(Path::new(path)).map_err(|error| refused(error.to_string()))?;
        Self::of_servers(held.trim()).ok_or_else(|| refused("no nats:// or tls:// URL".to_owned()))
    }
}

impl NatsUrl {
    fn of_servers(text: &str) -> Option<Self> {
        let (mut servers, mut login) = (Vec::new(), None);
        for part in text.split(',') {
            let mut url = Url::parse(part.trim()).ok()?;
            let known = ["nats", "tls"].contains(&url.scheme());
            let plain = url.query().is_none() && url.fragment().is_none() && ["", "/"].contains(&url.path());
            if !known || !plain || url.host_str().is_none_or(str::is_empty) {
                return None;
            }
            let own = login_of(&url)?;
            if login.is_some() && own.is_some() && login != own {
                return None;
            }
            login = login.or(own);
            url.set_username("").ok()?;
            url.set_password(None).ok()?;
            servers.push(url);
        }
        Some(Self { servers, login })
    }
}

/// As whom a URL signs in; `None` outside if that cannot be read.
fn login_of(url: &Url) -> Option<Option<Login>> {
    let decoded = |text| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    Some(match (url.username(), url.password()) {
        ("", None) => None,
        (token, None) => Some(Login::Token(Secret::new(decoded(token)?))),
        (user, Some(password)) => Some(Login::User(decoded(user)?, Secret::new(decoded(password)?))),
    })
}

impl fmt::Display for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, server) in self.servers.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "," })?;
            f.write_str(server.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> NatsUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_login_is_taken_out_and_never_shown() {
        for (text, login) in [
            ("nats://h", None),
            ("tls://h:4222/", None),
            ("nats://t0ken@h", Some(Login::Token(Secret::new("t0ken")))),
            ("nats://me:pa%40word@h,nats://other", Some(Login::User("me".into(), Secret::new("pa@word")))),
        ] {
            let url = parsed(text);
            let shown = format!("{url} {url:?} {:?}", url.login);
            assert!(!shown.contains("word") && !shown.contains("t0ken"), "{shown}");
            assert_eq!(url.login, login, "{text}");
        }
        assert_eq!(parsed("nats://a:b@h1, nats://a:b@h2:1").to_string(), "nats://h1,nats://h2:1");
    }

    #[test]
    fn what_is_something_else_is_refused_without_being_repeated() {
        let [one, other] = ["nats://a:s3cret@h", "nats://b:s3cret@h"];
        for bad in
            ["", "h:4222", "http://a:s3cret@h", "nats://", &format!("{one},{other}"), &format!("{one}?x")]
        {
            let error = bad.parse::<NatsUrl>().unwrap_err();
            assert!(error == InvalidNatsUrl::Form && !error.to_string().contains("s3cret"), "{bad}");
        }
    }

    #[test]
    fn a_file_may_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        let read = |held: &str| {
            fs::write(&path, held).unwrap();
            format!("file://{}", path.display()).parse::<NatsUrl>()
        };
        assert_eq!(read("nats://a:b@h\n"), Ok(parsed("nats://a:b@h")));
        let error = read("s3cret").unwrap_err().to_string();
        assert!(error.contains("/url: no ") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_prefix_is_one_word_of_a_subject() {
        for bad in ["", "a.b", "a b", "a*", ">", "a/b", &"a".repeat(PREFIX_CHARS_MAX + 1)] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
        assert_eq!(prefix("our_App-2"), Ok("our_App-2".to_owned()));
    }
}
