//! Access tokens: Ed25519 JWTs (RFC 7519, RFC 8037, RFC 9068) that one service signs and both verify
//! without asking anybody.

mod provider;
mod revoked;
mod verifier;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

pub use revoked::Revoked;
pub use verifier::{REFRESH_KEYS_EVERY, TokenVerifier, VERIFIED_TOKENS_MAX};

use crate::clock::Micros;
use crate::id::{SessionId, UserId};
use crate::secret::Secret;

/// How long an access token is valid.
pub const ACCESS_TOKEN_LIFE: Duration = Duration::from_secs(600);
/// Who signs.
pub const ISSUER: &str = "mutual";
/// Whom the tokens are for: both services.
pub const AUDIENCE: &str = "mutual";
/// The `typ` of an access token (RFC 9068), so that no other JWT of the same key passes as one.
pub const TOKEN_TYPE: &str = "at+jwt";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whose token it is.
    pub sub: UserId,
    /// The login that it came from, which can be revoked.
    pub sid: SessionId,
    /// [`ISSUER`].
    pub iss: String,
    /// [`AUDIENCE`].
    pub aud: String,
    /// Not valid from this second on.
    pub exp: i64,
    /// Not valid before this second.
    pub nbf: i64,
    /// Made in this second.
    pub iat: i64,
}

/// A public key as the key set publishes it (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicKey {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The point, in base64url.
    pub x: String,
    /// The key's thumbprint (RFC 7638).
    pub kid: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
}

/// The keys that tokens are signed with, now or until the last old token has expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeySet {
    /// The keys.
    pub keys: Vec<PublicKey>,
}

/// Signs access tokens.
pub struct TokenSigner {
    key: EncodingKey,
    public: PublicKey,
    /// Those that sign nothing: their turn is over, or to come.
    others: Vec<PublicKey>,
}

impl TokenSigner {
    /// A signer whose private key is the 32 bytes of `seed`; `None` if it is not that.
    pub fn new(seed: &Secret) -> Option<Self> {
        provider::install();
        let bytes = seed.to_bytes()?;
        let key = EncodingKey::from_ed_der(bytes.as_slice());
        Some(Self { key, public: PublicKey::of(seed)?, others: Vec::new() })
    }

    /// The same, which also publishes the keys of `seeds`, so that tokens of theirs are good; `None` if one is not that.
    pub fn publishing(self, seeds: &[Secret]) -> Option<Self> {
        Some(Self { others: seeds.iter().map(PublicKey::of).collect::<Option<_>>()?, ..self })
    }

    /// A token for `user`, signed in as `session`, valid from `now` for [`ACCESS_TOKEN_LIFE`].
    pub fn sign(
        &self,
        user: UserId,
        session: SessionId,
        now: Micros,
    ) -> jsonwebtoken::errors::Result<String> {
        let header = Header {
            typ: Some(TOKEN_TYPE.into()),
            kid: Some(self.public.kid.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let claims = Claims {
            sub: user,
            sid: session,
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            exp: now.after(ACCESS_TOKEN_LIFE).as_secs(),
            nbf: now.as_secs(),
            iat: now.as_secs(),
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
    }

    /// The key set to publish.
    pub fn key_set(&self) -> KeySet {
        KeySet { keys: std::iter::once(&self.public).chain(&self.others).cloned().collect() }
    }
}

impl PublicKey {
    fn of(seed: &Secret) -> Option<Self> {
        let bytes = seed.to_bytes()?;
        let point = SigningKey::from_bytes(&bytes).verifying_key();
        Some(Self::ed25519(URL_SAFE_NO_PAD.encode(point.as_bytes())))
    }

    fn ed25519(x: String) -> Self {
        // RFC 7638: the required members in lexical order, without white space.
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()));
        Self { kty: "OKP".into(), crv: "Ed25519".into(), x, kid, alg: "EdDSA".into(), usage: "sig".into() }
    }
}
