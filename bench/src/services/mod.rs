//! The services under load: started on a directory of their own, or running already.

pub mod child;

use std::ffi::OsStr;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use child::Guarded;

use crate::failure::Failure;

/// How long the services may take until they are ready.
const READY_WAIT: Duration = Duration::from_secs(60);
/// The name of the service token that a run makes.
const CLIENT: &str = "bench";

/// The operator's program, and the directory that it works on.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The program `mutual`.
    pub program: PathBuf,
    /// Where the databases and the secrets are.
    pub data_dir: PathBuf,
    /// The databases of people and of relations, where they are on a server.
    pub databases: Option<[String; 2]>,
}

/// Two services that answer.
pub struct Services {
    /// Where user-service listens.
    pub users: SocketAddr,
    /// Where relation-service listens.
    pub relations: SocketAddr,
    /// Where the metrics are, if that is known.
    pub metrics: Option<SocketAddr>,
    /// The process, if it is known.
    pub pid: Option<u32>,
    /// The process, if it is ours.
    process: Option<Guarded>,
}

impl Operator {
    /// The program beside this one, built by the same profile; built now if it is not there.
    pub async fn find(data_dir: PathBuf, named: Option<PathBuf>) -> Result<Self, Failure> {
        let beside = std::env::current_exe()?.with_file_name("mutual");
        let program = named.unwrap_or(beside);
        if !program.is_file() {
            shared::process::complain(&format!("{} is not there: building it", program.display()));
            let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsStr::new("cargo").to_owned());
            let mut build = Command::new(cargo);
            build.args(["build", "--release", "--package", "mutual"]);
            let (status, _) = child::run(&mut build).await?;
            if !status.success() || !program.is_file() {
                let text = format!("{} is not there; see --mutual", program.display());
                return Err(Failure::Usage(text));
            }
        }
        Ok(Self { program, data_dir, databases: None })
    }

    fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--data-dir").arg(&self.data_dir).env("RUST_LOG", "warn");
        if let Some([users, relations]) = &self.databases {
            command.args(["--user-database-url", users, "--relation-database-url", relations]);
        }
        command
    }

    /// Loads a graph. Returns what the command said.
    pub async fn import(&self, file: &Path, undirected: bool) -> Result<String, Failure> {
        let mut words = vec![OsStr::new("import-graph"), file.as_os_str()];
        words.extend(undirected.then_some(OsStr::new("--undirected")));
        let (status, said) = child::run(&mut self.command(words)).await?;
        if status.success() { Ok(said) } else { Err(io::Error::other("the graph was not loaded").into()) }
    }

    /// A token for the routes of other services.
    pub async fn service_token(&self) -> Result<String, Failure> {
        let words = ["admin", "service-token", "create", "--name", CLIENT];
        let scopes = ["--scopes", "events,visibility,relationships"];
        let (status, token) = child::run(&mut self.command(words.iter().chain(&scopes))).await?;
        if status.success() {
            Ok(token.trim().to_owned())
        } else {
            Err(io::Error::other("no service token").into())
        }
    }

    /// Ends that token: only where the services go on without this run.
    pub async fn revoke_token(&self) -> Result<(), Failure> {
        let words = ["admin", "service-token", "revoke", "--name", CLIENT];
        child::run(&mut self.command(words)).await.map(drop).map_err(Failure::from)
    }

    /// Recounts everything. Returns the lines; drift is a failure, and its lines are shown.
    pub async fn audit(&self) -> Result<Vec<String>, Failure> {
        let (status, said) = child::run(&mut self.command(["audit"])).await?;
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        match status.code() {
            Some(0) => Ok(lines),
            Some(1) => {
                lines
                    .iter()
                    .filter(|line| line.starts_with("DRIFT"))
                    .for_each(|line| shared::process::say(line));
                Err(Failure::Drift)
            }
            _ => Err(io::Error::other("the audit could not look; see above").into()),
        }
    }

    /// Starts both services on free ports of this machine.
    pub async fn serve(&self, workers: usize) -> Result<Services, Failure> {
        // The greeting says the metrics' address as it was asked for, so it has to be a real one.
        let metrics = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = self.command(["serve", "--rate-limits", "off", "--password-cost", "low"]);
        command.args(["--user-listen", "127.0.0.1:0", "--relation-listen", "127.0.0.1:0"]);
        command.args(["--admin-listen", &metrics.to_string(), "--workers", &workers.to_string()]);
        let mut process = Guarded::start(command.env("RUST_LOG", "error").stdout(Stdio::piped()))?;
        let lines = process.greeting(READY_WAIT, |line| line.starts_with("Stop with")).await?;
        let address = |name: &str| {
            let line = lines.iter().find_map(|line| line.trim().strip_prefix(name));
            let url = line.and_then(|rest| rest.split_whitespace().next()).unwrap_or_default();
            address_of(url)
        };
        Ok(Services {
            users: address("user-service")?,
            relations: address("relation-service")?,
            metrics: Some(metrics),
            pid: Some(process.pid()),
            process: Some(process),
        })
    }
}

impl Services {
    /// Services that run already.
    pub const fn running(
        users: SocketAddr,
        relations: SocketAddr,
        metrics: Option<SocketAddr>,
        pid: Option<u32>,
    ) -> Self {
        Self { users, relations, metrics, pid, process: None }
    }

    /// Whether this run started them.
    pub const fn are_ours(&self) -> bool {
        self.process.is_some()
    }

    /// Stops them, if this run started them.
    pub async fn stop(self) -> Result<(), Failure> {
        match self.process {
            Some(process) => Ok(process.stop().await?),
            None => Ok(()),
        }
    }
}

/// The address in `http://ADDRESS`.
pub fn address_of(url: &str) -> Result<SocketAddr, Failure> {
    let address = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    address.parse().map_err(|_| Failure::Usage(format!("{url:?} is no http://ADDRESS:PORT")))
}
