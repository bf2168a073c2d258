//! Passwords: judged, hashed and verified on threads of their own, behind a queue that takes no more than can be served
//! in time, so that a flood of logins leaves everything else alone.
//!
//! The threads yield to all others: whoever waits for a hash waits for tens of milliseconds anyway, and a request that
//! takes one must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;
use shared::db::StoreError;
use shared::secret::Secret;
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::sync::oneshot;

use super::hashing::Hashing;
pub use super::hashing::{Judged, Verdict};
use crate::domain::field::FieldProblem;
use crate::domain::hash_cost::{HashCost, HashThreads};
use crate::domain::password_change::NewPassword;
use crate::domain::registration::RawRegistration;

/// How long the last of those that wait may have to, by what hashes took lately. Who would have to wait longer is
/// refused at once.
const HASH_WAIT_MAX: Duration = Duration::from_secs(1);
/// Jobs that may wait for each thread, however quickly hashes go.
const HASH_QUEUE_PER_THREAD_MAX: usize = 48;
/// Jobs that may wait for each thread, however slowly: the machine's other work must not end all logins.
const HASH_QUEUE_PER_THREAD_MIN: usize = 8;
/// How much the newest hash counts in what they took lately: one in so many.
const PACE_OVER: u64 = 8;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// The threads that hash, and the queue before them. Clones share both.
#[derive(Clone)]
pub struct PasswordHasher {
    threads: Addr<HashThread>,
    queue: Arc<Queue>,
}

struct Queue {
    threads: usize,
    taken: AtomicUsize,
    /// What a hash took lately.
    pace_micros: AtomicU64,
}

/// A place in the queue. It is free again when this is dropped.
pub struct Place(Arc<Queue>);

/// Something to do with a password.
pub enum Task {
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

#[derive(Message)]
#[rtype(result = "()")]
struct Job {
    task: Task,
    place: Place,
}

/// The actor: one thread, with memory of its own.
struct HashThread {
    hashing: Hashing,
    niceness: u8,
}

impl PasswordHasher {
    /// Starts as many threads.
    pub fn start(
        cost: HashCost,
        HashThreads { count, niceness }: HashThreads,
        password_chars_min: usize,
    ) -> Result<Self, StoreError> {
        let first = Hashing::new(cost, password_chars_min)?;
        let started = Instant::now();
        let mut twin = first.twin();
        twin.hash(&Secret::new(String::new()))?;
        let queue = Queue { threads: count, taken: AtomicUsize::new(0), pace_micros: AtomicU64::new(0) };
        queue.pace_micros.store(micros(started.elapsed()), Ordering::Relaxed);
        let threads = SyncArbiter::start(count, move || HashThread { hashing: first.twin(), niceness });
        Ok(Self { threads, queue: Arc::new(queue) })
    }

    /// Whether the threads still run.
    pub fn is_alive(&self) -> bool {
        self.threads.connected()
    }

    /// A place in the queue, if its turn comes in time. To be asked for before anything else is done for a job.
    pub fn place(&self) -> Result<Place, StoreError> {
        let places = self.queue.places();
        let take = |taken: usize| Some(taken + 1).filter(|taken| *taken <= places);
        match self.queue.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(Place(self.queue.clone())),
            Err(_) => Err(StoreError::Overloaded),
        }
    }

    /// Has something done when its turn comes.
    pub async fn run<T>(&self, place: Place, task: impl FnOnce(Reply<T>) -> Task) -> Result<T, StoreError> {
        let stopped = || StoreError::Unavailable("the password hasher has stopped".into());
        let (reply, answered) = oneshot::channel();
        self.threads.send(Job { task: task(reply), place }).await.map_err(|_| stopped())?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Queue {
    /// How many may be under way or wait.
    fn places(&self) -> usize {
        let pace = self.pace_micros.load(Ordering::Relaxed).max(1);
        let in_time = usize::try_from(micros(HASH_WAIT_MAX) / pace).unwrap_or(usize::MAX);
        // One under way, the others behind it.
        self.threads * (1 + in_time.clamp(HASH_QUEUE_PER_THREAD_MIN, HASH_QUEUE_PER_THREAD_MAX))
    }

    fn took(&self, span: Duration) {
        let newest = micros(span);
        let average = |pace: u64| Some(pace - pace / PACE_OVER + newest / PACE_OVER);
        // Cannot fail: the closure always has an answer.
        let _ = self.pace_micros.fetch_update(Ordering::Relaxed, Ordering::Relaxed, average);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Actor for HashThread {
    type Context = SyncContext<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        let set = ThreadPriorityValue::try_from(priority(self.niceness)).map(|priority| {
            set_thread_priority_and_policy(
                thread_native_id(),
                ThreadPriority::Crossplatform(priority),
                policy,
            )
        });
        if !matches!(set, Ok(Ok(()))) {
            log::warn!("threads that hash passwords cannot yield to others: {set:?}");
        }
    }
}

impl Handler<Job> for HashThread {
    type Result = ();

    fn handle(&mut self, Job { task, place }: Job, _: &mut Self::Context) {
        if task.is_abandoned() {
            return;
        }
        // The others may end with a refusal, which takes no hash.
        let is_one_hash = matches!(task, Task::Verify { .. });
        let started = Instant::now();
        task.run(&mut self.hashing);
        if is_one_hash {
            place.0.took(started.elapsed());
        }
    }
}

impl Task {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Judge { reply, .. } => reply.is_closed(),
            Self::Verify { reply, .. } => reply.is_closed(),
            Self::Renew { reply, .. } => reply.is_closed(),
        }
    }

    /// A caller that hung up does not need its answer.
    fn run(self, hashing: &mut Hashing) {
        match self {
            Self::Judge { raw, reply } => drop(reply.send(hashing.judge(raw))),
            Self::Verify { password, hash, reply } => {
                drop(reply.send(Ok(hashing.verify(&password, hash.as_ref().map(Secret::reveal)))));
            }
            Self::Renew { new, reply } => drop(reply.send(hashing.renew(&new))),
        }
    }
}

/// The priority from 0 to 99 that the library turns into this niceness: it knows 40 of them, from 19 to -20.
fn priority(niceness: u8) -> u8 {
    const PRIORITY_MAX: u16 = 99;
    let above_least = u16::from(19_u8.saturating_sub(niceness));
    u8::try_from(PRIORITY_MAX * above_least / 39).unwrap_or(0)
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_as_long_as_can_be_served_in_time() {
        let queue = Queue { threads: 2, taken: AtomicUsize::new(0), pace_micros: AtomicU64::new(25_000) };
        for (pace_micros, places) in
            [(0, 98), (1, 98), (20_000, 98), (25_000, 82), (50_000, 42), (9_000_000, 18)]
        {
            queue.pace_micros.store(pace_micros, Ordering::Relaxed);
            assert_eq!(queue.places(), places, "{pace_micros}");
        }
    }

    #[test]
    fn the_threads_are_as_nice_as_they_are_told() {
        for niceness in [0, 5, 10, 19] {
            let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
            let priority = ThreadPriority::Crossplatform(priority(niceness).try_into().unwrap());
            assert_eq!(priority.to_posix(policy).unwrap(), i32::from(niceness));
        }
    }

    #[test]
    fn the_pace_follows_what_hashes_take() {
        let queue = Queue { threads: 1, taken: AtomicUsize::new(0), pace_micros: AtomicU64::new(20_000) };
        for _ in 0..100 {
            queue.took(Duration::from_millis(100));
        }
        let pace = queue.pace_micros.load(Ordering::Relaxed);
        assert!((99_900..=100_000).contains(&pace), "{pace}");
    }
}
