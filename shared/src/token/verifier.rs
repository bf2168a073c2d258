//! Verifying access tokens: a signature once, then from a bounded cache until the token expires.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use sha2::{Digest, Sha256};

use super::{AUDIENCE, Claims, ISSUER, KeySet, Revoked, TOKEN_TYPE, provider};
use crate::cache::{ENTRY_BYTES, Shards, Weigh};
use crate::clock::Clock;
use crate::id::{SessionId, UserId};
use crate::problem::Problem;

/// How many verified tokens are remembered.
pub const VERIFIED_TOKENS_MAX: usize = 100_000;
/// How often a service that does not sign asks for the key set again.
pub const REFRESH_KEYS_EVERY: Duration = Duration::from_secs(60);
/// No token of ours is longer: a longer one is not worth hashing.
const TOKEN_BYTES_MAX: usize = 2_048;
/// How far the clocks of the signer and of this machine may differ, in seconds.
const LEEWAY_SECS: i64 = 5;

/// Verifies access tokens against the published keys and the revoked sessions.
pub struct TokenVerifier {
    clock: Clock,
    keys: RwLock<HashMap<String, DecodingKey>>,
    revoked: Revoked,
    verified: Shards<Fingerprint, Verified>,
    rules: Validation,
}

/// The SHA-256 of a token: a dump of the memory yields none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl Hash for Fingerprint {
    /// It is as good as random already.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        state.write_u64(u64::from_ne_bytes(first));
    }
}

/// What a genuine token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whose token it is.
    pub user: UserId,
    /// The login that it came from.
    pub session: SessionId,
    not_before: i64,
    expires: i64,
}

impl From<Claims> for Verified {
    fn from(claims: Claims) -> Self {
        Self { user: claims.sub, session: claims.sid, not_before: claims.nbf, expires: claims.exp }
    }
}

impl Weigh for Verified {
    fn weight(&self) -> usize {
        0
    }
}

impl TokenVerifier {
    /// A verifier that knows no key yet.
    pub fn new(clock: Clock, revoked: Revoked) -> Self {
        provider::install();
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&[AUDIENCE]);
        rules.set_issuer(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        // Times are checked by our own clock, on every use and not only on the first.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        let verified = Shards::new(VERIFIED_TOKENS_MAX * ENTRY_BYTES);
        Self { clock, keys: RwLock::default(), revoked, verified, rules }
    }

    /// Replaces the keys. Tokens of a key that is gone stop being valid.
    pub fn set_keys(&self, set: &KeySet) {
        let keys: HashMap<String, DecodingKey> = set
            .keys
            .iter()
            .filter(|key| key.kty == "OKP" && key.crv == "Ed25519")
            .filter_map(|key| Some((key.kid.clone(), DecodingKey::from_ed_components(&key.x).ok()?)))
            .collect();
        let mut held = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let removed = held.keys().any(|kid| !keys.contains_key(kid));
        *held = keys;
        if removed {
            self.verified.clear();
        }
    }

    /// Whether there is a key to verify with.
    pub fn is_ready(&self) -> bool {
        !self.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The revoked sessions that this verifier honours.
    pub fn revoked(&self) -> &Revoked {
        &self.revoked
    }

    /// What `token` says, if it is genuine, in time and not revoked.
    pub fn verify(&self, token: &str) -> Result<Verified, Problem> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(refused());
        }
        let fingerprint = Fingerprint::of(token);
        let found = self.verified.get(&fingerprint);
        let said = found.map_or_else(|| self.verify_signature(token, fingerprint), Ok)?;
        if self.holds(said) { Ok(said) } else { Err(refused()) }
    }

    /// The same of a token whose signature was verified a while ago; nothing for any other.
    pub fn recall(&self, token: &str) -> Option<Verified> {
        let genuine =
            self.verified.get(&Fingerprint::of(Some(token).filter(|token| token.len() <= TOKEN_BYTES_MAX)?));
        genuine.filter(|said| self.holds(*said))
    }

    /// Whether what a genuine token says is in time and not revoked.
    fn holds(&self, said: Verified) -> bool {
        let now = self.clock.now().as_secs();
        let in_time = now < said.expires && said.not_before <= now + LEEWAY_SECS;
        in_time && !self.revoked.contains(said.session)
    }

    fn verify_signature(&self, token: &str, fingerprint: Fingerprint) -> Result<Verified, Problem> {
        if !self.is_ready() {
            return Err(Problem::unavailable());
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused())?;
        let typed = header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TOKEN_TYPE));
        let kid = header.kid.filter(|_| typed).ok_or_else(refused)?;
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.get(&kid).ok_or_else(refused)?;
        let data = jsonwebtoken::decode::<Claims>(token, key, &self.rules).map_err(|_| refused())?;
        let verified = Verified::from(data.claims);
        // Before the keys may change: tokens of one that goes are forgotten after that.
        self.verified.put(fingerprint, verified);
        Ok(verified)
    }
}

