//! Whether a service is ready, asked from beside it: an image of a service has no HTTP client.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use crate::process::complain;

/// How long one step of the question may take.
const WAIT: Duration = Duration::from_secs(2);
const REQUEST: &[u8] = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const READY: &[u8] = b"HTTP/1.1 200 ";

/// Asks the services that listen on `addresses`; says why if one is not ready.
pub fn run(addresses: &[SocketAddr]) -> ExitCode {
    match addresses.iter().try_for_each(|&address| ask(address)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("not ready: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn ask(address: SocketAddr) -> io::Result<()> {
    // A connection to 0.0.0.0 or [::] goes to this machine.
    let mut stream = TcpStream::connect_timeout(&address, WAIT)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    stream.write_all(REQUEST)?;
    let mut answer = [0; READY.len()];
    stream.read_exact(&mut answer)?;
    if answer == READY { Ok(()) } else { Err(io::Error::other(String::from_utf8_lossy(&answer))) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn asked_of(answer: &'static str) -> io::Result<()> {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; REQUEST.len()]).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let result = ask(address);
        served.join().unwrap();
        result
    }

    #[test]
    fn only_200_is_ready() {
        assert!(asked_of("HTTP/1.1 200 OK\r\n\r\n").is_ok());
        assert!(asked_of("HTTP/1.1 503 Service Unavailable\r\n\r\n").is_err());
        assert!(asked_of("").is_err());
    }
}
