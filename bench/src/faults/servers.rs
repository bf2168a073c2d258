//! Programs that are killed, stopped and started again: Postgres, instances of the services, the proxy, NATS.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use shared::db::{DatabaseUrl, open_reader};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::leftovers;
use super::network::{self, Network, Node};
use crate::failure::Failure;
use crate::scratch::Scratch;
use crate::services::child::{Guarded, children};

/// How long a program may take to start.
const START_WAIT: Duration = Duration::from_secs(60);
/// How long one may take to end after it was asked to.
const STOP_WAIT: Duration = Duration::from_secs(40);
/// How often is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a connection may take to be made, where somebody listens.
const CONNECT_WAIT: Duration = Duration::from_secs(1);
/// Where Postgres listens.
const POSTGRES_PORT: u16 = 5432;
/// Each instance has a writer, a tail, and connections for reading and for snapshots.
const POSTGRES_CONNECTIONS: &str = "max_connections=200";

/// A program in a namespace of its own.
pub struct Server {
    /// Where it is.
    pub node: Node,
    /// Where it answers.
    pub address: SocketAddr,
    program: PathBuf,
    words: Vec<String>,
    log: PathBuf,
    process: Option<Guarded>,
}

impl Server {
    /// One that is not started yet. What it says goes to a file of its node's name in `logs`.
    pub fn new(node: Node, port: u16, program: &Path, words: Vec<String>, logs: &Path) -> Self {
        let address = SocketAddr::from((node.address, port));
        let log = logs.join(format!("{}.log", node.name));
        Self { node, address, program: program.to_owned(), words, log, process: None }
    }