/// One answer for every reason, so that a forger learns nothing.
fn refused() -> Problem {
    Problem::unauthenticated("The access token is not valid.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Micros;
    use crate::id::{SessionId, UserId};
    use crate::secret::Secret;
    use crate::token::{ACCESS_TOKEN_LIFE, TokenSigner};

    fn fixture() -> (Clock, TokenSigner, TokenVerifier) {
        let clock = Clock::fixed(Micros::from_millis(1_760_000_000_000));
        let signer = TokenSigner::new(&Secret::random().unwrap()).unwrap();
        let verifier = TokenVerifier::new(clock.clone(), Revoked::default());
        verifier.set_keys(&signer.key_set());
        (clock, signer, verifier)
    }

    fn token(signer: &TokenSigner, clock: &Clock) -> String {
        signer.sign(UserId::new(7), SessionId::new(8), clock.now()).unwrap()
    }

    #[test]
    fn a_token_is_valid_until_it_expires_cached_or_not() {
        let (clock, signer, verifier) = fixture();
        let token = token(&signer, &clock);
        assert_eq!(verifier.verify(&token).unwrap().user, UserId::new(7));
        clock.advance(ACCESS_TOKEN_LIFE - Duration::from_secs(1));
        assert!(verifier.verify(&token).is_ok());
        clock.advance(Duration::from_secs(1));
        assert!(verifier.verify(&token).is_err());
    }

    #[test]
    fn a_revoked_session_ends_its_cached_tokens() {
        let (clock, signer, verifier) = fixture();
        let token = token(&signer, &clock);
        assert!(verifier.verify(&token).is_ok());
        verifier.revoked().add(SessionId::new(8), clock.now());
        assert!(verifier.verify(&token).is_err());
    }

    #[test]
    fn forged_tokens_are_refused() {
        let (clock, signer, verifier) = fixture();
        let good = token(&signer, &clock);
        let parts: Vec<&str> = good.split('.').collect();
        let stranger = TokenSigner::new(&Secret::random().unwrap()).unwrap();
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
        let hs256 = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9";
        for bad in [
            String::new(),
            "x".repeat(1 << 20),
            format!("{none}.{}.", parts[1]),
            format!("{hs256}.{}.{}", parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], parts[0]),
            format!("{}.{}A.{}", parts[0], parts[1], parts[2]),
            token(&stranger, &clock),
        ] {
            assert_eq!(verifier.verify(&bad).unwrap_err().code(), "unauthenticated");
        }
        assert!(verifier.verify(&good).is_ok());
    }

    #[test]
    fn a_token_of_a_withdrawn_key_is_refused() {
        let (clock, signer, verifier) = fixture();
        let token = token(&signer, &clock);
        assert!(verifier.verify(&token).is_ok());
        verifier.set_keys(&TokenSigner::new(&Secret::random().unwrap()).unwrap().key_set());
        assert!(verifier.verify(&token).is_err());
    }

    #[test]
    fn without_a_key_the_answer_is_try_again() {
        let (clock, signer, _) = fixture();
        let verifier = TokenVerifier::new(clock.clone(), Revoked::default());
        assert_eq!(verifier.verify(&token(&signer, &clock)).unwrap_err().code(), "unavailable");
    }
}
