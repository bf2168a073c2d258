//! Stamps: by which readers and loads notice that a commit went past them.
//!
//! A fixed number of slots, and every key has one. A slot has the time of the newest commit that touched one of its keys,
//! and says whether another is under way: first *committing* (on its way to the disk; what is in memory is still the
//! newest that anybody was told), then *applying* (memory is being changed). One at a time changes them, and the times
//! of commits increase.
//!
//! - A reader of several entries notes the slots of all before and looks again afterwards: if none has moved on and
//!   none was being applied to, all entries were true at one moment.
//! - A load notes its key's slot before its snapshot begins, and is kept only if the slot is quiet and has not moved.
//!   So a snapshot from before a commit never takes the place of what the commit left, and what a load saw of a commit
//!   is never applied to it again.
//! - Where others commit too, a load may see of their commits what memory does not know yet. So it waits until memory has
//!   come to the time of its snapshot, and notes the slot then: whatever has touched it must not be newer than that.

use super::sync::{AtomicU64, Ordering, fence};

const PHASES: u64 = 4;
const COMMITTING: u64 = 1;
const APPLYING: u64 = 2;

/// The slots.
pub struct Stamps {
    slots: Box<[AtomicU64]>,
}

/// A slot as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    slot: usize,
    word: u64,
}

impl Stamp {
    fn is_applied_to(self) -> bool {
        self.word % PHASES == APPLYING
    }
}

impl Stamps {
    /// At least `slots` of them: a power of two.
    pub fn new(slots: usize) -> Self {
        let slots = slots.next_power_of_two();
        Self { slots: (0..slots).map(|_| AtomicU64::new(0)).collect() }
    }

    fn slot(&self, hash: u64) -> usize {
        // The number of slots is a power of two, and the low bits of the hash are as good as any.
        usize::try_from(hash & 0xFFFF_FFFF).unwrap_or(0) & (self.slots.len() - 1)
    }

    /// The slot of a key with this hash, as it is.
    pub fn note(&self, hash: u64) -> Stamp {
        let slot = self.slot(hash);
        Stamp { slot, word: self.slots[slot].load(Ordering::Acquire) }
    }

    /// The slot of a key with this hash, of which something was read as of the time `at`, that memory has come to since:
    /// nothing if that is no longer what memory would tell.
    pub fn note_as_of(&self, hash: u64, at: i64) -> Option<Stamp> {
        let stamp = self.note(hash);
        (stamp.word.is_multiple_of(PHASES) && stamp.word / PHASES <= at.cast_unsigned()).then_some(stamp)
    }

    /// Whether everything noted was true at one moment: to be asked after the last entry is read.
    pub fn hold(&self, noted: &[Stamp]) -> bool {
        // What was read before stays before.
        fence(Ordering::Acquire);
        noted.iter().all(|stamp| {
            let now = Stamp { word: self.slots[stamp.slot].load(Ordering::Relaxed), ..*stamp };
            !stamp.is_applied_to() && !now.is_applied_to() && now.word / PHASES == stamp.word / PHASES
        })
    }

    /// Whether no commit touched the slot since it was noted, and none was under way or is: to be asked while nobody
    /// can change the entry.
    pub fn is_quiet(&self, noted: Stamp) -> bool {
        noted.word.is_multiple_of(PHASES) && self.slots[noted.slot].load(Ordering::Acquire) == noted.word
    }

    /// Says that a commit which touches these keys is about to be made, or to be applied.
    pub fn mark(&self, hashes: impl Iterator<Item = u64>) -> Marks {
        let mut slots: Vec<usize> = hashes.map(|hash| self.slot(hash)).collect();
        slots.sort_unstable();
        slots.dedup();
        let marks = Marks { slots };
        self.set(&marks, |at| at * PHASES + COMMITTING);
        marks
    }

    /// The same of all keys.
    pub fn mark_all(&self) -> Marks {
        let marks = Marks { slots: (0..self.slots.len()).collect() };
        self.set(&marks, |at| at * PHASES + COMMITTING);
        marks
    }

    /// Says that memory is about to be changed.
    pub fn open(&self, marks: &Marks) {
        self.set(marks, |at| at * PHASES + APPLYING);
        // Nobody sees a change without this.
        fence(Ordering::SeqCst);
    }

    /// Says that memory is as the database was at this time, which is later than any before.
    pub fn close(&self, marks: &Marks, at: i64) {
        self.set(marks, |_| at.cast_unsigned() * PHASES);
    }

    fn set(&self, marks: &Marks, word: impl Fn(u64) -> u64) {
        for &slot in &marks.slots {
            let at = self.slots[slot].load(Ordering::Relaxed) / PHASES;
            self.slots[slot].store(word(at), Ordering::Release);
        }
    }
}

/// The slots that a commit touches.
#[must_use]
#[derive(Debug)]
pub struct Marks {
    slots: Vec<usize>,
}
