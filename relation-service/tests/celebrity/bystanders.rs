//! People who have nothing to do with the celebrity, and follow each other all the time: what they feel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::rt::System;
use shared::id::UserId;
use shared::testing::Client;

use crate::test_app::all;

/// Clients, each of which waits for its answer before it acts again.
const CLIENTS: usize = 2;

/// An answered act: when it was answered, and how long it took.
type Act = (Instant, Duration);

/// The clients, on a thread of their own.
pub struct Bystanders {
    acts: Arc<Mutex<Vec<Act>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Bystanders {
    /// Each of the clients acts towards `targets` in turn, with a token of its own.
    pub fn start(base: &str, tokens: [String; CLIENTS], targets: Vec<UserId>) -> Self {
        let (acts, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, enough, base) = (acts.clone(), stop.clone(), base.to_owned());
        let thread = std::thread::spawn(move || {
            System::new().block_on(async {
                let client = |token: String| {
                    follow(Client::new(base.as_str()).with_token(token), &targets, &log, &enough)
                };
                all(tokens.map(client)).await;
            });
        });
        Self { acts, stop, thread: Some(thread) }
    }

    /// How long the acts took that were answered since.
    pub fn since(&self, from: Instant) -> Waits {
        let acts = self.acts.lock().unwrap();
        let mut took: Vec<Duration> =
            acts.iter().filter(|(at, _)| *at >= from).map(|(_, took)| *took).collect();
        took.sort_unstable();
        Waits(took)
    }
}

impl Drop for Bystanders {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn follow(client: Client, targets: &[UserId], log: &Mutex<Vec<Act>>, enough: &AtomicBool) {
    for round in 0_usize.. {
        let method = if round % 2 == 0 { Method::PUT } else { Method::DELETE };
        for target in targets {
            if enough.load(Ordering::Relaxed) {
                return;
            }
            let began = Instant::now();
            client
                .send(method.clone(), &format!("/v1/me/following/{target}"), &[], Vec::new())
                .await
                .expect(200);
            log.lock().unwrap().push((Instant::now(), began.elapsed()));
        }
    }
}

/// How long acts took, the shortest first.
pub struct Waits(Vec<Duration>);

impl std::fmt::Display for Waits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |took: Option<&Duration>| took.map_or(0.0, Duration::as_secs_f64) * 1_000.0;
        let part = |of_thousand: usize| ms(self.0.get(self.0.len() * of_thousand / 1_000));
        let (p50, p99, max) = (part(500), part(990), ms(self.0.last()));
        write!(f, "others' writes: {} acts, p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms", self.0.len())
    }
}
