//! Passwords: judged, hashed and verified on threads of their own, behind a queue that takes no more than can be served
//! in time, so that a flood of logins leaves everything else alone.
//!
//! The threads yield to all others: whoever waits for a hash waits for tens of milliseconds anyway, and a request that
//! takes one must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;
use shared::actor::start_on_own_thread;
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

/// The threads that hash, each with its queue. Clones share them.
#[derive(Clone)]
pub struct PasswordHasher {
    threads: Arc<[Lane]>,
    pace: Arc<Pace>,
}

/// One thread from outside.
struct Lane {
    thread: Addr<HashThread>,
    taken: Arc<AtomicUsize>,
}

/// What a hash took lately, in microseconds.
struct Pace(AtomicU64);

/// A place in the queue of one thread. It is free again when this is dropped.
pub struct Place {
    lane: usize,
    taken: Arc<AtomicUsize>,
}

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
    pace: Arc<Pace>,
}

impl PasswordHasher {
    /// Starts as many threads.
    pub fn start(
        cost: HashCost,
        HashThreads { count, niceness }: HashThreads,
        password_chars_min: usize,
    ) -> Result<Self, StoreError> {
        let mut first = Hashing::new(cost, password_chars_min)?;
        let started = Instant::now();
        first.hash(&Secret::new(String::new()))?;
        let pace = Arc::new(Pace(AtomicU64::new(micros(started.elapsed()))));
        let lane = |_| {
            let thread = HashThread { hashing: first.twin(), niceness, pace: pace.clone() };
            let thread = start_on_own_thread(1 + HASH_QUEUE_PER_THREAD_MAX, move || thread);
            Lane { thread, taken: Arc::new(AtomicUsize::new(0)) }
        };
        Ok(Self { threads: (0..count).map(lane).collect(), pace })
    }

    /// Whether the threads still run.
    pub fn is_alive(&self) -> bool {
        self.threads.iter().all(|lane| lane.thread.connected())
    }

    /// A place in the shortest queue, if its turn comes in time. To be asked for before anything else is done for a job.
    pub fn place(&self) -> Result<Place, StoreError> {
        let taken = |lane: &Lane| lane.taken.load(Ordering::Relaxed);
        let shortest = self.threads.iter().enumerate().min_by_key(|(_, lane)| taken(lane));
        let (number, lane) = shortest.ok_or(StoreError::Overloaded)?;
        let places = self.pace.places();
        let take = |taken: usize| Some(taken + 1).filter(|taken| *taken <= places);
        match lane.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(Place { lane: number, taken: lane.taken.clone() }),
            Err(_) => Err(StoreError::Overloaded),
        }
    }

    /// Has something done when its turn comes.
    pub async fn run<T>(&self, place: Place, task: impl FnOnce(Reply<T>) -> Task) -> Result<T, StoreError> {
        let (reply, answered) = oneshot::channel();
        let lane = self.threads.get(place.lane).ok_or(StoreError::Overloaded)?;
        lane.thread.try_send(Job { task: task(reply), place }).map_err(|_| StoreError::Overloaded)?;
        let stopped = |_| Err(StoreError::Unavailable("the password hasher has stopped".into()));
        answered.await.unwrap_or_else(stopped)
    }
}

impl Pace {
    /// How many of one thread may be under way or wait.
    fn places(&self) -> usize {
        let pace = self.0.load(Ordering::Relaxed).max(1);
        let in_time = usize::try_from(micros(HASH_WAIT_MAX) / pace).unwrap_or(usize::MAX);
        // One under way, the others behind it.
        1 + in_time.clamp(HASH_QUEUE_PER_THREAD_MIN, HASH_QUEUE_PER_THREAD_MAX)
    }

    fn took(&self, span: Duration) {
        let newest = micros(span);
        let average = |pace: u64| Some(pace - pace / PACE_OVER + newest / PACE_OVER);
        // Cannot fail: the closure always has an answer.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, average);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Actor for HashThread {
    type Context = Context<Self>;

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

    fn handle(&mut self, Job { task, place: _place }: Job, _: &mut Self::Context) {
        if task.is_abandoned() {
            return;
        }
        // The others may end with a refusal, which takes no hash.
        let is_one_hash = matches!(task, Task::Verify { .. });
        let started = Instant::now();
        task.run(&mut self.hashing);
        if is_one_hash {
            self.pace.took(started.elapsed());
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
        for (pace_micros, places) in
            [(0, 49), (1, 49), (20_000, 49), (25_000, 41), (50_000, 21), (9_000_000, 9)]
        {
            assert_eq!(Pace(AtomicU64::new(pace_micros)).places(), places, "{pace_micros}");
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
        let pace = Pace(AtomicU64::new(20_000));
        for _ in 0..100 {
            pace.took(Duration::from_millis(100));
        }
        let pace = pace.0.load(Ordering::Relaxed);
        assert!((99_900..=100_000).contains(&pace), "{pace}");
    }

    #[actix::test]
    async fn places_are_spread_bounded_and_given_back() {
        let hasher =
            PasswordHasher::start(HashCost::LOWEST, HashThreads { count: 2, niceness: 0 }, 8).unwrap();
        hasher.pace.0.store(1_000_000, Ordering::Relaxed);
        let mut places: Vec<Place> = (0..18).map(|_| hasher.place().unwrap()).collect();
        assert_eq!(places.iter().filter(|place| place.lane == 0).count(), 9);
        assert!(matches!(hasher.place(), Err(StoreError::Overloaded)));
        let place = places.pop().unwrap();
        let verdict =
            hasher.run(place, |reply| Task::Verify { password: Secret::new("x"), hash: None, reply });
        assert_eq!(verdict.await.unwrap(), Verdict::Wrong);
        // The place goes with the job, a moment after its answer.
        while hasher.threads.iter().map(|lane| lane.taken.load(Ordering::Relaxed)).sum::<usize>() > 17 {
            actix::clock::sleep(Duration::from_millis(1)).await;
        }
        assert!(hasher.place().is_ok());
    }
}
