//! One keep-alive connection: a request goes out as bytes, and of the answer only the head is read.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;

/// What a connection can hold of an answer at first; more when an answer is larger.
const BUFFER_BYTES: usize = 64 << 10;
/// The largest answer that is taken.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Headers that an answer may have.
const HEADERS_MAX: usize = 32;

/// A connection to one server.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer that has arrived whole.
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// How many headers it has.
    pub headers: usize,
    /// Whether the server ends the connection with it.
    pub is_last: bool,
    /// Its body.
    pub body: &'a [u8],
}

/// What the head of an answer says.
struct Head {
    status: u16,
    headers: usize,
    is_last: bool,
    begin: usize,
    end: usize,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Sends a request and waits for the whole answer.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let mut sent = 0;
        while sent < request.len() {
            match self.stream.try_write(&request[sent..]) {
                Ok(bytes) => sent += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        let mut filled = 0;
        let mut head = None;
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.buffer[filled..]) {
                Ok(0) => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
                }
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            if head.is_none() {
                head = read_head(&self.buffer[..filled])?;
            }
            match &head {
                Some(Head { end, .. }) if *end > filled => self.make_room(*end)?,
                Some(Head { end, .. }) if *end < filled => return Err(invalid("more than one answer")),
                Some(Head { status, headers, is_last, begin, end }) => {
                    return Ok(Answer {
                        status: *status,
                        headers: *headers,
                        is_last: *is_last,
                        body: &self.buffer[*begin..*end],
                    });
                }
                None if filled == self.buffer.len() => return Err(invalid("a head without end")),
                None => {}
            }
        }
    }

    fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        if bytes > ANSWER_BYTES_MAX {
            return Err(invalid("too large"));
        }
        if bytes > self.buffer.len() {
            self.buffer.resize(bytes, 0);
        }
        Ok(())
    }
}

/// Reads the head, if it is there. An answer without a stated length is refused.
fn read_head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes).map_err(|error| invalid(&error.to_string()))?;
    let httparse::Status::Complete(begin) = parsed else { return Ok(None) };
    let value = |name: &str| {
        let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let length: Option<usize> = value("content-length").and_then(|length| length.parse().ok());
    let is_last = value("connection").is_some_and(|word| word.eq_ignore_ascii_case("close"));
    let length = length.ok_or_else(|| invalid("no length"))?;
    let status = response.code.ok_or_else(|| invalid("no status"))?;
    let (headers, end) = (response.headers.len(), begin.saturating_add(length));
    Ok(Some(Head { status, headers, is_last, begin, end }))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("an answer cannot be taken: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_where_the_answer_ends() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        let head = read_head(text).unwrap().unwrap();
        assert_eq!((head.status, head.headers, head.end), (200, 2, text.len()));
        assert!(!head.is_last);
        assert!(read_head(&text[..20]).unwrap().is_none());
    }

    #[test]
    fn the_last_answer_of_a_connection_says_so() {
        let text = b"HTTP/1.1 503 x\r\ncontent-length: 0\r\nConnection: Close\r\n\r\n";
        assert!(read_head(text).unwrap().unwrap().is_last);
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        assert!(read_head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(read_head(b"SSH-2.0-x\r\n\r\n").is_err());
    }
}
