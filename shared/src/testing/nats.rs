//! A NATS server with JetStream for one test, where it is installed: it can be killed and started again on its files.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use async_nats::jetstream::{self, Context};
use futures_util::{Stream, StreamExt, TryStreamExt};
use serde_json::Value;
use tempfile::TempDir;

/// Set to `required`, it makes a test fail that would otherwise be skipped for want of NATS.
pub const VARIABLE: &str = "MUTUAL_TEST_NATS";
const START_WAIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Ends the server the hard way when its standard input closes, which it does when the test ends, however it ends.
const SCRIPT: &str =
    r#""$@" & server=$!; read -r _ || true; kill -KILL "$server" 2>/dev/null; wait "$server""#;

/// The server, and its files.
pub struct NatsServer {
    dir: TempDir,
    program: PathBuf,
    port: u16,
    running: Option<Child>,
}

/// A message of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its number in the stream.
    pub seq: u64,
    /// By which NATS tells a repetition.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// What it says.
    pub data: Value,
}

impl NatsServer {
    /// Starts one on a free port; `None`, after saying why, where none is installed.
    pub fn start() -> Option<Self> {
        let Some(program) = find_program() else {
            let why = "there is no nats-server (Debian: nats-server)";
            let required = std::env::var_os(VARIABLE).is_some_and(|value| value == "required");
            assert!(!required, "{VARIABLE}=required, but {why}");
            // Not a macro: those are captured and shown for failures only.
            let _ = writeln!(io::stderr(), "SKIPPED with NATS: {why}");
            return None;
        };
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let mut server =
            Self { dir: tempfile::tempdir().expect("a directory"), program, port, running: None };
        server.restart();
        Some(server)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Kills it: nothing is finished, nothing is flushed.
    pub fn crash(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.stdin.take());
            running.wait().expect("the server's shell ends");
        }
    }

    /// Starts it again on what it has on the disk.
    pub fn restart(&mut self) {
        self.crash();
        let log = std::fs::File::options().create(true).append(true).open(self.log()).expect("a log");
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "nats"]).arg(&self.program).args(["-js", "-a", "127.0.0.1", "-p"]);
        command.arg(self.port.to_string()).arg("-sd").arg(self.dir.path());
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn();
        self.running = Some(spawned.expect("sh is there"));
        let started = Instant::now();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while TcpStream::connect(address).is_err() {
            let log = || std::fs::read_to_string(self.log()).unwrap_or_default();
            assert!(started.elapsed() < START_WAIT, "NATS did not start: {}", log());
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    async fn client(&self) -> Client {
        let client = async_nats::ConnectOptions::new().retry_on_initial_connect().connect(self.url()).await;
        client.expect("a client")
    }

    async fn context(&self) -> Context {
        jetstream::new(self.client().await)
    }

    /// The number of a stream's last message; 0 where there is no stream.
    pub async fn last(&self, stream: &str) -> u64 {
        match self.context().await.get_stream(stream).await {
            Ok(stream) => stream.cached_info().state.last_sequence,
            Err(_) => 0,
        }
    }

    /// All messages of a stream, in order; none where there is no stream.
    pub async fn messages(&self, stream: &str) -> Vec<Message> {
        let kept = match self.context().await.get_stream(stream).await {
            Ok(stream) => usize::try_from(stream.cached_info().state.messages).expect("a count"),
            Err(_) => 0,
        };
        if kept == 0 {
            return Vec::new();
        }
        let read = self.read(stream, 1).await.expect("the stream is there");
        read.take(kept).try_collect().await.expect("a message")
    }

    /// The messages of a stream from the number `from` on, as they come.
    pub async fn read(
        &self,
        stream: &str,
        from: u64,
    ) -> Result<impl Stream<Item = Result<Message, String>> + use<>, String> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let stream = self.context().await.get_stream(stream).await.map_err(|error| told(&error))?;
        let deliver_policy = DeliverPolicy::ByStartSequence { start_sequence: from };
        let consumer = stream.create_consumer(OrderedConfig { deliver_policy, ..OrderedConfig::default() });
        let messages =
            consumer.await.map_err(|error| told(&error))?.messages().await.map_err(|error| told(&error))?;
        Ok(messages.map(|message| {
            let message = message.map_err(|error| error.to_string())?;
            let id = message.headers.as_ref().and_then(|headers| headers.get("Nats-Msg-Id"));
            Ok(Message {
                seq: message.info().map_err(|error| error.to_string())?.stream_sequence,
                id: id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
                subject: message.subject.to_string(),
                data: serde_json::from_slice(&message.payload).unwrap_or_default(),
            })
        }))
    }

    /// What is said from now on by those who ask for a message of a stream by its number, as a publisher does each time
    /// before it goes on.
    pub async fn looks(&self, stream: &str) -> impl Stream<Item = async_nats::Message> + Unpin + use<> {
        let client = self.client().await;
        let looks =
            client.subscribe(format!("$JS.API.STREAM.MSG.GET.{stream}")).await.expect("it is listened to");
        client.flush().await.expect("the server knows");
        looks
    }

    /// Removes a stream.
    pub async fn delete(&self, stream: &str) {
        self.context().await.delete_stream(stream).await.expect("the stream was there");
    }

    /// Removes what a stream keeps, but not the stream.
    pub async fn empty(&self, stream: &str) {
        let stream = self.context().await.get_stream(stream).await.expect("the stream is there");
        stream.purge().await.expect("it can be emptied");
    }

    /// Puts something into a stream from outside.
    pub async fn intrude(&self, subject: &str, text: &str) {
        let context = self.context().await;
        let sent = context.publish(subject.to_owned(), text.to_owned().into()).await;
        sent.expect("it is sent").await.expect("it is kept");
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.crash();
    }
}

fn find_program() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH");
    let places = on_path.iter().flat_map(std::env::split_paths).chain([PathBuf::from("/usr/sbin")]);
    let mut programs = places.map(|place: PathBuf| Path::new(&place).join("nats-server"));
    programs.find(|program| program.is_file())
}
