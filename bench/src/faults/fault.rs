//! What is done to a running stack, and what of it its clients may notice.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::servers::{Database, Server};
use super::stack::Stack;
use super::tally::{Trouble, What};
use crate::failure::Failure;

/// How long the services cannot reach each other.
const CUT_FOR: Duration = Duration::from_secs(60);
/// How long a database, or a service, is away.
const AWAY_FOR: Duration = Duration::from_secs(30);
/// How long a database stands still.
const PAUSED_FOR: Duration = Duration::from_secs(20);
/// How long whoever restarts instances waits after one is ready: the proxy looks every second.
const PROXY_LOOKS_WITHIN: Duration = Duration::from_secs(2);
/// Statuses that say: not now. The last two are the proxy's, of an instance that went away while it answered.
const NOT_NOW: [u16; 3] = [503, 502, 504];

/// One of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// user-service.
    Users,
    /// relation-service.
    Relations,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An instance ends at once and is started again.
    KillInstance(Service, usize),
    /// A database ends at once, with all of its processes, and is started again.
    KillDatabase(Service),
    /// NATS ends at once and is started again.
    KillNats,
    /// The instances of one service cannot reach those of the other.
    Cut,
    /// A database is shut down, and started again later.
    StopDatabase(Service),
    /// A database stands still.
    PauseDatabase(Service),
    /// Every instance of user-service is stopped, and started again later.
    UsersAway,
    /// Every instance is stopped and started again, one after the other.
    RollingRestart,
}

/// How long outages are: as they are, or shorter for a quick look.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    /// At most so long.
    pub most: Duration,
}

impl Service {
    const fn place(self) -> usize {
        match self {
            Self::Users => 0,
            Self::Relations => 1,
        }
    }

    /// As it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "user-service",
            Self::Relations => "relation-service",
        }
    }
}

impl Fault {
    /// All of them, for so many instances of each service, with NATS or without.
    pub fn all(users: usize, relations: usize, nats: bool) -> Vec<Self> {
        let kills = |service, count| (0..count).map(move |number| Self::KillInstance(service, number));
        let mut all: Vec<Self> =
            kills(Service::Users, users).chain(kills(Service::Relations, relations)).collect();
        for fault in [Self::KillDatabase, Self::StopDatabase, Self::PauseDatabase] {
            all.extend([fault(Service::Users), fault(Service::Relations)]);
        }
        all.extend(nats.then_some(Self::KillNats));
        all.extend([Self::Cut, Self::UsersAway, Self::RollingRestart]);
        all
    }

    /// As the report calls it.
    pub fn name(self) -> String {
        match self {
            Self::KillInstance(service, number) => format!("kill -9 of {} {}", service.name(), number + 1),
            Self::KillDatabase(service) => format!("kill -9 of the database of {}", service.name()),
            Self::StopDatabase(service) => {
                format!("database of {} stopped for {} s", service.name(), AWAY_FOR.as_secs())
            }
            Self::PauseDatabase(service) => {
                format!("database of {} paused for {} s", service.name(), PAUSED_FOR.as_secs())
            }
            Self::KillNats => "kill -9 of NATS".to_owned(),
            Self::Cut => format!("services cut off from each other for {} s", CUT_FOR.as_secs()),
            Self::UsersAway => format!("user-service stopped for {} s", AWAY_FOR.as_secs()),
            Self::RollingRestart => "rolling restart of all instances".to_owned(),
        }
    }

    /// Whether it is done many times.
    pub const fn is_kill(self) -> bool {
        matches!(self, Self::KillInstance(..) | Self::KillDatabase(_) | Self::KillNats)
    }

    /// Whether a client may be told so while it lasts. Nobody is ever told of an error of the service itself, or that what
    /// is there was not found, and nobody waits for ever.
    pub fn excuses(self, what: What, trouble: &Trouble) -> bool {
        let not_now = match trouble {
            Trouble::Status(503) => true,
            Trouble::Status(status) => NOT_NOW.contains(status) && self != Self::RollingRestart,
            Trouble::Closed | Trouble::Refused => self != Self::RollingRestart,
            Trouble::Silence => false,
        };
        // Events are published beside the answers; relation-service knows everybody whom the load asks about, whatever
        // becomes of user-service.
        not_now && self != Self::KillNats && !(what.relations && self.leaves_relations())
    }

