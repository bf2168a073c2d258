//! A network of its own: a bridge, and a namespace with one address for each program. What happens on it happens to
//! nobody else on the machine.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// Where namespaces find files of their own in the place of those in `/etc`.
pub const ETC: &str = "/etc/netns";
/// Where they are named.
pub const NAMESPACES: &str = "/run/netns";
/// What their names begin with; the number of this process follows, so that a later one sees whose they were.
pub const TAG: &str = "bench";
/// The load's own address is the first.
const OWN_HOST: u8 = 1;

/// The bridge, and the load's own cable to it. Goes away with this value.
pub struct Network {
    tag: String,
    subnet: u8,
}

/// A namespace with one cable to the bridge. Goes away with this value, and with the programs in it.
pub struct Node {
    /// What it is called on the bridge.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    namespace: String,
}

impl Network {
    /// Makes it. Needs root.
    pub fn make() -> Result<Self, Failure> {
        let pid = std::process::id();
        // Of 198.18.0.0/15, which RFC 2544 keeps free for benchmarks.
        let subnet = u8::try_from(pid % 255).unwrap_or_default();
        let network = Self { tag: format!("{TAG}-{pid}"), subnet };
        let switch = network.switch();
        ip(&["netns", "add", &switch])?;
        ip(&["-n", &switch, "link", "add", "lan", "type", "bridge"])?;
        ip(&["-n", &switch, "link", "set", "lan", "up"])?;
        let (own, pid) = (network.own(), pid.to_string());
        ip(&["-n", &switch, "link", "add", "bench", "type", "veth", "peer", "name", &own, "netns", &pid])?;
        ip(&["-n", &switch, "link", "set", "bench", "master", "lan", "up"])?;
        ip(&["addr", "add", &network.with_mask(OWN_HOST), "dev", &own])?;
        ip(&["link", "set", &own, "up"])?;
        Ok(network)
    }

    /// A namespace of this name, at most 15 characters.
    pub fn node(&self, name: &str, host: u8) -> Result<Node, Failure> {
        let node = Node {
            name: name.to_owned(),
            address: self.address(host),
            namespace: format!("{}-{name}", self.tag),
        };
        let (switch, namespace) = (self.switch(), node.namespace.as_str());
        ip(&["netns", "add", namespace])?;
        ip(&[
            "-n", &switch, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", namespace,
        ])?;
        ip(&["-n", &switch, "link", "set", name, "master", "lan", "up"])?;
        ip(&["-n", namespace, "addr", "add", &self.with_mask(host), "dev", "eth0"])?;
        ip(&["-n", namespace, "link", "set", "eth0", "up"])?;
        ip(&["-n", namespace, "link", "set", "lo", "up"])?;
        Ok(node)
    }

    /// Has the bridge drop whatever these send to each other, or carry it again. Nobody is told: as if a cable were out.
    pub fn cut<'a>(&self, nodes: impl IntoIterator<Item = &'a Node>, cut: bool) -> Result<(), Failure> {
        let isolated = if cut { "on" } else { "off" };
        for node in nodes {
            let words = ["-n", &self.switch(), "link", "set", "dev", &node.name, "isolated", isolated];
            run(Command::new("bridge").args(words))?;
        }
        Ok(())
    }

    /// All addresses of this network, as a list of proxies or of clients names them.
    pub fn range(&self) -> String {
        self.with_mask(0)
    }

    /// An address of this network.
    pub const fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.subnet, host)
    }

    fn with_mask(&self, host: u8) -> String {
        format!("{}/24", self.address(host))
    }

    fn switch(&self) -> String {
        format!("{}-switch", self.tag)
    }

    /// At most 15 characters, whatever the process' number.
    fn own(&self) -> String {
        self.tag.replace('-', "")
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // The other end of the load's cable goes with it.
        let _ = ip(&["netns", "del", &self.switch()]);
    }
}

impl Node {
    /// A command that runs `program` here, as the same process.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).arg(program);
        command
    }

    /// Has programs that start here from now on know these names.
    pub fn name_hosts(&self, hosts: &[(Ipv4Addr, &str)]) -> io::Result<()> {
        let dir = self.etc();
        fs::create_dir_all(&dir)?;
        let lines = hosts.iter().map(|(address, name)| format!("{address} {name}\n"));
        fs::write(dir.join("hosts"), lines.collect::<String>())
    }

    fn etc(&self) -> PathBuf {
        Path::new(ETC).join(&self.namespace)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.etc());
        let _ = ip(&["netns", "del", &self.namespace]);
    }
}

fn ip(words: &[&str]) -> Result<(), Failure> {
    run(Command::new("ip").args(words))
}

/// Runs a command that says nothing when it succeeds.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{name} {}: {said}", words.join(" "))).into())
}
