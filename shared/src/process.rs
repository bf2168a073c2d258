//! What every program of this workspace does at its start and end.

use std::fmt::Display;
use std::future::Future;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::settings::Stop;

/// The exit code of a program whose settings are wrong.
pub const EXIT_USAGE: u8 = 2;

/// How long a program that was asked to stop may go on at the most, before it finishes what is under way.
pub const STOP_NOTICE_MAX: Duration = Duration::from_secs(60);

/// Says why a program does not start, and with which code it ends.
pub fn stopped(stop: Stop) -> ExitCode {
    match stop {
        Stop::Shown(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Stop::Refused(line) => {
            complain(&line);
            ExitCode::from(EXIT_USAGE)
        }
    }
}

/// Writes to standard output. That nobody reads it is no failure.
pub fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{}", text.trim_end());
}

/// Writes to standard error. That nobody reads it is no failure.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{}", line.trim_end());
}

/// The exit code of a program that has ended, after saying why it failed.
pub fn ended(outcome: Result<(), impl Display>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Stops a server, and first ends what would wait for long in it. Clones stop the same one.
#[derive(Clone)]
pub struct Stopper {
    server: ServerHandle,
    closing: watch::Sender<bool>,
}

impl Stopper {
    /// `closing` is what long requests watch.
    pub const fn new(server: ServerHandle, closing: watch::Sender<bool>) -> Self {
        Self { server, closing }
    }

    /// Tells the server to stop, at once; the future ends when it has. With `graceful` it finishes what
    /// is under way.
    pub fn stop(&self, graceful: bool) -> impl Future<Output = ()> + use<> {
        self.closing.send_replace(true);
        self.server.stop(graceful)
    }
}

static STOPPING: AtomicBool = AtomicBool::new(false);

/// Whether this process was asked to stop: it is not ready for more, whatever it still answers.
pub fn is_stopping() -> bool {
    STOPPING.load(Ordering::Relaxed)
}

/// Stops the servers, one after the other, at SIGTERM or Ctrl-C: each finishes what is under way. For the time of `notice`
/// they go on, so that a balancer can find out; who asks again does not wait for its end. From the return of this on no
/// signal ends the process by itself: so it comes before anybody is told that the process listens.
pub fn stop_when_asked(servers: Vec<Stopper>, notice: Duration) {
    let mut signals = match Signals::heed() {
        Ok(signals) => signals,
        Err(error) => {
            log::error!("signals cannot be waited for: {error}");
            return;
        }
    };
    actix_web::rt::spawn(async move {
        signals.asked_to_stop().await;
        STOPPING.store(true, Ordering::Relaxed);
        if !notice.is_zero() {
            log::info!("stopping in {notice:?}: until then this is not ready, and answers");
            let _ = timeout(notice, signals.asked_to_stop()).await;
        }
        log::info!("stopping: requests under way are finished");
        for server in servers {
            server.stop(true).await;
        }
    });
}

/// SIGTERM and Ctrl-C, which come here and no longer end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn heed() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn asked_to_stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
