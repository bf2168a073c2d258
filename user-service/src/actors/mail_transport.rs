//! How a mail leaves: over SMTP, or, where there is no mail server, into a file for its owner alone.

use std::fs::{self, DirEntry, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use actix_web::web;
use lettre::address::AddressError;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, AsyncSmtpTransport};
use lettre::{AsyncTransport, Tokio1Executor};
use shared::clock::Micros;
use shared::db::StoreError;
use shared::id::UserId;
use shared::secret::make_private_dir;

use super::mail::Outgoing;
use crate::config::mail::{MailConfig, PublicUrl, SmtpTls, SmtpUrl};
use crate::domain::mail::{Letter, Text};

/// How long one try may take, from the connection to the server's last word.
pub const SEND_WAIT: Duration = Duration::from_secs(30);
/// How long a mail in a file is kept: its token has long expired.
const FILES_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// As much of a server's answer as the log shows.
const ANSWER_CHARS_MAX: usize = 200;
/// Answers about us and not about the mail: our login is wrong or missing. Mending the settings helps.
const LOGIN_REFUSED: [u16; 4] = [530, 534, 535, 538];
/// From whom mails in files come unless a setting says otherwise.
const FILES_FROM: &str = "Mutual <mutual@localhost>";

/// Why mails cannot be sent as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum MailSetupError {
    /// Nobody to send as.
    #[error("--smtp-url needs --mail-from, the address that mails come from")]
    NoSender,
    /// Not an address.
    #[error("the address that mails come from: {0}")]
    Sender(#[from] AddressError),
    /// TLS cannot be set up.
    #[error("the mail server's TLS: {0}")]
    Tls(#[from] smtp::Error),
    /// The directory cannot be made.
    #[error("the directory of mails: {0}")]
    Directory(#[from] io::Error),
}

/// Why a try failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The next one may not.
    Temporary(String),
    /// The next one will, too.
    Permanent(String),
}

/// The way that mails leave by. Clones share it.
#[derive(Clone)]
pub struct MailTransport {
    from: Mailbox,
    public_url: Option<PublicUrl>,
    /// None where mails become files.
    server: Option<AsyncSmtpTransport<Tokio1Executor>>,
    /// Where those files are, or were before there was a mail server.
    dir: Arc<PathBuf>,
}

impl MailTransport {
    /// Prepares what the settings say; connects to nothing yet.
    pub fn new(config: &MailConfig, dir: &Path) -> Result<Self, MailSetupError> {
        let from = config.mail_from.clone().map(|from| from.0);
        let (public_url, files) = (config.public_url.clone(), Arc::new(dir.to_owned()));
        let Some(server) = &config.smtp_url else {
            let from = from.map_or_else(|| FILES_FROM.parse(), Ok)?;
            make_private_dir(dir)?;
            return Ok(Self { from, public_url, server: None, dir: files });
        };
        let from = from.ok_or(MailSetupError::NoSender)?;
        let server = Some(smtp(server, &from)?);
        Ok(Self { from, public_url, server, dir: files })
    }

    /// Sends a mail, within [`SEND_WAIT`].
    pub async fn send(&self, outgoing: &Outgoing, now: Micros) -> Result<(), Failure> {
        let message = self.message(outgoing, now);
        // What cannot be written now cannot be written later.
        let message = message.map_err(|error| Failure::Permanent(error.to_string()))?;
        let sent = async {
            match &self.server {
                Some(server) => {
                    server.send(message).await.map(drop).map_err(|error| failure(&error, outgoing))
                }
                None => into_file(self.dir.clone(), outgoing, &message).await,
            }
        };
        let late = |_| Err(Failure::Temporary(format!("not within {} seconds", SEND_WAIT.as_secs())));
        tokio::time::timeout(SEND_WAIT, sent).await.unwrap_or_else(late)
    }

    /// Removes old files. Returns how many.
    pub async fn tidy(&self) -> io::Result<usize> {
        let (dir, now) = (self.dir.clone(), SystemTime::now());
        web::block(move || remove(&dir, |mail| is_old(mail, now))).await.map_err(io::Error::other)?
    }

    /// Removes the files of mails about these people.
    pub async fn forget(&self, people: Vec<UserId>) -> Result<(), StoreError> {
        let dir = self.dir.clone();
        let theirs = move |mail: &DirEntry| Ok(person_of(mail).is_some_and(|user| people.contains(&user)));
        let removed = web::block(move || remove(&dir, theirs)).await.map_err(io::Error::other);
        let removed = removed.and_then(|removed| removed);
        removed.map(drop).map_err(|error| StoreError::Unavailable(format!("the directory of mails: {error}")))
    }

    fn message(&self, outgoing: &Outgoing, now: Micros) -> Result<Message, lettre::error::Error> {
        let Outgoing { mail, username, token } = outgoing;
        let Text { subject, body } = Letter {
            kind: mail.kind,
            username,
            token: token.as_ref().map(|token| token.reveal()),
            public_url: self.public_url.as_ref().map(PublicUrl::as_str),
        }
        .write();
        let to = mail.recipient.parse().map_err(|_| lettre::error::Error::MissingTo)?;
        let at = SystemTime::UNIX_EPOCH + now.since(Micros::default());
        // The same for each try, so that a mail that was taken twice is seen to be one.
        let id = format!("<{}.{}@{}>", mail.user, mail.id, self.from.email.domain());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date(at)
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            // RFC 3834: nobody's machine should answer.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .body(plain(body))
    }
}

/// The text as it is: a link that is longer than 76 characters would be broken by the encoding that is chosen for it.
fn plain(text: String) -> Body {
    if text.is_ascii() {
        return Body::dangerous_pre_encoded(text.into_bytes(), ContentTransferEncoding::SevenBit);
    }
    Body::new(text)
}

fn smtp(server: &SmtpUrl, from: &Mailbox) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailSetupError> {
    // An IPv6 address has its brackets in URLs alone.
    let host = server.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let parameters = || TlsParameters::new(host.clone());
    let tls = match server.tls {
        SmtpTls::Wrapped => Tls::Wrapper(parameters()?),
        SmtpTls::Required => Tls::Required(parameters()?),
        SmtpTls::Opportunistic => Tls::Opportunistic(parameters()?),
        SmtpTls::Off => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(server.port)
        .tls(tls)
        .timeout(Some(SEND_WAIT))
        .hello_name(ClientId::Domain(from.email.domain().to_owned()));
    if let Some((user, password)) = &server.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.reveal().to_owned()));
    }
    Ok(builder.build())
}

