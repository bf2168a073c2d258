//! Which database: `sqlite://PATH`, `postgres://...` or a file that holds either, and nothing guessed.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A parsed `DATABASE_URL`. `Display` and `Debug` hide the password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of the embedded database.
    Sqlite(PathBuf),
    /// A libpq connection URL, kept whole.
    Postgres(String),
}

/// Why a text is not the URL of a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// The scheme is not one that this project opens.
    #[error(
        "a database URL is sqlite://PATH, postgres://USER:PASSWORD@HOST/NAME, \
         or file://PATH of a file that holds one of these"
    )]
    Scheme,
    /// The file that is to hold the URL cannot be read, or holds something else.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, without what the file holds.
        reason: String,
    },
}

impl DatabaseUrl {
    /// The embedded database in this file.
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self::Sqlite(path.as_ref().to_path_buf())
    }

    /// The URL that a file holds: its password is then in no argument and in no environment.
    fn in_file(path: &Path) -> Result<Self, InvalidDatabaseUrl> {
        let refused = |reason: String| InvalidDatabaseUrl::File { path: path.to_owned(), reason };
        let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        Self::of_scheme(text.trim()).ok_or_else(|| refused("no sqlite:// or postgres:// URL".to_owned()))
    }

    fn of_scheme(text: &str) -> Option<Self> {
        // libpq and SQLite both accept almost any text as something: decide by scheme, never by trying.
        if let Some(path) = text.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            Some(Self::sqlite(path))
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Some(Self::Postgres(text.to_owned()))
        } else {
            None
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("file://").filter(|path| !path.is_empty()) {
            Some(path) => Self::in_file(Path::new(path)),
            None => Self::of_scheme(text).ok_or(InvalidDatabaseUrl::Scheme),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(url) => f.write_str(&redacted(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The URL with the password between `:` and the last `@` of its authority replaced, and without
/// its query, where libpq takes a password as well.
fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let rest = rest.split('?').next().unwrap_or_default();
    match rest.rsplit_once('@') {
        Some((credentials, host)) => {
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{host}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_decides() {
        assert_eq!("sqlite://x/user.db".parse(), Ok(DatabaseUrl::sqlite("x/user.db")));
        assert!(matches!("postgres://a@b/c".parse(), Ok(DatabaseUrl::Postgres(_))));
        for bad in ["", "user.db", "sqlite://", "file://", "mysql://a", "dbname=app user=x"] {
            assert_eq!(bad.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl::Scheme), "{bad}");
        }
    }

    #[test]
    fn a_file_may_hold_the_url_but_not_name_another_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        let read = |held: &str| {
            fs::write(&path, held).unwrap();
            format!("file://{}", path.display()).parse::<DatabaseUrl>()
        };
        assert_eq!(read("postgres://a:b@c/d\n"), Ok(DatabaseUrl::Postgres("postgres://a:b@c/d".to_owned())));
        for bad in ["", "s3cret", "file:///etc/hostname"] {
            let error = read(bad).unwrap_err().to_string();
            assert!(error.contains("/url: no ") && !error.contains("s3cret"), "{error}");
        }
        let missing = "file:///no/such/file".parse::<DatabaseUrl>().unwrap_err();
        assert!(missing.to_string().starts_with("/no/such/file: "), "{missing}");
    }

    #[test]
    fn a_shown_url_has_no_password() {
        for url in ["postgres://app:s3cr@t@db:5432/users", "postgres://app@db/users?password=s3cr@t"] {
            let url: DatabaseUrl = url.parse().unwrap();
            assert!(!format!("{url} {url:?}").contains("s3cr"), "{url}");
        }
    }
}
