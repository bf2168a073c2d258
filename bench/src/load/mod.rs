//! Load: many connections that ask one after the other, in a closed or in an open loop.

mod arrivals;
mod connection;
mod tally;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::Mutex;

pub use connection::{Answer, Connection};
pub use tally::{Figures, Tally};

use crate::failure::Failure;
use crate::request::{Asked, Side};

/// How long answers under way may take after the end of a phase.
const DRAIN_WAIT: Duration = Duration::from_secs(30);
/// Room for a request: more grows.
const REQUEST_BYTES: usize = 16 << 10;

/// Where requests come from.
pub trait Source {
    /// Writes the next request into `out`, which is empty; `None` when there is nothing more to ask.
    fn next(&mut self, out: &mut Vec<u8>) -> Option<Asked>;

    /// An answer with status 200 has come.
    fn answered(&mut self, _asked: &Asked) {}

    /// Whether the body says what it should; only some answers are looked at.
    fn check(&self, _asked: &Asked, _body: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

/// One asker: a connection to each service, opened when it is needed.
#[derive(Default)]
pub struct Lane {
    connections: [Option<Connection>; 2],
    request: Vec<u8>,
}

/// All askers, and whom they ask.
pub struct Lanes {
    lanes: Vec<Lane>,
    addresses: [SocketAddr; 2],
}

/// A source that several lanes take from.
pub type Shared<'a> = &'a RefCell<dyn Source + 'a>;

impl Lanes {
    /// `count` askers.
    pub fn new(count: usize, users: SocketAddr, relations: SocketAddr) -> Self {
        let lane = || Lane { request: Vec::with_capacity(REQUEST_BYTES), ..Lane::default() };
        Self { lanes: std::iter::repeat_with(lane).take(count).collect(), addresses: [users, relations] }
    }

    /// Connections are new in each phase: a server closes those that were idle while others had their turn.
    fn hang_up(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.connections = [None, None]);
    }

    /// Asks as fast as answers come, for `span` or until the source has nothing more.
    pub async fn closed(&mut self, source: Shared<'_>, span: Duration) -> Result<Figures, Failure> {
        let tally = Rc::new(RefCell::new(Tally::default()));
        let started = Instant::now();
        let until = started + span;
        let addresses = self.addresses;
        self.hang_up();
        let lanes = self.lanes.iter_mut().map(|lane| {
            let tally = tally.clone();
            async move {
                while Instant::now() < until {
                    let began = Instant::now();
                    if !lane.ask(source, addresses, &tally, began).await {
                        break;
                    }
                }
            }
        });
        within(span + DRAIN_WAIT, join_all(lanes)).await?;
        Ok(tally.take().figures(started.elapsed()))
    }

    /// Asks at `rate` a second, at times that answers do not move; each answer's time counts from when its request was due.
    pub async fn open(&mut self, source: Shared<'_>, rate: f64, span: Duration) -> Result<Figures, Failure> {
        let tally = Rc::new(RefCell::new(Tally::default()));
        let started = Instant::now();
        let (due, lost) = arrivals::start(rate, span)?;
        let due = Rc::new(Mutex::new(due));
        let addresses = self.addresses;
        self.hang_up();
        let lanes = self.lanes.iter_mut().map(|lane| {
            let (tally, due) = (tally.clone(), due.clone());
            async move {
                loop {
                    let next = due.lock().await.recv().await;
                    let Some(began) = next else { break };
                    if !lane.ask(source, addresses, &tally, began).await {
                        break;
                    }
                }
            }
        });
        within(span + DRAIN_WAIT, join_all(lanes)).await?;
        let mut tally = tally.take();
        tally.lose(lost.load(std::sync::atomic::Ordering::Relaxed));
        Ok(tally.figures(started.elapsed()))
    }
}

async fn within<T>(wait: Duration, work: impl Future<Output = T>) -> Result<T, Failure> {
    let late = || Failure::Io(io::Error::new(io::ErrorKind::TimedOut, "answers did not come to an end"));
    tokio::time::timeout(wait, work).await.map_err(|_| late())
}

impl Lane {
    /// Asks once. Returns whether there was something to ask.
    async fn ask(
        &mut self,
        source: Shared<'_>,
        addresses: [SocketAddr; 2],
        tally: &RefCell<Tally>,
        began: Instant,
    ) -> bool {
        self.request.clear();
        let Some(asked) = source.borrow_mut().next(&mut self.request) else { return false };
        let side = match asked.side {
            Side::Users => 0,
            Side::Relations => 1,
        };
        match exchange(&mut self.connections[side], addresses[side], &self.request).await {
            Ok(answer) => {
                let looked_at = tally.borrow_mut().answered(&asked, &answer, began.elapsed());
                if answer.status == 200 {
                    source.borrow_mut().answered(&asked);
                }
                if looked_at && let Err(wrong) = source.borrow().check(&asked, answer.body) {
                    tally.borrow_mut().wrong(wrong);
                }
            }
            Err(error) => {
                tally.borrow_mut().wrong(error.to_string());
                self.connections[side] = None;
            }
        }
        true
    }
}

async fn exchange<'a>(
    connection: &'a mut Option<Connection>,
    address: SocketAddr,
    request: &[u8],
) -> io::Result<Answer<'a>> {
    if connection.is_none() {
        *connection = Some(Connection::open(address).await?);
    }
    match connection {
        Some(connection) => connection.exchange(request).await,
        None => Err(io::Error::other("no connection")),
    }
}
