//! The services as the profile `scale` runs them: two Postgres, two instances of user-service, three of relation-service,
//! a proxy before all of them, and NATS where it is installed.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use shared::secret;
use shared::token::TokenSigner;
use tokio::time::{sleep, timeout};

use super::asker::Doors;
use super::leftovers;
use super::network::{Network, Node};
use super::servers::{Database, Server, proxy_settings};
use super::stream::MONITOR_PORT;
use crate::beside::postgres_binaries;
use crate::failure::Failure;
use crate::graph::synthetic;
use crate::load::Connection;
use crate::metrics;
use crate::scratch::Scratch;
use crate::services::Operator;
use crate::setup;
use crate::world::World;

const USER_PORT: u16 = 8081;
const RELATION_PORT: u16 = 8082;
const ADMIN_PORT: u16 = 8083;
const NATS_PORT: u16 = 4222;
/// Addresses by kind: the first of each.
const DATABASE_HOST: u8 = 10;
const USER_HOST: u8 = 20;
const RELATION_HOST: u8 = 30;
const PROXY_HOST: u8 = 40;
const NATS_HOST: u8 = 50;
/// Instances of user-service.
pub const USER_INSTANCES: u8 = 2;
/// Instances of relation-service.
pub const RELATION_INSTANCES: u8 = 3;
/// Until the proxy has noticed that an instance is stopping, as in docker-compose.yml.
const STOP_NOTICE: &str = "3s";
/// Memory of each instance, as the profile has it in proportion.
const CACHE_MB: &str = "64";
/// People of the world, and followers by LinkBench's measure.
const PEOPLE: u32 = 1_000;
const DEGREE_SCALE: u32 = 3;
/// How long everything may take to be ready, and to have told each other everything.
const READY_WAIT: Duration = Duration::from_secs(90);
const LEVEL_WAIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long one look may take.
const LOOK_WAIT: Duration = Duration::from_secs(3);
/// Gauges of lag are brought up to date every second.
const GAUGES_EVERY: Duration = Duration::from_secs(1);

/// Everything that runs. What is named first ends first.
pub struct Stack {
    /// The proxy.
    pub proxy: Server,
    /// Instances of user-service.
    pub users: Vec<Server>,
    /// Instances of relation-service.
    pub relations: Vec<Server>,
    /// Of user-service, and of relation-service.
    pub databases: [Database; 2],
    /// Where events are published to, if it is there.
    pub nats: Option<Server>,
    /// The operator's program.
    pub operator: Operator,
    /// Between them.
    pub network: Network,
    dir: Scratch,
}

/// How far behind readers of logs were.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Lag {
    /// Events of user-service that an instance of relation-service knew of and did not have.
    pub feed_events: f64,
    /// For how long, in seconds.
    pub feed_seconds: f64,
    /// Events that were not in the stream, as those say who write it.
    pub publisher_events: f64,
    /// The same as all say: without end where one has not reached the stream yet, as it cannot know.
    pub unpublished: f64,
}

/// Where the programs are.
pub struct Programs {
    /// The services and `mutual`.
    pub services: PathBuf,
    /// Postgres.
    pub postgres: PathBuf,
    /// HAProxy.
    pub haproxy: PathBuf,
    /// NATS, if it is installed.
    pub nats: Option<PathBuf>,
}

