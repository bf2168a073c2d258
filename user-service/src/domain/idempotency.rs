//! Requests that may be repeated: a caller names a request, and the same one again is answered the same.

use std::fmt;

use super::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use super::refresh_token::RefreshKey;

/// Keep these digests apart from each other and from any other use of the same key.
const SLOT: &[u8] = b"mutual idempotency slot 1";
const BODY: &[u8] = b"mutual idempotency body 1";

/// The key is empty, too long, or has other characters than visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters")]
pub struct InvalidIdempotencyKey;

/// What a caller names a request.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    caller: String,
    key: String,
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(***)")
    }
}

impl IdempotencyKey {
    /// Reads a key that `caller` sent.
    pub fn parse(caller: String, key: &str) -> Result<Self, InvalidIdempotencyKey> {
        let fits = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len());
        if fits && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self { caller, key: key.to_owned() });
        }
        Err(InvalidIdempotencyKey)
    }

    /// The key with a request to `route` whose body has these fields.
    pub fn of_request(&self, secret: &RefreshKey, route: &str, body: &[Option<&str>]) -> KeyedRequest {
        let slot = [Some(self.caller.as_str()), Some(route), Some(self.key.as_str())];
        KeyedRequest { slot: secret.digest(SLOT, &slot), body_digest: secret.digest(BODY, body) }
    }
}

/// A named request, as it is remembered: nothing of it can be read or guessed without the server's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Stands for the caller, the route and the key.
    pub slot: String,
    /// Stands for the body.
    pub body_digest: String,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_key_is_visible_ascii_of_bounded_length() {
        let parse = |key: &str| IdempotencyKey::parse("10.0.0.1".to_owned(), key);
        for good in ["x", "5f0c2c1e-7d4b-4c3f-9b6e-0a8f8f6f2a11", "\"quoted\"", &"~".repeat(255)] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "a\tb", "a\0b", "\u{e9}", "\u{7f}", &"x".repeat(256)] {
            assert_eq!(parse(bad), Err(InvalidIdempotencyKey), "{bad:?}");
        }
        assert!(!format!("{:?}", parse("s3cret").unwrap()).contains("s3cret"));
    }

    #[test]
    fn every_part_of_a_request_counts() {
        let secrets = [RefreshKey::new(&[1; 32]), RefreshKey::new(&[2; 32])];
        let request = |secret: usize, caller: &str, key: &str, route: &str, body: &[Option<&str>]| {
            let key = IdempotencyKey::parse(caller.to_owned(), key).unwrap();
            key.of_request(&secrets[secret], route, body)
        };
        let slots = [
            request(0, "10.0.0.1", "k", "POST /a", &[]),
            request(0, "10.0.0.2", "k", "POST /a", &[]),
            request(0, "10.0.0.1", "kP", "OST /a", &[]),
            request(0, "10.0.0.1", "k", "POST /b", &[]),
            request(1, "10.0.0.1", "k", "POST /a", &[]),
        ]
        .map(|request| request.slot);
        assert_eq!(slots.iter().collect::<HashSet<_>>().len(), slots.len());
        let bodies: [&[Option<&str>]; 7] = [
            &[Some("ab"), Some("c")],
            &[Some("a"), Some("bc")],
            &[Some("abc"), Some("")],
            &[Some("abc"), None],
            &[None, Some("abc")],
            &[Some("abc")],
            &[],
        ];
        let digests: HashSet<String> =
            bodies.iter().map(|body| request(0, "10.0.0.1", "k", "POST /a", body).body_digest).collect();
        assert_eq!(digests.len(), bodies.len());
        assert_eq!(request(0, "a", "k", "r", bodies[0]), request(0, "a", "k", "r", bodies[0]));
    }
}
