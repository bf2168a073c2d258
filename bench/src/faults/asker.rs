//! Somebody who asks, one request after the other, and minds how each was answered.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::timeout;

use super::tally::{Tally, Trouble, What};
use crate::load::Connection;
use crate::request::Side;
use crate::world::World;

/// How long the load waits for an answer: longer than the services let anybody wait.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// On whose behalf.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    /// A person, by number.
    Person(u32),
    /// Another service.
    Service,
}

/// Where the services are.
#[derive(Debug, Clone, Copy)]
pub struct Doors {
    /// user-service.
    pub users: SocketAddr,
    /// relation-service.
    pub relations: SocketAddr,
}

/// A connection to each service, opened when it is needed.
pub struct Asker {
    world: Rc<World>,
    doors: Doors,
    connections: [Option<Connection>; 2],
    tally: Rc<RefCell<Tally>>,
}

impl Asker {
    /// Asks there, and counts here.
    pub fn new(world: &Rc<World>, doors: Doors, tally: &Rc<RefCell<Tally>>) -> Self {
        Self { world: world.clone(), doors, connections: [None, None], tally: tally.clone() }
    }

    /// Asks; the status, if there was an answer, and its body.
    pub async fn ask(
        &mut self,
        side: Side,
        who: Who,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (Option<u16>, Value) {
        let request = self.request(who, method, path, body);
        let what = What::of(side, method != "GET" && !path.starts_with("/v1/visibility"));
        let began = Instant::now();
        let outcome = self.exchange(side, &request).await;
        let status = outcome.as_ref().map(|(status, _)| *status).map_err(Clone::clone);
        self.tally.borrow_mut().count(what, status, began.elapsed());
        outcome.map_or((None, Value::Null), |(status, body)| (Some(status), body))
    }

    /// Notes an answer that contradicts what was acknowledged.
    pub fn complain(&self, text: String) {
        self.tally.borrow_mut().stale.push(text);
    }

    fn request(&self, who: Who, method: &str, path: &str, body: Option<&Value>) -> Vec<u8> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
        if !body.is_empty() {
            // Writing into a text does not fail.
            let _ = write!(head, "content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        }
        let mut request = head.into_bytes();
        match who {
            Who::Person(viewer) => self.world.end_as(viewer, &mut request),
            Who::Service => request.extend_from_slice(&self.world.service_ending),
        }
        request.extend_from_slice(body.as_bytes());
        request
    }

    async fn exchange(&mut self, side: Side, request: &[u8]) -> Result<(u16, Value), Trouble> {
        let (slot, address) = match side {
            Side::Users => (&mut self.connections[0], self.doors.users),
            Side::Relations => (&mut self.connections[1], self.doors.relations),
        };
        // Kept only if the answer came whole and more may be asked.
        let kept = slot.take();
        let answered = timeout(ANSWER_WAIT, async {
            let mut connection = match kept {
                Some(connection) => connection,
                None => Connection::open(address).await.map_err(|_| Trouble::Refused)?,
            };
            let answer = connection.exchange(request).await.map_err(|error| closed(&error))?;
            let told = (answer.status, serde_json::from_slice(answer.body).unwrap_or_default());
            if !answer.is_last {
                *slot = Some(connection);
            }
            Ok(told)
        });
        answered.await.unwrap_or(Err(Trouble::Silence))
    }
}

/// A connection can end in many ways, but an answer that cannot be read is the server's fault.
fn closed(error: &io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::InvalidData { Trouble::Status(0) } else { Trouble::Closed }
}
