//! Secrets that have to be read again, as the database has them: encrypted under a key that it does not have.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use shared::id::UserId;
use zeroize::Zeroizing;

use super::refresh_token::RefreshKey;
use super::totp::TotpSecret;

/// So long that random ones never meet.
pub const SEAL_NONCE_BYTES: usize = 24;
/// Keeps the key of these apart from any other use of the server's key.
const PURPOSE: &[u8] = b"mutual two-factor secret 1";

/// The secret of `user` as it is kept: base64url of the nonce and the ciphertext. It opens for the same person only.
pub fn seal(
    key: &RefreshKey,
    user: UserId,
    secret: &TotpSecret,
    nonce: [u8; SEAL_NONCE_BYTES],
) -> Option<String> {
    let aad = user.get().to_be_bytes();
    let payload = Payload { msg: secret.as_bytes(), aad: &aad };
    let sealed = cipher(key)?.encrypt(&XNonce::from(nonce), payload).ok()?;
    Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

/// Reads what [`seal`] wrote; nothing if it was another key or person, or if it was changed.
pub fn open(key: &RefreshKey, user: UserId, sealed: &str) -> Option<TotpSecret> {
    let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<SEAL_NONCE_BYTES>()?;
    let aad = user.get().to_be_bytes();
    let opened = cipher(key)?.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad }).ok()?;
    TotpSecret::from_slice(&Zeroizing::new(opened))
}

fn cipher(key: &RefreshKey) -> Option<XChaCha20Poly1305> {
    Some(XChaCha20Poly1305::new((&*key.derive(PURPOSE)?).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_with_the_same_key_for_the_same_person_only() {
        let keys = [1, 2].map(|byte| RefreshKey::new(&[byte; 32]));
        let (ann, bob) = (UserId::new(1), UserId::new(2));
        let secret = TotpSecret::new(*b"12345678901234567890");
        let sealed = seal(&keys[0], ann, &secret, [7; SEAL_NONCE_BYTES]).unwrap();
        assert_eq!(open(&keys[0], ann, &sealed), Some(secret.clone()));
        assert_eq!(open(&keys[1], ann, &sealed), None);
        assert_eq!(open(&keys[0], bob, &sealed), None);
        assert_ne!(seal(&keys[0], ann, &secret, [8; SEAL_NONCE_BYTES]).unwrap(), sealed);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(open(&keys[0], ann, &String::from_utf8(changed).unwrap()), None, "{index}");
        }
        for damaged in ["", "AAAA", &sealed[..sealed.len() - 4]] {
            assert_eq!(open(&keys[0], ann, damaged), None, "{damaged:?}");
        }
    }
}
