//! The entries: in shards, each with a lock of its own and a share of the weight. Which entry goes when there is no
//! room is decided by `quick_cache`.

use std::hash::{BuildHasher, Hash, Hasher};
use std::hint::black_box;

use quick_cache::unsync::Cache as Shard;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use super::stamps::{Stamp, Stamps};
use super::sync::{Arc, AtomicU64, Ordering, PoisonError, RwLock};

/// Bytes for an entry's place in the tables, beside what it weighs itself: the key and the value twice over for the
/// tables' spare room, the links of the eviction's lists, and the keys of those who have gone, which are remembered.
pub const ENTRY_BYTES: usize = 128;
/// Shards of a large cache.
const SHARDS_MAX: usize = 16;
/// A shard is not made smaller than this, so that an entry of a usual size has room.
const SHARD_BYTES_MIN: usize = 512 << 10;
/// What an entry weighs about, for the size of the tables at the start.
const USUAL_BYTES: usize = 1 << 10;

/// What can be kept.
pub trait Weigh: Sized {
    /// Bytes on the heap; of a large value also those of its place, beyond [`ENTRY_BYTES`].
    fn weight(&self) -> usize;

    /// Takes in what was loaded of the same key. What is whole is replaced.
    fn join(&mut self, loaded: Self) {
        *self = loaded;
    }

    /// At most so many bytes it has after that.
    fn weight_joined(&self, loaded: &Self) -> usize {
        loaded.weight()
    }
}

/// Spreads keys that are numbers. They are ours, so nobody chooses them to collide.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }

    /// What an enum without fields hashes.
    fn write_isize(&mut self, number: isize) {
        self.write_u64(u64::try_from(number).unwrap_or(u64::MAX));
    }
}

impl BuildHasher for Spread {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

#[derive(Debug, Clone, Copy)]
struct Bytes;

impl<K, V: Weigh> Weighter<K, V> for Bytes {
    fn weight(&self, _: &K, value: &V) -> u64 {
        u64::try_from(value.weight() + ENTRY_BYTES).unwrap_or(u64::MAX)
    }
}

/// Counts the entries that made room for others.
#[derive(Debug, Clone, Default)]
struct Evictions(Arc<AtomicU64>);

impl<K, V> Lifecycle<K, V> for Evictions {
    type RequestState = ();

    fn begin_request(&self) {}

    fn on_evict(&self, (): &mut (), _: K, _: V) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Entries<K, V> = Shard<K, V, Bytes, Spread, Evictions>;

struct Part<K, V> {
    entries: RwLock<Entries<K, V>>,
    kept: AtomicU64,
    evictions: Evictions,
}

/// A bounded number of bytes of entries. They are looked at in their places, each under its shard's lock.
pub struct Shards<K, V> {
    parts: Box<[Part<K, V>]>,
    hits: AtomicU64,
    misses: AtomicU64,
    entry_bytes_max: usize,
}

/// What became of what was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// It is here.
    Kept,
    /// A commit went past it.
    Overtaken,
    /// It would take too much of the room.
    TooLarge,
}

/// What was read, found and held so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Reads that found their entry.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Entries that were put in.
    pub kept: u64,
    /// Entries now.
    pub entries: u64,
    /// What they weigh, in bytes.
    pub bytes: u64,
    /// Entries that made room for others.
    pub gone: u64,
}

impl<K: Copy + Eq + Hash, V: Weigh> Shards<K, V> {
    /// Room for `bytes`.
    pub fn new(bytes: usize) -> Self {
        let shards = (bytes / SHARD_BYTES_MIN).clamp(1, SHARDS_MAX);
        let shards = if shards.is_power_of_two() { shards } else { shards.next_power_of_two() / 2 };
        let share = bytes / shards;
        let part = |_| {
            let evictions = Evictions::default();
            Part { entries: RwLock::new(shard(share, evictions.clone())), kept: AtomicU64::new(0), evictions }
        };
        let parts = (0..shards).map(part).collect();
        Self { parts, hits: AtomicU64::new(0), misses: AtomicU64::new(0), entry_bytes_max: share / 4 }
    }

    /// Whether an entry of so many bytes is kept at all: a few large ones must not drive out all others.
    pub fn fits(&self, bytes: usize) -> bool {
        bytes + ENTRY_BYTES <= self.entry_bytes_max
    }

    fn place(&self, key: &K) -> usize {
        let hash = Spread::default().hash_one(key);
        // Not the bits by which a shard's own table finds its places.
        usize::try_from((hash >> 40) & 0xFF).unwrap_or(0) & (self.parts.len() - 1)
    }

    fn part(&self, key: &K) -> &Part<K, V> {
        &self.parts[self.place(key)]
    }

    /// The entry of `key`, if it is here.
    pub fn get(&self, key: &K) -> Option<V>
    where
        V: Clone,
    {
        let found = self.look(key, |entry| entry.cloned());
        let hit = u64::from(found.is_some());
        self.count(hit, 1 - hit);
        found
    }

    /// What `look` makes of the entry of `key`, in its place: it must be short, and not look for another. Whoever looks
    /// many times says once how often they found what they looked for.
    pub fn look<R>(&self, key: &K, look: impl FnOnce(Option<&V>) -> R) -> R {
        look(self.part(key).entries.read().unwrap_or_else(PoisonError::into_inner).get(key))
    }