    /// Starts it.
    pub fn start(&mut self) -> Result<(), Failure> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = self.node.command(&self.program);
        command.args(&self.words).env("RUST_LOG", "warn").stdout(log.try_clone()?).stderr(log);
        self.process = Some(Guarded::start(&mut command)?);
        Ok(())
    }

    /// Waits until it takes connections.
    pub async fn listens(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        while started.elapsed() < START_WAIT {
            if matches!(timeout(CONNECT_WAIT, TcpStream::connect(self.address)).await, Ok(Ok(_))) {
                return Ok(());
            }
            if let Some(process) = &mut self.process
                && let Some(status) = process.has_ended()?
            {
                let text = format!("{} ended with {status}: see {}", self.node.name, self.log.display());
                return Err(io::Error::other(text).into());
            }
            sleep(LOOK_EVERY).await;
        }
        Err(io::Error::other(format!("{} does not listen", self.node.name)).into())
    }

    /// Ends it and whatever it has started, at once: SIGKILL.
    pub fn kill(&mut self) -> Result<(), Failure> {
        let Some(process) = self.process.take() else { return Ok(()) };
        // Nobody is told of the end of its children meanwhile, so their numbers stay theirs.
        signal(process.pid(), "STOP")?;
        children(process.pid()).into_iter().try_for_each(|pid| signal(pid, "KILL"))
        // It is killed itself as it goes out of scope.
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(&mut self, by: &str) -> Result<(), Failure> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        signal(process.pid(), by)?;
        match timeout(STOP_WAIT, process.ended()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => {
                Err(io::Error::other(format!("{} ended with {status} when it was stopped", self.node.name))
                    .into())
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(io::Error::other(format!("{} does not stop", self.node.name)).into()),
        }
    }

    /// Has it and what it has started stand still, or go on.
    pub fn freeze(&self, frozen: bool) -> Result<(), Failure> {
        let Some(process) = &self.process else { return Ok(()) };
        let (own, name) = (process.pid(), if frozen { "STOP" } else { "CONT" });
        // First and last: while it stands still, its children keep their numbers whatever becomes of them.
        if frozen {
            signal(own, name)?;
        }
        children(own).into_iter().try_for_each(|pid| signal(pid, name))?;
        if frozen { Ok(()) } else { signal(own, name) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// By its number, which is that of a child that has not been waited for or of a child of such a one.
fn signal(pid: u32, name: &str) -> Result<(), Failure> {
    network::run(Command::new("kill").args(["-s", name, &pid.to_string()]))
}

/// A Postgres with a database for one service.
pub struct Database {
    /// The server.
    pub server: Server,
    /// Where its only database is.
    pub url: String,
    _dir: Scratch,
}

impl Database {
    /// Makes one as durable as it comes, and starts it.
    pub async fn make(
        network: &Network,
        node: Node,
        binaries: &Path,
        parent: &Path,
        logs: &Path,
    ) -> Result<Self, Failure> {
        let dir = Scratch::within(parent, leftovers::DATABASE_DIR)?;
        let data = dir.path().join("data").display().to_string();
        // The server refuses to run as root.
        network::run(Command::new("chown").arg("postgres").arg(dir.path()))?;
        let user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"].map(str::to_owned);
        let mut initdb = Command::new("setpriv");
        initdb.current_dir(dir.path()).args(&user).arg(binaries.join("initdb")).args(["-D", &data]);
        network::run(initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]))?;
        let hosts = format!("host all all {} trust\n", network.range());
        fs::write(dir.path().join("data/pg_hba.conf"), hosts)?;
        let url = format!("postgres://postgres@{}/postgres", node.address);
        let mut words = user.to_vec();
        words.push(binaries.join("postgres").display().to_string());
        let sockets = dir.path().display().to_string();
        let listen = format!("listen_addresses={}", node.address);
        let told = ["-D", &data, "-k", &sockets, "-c", &listen, "-c", POSTGRES_CONNECTIONS];
        words.extend(told.map(str::to_owned));
        let mut server = Server::new(node, POSTGRES_PORT, Path::new("setpriv"), words, logs);
        server.start()?;
        server.listens().await?;
        let database = Self { server, url, _dir: dir };
        database.answers().await?;
        Ok(database)
    }

    /// Starts it again; after a kill that waits until the last of the old processes is gone.
    pub async fn start_again(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        loop {
            self.server.start()?;
            match self.server.listens().await {
                Ok(()) => return Ok(()),
                Err(failure) if started.elapsed() > START_WAIT => return Err(failure),
                Err(_) => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Waits until it takes questions.
    async fn answers(&self) -> Result<(), Failure> {
        let (started, url) = (Instant::now(), DatabaseUrl::Postgres(self.url.clone()));
        loop {
            match open_reader(&url) {
                Ok(_) => return Ok(()),
                Err(error) if started.elapsed() > START_WAIT => return Err(error.into()),
                Err(_) => sleep(LOOK_EVERY).await,
            }
        }
    }
}

/// The proxy's configuration that the project ships, for these instances.
pub fn proxy_settings(users: &[Ipv4Addr], relations: &[Ipv4Addr]) -> String {
    let shipped = include_str!("../../../deploy/haproxy.cfg");
    // Addresses are known here, and nobody is there to be asked for them.
    let mut text = shipped.replace(" resolvers containers init-addr libc,none", "");
    for (name, addresses) in [("user-service", users), ("relation-service", relations)] {
        for (number, address) in (1..).zip(addresses) {
            text = text.replace(&format!(" {name}-{number}:"), &format!(" {address}:"));
        }
    }
    let missing = |line: &&str| {
        line.trim_start().starts_with("server ") && line.contains("-service-") && {
            let place = line.split_whitespace().nth(2).unwrap_or_default();
            place.contains("-service-")
        }
    };
    let kept = text.lines().filter(|line| !missing(line));
    kept.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_proxy_is_told_the_addresses_of_those_who_run() {
        let address = |host| Ipv4Addr::new(198, 18, 0, host);
        let text = proxy_settings(&[address(11)], &[address(21), address(22)]);
        let servers: Vec<_> =
            text.lines().filter_map(|line| line.trim_start().strip_prefix("server ")).collect();
        let expected = [
            "user-service-1 198.18.0.11:8081",
            "relation-service-1 198.18.0.21:8082",
            "relation-service-2 198.18.0.22:8082",
        ];
        // Those that are ready, and those that live.
        assert_eq!(servers, [expected, expected].concat());
        assert!(text.contains("httpchk GET /readyz") && !text.contains("init-addr"));
    }
}
