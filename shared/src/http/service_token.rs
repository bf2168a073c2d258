//! Service tokens: how other backend services prove who they are. `mst_NAME.SECRET`; the database
//! keeps a hash of the secret, which has 256 random bits and so needs no slow hash.

use std::time::Duration;

use moka::sync::Cache;
use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::scope::{Events, Facts, Relationships, SCOPES, Scope};
use crate::clock::Micros;
use crate::db::{Conn, Reads, StoreError, service_token};
use crate::secret::Secret;

/// The client name under which the two services know each other.
pub const INTERNAL_CLIENT: &str = "relation-service";
const PREFIX: &str = "mst_";
/// How long a token is believed without another look: the time in which a revocation takes effect.
const BELIEVED_FOR: Duration = Duration::from_secs(2);
/// How many tokens are remembered.
const REMEMBERED_MAX: u64 = 1_000;
/// Bytes of a client's name.
const NAME_BYTES_MAX: usize = 64;

/// A backend service and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceClient {
    /// Its name.
    pub name: String,
    scopes: Vec<String>,
}

impl ServiceClient {
    /// Whether it may do what `scope` names.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|held| held == scope)
    }
}

/// Verifies service tokens against the database and the one secret that the two services share.
#[derive(Clone)]
pub struct ServiceTokens {
    reads: Reads,
    internal: Option<Secret>,
    remembered: Cache<[u8; 32], ServiceClient>,
}

impl ServiceTokens {
    /// `internal` is the secret of [`INTERNAL_CLIENT`], if the two services share one.
    pub fn new(reads: Reads, internal: Option<Secret>) -> Self {
        let remembered = Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(BELIEVED_FOR).build();
        Self { reads, internal, remembered }
    }

    /// Whether `token` is of this kind at all.
    pub fn is_service_token(token: &str) -> bool {
        token.starts_with(PREFIX)
    }

    /// Whose token it is, if anybody's.
    pub async fn verify(&self, token: &str) -> Result<Option<ServiceClient>, StoreError> {
        let Some((name, secret)) = token.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')) else {
            return Ok(None);
        };
        if name == INTERNAL_CLIENT {
            let genuine = self.internal.as_ref().is_some_and(|held| same(held.reveal(), secret));
            let scopes = [Events::NAME, Facts::NAME, Relationships::NAME].map(str::to_owned).to_vec();
            return Ok(genuine.then(|| ServiceClient { name: name.into(), scopes }));
        }
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(client) = self.remembered.get(&key) {
            return Ok(Some(client));
        }
        let (name, hash) = (name.to_owned(), hash(secret));
        let found = self.reads.run(move |conn| find(conn, &name, &hash)).await?;
        if let Some(client) = &found {
            self.remembered.insert(key, client.clone());
        }
        Ok(found)
    }
}

impl Secret {
    /// This secret as the token with which one service of ours calls the other.
    pub fn as_internal_token(&self) -> Self {
        Self::new(format!("{PREFIX}{INTERNAL_CLIENT}.{}", self.reveal()))
    }
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn find(conn: &mut Conn, name: &str, secret_hash: &str) -> Result<Option<ServiceClient>, StoreError> {
    let held = service_token::find(conn, name)?.filter(|held| same(&held.secret_hash, secret_hash));
    Ok(held.map(|held| ServiceClient {
        name: name.to_owned(),
        scopes: held.scopes.split(',').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
    }))
}

/// A service token about to be stored: the token itself is shown once and kept nowhere.
pub struct NewServiceToken {
    name: String,
    secret: Secret,
    scopes: String,
}

impl NewServiceToken {
    /// Makes a token for the client `name`. The error says which argument is wrong.
    pub fn new(name: &str, scopes: &[String]) -> Result<Self, String> {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
            return Err(format!("a name has 1 to {NAME_BYTES_MAX} of a-z, 0-9, - and _"));
        }
        if name == INTERNAL_CLIENT {
            return Err(format!("the name {INTERNAL_CLIENT} is taken by the service itself"));
        }
        if scopes.is_empty() {
            return Err(format!("at least one scope is needed, of {}", SCOPES.join(", ")));
        }
        if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
            return Err(format!("{unknown} is no scope; there are {}", SCOPES.join(", ")));
        }
        let secret = Secret::random().map_err(|error| error.to_string())?;
        Ok(Self { name: name.into(), secret, scopes: scopes.join(",") })
    }

    /// The token, to be handed to the client.
    pub fn token(&self) -> Secret {
        Secret::new(format!("{PREFIX}{}.{}", self.name, self.secret.reveal()))
    }

    /// Stores it, in place of an earlier token of the same client.
    pub fn store(&self, conn: &mut Conn, now: Micros) -> Result<(), StoreError> {
        service_token::put(conn, &self.name, &hash(self.secret.reveal()), &self.scopes, now)
    }
}
