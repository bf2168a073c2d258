//! The cache under every interleaving that a scheduler can think of: a load that raced a commit leaves nothing stale,
//! and nobody who reads two entries sees one from before a commit beside one from after it.
//!
//! The files of the cache itself are compiled here once more, with shuttle's locks and atomics in place of the
//! standard library's.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

#[expect(dead_code, reason = "the test needs only a part")]
#[path = "../src/cache/shards.rs"]
mod shards;
#[expect(dead_code, reason = "the test needs only a part")]
#[path = "../src/cache/stamps.rs"]
mod stamps;

/// What both are made of.
mod sync {
    pub use std::sync::PoisonError;

    pub use shuttle::sync::atomic::{AtomicU64, Ordering, fence};
    pub use shuttle::sync::{Arc, RwLock};
}

use shards::{Keeping, Shards, Weigh};

use shuttle::sync::{Arc, Mutex};
use shuttle::thread;
use stamps::Stamps;

/// Interleavings of each kind, unless `MUTUAL_TEST_ROUNDS` says how many.
const RUNS: usize = 1_000;
const COMMITS: u64 = 3;
/// Both ends of a pair.
const KEYS: [u64; 2] = [1, 2];
/// Enough for one shard.
const ROOM: usize = 256 << 10;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Number(u64);

impl Weigh for Number {
    fn weight(&self) -> usize {
        8
    }
}

struct World {
    /// The same number under both keys, changed together: what a transaction guarantees.
    database: Mutex<u64>,
    memory: Shards<u64, Number>,
    stamps: Stamps,
    /// The newest number that the writer has told anybody of.
    answered: Mutex<u64>,
}

impl World {
    fn new(slots: usize) -> Self {
        Self {
            database: Mutex::new(0),
            memory: Shards::new(ROOM),
            stamps: Stamps::new(slots),
            answered: Mutex::new(0),
        }
    }

    /// Adds one to both, as a difference: a difference that is applied twice shows as well as one that is lost.
    fn commit(&self) {
        let marks = self.stamps.mark(KEYS.into_iter());
        let new = {
            let mut stored = self.database.lock().unwrap();
            *stored += 1;
            *stored
        };
        self.stamps.open(&marks);
        for key in KEYS {
            self.memory.change(&key, |number| {
                number.0 += 1;
                true
            });
        }
        self.stamps.close(&marks, i64::try_from(new).unwrap());
        *self.answered.lock().unwrap() = new;
    }

    fn load(&self, key: u64) {
        let noted = self.stamps.note(key);
        let snapshot = *self.database.lock().unwrap();
        // In a world of so few, only a commit keeps a load out.
        let _: Keeping = self.memory.keep(key, Number(snapshot), &self.stamps, noted);
    }

    /// Both numbers, if memory can tell.
    fn read(&self) -> Option<[Number; 2]> {
        let noted = KEYS.map(|key| self.stamps.note(key));
        let found = [self.memory.get(&KEYS[0])?, self.memory.get(&KEYS[1])?];
        self.stamps.hold(&noted).then_some(found)
    }
}

fn race(slots: usize) {
    let world = Arc::new(World::new(slots));
    let writer = thread::spawn({
        let world = world.clone();
        move || (0..COMMITS).for_each(|_| world.commit())
    });
    let loads = KEYS.map(|key| {
        let world = world.clone();
        thread::spawn(move || (0..2).for_each(|_| world.load(key)))
    });
    let reader = thread::spawn({
        let world = world.clone();
        move || {
            for _ in 0..4 {
                let told = *world.answered.lock().unwrap();
                if let Some([one, other]) = world.read() {
                    assert_eq!(one, other, "a torn pair");
                    assert!(one.0 >= told, "older than an answer: {one:?} after {told}");
                }
            }
        }
    });
    for thread in loads.into_iter().chain([writer, reader]) {
        thread.join().unwrap();
    }
    for key in KEYS {
        if let Some(number) = world.memory.get(&key) {
            assert_eq!(number, Number(COMMITS), "what stays is not what is stored");
        }
    }
}

/// Beside another process: it commits too, and this one follows.
struct Beside {
    /// The number, and how many commits there were: the head, which a commit holds.
    database: Mutex<u64>,
    memory: Shards<u64, Number>,
    stamps: Stamps,
    /// As of which commit memory is; held by whoever changes it.
    place: Mutex<u64>,
    answered: Mutex<u64>,
}

