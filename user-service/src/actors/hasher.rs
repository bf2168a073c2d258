//! Passwords: judged, hashed and verified on threads of their own, at most as many at once as there are
//! cores, so that a flood of logins leaves everything else alone.

use std::collections::VecDeque;

use actix::prelude::*;
use actix_web::web;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use log::error;
use shared::actor::start_on_own_thread;
use shared::db::StoreError;
use shared::secret::Secret;
use tokio::sync::oneshot;

use crate::config::PasswordCost;
use crate::domain::field::FieldProblem;
use crate::domain::password_change::NewPassword;
use crate::domain::registration::{RawRegistration, Registration};

/// How many jobs may wait for each thread; one more is refused at once. A job takes about 20 ms, so the last
/// of them waits about a second.
pub const HASH_QUEUE_PER_THREAD_MAX: usize = 48;

/// OWASP's choice for argon2id: 19 MiB, two passes, one lane.
const STANDARD: (u32, u32, u32) = (19 * 1_024, 2, 1);
/// As little as argon2 allows.
const LOW: (u32, u32, u32) = (Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST);

/// What the jobs work with.
#[derive(Clone)]
struct Tools {
    argon2: Argon2<'static>,
    /// Verified against where there is no hash, so that this takes as long. Nobody knows its password.
    dummy: Secret,
    password_chars_min: usize,
}

/// The actor: a bounded queue before a bounded number of threads.
pub struct PasswordHasher {
    tools: Tools,
    threads: usize,
    running: usize,
    queue: VecDeque<Job>,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

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

/// Something to do with a password.
#[derive(Message)]
#[rtype(result = "()")]
pub enum Job {
    /// Check a registration and hash its password.
    Judge {
        /// As it was asked for.
        raw: RawRegistration,
        /// Told what came out.
        reply: Reply<Judged>,
    },
    /// Compare a password with a hash, or with nothing in the same time.
    Verify {
        /// In clear.
        password: Secret,
        /// A PHC string.
        hash: Option<Secret>,
        /// Told whether they match.
        reply: Reply<Verdict>,
    },
    /// Check a new password and hash it.
    Renew {
        /// As it was asked for.
        new: NewPassword,
        /// Told the hash, or what is refused.
        reply: Reply<Result<Secret, Vec<FieldProblem>>>,
    },
}

impl PasswordHasher {
    /// Starts the actor on a thread of its own, with at most `threads` jobs at once.
    pub fn start(
        cost: PasswordCost,
        threads: usize,
        password_chars_min: usize,
    ) -> Result<Addr<Self>, StoreError> {
        let tools = Tools::new(cost, password_chars_min)?;
        let start = move || Self { tools, threads, running: 0, queue: VecDeque::new() };
        Ok(start_on_own_thread(HASH_QUEUE_PER_THREAD_MAX * threads, start))
    }

    fn run_next(&mut self, ctx: &mut Context<Self>) {
        while self.running < self.threads
            && let Some(job) = self.queue.pop_front()
        {
            if job.is_abandoned() {
                continue;
            }
            self.running += 1;
            let tools = self.tools.clone();
            let work = web::block(move || job.run(&tools));
            ctx.spawn(work.into_actor(self).map(|done, hasher, ctx| {
                if done.is_err() {
                    error!("a thread that hashes panicked");
                }
                hasher.running -= 1;
                hasher.run_next(ctx);
            }));
        }
    }
}

impl Actor for PasswordHasher {
    type Context = Context<Self>;
}

impl Handler<Job> for PasswordHasher {
    type Result = ();

    fn handle(&mut self, job: Job, ctx: &mut Self::Context) {
        if self.queue.len() >= HASH_QUEUE_PER_THREAD_MAX * self.threads {
            return job.refuse();
        }
        self.queue.push_back(job);
        self.run_next(ctx);
    }
}

impl Job {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Judge { reply, .. } => reply.is_closed(),
            Self::Verify { reply, .. } => reply.is_closed(),
            Self::Renew { reply, .. } => reply.is_closed(),
        }
    }

    /// A caller that hung up does not need its refusal.
    fn refuse(self) {
        match self {
            Self::Judge { reply, .. } => drop(reply.send(Err(StoreError::Overloaded))),
            Self::Verify { reply, .. } => drop(reply.send(Err(StoreError::Overloaded))),
            Self::Renew { reply, .. } => drop(reply.send(Err(StoreError::Overloaded))),
        }
    }

    /// A caller that hung up does not need its answer.
    fn run(self, tools: &Tools) {
        match self {
            Self::Judge { raw, reply } => drop(reply.send(tools.judge(raw))),
            Self::Verify { password, hash, reply } => {
                drop(reply.send(Ok(tools.verify(&password, hash.as_ref().map(Secret::reveal)))));
            }
            Self::Renew { new, reply } => drop(reply.send(tools.renew(&new))),
        }
    }
}

/// Checks an account that the operator makes and hashes its password, at once and on this thread.
pub fn judge_by_operator(
    cost: PasswordCost,
    password_chars_min: usize,
    raw: RawRegistration,
) -> Result<Judged, StoreError> {
    let tools = Tools::new(cost, password_chars_min)?;
    tools.hashed(Registration::validate_by_operator(raw, password_chars_min))
}