impl Stack {
    /// Makes and starts everything, on the disk of `parent`, with a small world in it.
    pub async fn make(programs: &Programs, parent: &Path) -> Result<Self, Failure> {
        let dir = Scratch::within(parent, leftovers::STACK_DIR)?;
        let network = Network::make()?;
        let data_dir = dir.path().join("data");
        let nats = match &programs.nats {
            Some(program) => Some(nats(&network, program, dir.path()).await?),
            None => None,
        };
        let database = async |name: &str, number: u8| {
            let node = network.node(name, DATABASE_HOST + number)?;
            Database::make(&network, node, &programs.postgres, parent, dir.path()).await
        };
        let databases = [database("users-db", 0).await?, database("relations-db", 1).await?];
        let urls = databases.each_ref().map(|database| database.url.clone());
        let operator =
            Operator { program: programs.services.join("mutual"), data_dir, databases: Some(urls) };
        let maker = Maker { network: &network, programs, dir: dir.path(), operator: &operator, nats: &nats };
        let users = maker.instances("user", USER_HOST, USER_INSTANCES)?;
        let relations = maker.instances("relation", RELATION_HOST, RELATION_INSTANCES)?;
        let proxy = maker.proxy(&users, &relations)?;
        Ok(Self { proxy, users, relations, databases, nats, operator, network, dir })
    }

    /// Fills the databases, and starts the instances and the proxy on them.
    pub async fn begin(&mut self, seed: u64) -> Result<Rc<World>, Failure> {
        let graph = synthetic::draw(PEOPLE, DEGREE_SCALE, seed);
        let file = self.dir.path().join("graph");
        graph.write(&file)?;
        self.operator.import(&file, false).await?;
        let token = self.operator.service_token().await?;
        for instance in self.users.iter_mut().chain(&mut self.relations) {
            // One after the other: the first one makes the keys.
            instance.start()?;
            instance.listens().await?;
        }
        self.proxy.start()?;
        self.proxy.listens().await?;
        self.ready().await?;
        let first = self.users.first().map(|instance| instance.address);
        let first = first.ok_or_else(|| io::Error::other("no user-service"))?;
        let ids = setup::ids(&graph, first, &token).await?;
        let signer = TokenSigner::new(&secret::load(&self.operator.data_dir.join("signing-key"))?);
        let signer = signer.ok_or_else(|| io::Error::other("the signing key cannot be used"))?;
        let people = graph.nodes.len();
        Ok(Rc::new(World::new(graph, ids, (people, people), signer, &token, seed)))
    }

    /// Where the proxy lets in.
    pub fn doors(&self) -> Doors {
        let address = self.proxy.node.address;
        Doors { users: (address, USER_PORT).into(), relations: (address, RELATION_PORT).into() }
    }

    /// Every instance.
    pub fn instances(&self) -> impl Iterator<Item = &Server> {
        self.users.iter().chain(&self.relations)
    }

    /// Whether every instance says that it is ready.
    pub async fn is_ready(&self) -> bool {
        join_all(self.instances().map(|instance| is_ready(instance.address)))
            .await
            .into_iter()
            .all(|ready| ready)
    }

