//! What every program of this workspace does at its start and end.

use std::io::{self, Write};
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use crate::settings::Stop;

/// The exit code of a program whose settings are wrong.
pub const EXIT_USAGE: u8 = 2;

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

/// Waits for SIGTERM or for Ctrl-C.
pub async fn asked_to_stop() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}
