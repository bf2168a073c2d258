//! Tokens that are mailed, which are not stored.
//!
//! A token is `user id | token id | purpose | tag`, the tag an HMAC-SHA-256 of them, of the address that it is mailed to
//! and of 256 random bits under a key of the server, all in base64url. So a mail that is sent again brings the same
//! token, nothing that waits to be sent holds one, and neither the database nor the key alone is enough to make one.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use shared::clock::Micros;
use shared::id::{SessionId, UserId};
use shared::secret::Secret;

use super::limits::{PASSWORD_RESET_LIFE, VERIFICATION_LIFE};
use super::refresh_token::{RefreshKey, decode};

const TAG_BYTES: usize = 32;
const TOKEN_BYTES: usize = 2 * size_of::<i64>() + 1 + TAG_BYTES;
/// Keeps these tags apart from any other use of the same key.
const PURPOSE: &[u8] = b"mutual mail token 1";

/// What a token is for. It is good for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The address of the account is its owner's.
    Verification,
    /// The address that the owner wants instead is theirs.
    EmailChange,
    /// A new password.
    PasswordReset,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::Verification, Self::EmailChange, Self::PasswordReset];

    /// The number that stands for the purpose in the database and in the token.
    pub const fn to_code(self) -> u8 {
        match self {
            Self::Verification => 0,
            Self::EmailChange => 1,
            Self::PasswordReset => 2,
        }
    }

    /// The purpose that `code` stands for.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.to_code() == code)
    }

    /// For how long a token can be used.
    pub const fn life(self) -> Duration {
        match self {
            Self::Verification | Self::EmailChange => VERIFICATION_LIFE,
            Self::PasswordReset => PASSWORD_RESET_LIFE,
        }
    }
}

/// What a token is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailToken {
    /// Whose account it acts on.
    pub user: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// Tells it from the tokens before it.
    pub id: i64,
    /// 256 random bits.
    pub nonce: Secret,
    /// Where it is mailed to.
    pub address: String,
    /// Until when it can be used.
    pub expires_at: Micros,
    /// For another address: the session that asked for it.
    pub session: Option<SessionId>,
}

impl MailToken {
    /// The token itself. The same arguments make the same one.
    pub fn mint(&self, key: &RefreshKey) -> Secret {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.extend_from_slice(&self.user.get().to_be_bytes());
        bytes.extend_from_slice(&self.id.to_be_bytes());
        bytes.push(self.purpose.to_code());
        bytes.extend_from_slice(&self.tag(key).finalize().into_bytes());
        Secret::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn tag(&self, key: &RefreshKey) -> impl Mac + use<> {
        let (user, id, purpose) =
            (self.user.to_string(), self.id.to_string(), self.purpose.to_code().to_string());
        let parts = [&user, &id, &purpose, &self.address, self.nonce.reveal()];
        key.keyed(PURPOSE, &parts.map(Some))
    }
}

/// A well-formed token, of which nothing is proved yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// Whose account it claims to act on.
    pub user: UserId,
    /// What it claims to be for.
    pub purpose: Purpose,
    id: i64,
    tag: [u8; TAG_BYTES],
}

impl fmt::Debug for Presented {
    /// Without the tag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented({}, {:?})", self.user, self.purpose)
    }
}

/// Reads a token; nothing if it is not of the form that [`MailToken::mint`] makes.
pub fn parse(text: &str) -> Option<Presented> {
    let bytes: [u8; TOKEN_BYTES] = decode(text)?;
    let (user, rest) = bytes.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (purpose, tag) = rest.split_first()?;
    Some(Presented {
        user: UserId::new(i64::from_be_bytes(*user)),
        purpose: Purpose::from_code(*purpose)?,
        id: i64::from_be_bytes(*id),
        tag: tag.try_into().ok()?,
    })
}

impl Presented {
    /// Whether this is the token of `held`, in time. Comparing takes the same time either way.
    pub fn is(&self, held: &MailToken, key: &RefreshKey, now: Micros) -> bool {
        let right = held.tag(key).verify_slice(&self.tag).is_ok();
        let same = (self.user, self.purpose, self.id) == (held.user, held.purpose, held.id);
        right && same && now < held.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> MailToken {
        MailToken {
            user: UserId::new(7),
            purpose: Purpose::PasswordReset,
            id: 3,
            nonce: Secret::new("n"),
            address: "ann@example.com".to_owned(),
            expires_at: Micros::from_millis(100),
            session: None,
        }
    }

    const NOW: Micros = Micros::from_millis(99);

    #[test]
    fn a_token_is_good_for_what_it_was_made_for_alone() {
        let key = RefreshKey::new(&[1; 32]);
        let held = token();
        let presented = parse(held.mint(&key).reveal()).unwrap();
        assert_eq!((presented.user, presented.purpose), (held.user, held.purpose));
        assert!(presented.is(&held, &key, NOW));
        assert!(!presented.is(&held, &key, held.expires_at), "expired");
        assert!(!presented.is(&held, &RefreshKey::new(&[2; 32]), NOW), "another key");
        for other in [
            MailToken { user: UserId::new(8), ..token() },
            MailToken { purpose: Purpose::EmailChange, ..token() },
            MailToken { id: 4, ..token() },
            MailToken { nonce: Secret::new("m"), ..token() },
            MailToken { address: "bob@example.com".to_owned(), ..token() },
        ] {
            assert!(!presented.is(&other, &key, NOW), "{other:?}");
        }
    }

    #[test]
    fn nothing_else_is_a_token() {
        let text = token().mint(&RefreshKey::new(&[1; 32]));
        let text = text.reveal();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        for bad in
            ["", "x", &text[1..], &format!("{text}A"), &format!(" {text}"), &text.replace(text, "\u{e9}")]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
        for (at, _) in text.char_indices() {
            let mut changed = text.to_owned();
            let flipped = if &text[at..=at] == "B" { "C" } else { "B" };
            changed.replace_range(at..=at, flipped);
            let accepted = parse(&changed).is_some_and(|p| p.is(&token(), &RefreshKey::new(&[1; 32]), NOW));
            assert!(!accepted, "{at}");
        }
    }

    #[test]
    fn purposes_have_codes_and_lives() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::from_code(purpose.to_code()), Some(purpose));
        }
        assert_eq!(Purpose::from_code(3), None);
        assert_eq!(Purpose::PasswordReset.life().as_secs(), 3_600);
        assert_eq!(Purpose::Verification.life().as_secs(), 86_400);
    }
}