fn failure(error: &smtp::Error, outgoing: &Outgoing) -> Failure {
    // Some servers repeat what they refuse; the log is to hold neither tokens nor addresses.
    let mut text = without(&error.to_string(), &outgoing.mail.recipient);
    if let Some(token) = &outgoing.token {
        text = without(&text, token.reveal());
    }
    let text: String = text.chars().filter(|char| !char.is_control()).take(ANSWER_CHARS_MAX).collect();
    let about_us = error.status().is_some_and(|code| LOGIN_REFUSED.contains(&u16::from(code)));
    if error.is_permanent() && !about_us { Failure::Permanent(text) } else { Failure::Temporary(text) }
}

/// The text with `***` for each `hidden`, in whatever case.
fn without(text: &str, hidden: &str) -> String {
    let (lower, hidden) = (text.to_ascii_lowercase(), hidden.to_ascii_lowercase());
    let mut parts = Vec::new();
    let mut from = 0;
    // Of the same bytes but for the case of ASCII, so that places in one are places in the other.
    for (at, found) in lower.match_indices(&hidden).filter(|(_, found)| !found.is_empty()) {
        parts.push(&text[from..at]);
        from = at + found.len();
    }
    parts.push(&text[from..]);
    parts.join("***")
}

async fn into_file(dir: Arc<PathBuf>, outgoing: &Outgoing, message: &Message) -> Result<(), Failure> {
    let mail = &outgoing.mail;
    let name = format!("{}-{}-{}.eml", mail.user, mail.id, mail.kind.as_str());
    let (path, draft) = (dir.join(&name), dir.join(format!("{name}.draft")));
    let (bytes, shown) = (message.formatted(), path.clone());
    let written = web::block(move || {
        // Whole under another name first: nobody reads half a mail.
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
        let mut file = opened?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    });
    let written = written.await.map_err(io::Error::other).and_then(|written| written);
    written.map_err(|error| Failure::Temporary(error.to_string()))?;
    log::info!("a mail ({}) is in {}", mail.kind.as_str(), shown.display());
    Ok(())
}

fn is_old(mail: &DirEntry, now: SystemTime) -> io::Result<bool> {
    Ok(now.duration_since(mail.metadata()?.modified()?).unwrap_or_default() > FILES_KEPT)
}

