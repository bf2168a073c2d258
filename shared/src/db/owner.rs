//! Who writes to an embedded database: one process at a time, because it keeps in memory what it wrote.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{DatabaseUrl, StoreError};
use crate::secret::make_private_dir;

/// The right to write to a database, for as long as this lives. The operating system takes it back
/// when the process ends, however it ends.
#[derive(Debug)]
pub struct Owner {
    _lock: Option<File>,
}

impl Owner {
    /// Takes the right; refuses if another process has it. A Postgres database needs no owner: its log's
    /// head is the lock.
    pub fn take(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let DatabaseUrl::Sqlite(path) = url else { return Ok(Self { _lock: None }) };
        let mut name = path.clone().into_os_string();
        name.push(".lock");
        let lock_path = PathBuf::from(name);
        let failed = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("{}: {error}", lock_path.display()))
        };
        make_private_dir(path.parent().unwrap_or(path)).map_err(|error| failed(&error))?;
        let lock = open_private(&lock_path).map_err(|error| failed(&error))?;
        // SQLite would make it readable by everybody; its other files take after it.
        open_private(path).map_err(|error| failed(&error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(path.display().to_string())),
            Err(TryLockError::Error(error)) => Err(failed(&error)),
        }
    }
}

fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_owner_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(dir.path().join("a.db"));
        let first = Owner::take(&url).unwrap();
        assert!(matches!(Owner::take(&url), Err(StoreError::InUse(_))));
        let mode = std::fs::metadata(dir.path().join("a.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(first);
        assert!(Owner::take(&url).is_ok());
    }
}
