//! Ed25519 for `jsonwebtoken`, and nothing else: its ready-made provider would bring RSA and P-256.

use std::sync::Once;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use signature::{Error, Signer, Verifier};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: new_signer,
    verifier_factory: new_verifier,
    key_utils: KeyUtils::new_unimplemented(),
};
static INSTALL: Once = Once::new();

/// Makes Ed25519 known to `jsonwebtoken`, once in a process.
pub(super) fn install() {
    INSTALL.call_once(|| {
        // Fails only if one is installed already, which then serves.
        let _ = PROVIDER.install_default();
    });
}

struct Ed25519Signer(SigningKey);
struct Ed25519Verifier(VerifyingKey);

fn new_signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let seed = key_bytes(algorithm, key.family(), key.as_bytes())?;
    Ok(Box::new(Ed25519Signer(SigningKey::from_bytes(&seed))))
}

fn new_verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let point = key_bytes(algorithm, key.family(), key.try_get_as_bytes()?)?;
    let key = VerifyingKey::from_bytes(&point).map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Ed25519Verifier(key)))
}

fn key_bytes(algorithm: &Algorithm, family: AlgorithmFamily, bytes: &[u8]) -> Result<[u8; 32]> {
    if *algorithm != Algorithm::EdDSA || family != AlgorithmFamily::Ed {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    bytes.try_into().map_err(|_| ErrorKind::InvalidEddsaKey.into())
}

impl Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let signature = Signature::from_slice(signature).map_err(|_| Error::new())?;
        // Strict: one message has one signature, so a token has one spelling.
        self.0.verify_strict(message, &signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