/// About whom a mail is: what its name begins with, see [`into_file`].
fn person_of(mail: &DirEntry) -> Option<UserId> {
    mail.file_name().to_str()?.split('-').next()?.parse().ok()
}

/// Removes those of the mails in `dir` that are `wanted` gone. Where there is no directory, there are none.
fn remove(dir: &Path, wanted: impl Fn(&DirEntry) -> io::Result<bool>) -> io::Result<usize> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        match remove_if(&entry?, &wanted) {
            Ok(gone) => removed += usize::from(gone),
            // Removed by another meanwhile, or a draft that is a mail now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

fn remove_if(entry: &DirEntry, wanted: impl Fn(&DirEntry) -> io::Result<bool>) -> io::Result<bool> {
    let name = entry.file_name();
    let is_mail = name.to_str().is_some_and(|name| name.ends_with(".eml") || name.ends_with(".eml.draft"));
    if !is_mail || !wanted(entry)? {
        return Ok(false);
    }
    fs::remove_file(entry.path())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use shared::id::UserId;
    use shared::secret::Secret;

    use super::*;
    use crate::domain::mail::Kind;
    use crate::store::mail::Mail;

    fn outgoing(recipient: &str) -> Outgoing {
        let (user, due_at) = (UserId::new(7), Micros::from_millis(0));
        Outgoing {
            mail: Mail {
                user,
                id: 9,
                kind: Kind::PasswordReset,
                recipient: recipient.to_owned(),
                token_id: Some(1),
                tries: 1,
                due_at,
                expires_at: due_at,
                failed_at: None,
            },
            username: "ann".to_owned(),
            token: Some(Secret::new("t0ken".repeat(13))),
        }
    }

    fn transport(from: &str) -> MailTransport {
        let public_url = Some("https://app.example.com/".parse().unwrap());
        MailTransport { from: from.parse().unwrap(), public_url, server: None, dir: Arc::default() }
    }

    #[test]
    fn a_mail_has_the_headers_that_it_needs_and_no_more() {
        let message =
            transport("J\u{f6}rg <app@example.com>").message(&outgoing("a+b@example.com"), Micros::default());
        let text = String::from_utf8(message.unwrap().formatted()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        for line in [
            "From: =?utf-8?b?SsO2cmc=?= <app@example.com>",
            "To: a+b@example.com",
            "Subject: Set a new password",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000",
            "Message-ID: <7.9@example.com>",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 7bit",
        ] {
            assert!(head.split("\r\n").any(|held| held == line), "{line} is not in:\n{head}");
        }
        assert!(body.contains("\r\nhttps://app.example.com/reset-password#token=t0kent0ken"), "{body}");
        assert!(body.lines().any(|line| line.ends_with("t0ken") && line.len() > 76), "{body}");
    }

    #[test]
    fn an_address_that_is_more_than_one_is_not_written_to() {
        for bad in ["a@b.io\r\nBcc: c@d.io", "a@b.io, c@d.io", "a@b.io\nX: y", "<a@b.io>", "A <a@b.io>", ""] {
            let refused = transport("app@example.com").message(&outgoing(bad), Micros::default());
            assert!(refused.is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_hidden_is_hidden_in_any_case() {
        let text = "<Ann@Example.com>: no ann@example.com here, \u{130} ANN@EXAMPLE.COM";
        assert_eq!(without(text, "Ann@example.com"), "<***>: no *** here, \u{130} ***");
        assert_eq!(without("as it is", "b@c.io"), "as it is");
        assert_eq!(without("as it is", ""), "as it is");
    }

    #[test]
    fn old_files_go_and_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["1-2-verification.eml", "1-3-verification.eml.draft", "notes.txt"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let now = SystemTime::now();
        let removed = |now| remove(dir.path(), |mail| is_old(mail, now)).unwrap();
        assert_eq!((removed(now), removed(now + FILES_KEPT + Duration::from_secs(60))), (0, 2));
        assert!(dir.path().join("notes.txt").exists());
        assert_eq!(remove(&dir.path().join("none"), |_| Ok(true)).unwrap(), 0);
    }

    #[actix_web::test]
    async fn the_mails_of_one_person_go_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        for name in
            ["1-2-verification.eml", "1-3-verification.eml.draft", "12-1-verification.eml", "1-notes.txt"]
        {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let transport =
            MailTransport { dir: Arc::new(dir.path().to_owned()), ..transport("app@example.com") };
        transport.forget(vec![UserId::new(1), UserId::new(2)]).await.unwrap();
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["1-notes.txt", "12-1-verification.eml"]);
    }
}