    /// Waits until they are.
    pub async fn ready(&self) -> Result<(), Failure> {
        let started = Instant::now();
        while !self.is_ready().await {
            if started.elapsed() > READY_WAIT {
                let text = format!("not ready within {READY_WAIT:?}: see {}", self.dir.path().display());
                return Err(io::Error::other(text).into());
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// How far behind they say that they are.
    pub async fn lag(&self) -> Lag {
        lag(&self.admin_addresses()).await
    }

    /// Where the instances tell their metrics.
    pub fn admin_addresses(&self) -> Vec<SocketAddr> {
        self.instances().map(|instance| (instance.node.address, ADMIN_PORT).into()).collect()
    }

    /// Waits until nobody is behind, by gauges that are newer than this call.
    pub async fn level(&self) -> Result<(), Failure> {
        sleep(GAUGES_EVERY).await;
        let started = Instant::now();
        loop {
            let lag = self.lag().await;
            if lag.feed_events + lag.unpublished == 0.0 {
                return Ok(());
            }
            if started.elapsed() > LEVEL_WAIT {
                return Err(io::Error::other(format!("still behind after {LEVEL_WAIT:?}: {lag:?}")).into());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Keeps the logs of all programs in this directory.
    pub fn keep_logs(&self, into: &Path) -> io::Result<()> {
        fs::create_dir_all(into)?;
        for entry in fs::read_dir(self.dir.path())?.flatten() {
            let path = entry.path();
            if let (Some("log"), Some(name)) =
                (path.extension().and_then(|end| end.to_str()), path.file_name())
            {
                fs::copy(&path, into.join(name))?;
            }
        }
        Ok(())
    }
}

impl Lag {
    /// The larger of both.
    pub const fn max(self, other: Self) -> Self {
        Self {
            feed_events: self.feed_events.max(other.feed_events),
            feed_seconds: self.feed_seconds.max(other.feed_seconds),
            publisher_events: self.publisher_events.max(other.publisher_events),
            unpublished: self.unpublished.max(other.unpublished),
        }
    }
}

/// What the instances there say.
pub async fn lag(addresses: &[SocketAddr]) -> Lag {
    let looks = addresses.iter().map(|address| timeout(LOOK_WAIT, metrics::samples(Some(*address))));
    let told = join_all(looks).await.into_iter().flatten();
    told.map(|samples| lag_in(&samples)).fold(Lag::default(), Lag::max)
}

/// What one instance says.
fn lag_in(samples: &[(String, f64)]) -> Lag {
    let most = |name: &str| {
        let named = samples.iter().filter(|(sample, _)| sample.starts_with(name));
        named.map(|(_, value)| *value).fold(0.0, f64::max)
    };
    let tells = |name: &str| samples.iter().any(|(sample, _)| sample.starts_with(name));
    let is_known = tells("mutual_publisher_lag_events") || !tells("mutual_publisher_connected");
    let unpublished = if is_known { most("mutual_publisher_lag_events") } else { f64::INFINITY };
    let publishes = most("mutual_publisher_connected") > 0.0;
    Lag {
        feed_events: most("mutual_feed_lag_events"),
        feed_seconds: most("mutual_feed_lag_seconds"),
        publisher_events: if publishes { unpublished } else { 0.0 },
        unpublished,
    }
}

async fn is_ready(address: SocketAddr) -> bool {
    let look = async {
        let mut connection = Connection::open(address).await?;
        let answer = connection.exchange(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
        io::Result::Ok(answer.status == 200)
    };
    matches!(timeout(LOOK_WAIT, look).await, Ok(Ok(true)))
}

async fn nats(network: &Network, program: &Path, dir: &Path) -> Result<Server, Failure> {
    let node = network.node("nats", NATS_HOST)?;
    let (address, files) = (node.address.to_string(), dir.join("nats").display().to_string());
    let (port, monitor) = (NATS_PORT.to_string(), MONITOR_PORT.to_string());
    let words = ["-js", "-a", &address, "-p", &port, "-m", &monitor, "-sd", &files].map(str::to_owned);
    let mut server = Server::new(node, NATS_PORT, program, words.to_vec(), dir);
    server.start()?;
    server.listens().await?;
    Ok(server)
}

/// What instances are made of.
struct Maker<'a> {
    network: &'a Network,
    programs: &'a Programs,
    dir: &'a Path,
    operator: &'a Operator,
    nats: &'a Option<Server>,
}

impl Maker<'_> {
    /// `kind` is `user` or `relation`.
    fn instances(&self, kind: &str, first: u8, count: u8) -> Result<Vec<Server>, Failure> {
        (0..count).map(|number| self.instance(kind, first + number, number + 1)).collect()
    }

    fn instance(&self, kind: &str, host: u8, number: u8) -> Result<Server, Failure> {
        let node = self.network.node(&format!("{kind}-{number}"), host)?;
        self.name_hosts(&node)?;
        let data = &self.operator.data_dir;
        let file = |name: &str| data.join(name).display().to_string();
        let users = kind == "user";
        let (port, database) = if users { (USER_PORT, 0) } else { (RELATION_PORT, 1) };
        let url = self.operator.databases.as_ref().map(|urls| urls[database].clone()).unwrap_or_default();
        let mut flags = vec![
            ("listen", format!("{}:{port}", node.address)),
            ("admin-listen", format!("{}:{ADMIN_PORT}", node.address)),
            ("database-url", url),
            ("service-secret-file", file("service-secret")),
            ("cache-mb", CACHE_MB.to_owned()),
            ("rate-limits", "off".to_owned()),
            ("stop-notice", STOP_NOTICE.to_owned()),
        ];
        if users {
            flags.extend([
                ("signing-key-file", file("signing-key")),
                ("refresh-key-file", file("refresh-key")),
                ("mail-dir", file("outbox-mail")),
                ("relation-service-url", format!("http://relation-service:{RELATION_PORT}")),
                ("trusted-proxies", self.network.range()),
                ("password-cost", "low".to_owned()),
            ]);
        } else {
            flags.push(("user-service-url", format!("http://user-service:{USER_PORT}")));
        }
        flags.extend(self.nats.iter().map(|nats| ("nats-url", format!("nats://{}", nats.address))));
        let words = flags.into_iter().flat_map(|(name, value)| [format!("--{name}"), value]).collect();
        let program = self.programs.services.join(format!("{kind}-service"));
        Ok(Server::new(node, port, &program, words, self.dir))
    }

    /// Each service has one name for all of its instances, as on a network of containers.
    fn name_hosts(&self, node: &Node) -> Result<(), Failure> {
        let users = (0..USER_INSTANCES).map(|number| (USER_HOST + number, "user-service"));
        let relations = (0..RELATION_INSTANCES).map(|number| (RELATION_HOST + number, "relation-service"));
        let hosts: Vec<_> =
            users.chain(relations).map(|(host, name)| (self.network.address(host), name)).collect();
        Ok(node.name_hosts(&hosts)?)
    }

    fn proxy(&self, users: &[Server], relations: &[Server]) -> Result<Server, Failure> {
        let addresses =
            |servers: &[Server]| servers.iter().map(|server| server.node.address).collect::<Vec<_>>();
        let file = self.dir.join("haproxy.cfg");
        fs::write(&file, proxy_settings(&addresses(users), &addresses(relations)))?;
        let node = self.network.node("proxy", PROXY_HOST)?;
        let words = vec!["-db".to_owned(), "-f".to_owned(), file.display().to_string()];
        Ok(Server::new(node, RELATION_PORT, &self.programs.haproxy, words, self.dir))
    }
}

impl Programs {
    /// Those that are installed; says what is missing.
    pub fn find(services: Option<PathBuf>) -> Result<Self, Failure> {
        let missing = |what: &str| Failure::Usage(format!("{what}; see `bench faults --help`"));
        let services = match services {
            Some(dir) => dir,
            None => std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default(),
        };
        for name in ["user-service", "relation-service", "mutual"] {
            if !services.join(name).is_file() {
                return Err(missing(&format!("{} is not there", services.join(name).display())));
            }
        }
        let installed = |name: &str| {
            let places = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"];
            places.iter().map(|place| Path::new(place).join(name)).find(|path| path.is_file())
        };
        Ok(Self {
            services,
            postgres: postgres_binaries().ok_or_else(|| missing("no Postgres server is installed"))?,
            haproxy: installed("haproxy").ok_or_else(|| missing("HAProxy is not installed"))?,
            nats: installed("nats-server"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_not_reached_the_stream_is_not_level_with_it() {
        let lag = |samples: &[(&str, f64)]| {
            let samples: Vec<_> = samples.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            lag_in(&samples).unpublished
        };
        let (connected, behind) = ("mutual_publisher_connected{}", "mutual_publisher_lag_events{}");
        assert!(lag(&[(connected, 0.0)]).is_infinite());
        assert_eq!(lag(&[(connected, 0.0), (behind, 3.0)]).to_string(), "3");
        assert_eq!(lag(&[]).to_string(), "0", "without NATS");
    }
}
