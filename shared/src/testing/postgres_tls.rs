//! A throw-away Postgres that takes connections with TLS, by a certificate that was made for it.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use diesel::sql_types::BigInt;

use super::postgres::{binaries, run, wait_until_up};
use crate::db::{Conn, query};

/// The one host that the certificate is for.
const HOST: &str = "localhost";

/// The running cluster. It ends with this value.
pub struct TlsCluster {
    dir: PathBuf,
    port: u16,
    _shell: Child,
}

impl TlsCluster {
    /// Starts one; `None`, after saying why, where no Postgres is installed.
    pub fn start() -> Option<Self> {
        let binaries = binaries()?;
        let dir = tempfile::Builder::new().prefix("mutual-pg-tls").tempdir().expect("a directory").keep();
        for name in ["own", "other"] {
            make_certificate(&dir, name)
                .unwrap_or_else(|error| panic!("openssl makes no certificate: {error}"));
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let file = |kind: &str| format!("ssl_{kind}_file={}", dir.join(format!("own.{kind}")).display());
        let (cert, key, port_said) = (file("cert"), file("key"), port.to_string());
        let told =
            ["-c", "ssl=on", "-c", &cert, "-c", &key, "-c", "listen_addresses=127.0.0.1", "-p", &port_said];
        let mut shell = run(&dir, &binaries, &told);
        wait_until_up(&url(HOST, port, "sslmode=disable"), &dir, &mut shell)
            .unwrap_or_else(|error| panic!("Postgres did not start: {error}"));
        Some(Self { dir, port, _shell: shell })
    }

    /// The URL for a connection with these parameters.
    pub fn url(&self, parameters: &str) -> String {
        url(HOST, self.port, parameters)
    }

    /// The same by an address, for which there is no certificate.
    pub fn url_by_address(&self, parameters: &str) -> String {
        url("127.0.0.1", self.port, parameters)
    }

    /// Who vouches for the certificate.
    pub fn authority(&self) -> PathBuf {
        self.dir.join("own.cert")
    }

    /// Who does not.
    pub fn other_authority(&self) -> PathBuf {
        self.dir.join("other.cert")
    }
}

/// Whether the server says that this connection is encrypted.
pub fn is_encrypted(conn: &mut Conn) -> bool {
    let text = "SELECT CAST(CASE WHEN ssl THEN 1 ELSE 0 END AS BIGINT) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let rows: Vec<(i64,)> = query::<(BigInt,), _>(conn, text, &[]).expect("the server answers");
    rows == [(1,)]
}

fn url(host: &str, port: u16, parameters: &str) -> String {
    format!("postgres://postgres@{host}:{port}/postgres?{parameters}")
}

fn make_certificate(dir: &Path, name: &str) -> io::Result<()> {
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]);
    command.args(["-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName=DNS:{HOST}")]);
    command
        .arg("-keyout")
        .arg(dir.join(format!("{name}.key")))
        .arg("-out")
        .arg(dir.join(format!("{name}.cert")));
    let done = command.stdin(Stdio::null()).output()?;
    if done.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned()))
}
