//! Processes that a run starts, and what the system says of them.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::scratch::Scratch;

/// Clock ticks in a second of /proc: 100 on every Linux.
const TICK: Duration = Duration::from_millis(10);
/// How often the end of a process is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a process may take to end when it is asked.
const STOP_WAIT: Duration = Duration::from_secs(20);
/// Lines that are kept of what a process says at its start.
const LINES_MAX: usize = 64;

/// How long a process that has children of its own may take to end them.
const TIDY_WAIT: Duration = Duration::from_secs(10);

/// A process that ends with its owner, however that ends.
pub struct Guarded(Child, Manners);

/// How a process is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manners {
    /// At once.
    Kill,
    /// Its input is closed, and it ends what it has started itself.
    CloseInput,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if self.1 == Manners::CloseInput {
            drop(self.0.stdin.take());
            let asked = Instant::now();
            while asked.elapsed() < TIDY_WAIT && matches!(self.0.try_wait(), Ok(None)) {
                std::thread::park_timeout(LOOK_EVERY);
            }
        }
        // By its own handle: no other process can be hit.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Guarded {
    /// Starts one that may be killed.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        Self::start_with(command, Manners::Kill)
    }

    /// Starts it.
    pub fn start_with(command: &mut Command, manners: Manners) -> io::Result<Self> {
        let child = command.stdin(Stdio::piped()).spawn();
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", command.get_program().to_string_lossy()))
        };
        Ok(Self(child.map_err(named)?, manners))
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// How it has ended, if it has.
    pub fn has_ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(mut self) -> io::Result<()> {
        let asked = Command::new("kill").args(["-s", "TERM", &self.pid().to_string()]).status()?;
        let ended = tokio::time::timeout(STOP_WAIT, self.ended()).await;
        match ended {
            Ok(Ok(status)) if asked.success() && status.success() => Ok(()),
            Ok(Ok(status)) => Err(io::Error::other(format!("a process ended with {status}"))),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::other("a process did not end when it was asked to")),
        }
    }

    /// The lines that it writes until `last` says so, at most [`LINES_MAX`].
    pub async fn greeting(&mut self, wait: Duration, last: fn(&str) -> bool) -> io::Result<Vec<String>> {
        let output = self.0.stdout.take().ok_or_else(|| io::Error::other("its output is not ours"))?;
        let (told, mut heard) = mpsc::channel(LINES_MAX);
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = String::new();
            while output.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                if told.try_send(std::mem::take(&mut line)).is_err() {
                    break;
                }
            }
            // Nobody reads on; a full pipe must not stop the process.
            let _ = io::copy(&mut output, &mut io::sink());
        });
        let started = Instant::now();
        let mut lines = Vec::new();
        loop {
            let left = wait.saturating_sub(started.elapsed());
            match tokio::time::timeout(left, heard.recv()).await {
                Ok(Some(line)) => lines.push(line.trim_end().to_owned()),
                Ok(None) => return Err(io::Error::other("a process ended before it was ready; see above")),
                Err(_) => return Err(io::Error::other("a process took too long to become ready")),
            }
            if lines.last().is_some_and(|line| last(line)) {
                return Ok(lines);
            }
        }
    }
}

/// Runs a command to its end; what it prints is shown, or returned.
pub async fn run(command: &mut Command) -> io::Result<(ExitStatus, String)> {
    let dir = Scratch::within(&std::env::temp_dir(), "bench-output")?;
    let output = dir.path().join("output");
    let mut child = Guarded::start(command.stdout(fs::File::create(&output)?))?;
    let status = child.ended().await?;
    Ok((status, fs::read_to_string(&output)?))
}

/// The time that a process has had of the processor, its threads included.
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let [user, system, ..] = ticks(pid)?;
    Ok(TICK * (user + system))
}

/// The processes that it has started and that live; none of a process that is gone.
pub fn children(pid: u32) -> Vec<u32> {
    let file = Path::new("/proc").join(pid.to_string()).join(format!("task/{pid}/children"));
    let told = fs::read_to_string(file).unwrap_or_default();
    told.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// The same with its children, those that have ended and those that live.
pub fn cpu_time_of_family(pid: u32) -> io::Result<Duration> {
    let living = children(pid).into_iter().filter_map(|child| cpu_time(child).ok());
    Ok(living.sum::<Duration>() + TICK * ticks(pid)?.iter().sum::<u32>())
}

/// User and system time of a process and of its children that have ended, in ticks.
fn ticks(pid: u32) -> io::Result<[u32; 4]> {
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"))?;
    // The name, in parentheses, may hold anything; what follows it does not. The times are the fields 14 to 17.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let parsed = fields.get(11..15).and_then(|fields| {
        let ticks: Vec<u32> = fields.iter().filter_map(|field| field.parse().ok()).collect();
        ticks.try_into().ok()
    });
    parsed.ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat cannot be read")))
}

/// The memory that a process holds now and has held at most, in bytes.
pub fn memory(pid: u32) -> io::Result<(u64, u64)> {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status"))?;
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let bytes = |name: &str| kib(name).map_or(0, |kib| kib * 1_024);
    Ok((bytes("VmRSS"), bytes("VmHWM")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_time_and_memory() {
        let mut sum = 0_u64;
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(60) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(cpu_time(std::process::id()).unwrap() >= TICK, "{sum}");
        let (now, most) = memory(std::process::id()).unwrap();
        assert!(now > 0 && most >= now);
    }
}
