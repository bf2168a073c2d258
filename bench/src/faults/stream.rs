//! What NATS holds of the two logs: every event, once. The number of a message is that of its event, so a stream that has
//! as many messages as its last number says, and as the log has events, has each of them in order.

use std::io;
use std::net::SocketAddr;

use serde::Deserialize;
use shared::db::{DatabaseUrl, log, open_reader};

use super::stack::Stack;
use crate::failure::Failure;
use crate::load::Connection;

/// Where NATS tells of itself.
pub const MONITOR_PORT: u16 = 8222;
/// What the names of the streams end with: user-service's first.
const ENDS: [&str; 2] = ["-user", "-relation"];
const QUESTION: &[u8] = b"GET /jsz?accounts=true&streams=true HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// What its monitoring says (`/jsz`), of which only this is read.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    account_details: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    #[serde(default)]
    stream_detail: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    name: String,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct State {
    messages: i64,
    last_seq: i64,
}

/// What is wrong with the streams, where events are published. Nobody may write meanwhile.
pub async fn compare(stack: &Stack) -> Result<Vec<String>, Failure> {
    let Some(nats) = &stack.nats else { return Ok(Vec::new()) };
    let monitor = SocketAddr::from((nats.node.address, MONITOR_PORT));
    let mut connection = Connection::open(monitor).await?;
    let answer = connection.exchange(QUESTION).await?;
    let told: Told = serde_json::from_slice(answer.body).map_err(io::Error::other)?;
    let streams: Vec<Stream> =
        told.account_details.into_iter().flat_map(|account| account.stream_detail).collect();
    let mut wrong = Vec::new();
    for (end, database) in ENDS.iter().zip(&stack.databases) {
        let mut conn = open_reader(&DatabaseUrl::Postgres(database.url.clone()))?;
        let events = log::head(&mut conn)?.seq;
        let held = streams.iter().find(|stream| stream.name.ends_with(end)).map(|stream| stream.state);
        if held != Some(State { messages: events, last_seq: events }) {
            wrong.push(format!("{events} events are in the log, and in the stream {end}: {held:?}"));
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nats_tells_is_read() {
        let text = r#"{"streams":2,"account_details":[{"name":"$G","stream_detail":[
            {"name":"mutual-user","created":"x","state":{"messages":3,"bytes":9,"first_seq":1,"last_seq":3}}]}]}"#;
        let told: Told = serde_json::from_str(text).unwrap();
        let stream = &told.account_details[0].stream_detail[0];
        assert_eq!((stream.name.as_str(), stream.state), ("mutual-user", State { messages: 3, last_seq: 3 }));
        assert!(serde_json::from_str::<Told>("{}").unwrap().account_details.is_empty());
    }
}