    /// Whether nothing is taken away from relation-service but user-service.
    const fn leaves_relations(self) -> bool {
        match self {
            Self::KillInstance(service, _)
            | Self::KillDatabase(service)
            | Self::StopDatabase(service)
            | Self::PauseDatabase(service) => matches!(service, Service::Users),
            Self::Cut | Self::UsersAway => true,
            Self::RollingRestart | Self::KillNats => false,
        }
    }

    /// Does it. Returns when it was over: from then on everything was there again that had been taken away.
    pub async fn inflict(self, stack: &mut Stack, spans: Spans) -> Result<Instant, Failure> {
        match self {
            Self::KillInstance(service, number) => {
                let instance = instance(stack, service, number);
                instance.kill()?;
                instance.start()?;
            }
            Self::KillDatabase(service) => {
                let database = database(stack, service);
                database.server.kill()?;
                let over = Instant::now();
                database.start_again().await?;
                return Ok(over);
            }
            Self::KillNats => {
                if let Some(nats) = &mut stack.nats {
                    nats.kill()?;
                    nats.start()?;
                    nats.listens().await?;
                }
            }
            Self::StopDatabase(service) => {
                let database = database(stack, service);
                // Fast: who is connected is sent away.
                database.server.stop("INT").await?;
                sleep(spans.of(AWAY_FOR)).await;
                database.server.start()?;
            }
            Self::PauseDatabase(service) => {
                let server = &database(stack, service).server;
                server.freeze(true)?;
                sleep(spans.of(PAUSED_FOR)).await;
                server.freeze(false)?;
            }
            Self::Cut => {
                stack.network.cut(stack.instances().map(|instance| &instance.node), true)?;
                sleep(spans.of(CUT_FOR)).await;
                stack.network.cut(stack.instances().map(|instance| &instance.node), false)?;
            }
            Self::UsersAway => {
                for instance in &mut stack.users {
                    instance.stop("TERM").await?;
                }
                sleep(spans.of(AWAY_FOR)).await;
                stack.users.iter_mut().try_for_each(Server::start)?;
            }
            Self::RollingRestart => restart_all(stack).await?,
        }
        Ok(Instant::now())
    }
}

impl Spans {
    fn of(self, span: Duration) -> Duration {
        span.min(self.most)
    }
}

async fn restart_all(stack: &mut Stack) -> Result<(), Failure> {
    let instances = stack.users.len() + stack.relations.len();
    for number in 0..instances {
        let users = stack.users.len();
        let instance = match number.checked_sub(users) {
            None => &mut stack.users[number],
            Some(number) => &mut stack.relations[number],
        };
        instance.stop("TERM").await?;
        instance.start()?;
        stack.ready().await?;
        sleep(PROXY_LOOKS_WITHIN).await;
    }
    Ok(())
}

fn instance(stack: &mut Stack, service: Service, number: usize) -> &mut Server {
    match service {
        Service::Users => &mut stack.users[number],
        Service::Relations => &mut stack.relations[number],
    }
}

fn database(stack: &mut Stack, service: Service) -> &mut Database {
    &mut stack.databases[service.place()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Side;

    #[test]
    fn a_client_may_be_told_to_come_again_and_nothing_else() {
        let (people, relations) = (What::of(Side::Users, true), What::of(Side::Relations, false));
        let kill = Fault::KillInstance(Service::Users, 0);
        assert!(kill.excuses(people, &Trouble::Status(503)) && kill.excuses(people, &Trouble::Closed));
        for trouble in [Trouble::Status(500), Trouble::Status(404), Trouble::Silence] {
            assert!(!kill.excuses(people, &trouble), "{trouble:?}");
        }
        assert!(Fault::RollingRestart.excuses(relations, &Trouble::Status(503)));
        assert!(!Fault::RollingRestart.excuses(relations, &Trouble::Status(502)));
        assert!(!Fault::RollingRestart.excuses(relations, &Trouble::Closed));
        assert!(Fault::UsersAway.excuses(people, &Trouble::Status(503)));
        for (what, trouble) in [(people, Trouble::Status(503)), (relations, Trouble::Closed)] {
            assert!(!Fault::KillNats.excuses(what, &trouble), "{trouble:?}");
        }
        for fault in [Fault::UsersAway, Fault::Cut, Fault::StopDatabase(Service::Users)] {
            assert!(!fault.excuses(relations, &Trouble::Status(503)), "{fault:?}");
        }
    }
}
