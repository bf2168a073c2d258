//! What the race test puts in the place of the standard library's.

pub(super) use std::sync::atomic::{AtomicU64, Ordering, fence};
pub(super) use std::sync::{Arc, PoisonError, RwLock};
