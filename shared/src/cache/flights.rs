//! One load of a thing at a time: whoever else wants it waits for that one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

type UnderWay<K> = Arc<RwLock<HashMap<K, watch::Receiver<()>>>>;

/// What is being loaded. Clones share it.
#[derive(Debug, Clone)]
pub struct Flights<K> {
    under_way: UnderWay<K>,
}

/// A load of the caller's own. When it is dropped, done or given up, whoever waited looks again.
#[derive(Debug)]
pub struct Flight<K: Copy + Eq + Hash> {
    /// What to load.
    pub keys: Vec<K>,
    under_way: UnderWay<K>,
    _done: watch::Sender<()>,
}

/// The loads of others.
#[derive(Debug)]
pub struct Others(Vec<watch::Receiver<()>>);

impl<K: Copy + Eq + Hash> Flights<K> {
    /// Nothing is loaded yet.
    pub fn new() -> Self {
        Self { under_way: Arc::default() }
    }

    /// Splits `wanted` into what the caller is to load, if there is anything, and what others load already.
    pub fn board(&self, wanted: &[K]) -> (Option<Flight<K>>, Others) {
        let (done, landed) = watch::channel(());
        let mut under_way = self.under_way.write().unwrap_or_else(PoisonError::into_inner);
        let (mut keys, mut others) = (Vec::new(), Vec::new());
        for key in wanted {
            match under_way.get(key) {
                Some(other) if other.same_channel(&landed) => {}
                Some(other) => others.push(other.clone()),
                None => {
                    under_way.insert(*key, landed.clone());
                    keys.push(*key);
                }
            }
        }
        let flight = Flight { keys, under_way: self.under_way.clone(), _done: done };
        drop(under_way);
        ((!flight.keys.is_empty()).then_some(flight), Others(others))
    }
}

impl<K: Copy + Eq + Hash> Default for Flights<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + Eq + Hash> Drop for Flight<K> {
    fn drop(&mut self) {
        let mut under_way = self.under_way.write().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            under_way.remove(key);
        }
    }
}

impl Others {
    /// Waits until all of them have ended, well or not.
    pub async fn landed(self) {
        for mut other in self.0 {
            // Nothing is ever sent: the end of the sender is the end of the load.
            while other.changed().await.is_ok() {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn one_loads_and_the_others_wait() {
        let flights = Flights::new();
        let (first, none) = flights.board(&[1, 2, 1]);
        let first = first.unwrap();
        assert_eq!((first.keys.as_slice(), none.0.len()), (&[1, 2][..], 0));
        let (second, others) = flights.board(&[2, 3]);
        assert_eq!(second.unwrap().keys, [3]);
        let waiting = actix_web::rt::spawn(others.landed());
        actix_web::rt::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap();
        assert!(flights.board(&[1, 2, 3]).0.is_some_and(|flight| flight.keys == [1, 2, 3]));
    }
}
