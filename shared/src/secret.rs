//! Secrets: made by the system's generator, kept in files of mode 0600, never shown.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes of every secret that we make: 256 bits.
pub const SECRET_BYTES: usize = 32;

/// A secret text. `Debug` hides it, and its memory is cleared when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text that must not be shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// A new secret: 256 random bits in base64url.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self::new(URL_SAFE_NO_PAD.encode(random_bytes::<SECRET_BYTES>()?)))
    }

    /// The text, where it is needed.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// By which programs notice that their secrets differ: it tells nothing of them, since each is random and long.
    pub fn fingerprint(secrets: &[&Self]) -> String {
        let mut hash = Sha256::new();
        for secret in secrets {
            hash.update(Sha256::digest(secret.reveal().as_bytes()));
        }
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }

    /// The secret as bytes, if it is one of [`SECRET_BYTES`] in base64url.
    pub fn to_bytes(&self) -> Option<Zeroizing<[u8; SECRET_BYTES]>> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(self.0.as_bytes()).ok()?);
        Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Bytes from the system's generator.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Reads the secret in `path`; makes it on first use, with its directory, for its owner alone.
pub fn load_or_create(path: &Path) -> io::Result<Secret> {
    match load(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path),
        done => done,
    }
}

/// Reads the secret in `path`.
pub fn load(path: &Path) -> io::Result<Secret> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| named(path, &error))?);
    let secret = Secret::new(text.trim());
    if secret.to_bytes().is_none() {
        let expected = format!("{}: expected {SECRET_BYTES} bytes in base64url", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, expected));
    }
    Ok(secret)
}

/// Reads the secret in `path`, if there is such a file.
pub fn load_if_there(path: &Path) -> io::Result<Option<Secret>> {
    match load(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
    }
}

/// Those of the secrets that are beside `path` while it is being replaced: in the files `PATH.previous`, whose turn is over,
/// and `PATH.next`, whose turn is to come.
pub fn load_neighbours(path: &Path) -> io::Result<Vec<Secret>> {
    let neighbours = [".previous", ".next"].map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        load_if_there(Path::new(&name))
    });
    neighbours.into_iter().filter_map(io::Result::transpose).collect()
}

/// Makes the directory `path`, for its owner alone, if it is not there.
pub fn make_private_dir(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| named(path, &error))
}

fn create(path: &Path) -> io::Result<Secret> {
    make_private_dir(path.parent().unwrap_or(path))?;
    let secret = Secret::random().map_err(io::Error::other)?;
    if let Some(dir) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| named(dir, &error))?;
    }
    // Written whole under another name first: nobody ever reads half a secret.
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    let mut file = opened.map_err(|error| named(&draft, &error))?;
    file.write_all(secret.reveal().as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        // Another process was first: its secret is the one.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => load(path),
        linked => linked.map(|()| secret).map_err(|error| named(path, &error)),
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/key");
        let made = load_or_create(&path).unwrap();
        assert_eq!(load_or_create(&path).unwrap(), made);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(format!("{made:?}"), "Secret(***)");
    }

    #[test]
    fn neighbours_are_those_that_are_there_and_a_damaged_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        assert!(load_neighbours(&path).unwrap().is_empty());
        let previous = load_or_create(&dir.path().join("key.previous")).unwrap();
        let next = load_or_create(&dir.path().join("key.next")).unwrap();
        assert_eq!(load_neighbours(&path).unwrap(), [previous, next]);
        fs::write(dir.path().join("key.next"), "short").unwrap();
        assert_eq!(load_neighbours(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_damaged_secret_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, "short").unwrap();
        assert_eq!(load_or_create(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
    }
}
