//! What a service remembers of its tables: entries by key, loaded when they are asked for, changed by the writer alone.
//!
//! Nothing stale is ever told. [`Stamps`] say which entries a commit is about to change or has changed; [`Commits`] is the way of a
//! commit into memory; [`Shards`] hold the entries within a number of bytes; [`Flights`] keep two from loading the
//! same.

mod commits;
mod flights;
mod meter;
mod shards;
mod stamps;
mod sync;

pub use commits::{CaughtUp, Commits, Gate, Memory};
pub use flights::{Flight, Flights, Others};
pub use meter::measure;
pub use shards::{ENTRY_BYTES, Keeping, Shards, Spread, Usage, Weigh};
pub use stamps::{Marks, Stamp, Stamps};

use crate::db::DatabaseUrl;

/// What a service remembers unless it is told otherwise, in MiB.
pub const CACHE_MIB: u32 = 256;
/// Bytes of a mebibyte.
const MIB: usize = 1 << 20;
/// One stamp for so many bytes: a share of a sixty-fourth.
const BYTES_PER_STAMP: usize = 512;
const STAMPS_MAX: usize = 1 << 16;

/// What a service is told to remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// Mebibytes; 0 for nothing.
    pub mib: u32,
    /// This process is the only one that writes to a server's database.
    pub only_writer: bool,
    /// Compare each answer with the store's: for tests.
    pub checked: bool,
    /// Do not hear what other processes announce: for tests.
    pub deaf: bool,
}

impl CacheSettings {
    /// As an operator says it.
    pub const fn new(mib: u32, only_writer: bool) -> Self {
        Self { mib, only_writer, checked: false, deaf: false }
    }

    /// How much is remembered.
    pub fn size(self) -> Option<CacheSize> {
        CacheSize::of_mib(self.mib)
    }

    /// Whether no other process writes to this database: an embedded one has one owner, of a server's only the operator
    /// can know.
    pub fn is_alone(self, url: &DatabaseUrl) -> bool {
        self.only_writer || matches!(url, DatabaseUrl::Sqlite(_))
    }
}

/// How much a service may remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSize {
    bytes: usize,
}

impl CacheSize {
    /// No room at all.
    pub const NONE: Self = Self { bytes: 0 };

    /// So many mebibytes; nothing for 0.
    pub fn of_mib(mib: u32) -> Option<Self> {
        let bytes = usize::try_from(mib).unwrap_or(usize::MAX).saturating_mul(MIB);
        (bytes > 0).then_some(Self { bytes })
    }

    /// How many stamps such a memory has.
    pub fn stamps(self) -> usize {
        (self.bytes / BYTES_PER_STAMP).min(STAMPS_MAX)
    }

    /// What is left for the entries.
    pub fn entry_bytes(self) -> usize {
        self.bytes - self.stamps() * size_of::<u64>()
    }
}