impl Beside {
    fn new(slots: usize) -> Self {
        Self {
            database: Mutex::new(0),
            memory: Shards::new(ROOM),
            stamps: Stamps::new(slots),
            place: Mutex::new(0),
            answered: Mutex::new(0),
        }
    }

    fn head(&self) -> u64 {
        *self.database.lock().unwrap()
    }

    /// The other's commit: each adds one, and is told of by its number.
    fn commit_there(&self) {
        let new = {
            let mut stored = self.database.lock().unwrap();
            *stored += 1;
            *stored
        };
        let mut answered = self.answered.lock().unwrap();
        *answered = new.max(*answered);
    }

    fn apply(&self, marks: &stamps::Marks, at: u64) {
        self.stamps.open(marks);
        for key in KEYS {
            self.memory.change(&key, |number| {
                number.0 += 1;
                true
            });
        }
        self.stamps.close(marks, i64::try_from(at).unwrap());
    }

    /// Comes to `head`, which was read before.
    fn follow(&self, head: u64) {
        let mut place = self.place.lock().unwrap();
        while *place < head {
            *place += 1;
            self.apply(&self.stamps.mark(KEYS.into_iter()), *place);
        }
    }

    fn commit_here(&self) {
        let new = {
            let mut stored = self.database.lock().unwrap();
            self.follow(*stored);
            let mut place = self.place.lock().unwrap();
            let marks = self.stamps.mark(KEYS.into_iter());
            *stored += 1;
            self.apply(&marks, *stored);
            *place = *stored;
            *stored
        };
        let mut answered = self.answered.lock().unwrap();
        *answered = new.max(*answered);
    }

    /// Waits for its own moment, then keeps what is still true.
    fn load(&self, key: u64) {
        let snapshot = self.head();
        self.follow(self.head());
        if let Some(noted) = self.stamps.note_as_of(key, i64::try_from(snapshot).unwrap()) {
            let _: Keeping = self.memory.keep(key, Number(snapshot), &self.stamps, noted);
        }
    }

    fn read(&self) -> Option<[Number; 2]> {
        self.follow(self.head());
        let noted = KEYS.map(|key| self.stamps.note(key));
        let found = [self.memory.get(&KEYS[0])?, self.memory.get(&KEYS[1])?];
        self.stamps.hold(&noted).then_some(found)
    }
}

fn race_beside(slots: usize) {
    let world = Arc::new(Beside::new(slots));
    let run = |work: fn(&Beside)| {
        let world = world.clone();
        thread::spawn(move || work(&world))
    };
    let threads = [
        run(|world| (0..COMMITS).for_each(|_| world.commit_there())),
        run(|world| (0..COMMITS).for_each(|_| world.commit_here())),
        run(|world| (0..3).for_each(|_| world.load(KEYS[0]))),
        run(|world| (0..3).for_each(|_| world.load(KEYS[1]))),
        run(|world| {
            for _ in 0..4 {
                let told = *world.answered.lock().unwrap();
                if let Some([one, other]) = world.read() {
                    assert_eq!(one, other, "a torn pair");
                    assert!(one.0 >= told, "older than an answer: {one:?} after {told}");
                }
            }
        }),
    ];
    for thread in threads {
        thread.join().unwrap();
    }
    world.follow(2 * COMMITS);
    for key in KEYS {
        if let Some(number) = world.memory.get(&key) {
            assert_eq!(number, Number(2 * COMMITS), "what stays is not what is stored");
        }
    }
}

fn runs() -> usize {
    std::env::var("MUTUAL_TEST_ROUNDS").map_or(RUNS, |rounds| rounds.parse().unwrap())
}

#[test]
fn nothing_stale_stays_and_no_pair_is_torn() {
    shuttle::check_random(|| race(64), runs());
    shuttle::check_pct(|| race(64), runs(), 3);
}

#[test]
fn keys_that_share_a_slot_do_no_harm() {
    shuttle::check_random(|| race(1), runs());
}

#[test]
fn beside_another_process_nothing_stale_stays_and_no_pair_is_torn() {
    shuttle::check_random(|| race_beside(64), runs());
    shuttle::check_pct(|| race_beside(64), runs(), 3);
    shuttle::check_random(|| race_beside(1), runs());
}
