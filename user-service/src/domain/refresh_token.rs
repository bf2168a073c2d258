//! Refresh tokens, which are not stored.
//!
//! A token is `user id | session id | generation | tag`, each number in 8 bytes, the tag an HMAC-SHA-256 of them
//! and of the session's nonce under a key of the server, all in base64url. So the token of a generation can be
//! made again (a lost answer is repeated, not replaced), it says in which row to look, and neither the database
//! nor the key alone is enough to make one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use shared::id::{SessionId, UserId};

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 32;
const NONCE_BYTES: usize = 16;
const TOKEN_BYTES: usize = 3 * size_of::<i64>() + TAG_BYTES;
/// SHA-256's block, to which HMAC pads its key with zeros.
const BLOCK_BYTES: usize = 64;
/// Keeps these tags apart from any other use of the same key.
const PURPOSE: &[u8] = b"mutual refresh token 1";

/// The server's key: wiped when dropped, never printed.
#[derive(Clone)]
pub struct RefreshKey(Zeroizing<[u8; BLOCK_BYTES]>);

impl RefreshKey {
    /// Takes over 32 random bytes.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        for (slot, byte) in block.iter_mut().zip(key) {
            *slot = *byte;
        }
        Self(block)
    }

    /// A digest of `parts` that nobody can make, or try guesses on, without the key. Each `purpose` has its own.
    pub(super) fn digest(&self, purpose: &[u8], parts: &[Option<&str>]) -> String {
        URL_SAFE_NO_PAD.encode(self.keyed(purpose, parts).finalize().into_bytes())
    }

    /// What [`RefreshKey::digest`] shows, to be compared in constant time.
    pub(super) fn keyed(&self, purpose: &[u8], parts: &[Option<&str>]) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new((&*self.0).into()).chain_update(purpose);
        parts.iter().fold(mac, |mac, part| match part {
            // Behind its length, so that no two lists of parts are the same bytes.
            Some(text) => mac.chain_update([1]).chain_update(text.len().to_be_bytes()).chain_update(text),
            None => mac.chain_update([0]),
        })
    }

    fn mac(&self, numbers: [i64; 3], nonce: &SessionNonce) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new((&*self.0).into()).chain_update(PURPOSE);
        numbers.iter().fold(mac, |mac, number| mac.chain_update(number.to_be_bytes())).chain_update(nonce.0)
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshKey(redacted)")
    }
}

/// Random bytes of one session. Ending a session for good means forgetting them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionNonce([u8; NONCE_BYTES]);

impl SessionNonce {
    /// Takes over 16 random bytes.
    pub const fn new(bytes: [u8; NONCE_BYTES]) -> Self {
        Self(bytes)
    }

    /// The nonce as the database has it: base64url.
    pub fn to_text(self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Reads what [`SessionNonce::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }
}

impl fmt::Debug for SessionNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionNonce(redacted)")
    }
}

/// The refresh token of one generation of one session. The same arguments make the same token.
pub fn mint(
    key: &RefreshKey,
    user_id: UserId,
    session_id: SessionId,
    generation: i64,
    nonce: &SessionNonce,
) -> String {
    let numbers = [user_id.get(), session_id.get(), generation];
    let tag = key.mac(numbers, nonce).finalize().into_bytes();
    let mut token = Zeroizing::new(Vec::with_capacity(TOKEN_BYTES));
    for number in numbers {
        token.extend_from_slice(&number.to_be_bytes());
    }
    token.extend_from_slice(&tag);
    URL_SAFE_NO_PAD.encode(&*token)
}

/// A well-formed refresh token, of which nothing is proved yet.
#[derive(Clone, Copy)]
pub struct Presented {
    /// Whose session it claims to be.
    pub user_id: UserId,
    /// Which session it claims to be.
    pub session_id: SessionId,
    /// Which of the session's tokens it claims to be.
    pub generation: i64,
    tag: [u8; TAG_BYTES],
}

impl fmt::Debug for Presented {
    /// Without the tag.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user_id, session_id, generation, tag: _ } = self;
        write!(f, "Presented({user_id}, {session_id}, {generation})")
    }
}

/// Reads a refresh token; nothing if it is not of the form that [`mint`] makes.
pub fn parse(text: &str) -> Option<Presented> {
    let bytes: [u8; TOKEN_BYTES] = decode(text)?;
    let (user_id, rest) = bytes.split_first_chunk()?;
    let (session_id, rest) = rest.split_first_chunk()?;
    let (generation, tag) = rest.split_first_chunk()?;
    Some(Presented {
        user_id: UserId::new(i64::from_be_bytes(*user_id)),
        session_id: SessionId::new(i64::from_be_bytes(*session_id)),
        generation: i64::from_be_bytes(*generation),
        tag: tag.try_into().ok()?,
    })
}

impl Presented {
    /// Whether `key` made this token for the session that has `nonce`. Takes the same time either way.
    pub fn verify(&self, key: &RefreshKey, nonce: &SessionNonce) -> bool {
        let numbers = [self.user_id.get(), self.session_id.get(), self.generation];
        key.mac(numbers, nonce).verify_slice(&self.tag).is_ok()
    }
}

/// Exactly `N` bytes from the one base64url text that stands for them.
pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let expected_chars = base64::encoded_len(N, false)?;
    if text.len() != expected_chars {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
#[path = "refresh_token_tests.rs"]
mod tests;
