//! The work on passwords itself: argon2id, in memory that each thread takes once and keeps. Memory taken for each hash
//! anew would cost its pages every time, and every other thread of the process would feel it.

use std::time::{Duration, Instant};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use shared::db::StoreError;
use shared::secret::{Secret, random_bytes};

use crate::domain::field::FieldProblem;
use crate::domain::hash_cost::HashCost;
use crate::domain::password_change::NewPassword;
use crate::domain::registration::{RawRegistration, Registration};

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// A registration in its one form, and the hash of its password; or what is refused.
pub type Judged = Result<(Registration, Secret), Vec<FieldProblem>>;

/// What a comparison of a password with a hash says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They do not match.
    Wrong,
    /// They match.
    Right {
        /// Of the same password, if the hash is weaker than the settings ask for.
        better_hash: Option<Secret>,
    },
}

impl Verdict {
    /// Whether they match.
    pub fn is_right(&self) -> bool {
        *self != Self::Wrong
    }

    /// A hash to keep instead, if there is a better one.
    pub fn better_hash(self) -> Option<Secret> {
        match self {
            Self::Wrong => None,
            Self::Right { better_hash } => better_hash,
        }
    }
}

/// What one thread works with.
pub struct Hashing {
    cost: HashCost,
    params: Params,
    memory: Vec<Block>,
    password_chars_min: usize,
    /// Verified against where there is no hash, so that this takes as long. Nobody knows its password.
    dummy: Secret,
}

impl Hashing {
    /// Takes the memory, and makes the hash of nobody's password.
    pub fn new(cost: HashCost, password_chars_min: usize) -> Result<Self, StoreError> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(HASH_BYTES)).map_err(unusable)?;
        let memory = vec![Block::default(); params.block_count()];
        let mut hashing =
            Self { cost, params, memory, password_chars_min, dummy: Secret::new(String::new()) };
        let nobodys = Secret::random().map_err(unusable)?;
        hashing.dummy = hashing.hash(&nobodys)?;
        Ok(hashing)
    }

    /// The same for another thread.
    pub fn twin(&self) -> Self {
        Self {
            cost: self.cost,
            params: self.params.clone(),
            memory: vec![Block::default(); self.memory.len()],
            password_chars_min: self.password_chars_min,
            dummy: self.dummy.clone(),
        }
    }

    /// Checks a registration and hashes its password.
    pub fn judge(&mut self, raw: RawRegistration) -> Result<Judged, StoreError> {
        self.hashed(Registration::validate(raw, self.password_chars_min))
    }

    fn hashed(&mut self, judged: Result<Registration, Vec<FieldProblem>>) -> Result<Judged, StoreError> {
        match judged {
            Ok(registration) => {
                let hash = self.hash(&registration.password)?;
                Ok(Ok((registration, hash)))
            }
            Err(problems) => Ok(Err(problems)),
        }
    }

    /// Checks a new password and hashes it.
    pub fn renew(&mut self, new: &NewPassword) -> Result<Result<Secret, Vec<FieldProblem>>, StoreError> {
        match new.judge(self.password_chars_min) {
            Ok(()) => self.hash(&new.password).map(Ok),
            Err(problems) => Ok(Err(problems)),
        }
    }

    /// Compares. The comparison is always made, and takes the same time for nobody's hash.
    pub fn verify(&mut self, password: &Secret, held: Option<&str>) -> Verdict {
        let dummy = self.dummy.clone();
        let parsed = PasswordHash::new(held.unwrap_or(dummy.reveal())).ok();
        let matching = parsed.filter(|parsed| self.matches(password, parsed) && held.is_some());
        let Some(matching) = matching else { return Verdict::Wrong };
        // A password that is right is right, also where it cannot be hashed again now.
        let better_hash = if self.is_weaker(&matching) { self.hash(password).ok() } else { None };
        Verdict::Right { better_hash }
    }

    /// In constant time as to what the hash is: `Output` compares so.
    fn matches(&mut self, password: &Secret, held: &PasswordHash) -> bool {
        let (Some(salt), Some(expected)) = (&held.salt, &held.hash) else { return false };
        let Ok(algorithm) = Algorithm::new(held.algorithm) else { return false };
        let version = held.version.map_or(Ok(Version::default()), Version::try_from);
        let (Ok(version), Ok(params)) = (version, Params::try_from(held)) else { return false };
        let mut made = [0; Output::MAX_LENGTH];
        let Some(made) = made.get_mut(..expected.len()) else { return false };
        let argon2 = Argon2::new(algorithm, version, params);
        self.fill(&argon2, password, salt, made).is_ok()
            && Output::new(made).is_ok_and(|made| made == *expected)
    }

    /// Whether a hash costs less to guess than one that is made now.
    fn is_weaker(&self, held: &PasswordHash) -> bool {
        let same_kind = Algorithm::new(held.algorithm).is_ok_and(|held| held == Algorithm::Argon2id);
        let as_costly = Params::try_from(held).is_ok_and(|held| {
            HashCost { memory_kib: held.m_cost(), passes: held.t_cost() }.is_at_least(self.cost)
        });
        !(same_kind && as_costly)
    }

    /// Hashes with a new salt. Returns a PHC string.
    pub fn hash(&mut self, password: &Secret) -> Result<Secret, StoreError> {
        let salt = Salt::new(&random_bytes::<SALT_BYTES>().map_err(unusable)?).map_err(unusable)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let mut made = [0; HASH_BYTES];
        self.fill(&argon2, password, &salt, &mut made).map_err(unusable)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.params).map_err(unusable)?,
            salt: Some(salt),
            hash: Some(Output::new(&made).map_err(unusable)?),
        };
        Ok(Secret::new(hash.to_string()))
    }

    fn fill(
        &mut self,
        argon2: &Argon2<'_>,
        password: &Secret,
        salt: &[u8],
        made: &mut [u8],
    ) -> argon2::Result<()> {
        let own = self.memory.len();
        let blocks = argon2.params().block_count();
        // A hash that was made when the settings asked for more.
        if blocks > own {
            self.memory.resize(blocks, Block::default());
        }
        let filled =
            argon2.hash_password_into_with_memory(password.reveal().as_bytes(), salt, made, &mut self.memory);
        if blocks > own {
            self.memory.truncate(own);
            self.memory.shrink_to_fit();
        }
        filled
    }
}

/// Checks an account that the operator makes and hashes its password, at once and on this thread.
pub fn judge_by_operator(
    cost: HashCost,
    password_chars_min: usize,
    raw: RawRegistration,
) -> Result<Judged, StoreError> {
    let mut hashing = Hashing::new(cost, password_chars_min)?;
    hashing.hashed(Registration::validate_by_operator(raw, password_chars_min))
}

/// How long one hash of this cost takes on this machine, now.
pub fn measure(cost: HashCost, times: usize) -> Result<Vec<Duration>, StoreError> {
    // Making it makes one hash, so the memory is warm.
    let mut hashing = Hashing::new(cost, 1)?;
    let password = Secret::random().map_err(unusable)?;
    let once = |_| {
        let started = Instant::now();
        hashing.hash(&password).map(|_| started.elapsed())
    };
    (0..times).map(once).collect()
}

fn unusable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("argon2: {error}"))
}

#[cfg(test)]
#[path = "hashing_tests.rs"]
mod tests;
