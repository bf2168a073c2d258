//! When requests are due: a Poisson process, on a thread of its own, because a runtime's timers are too coarse.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Receiver};

/// Requests that may be due and not yet asked. Beyond it the load cannot be kept up, and they count as lost.
const WAITING_MAX: usize = 1 << 16;

/// Begins. The receiver yields the moment at which each request is due; the counter says how many found no room.
pub fn start(rate: f64, span: Duration) -> io::Result<(Receiver<Instant>, Arc<AtomicU64>)> {
    let (tell, due) = mpsc::channel(WAITING_MAX);
    let lost = Arc::new(AtomicU64::new(0));
    let counter = lost.clone();
    let mut gaps = Gaps { rng: fastrand::Rng::new(), mean: 1.0 / rate.max(1.0) };
    let arrive = move || {
        let mut next = Instant::now();
        let until = next + span;
        loop {
            next += gaps.next();
            if next > until || tell.is_closed() {
                return;
            }
            let mut left = next.saturating_duration_since(Instant::now());
            while !left.is_zero() {
                thread::park_timeout(left);
                left = next.saturating_duration_since(Instant::now());
            }
            if tell.try_send(next).is_err() {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    thread::Builder::new().name("arrivals".into()).spawn(arrive)?;
    Ok((due, lost))
}

/// Exponential gaps.
struct Gaps {
    rng: fastrand::Rng,
    mean: f64,
}

impl Gaps {
    fn next(&mut self) -> Duration {
        // Never the logarithm of zero.
        let below_one = 1.0 - self.rng.f64();
        Duration::from_secs_f64(-below_one.ln() * self.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::number::real;

    #[test]
    fn gaps_are_exponential() {
        let mut gaps = Gaps { rng: fastrand::Rng::with_seed(3), mean: 0.001 };
        let drawn: Vec<f64> = (0..100_000).map(|_| gaps.next().as_secs_f64()).collect();
        let mean = drawn.iter().sum::<f64>() / 100_000.0;
        assert!((mean - 0.001).abs() < 0.000_05, "{mean}");
        let beyond = drawn.iter().filter(|gap| **gap > 0.001).count();
        assert!((real(crate::number::count(beyond)) / 100_000.0 - 0.3679).abs() < 0.01, "{beyond}");
    }

    #[tokio::test]
    async fn as_many_arrive_as_are_due_and_none_before_its_time() {
        let (mut due, lost) = start(5_000.0, Duration::from_millis(400)).unwrap();
        let mut arrived = 0;
        while let Some(moment) = due.recv().await {
            assert!(moment <= Instant::now());
            arrived += 1;
        }
        assert!((1_600..2_400).contains(&arrived), "{arrived}");
        assert_eq!(lost.load(Ordering::Relaxed), 0);
    }
}
