//! What earlier runs left that were killed: programs, namespaces, disks and files. Nothing of a run that goes on is touched.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use shared::process::complain;
use tokio::time::sleep;

use super::network::{self, ETC, NAMESPACES, TAG};
use crate::failure::Failure;

/// What the name of the stack's directory begins with.
pub const STACK_DIR: &str = "bench-faults";
/// And that of each database.
pub const DATABASE_DIR: &str = "bench-postgres";
/// And that of the disk that is filled.
pub const DISK_DIR: &str = "bench-full-disk";
/// How long killed programs may take to be gone.
const KILL_WAIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Removes what is left of runs whose process is gone, with directories in `parent`.
pub async fn remove(parent: &Path) -> Result<(), Failure> {
    remove_of(parent, |pid| !Path::new("/proc").join(pid.to_string()).exists()).await
}

/// The same of runs whose process `is_gone`.
async fn remove_of(parent: &Path, is_gone: impl Fn(u32) -> bool) -> Result<(), Failure> {
    let abandoned = |begins: &str, name: &str| owner(begins, name).is_some_and(&is_gone);
    let namespaces = names_in(Path::new(NAMESPACES)).into_iter().filter(|name| abandoned(TAG, name));
    let namespaces: Vec<String> = namespaces.collect();
    let is_ours =
        |name: &str| [STACK_DIR, DATABASE_DIR, DISK_DIR].iter().any(|begins| abandoned(begins, name));
    let dirs = names_in(parent).into_iter().filter(|name| is_ours(name));
    let dirs: Vec<PathBuf> = dirs.map(|name| parent.join(name)).collect();
    if namespaces.is_empty() && dirs.is_empty() {
        return Ok(());
    }
    complain("an earlier run was killed: removing what it left");
    kill_all(|| {
        let inside = namespaces.iter().flat_map(|name| programs_in(name));
        inside.chain(programs_about(&dirs)).collect()
    })
    .await?;
    for name in &namespaces {
        // The cables go with their namespace.
        network::run(Command::new("ip").args(["netns", "del", name]))?;
        let _ = fs::remove_dir_all(Path::new(ETC).join(name));
    }
    for dir in &dirs {
        if is_mounted(dir) {
            network::run(Command::new("umount").arg("--lazy").arg(dir))?;
        }
        fs::remove_dir_all(dir)?;
    }
    Ok(())
}

/// The process that has made what is called so: its number stands behind what the name begins with.
fn owner(begins: &str, name: &str) -> Option<u32> {
    let (pid, _) = name.strip_prefix(begins)?.strip_prefix('-')?.split_once('-')?;
    pid.bytes().all(|byte| byte.is_ascii_digit()).then(|| pid.parse().ok())?
}

fn names_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// The programs in a namespace.
fn programs_in(namespace: &str) -> Vec<u32> {
    let told = Command::new("ip").args(["netns", "pids", namespace]).output();
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    told.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// The programs that were told of a file in one of these directories.
fn programs_about(dirs: &[PathBuf]) -> Vec<u32> {
    let is_about = |pid: &u32| {
        let told = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let told = String::from_utf8_lossy(&told).into_owned();
        told.split('\0').any(|word| dirs.iter().any(|dir| Path::new(word).starts_with(dir)))
    };
    let all = names_in(Path::new("/proc")).into_iter().filter_map(|name| name.parse().ok());
    all.filter(is_about).collect()
}

/// Kills programs until there are none: some start others meanwhile.
async fn kill_all(living: impl Fn() -> Vec<u32>) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let programs = living();
        if programs.is_empty() {
            return Ok(());
        }
        if began.elapsed() > KILL_WAIT {
            return Err(io::Error::other(format!("{programs:?} of an earlier run do not end")).into());
        }
        for pid in programs {
            // Whoever has ended by now need not be killed.
            let _ = network::run(Command::new("kill").args(["-s", "KILL", &pid.to_string()]));
        }
        sleep(LOOK_EVERY).await;
    }
}

fn is_mounted(dir: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(1).is_some_and(|at| Path::new(at) == dir))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_name_says_whose_it_is() {
        let owners = [
            ("bench-12-users-db", Some(12)),
            ("bench-12-switch", Some(12)),
            ("bench-12", None),
            ("bench--switch", None),
            ("bench-+1-switch", None),
            ("bench-faults-12-0", None),
            ("other-12-switch", None),
        ];
        for (name, expected) in owners {
            assert_eq!(owner(TAG, name), expected, "{name}");
        }
        assert_eq!(owner("bench-faults", "bench-faults-12-0"), Some(12));
    }

    /// A namespace as a run makes one, with a program that listens to nobody, and a directory with another.
    struct Run {
        pid: u32,
        programs: Vec<std::process::Child>,
    }

    impl Run {
        /// `None` where this process may not make namespaces.
        fn of(pid: u32, parent: &Path) -> Option<Self> {
            let name = format!("{TAG}-{pid}-node");
            network::run(Command::new("ip").args(["netns", "add", &name])).ok()?;
            let dir = parent.join(format!("{DISK_DIR}-{pid}-0"));
            fs::create_dir(&dir).unwrap();
            network::run(Command::new("mount").args(["-t", "tmpfs", "bench-test"]).arg(&dir)).unwrap();
            fs::write(dir.join("file"), "x").unwrap();
            let mut inside = Command::new("ip");
            inside.args(["netns", "exec", &name, "sleep", "600"]);
            let mut beside = Command::new("tail");
            beside.arg("-f").arg(dir.join("file")).stdout(std::process::Stdio::null());
            let programs = [inside, beside].map(|mut command| command.spawn().unwrap()).into();
            Some(Self { pid, programs })
        }

        fn is_there(&mut self, parent: &Path) -> [bool; 4] {
            let lives = |program: &mut std::process::Child| program.try_wait().unwrap().is_none();
            let [inside, beside] = &mut self.programs[..] else { panic!("two programs") };
            let dir = parent.join(format!("{DISK_DIR}-{}-0", self.pid));
            let namespace = Path::new(NAMESPACES).join(format!("{TAG}-{}-node", self.pid));
            [lives(inside), lives(beside), namespace.exists(), dir.exists()]
        }
    }

    #[tokio::test]
    async fn what_a_killed_run_left_goes_and_nothing_else() {
        let scratch = Scratch::within(&std::env::temp_dir(), "bench-test").unwrap();
        let parent = scratch.path();
        // Numbers that no process can have.
        let (gone, there) = (u32::MAX - 1, u32::MAX);
        let Some(mut killed) = Run::of(gone, parent) else { return };
        let mut running = Run::of(there, parent).unwrap();
        assert_eq!(killed.is_there(parent), [true; 4]);
        remove_of(parent, |pid| pid == gone).await.unwrap();
        assert_eq!(killed.is_there(parent), [false; 4]);
        assert_eq!(running.is_there(parent), [true; 4], "another's");
        remove_of(parent, |pid| pid == there).await.unwrap();
        assert_eq!(running.is_there(parent), [false; 4]);
        remove_of(parent, |pid| pid == there).await.unwrap();
    }
}