impl Tools {
    fn new(cost: PasswordCost, password_chars_min: usize) -> Result<Self, StoreError> {
        let unusable = |error: &dyn std::fmt::Display| StoreError::Unavailable(format!("argon2: {error}"));
        let (memory_kib, passes, lanes) = match cost {
            PasswordCost::Standard => STANDARD,
            PasswordCost::Low => LOW,
        };
        let params = Params::new(memory_kib, passes, lanes, None).map_err(|error| unusable(&error))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobodys = Secret::random().map_err(|error| unusable(&error))?;
        let dummy = hash(&argon2, &nobodys)?;
        Ok(Self { argon2, dummy, password_chars_min })
    }

    fn judge(&self, raw: RawRegistration) -> Result<Judged, StoreError> {
        self.hashed(Registration::validate(raw, self.password_chars_min))
    }

    fn hashed(&self, judged: Result<Registration, Vec<FieldProblem>>) -> Result<Judged, StoreError> {
        match judged {
            Ok(registration) => {
                let hash = hash(&self.argon2, &registration.password)?;
                Ok(Ok((registration, hash)))
            }
            Err(problems) => Ok(Err(problems)),
        }
    }

    /// The comparison is always made, and takes the same time for nobody's hash.
    fn verify(&self, password: &Secret, held: Option<&str>) -> Verdict {
        let parsed = PasswordHash::new(held.unwrap_or(self.dummy.reveal()));
        let matching = parsed.ok().filter(|parsed| {
            self.argon2.verify_password(password.reveal().as_bytes(), parsed).is_ok() && held.is_some()
        });
        let Some(matching) = matching else { return Verdict::Wrong };
        // A password that is right is right, also where it cannot be hashed again now.
        let better = || hash(&self.argon2, password).ok();
        Verdict::Right { better_hash: if self.is_weaker(&matching) { better() } else { None } }
    }

    /// Whether a hash costs less to guess than one that is made now.
    fn is_weaker(&self, held: &PasswordHash) -> bool {
        let wanted = self.argon2.params();
        let same_kind = Algorithm::new(held.algorithm).is_ok_and(|held| held == Algorithm::Argon2id);
        let as_costly = Params::try_from(held)
            .is_ok_and(|held| held.m_cost() >= wanted.m_cost() && held.t_cost() >= wanted.t_cost());
        !(same_kind && as_costly)
    }

    fn renew(&self, new: &NewPassword) -> Result<Result<Secret, Vec<FieldProblem>>, StoreError> {
        match new.judge(self.password_chars_min) {
            Ok(()) => hash(&self.argon2, &new.password).map(Ok),
            Err(problems) => Ok(Err(problems)),
        }
    }
}

fn hash(argon2: &Argon2<'_>, password: &Secret) -> Result<Secret, StoreError> {
    let hashed = argon2.hash_password(password.reveal().as_bytes());
    let failed = |error| StoreError::Unavailable(format!("argon2: {error}"));
    Ok(Secret::new(hashed.map_err(failed)?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_matches_and_nobodys_never_does() {
        let tools = Tools::new(PasswordCost::Low, 8).unwrap();
        let right = Secret::new("plum-Tractor-91 sky");
        let held = hash(&tools.argon2, &right).unwrap();
        let is_right = |password: &Secret, held| tools.verify(password, held).is_right();
        assert!(is_right(&right, Some(held.reveal())));
        assert!(!is_right(&Secret::new("plum-Tractor-91 sky "), Some(held.reveal())));
        assert!(!is_right(&right, None));
        assert!(!is_right(&right, Some("not a hash")));
        assert_ne!(hash(&tools.argon2, &right).unwrap(), held, "salted");
    }

    #[test]
    fn a_weaker_hash_is_made_again_and_a_stronger_one_is_kept() {
        let [low, standard] =
            [PasswordCost::Low, PasswordCost::Standard].map(|cost| Tools::new(cost, 8).unwrap());
        let password = Secret::new("plum-Tractor-91 sky");
        let [weak, strong] = [&low, &standard].map(|tools| hash(&tools.argon2, &password).unwrap());
        let better =
            |tools: &Tools, held: &Secret| tools.verify(&password, Some(held.reveal())).better_hash();
        let made = better(&standard, &weak).unwrap();
        assert!(made.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", made.reveal());
        assert!(standard.verify(&password, Some(made.reveal())).is_right());
        for (tools, held) in [(&standard, &strong), (&low, &weak), (&low, &strong)] {
            assert_eq!(better(tools, held), None);
        }
    }

    #[test]
    fn comparing_with_nobodys_hash_is_the_same_work() {
        for (cost, parameters) in [
            (PasswordCost::Standard, "$argon2id$v=19$m=19456,t=2,p=1$"),
            (PasswordCost::Low, "$argon2id$v=19$m=8,t=1,p=1$"),
        ] {
            let tools = Tools::new(cost, 8).unwrap();
            let somebodys = hash(&tools.argon2, &Secret::new("plum-Tractor-91 sky")).unwrap();
            for held in [&somebodys, &tools.dummy] {
                assert!(held.reveal().starts_with(parameters), "{}", held.reveal());
            }
            assert_eq!(somebodys.reveal().len(), tools.dummy.reveal().len());
        }
    }
}
