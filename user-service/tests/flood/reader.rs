//! Reads at a steady rate, each counted from when it was due: a late answer makes the next ones late too, and that
//! counts. Plain blocking threads, so that the client takes as little of the machine as possible.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const THREADS: u32 = 4;
/// Between two reads of one thread: 200 reads a second in all.
const EVERY: Duration = Duration::from_millis(20);

/// One answered read.
pub struct Sample {
    pub due: Instant,
    pub took: Duration,
}

/// Threads that read until they are told to stop.
pub struct Readers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Sample>>>,
}

impl Readers {
    pub fn start(address: SocketAddr, path: String) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = |number: u32| {
            let (stop, path) = (stop.clone(), path.clone());
            thread::spawn(move || read(address, &path, Instant::now() + EVERY / THREADS * number, &stop))
        };
        let threads = (0..THREADS).map(thread).collect();
        Self { stop, threads }
    }

    pub fn stop(self) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().flat_map(|thread| thread.join().expect("a reader")).collect()
    }
}

fn read(address: SocketAddr, path: &str, first: Instant, stop: &AtomicBool) -> Vec<Sample> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    let mut answers = BufReader::new(stream.try_clone().expect("a socket"));
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    let (mut due, mut reads) = (first, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        #[expect(clippy::disallowed_methods, reason = "a steady rate is a matter of time")]
        thread::sleep(due.saturating_duration_since(Instant::now()));
        stream.write_all(request.as_bytes()).expect("sent");
        answer(&mut answers);
        reads.push(Sample { due, took: due.elapsed() });
        due += EVERY;
    }
    reads
}

fn answer(answers: &mut impl BufRead) {
    let mut line = String::new();
    answers.read_line(&mut line).expect("a status");
    assert!(line.contains(" 200 "), "{line}");
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        answers.read_line(&mut line).expect("a header");
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
    }
    answers.read_exact(&mut vec![0; length]).expect("a body");
}