    /// The same for two keys: the processor fetches both entries at a time.
    pub fn look_two<R>(&self, keys: [&K; 2], look: impl FnOnce([Option<&V>; 2]) -> R) -> R {
        let places = keys.map(|key| self.place(key));
        let [low, high] = [places[0].min(places[1]), places[0].max(places[1])];
        // In this order, and none twice: see `look_each`.
        let first = self.parts[low].entries.read().unwrap_or_else(PoisonError::into_inner);
        let other =
            (low != high).then(|| self.parts[high].entries.read().unwrap_or_else(PoisonError::into_inner));
        let entries =
            places.map(|place| if place == low { &first } else { other.as_ref().unwrap_or(&first) });
        look([entries[0].get(keys[0]), entries[1].get(keys[1])])
    }

    /// The same for many keys, of which `look` is told the number. First `touch` reads of each entry some of what `look`
    /// will: the processor fetches what is far away of many at a time, as long as nothing has to be decided by it and no
    /// lock is taken in between.
    pub fn look_each(&self, keys: &[K], touch: impl Fn(&V) -> u64, mut look: impl FnMut(usize, Option<&V>)) {
        let places: Vec<usize> = keys.iter().map(|key| self.place(key)).collect();
        let mut wanted = [false; SHARDS_MAX];
        places.iter().for_each(|&place| wanted[place] = true);
        // Always in this order, and whoever changes entries holds one lock alone: so nobody waits for each other.
        let locked: Vec<_> = self
            .parts
            .iter()
            .zip(wanted)
            .map(|(part, wanted)| wanted.then(|| part.entries.read().unwrap_or_else(PoisonError::into_inner)))
            .collect();
        let find = |(key, place): (&K, &usize)| locked[*place].as_ref()?.get(key);
        let found: Vec<Option<&V>> = keys.iter().zip(&places).map(find).collect();
        black_box(found.iter().flatten().fold(0, |sum, entry| sum ^ touch(entry)));
        found.into_iter().enumerate().for_each(|(number, entry)| look(number, entry));
    }

    /// Counts looks.
    pub fn count(&self, hits: u64, misses: u64) {
        for (counter, looks) in [(&self.hits, hits), (&self.misses, misses)] {
            if looks > 0 {
                counter.fetch_add(looks, Ordering::Relaxed);
            }
        }
    }

    /// Keeps what was loaded, if no commit went past it.
    pub fn keep(&self, key: K, value: V, stamps: &Stamps, noted: Stamp) -> Keeping {
        if !self.fits(value.weight()) {
            return Keeping::TooLarge;
        }
        let part = self.part(&key);
        let mut entries = part.entries.write().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: a commit that is marked after this look is applied to the entry.
        if !stamps.is_quiet(noted) {
            return Keeping::Overtaken;
        }
        match entries.peek_mut(&key) {
            Some(held) if !self.fits(held.weight_joined(&value)) => return Keeping::TooLarge,
            Some(mut held) => held.join(value),
            None => {
                entries.insert(key, value);
            }
        }
        make_room(&mut entries, &key);
        part.kept.fetch_add(1, Ordering::Relaxed);
        Keeping::Kept
    }

    /// Keeps what no commit can go past.
    pub fn put(&self, key: K, value: V) {
        let part = self.part(&key);
        part.entries.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
        part.kept.fetch_add(1, Ordering::Relaxed);
    }

    /// Changes the entry, if it is here; it goes if `change` does not want it any more.
    pub fn change(&self, key: &K, change: impl FnOnce(&mut V) -> bool) {
        let mut entries = self.part(key).entries.write().unwrap_or_else(PoisonError::into_inner);
        let Some(mut entry) = entries.peek_mut(key) else { return };
        let wanted = change(&mut entry) && self.fits(entry.weight());
        drop(entry);
        if wanted {
            make_room(&mut entries, key);
        } else {
            entries.remove(key);
        }
    }

    /// Drops the entry.
    pub fn forget(&self, key: &K) {
        self.part(key).entries.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Drops everything.
    pub fn clear(&self) {
        for part in &self.parts {
            part.entries.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// What was read, found and held so far.
    pub fn usage(&self) -> Usage {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let looks = Usage { hits: count(&self.hits), misses: count(&self.misses), ..Usage::default() };
        self.parts.iter().fold(looks, |sum, part| {
            let entries = part.entries.read().unwrap_or_else(PoisonError::into_inner);
            Usage {
                kept: sum.kept + count(&part.kept),
                entries: sum.entries + u64::try_from(entries.len()).unwrap_or(0),
                bytes: sum.bytes + entries.weight(),
                gone: sum.gone + count(&part.evictions.0),
                ..sum
            }
        })
    }
}

/// An entry that grows in its place makes no room; one that comes in does.
fn make_room<K: Eq + Hash, V: Weigh>(entries: &mut Entries<K, V>, key: &K) {
    if entries.weight() > entries.capacity()
        && let Some((key, value)) = entries.remove(key)
    {
        entries.insert(key, value);
    }
}

fn shard<K: Eq + Hash, V: Weigh>(bytes: usize, evictions: Evictions) -> Entries<K, V> {
    let (items, weight) = (bytes / USUAL_BYTES, u64::try_from(bytes).unwrap_or(u64::MAX));
    let options = OptionsBuilder::new().estimated_items_capacity(items).weight_capacity(weight).build();
    match options {
        Ok(options) => Shard::with_options(options, Bytes, Spread::default(), evictions),
        // The two numbers that it cannot do without are there.
        Err(_) => Shard::with(items, weight, Bytes, Spread::default(), evictions),
    }
}
