//! Reading a file of accounts: CSV in Mastodon's columns.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord};

use super::export_file::{ACCOUNT_COLUMN, option_column};
use super::import::ImportKind;

/// Rows of one file.
pub const ROWS_MAX: usize = 20_000;
/// Characters of an account that are kept to be shown; no account of ours has as many.
pub const ACCOUNT_CHARS_MAX: usize = 100;
/// No username is longer, and no longer one is asked about.
const NAME_BYTES_MAX: usize = 64;
/// Some programs begin a file in UTF-8 with this.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The hosts that an account of ours may name, as in `ada@example.com`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountHosts(Arc<[String]>);

impl FromStr for AccountHosts {
    type Err = BadHost;

    fn from_str(text: &str) -> Result<Self, BadHost> {
        let hosts = text.split(',').map(|host| host.trim().to_ascii_lowercase());
        let hosts: Vec<String> = hosts.filter(|host| !host.is_empty()).collect();
        match hosts.iter().find(|host| !is_host(host)) {
            Some(bad) => Err(BadHost(bad.clone())),
            None => Ok(Self(hosts.into())),
        }
    }
}

/// What no account can have behind its `@`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no host as in ada@example.com: a name alone, perhaps with a port")]
pub struct BadHost(String);

/// A name of letters, digits, `-` and dots, perhaps with a port.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.split('.').all(is_label) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

impl fmt::Display for AccountHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl AccountHosts {
    fn has(&self, host: &str) -> bool {
        self.0.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }
}

/// A file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportFile {
    /// Its rows, without those whose account an earlier row has.
    pub rows: Vec<ImportRow>,
    /// How many rows it has, those included.
    pub total: i64,
}

impl ImportFile {
    /// Whether it can be what a list is to become: one of which every row is about something else leaves nobody out.
    pub fn is_of_accounts(&self) -> bool {
        self.total == 0 || self.rows.iter().any(|row| row.asked.is_ok())
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRow {
    /// The first below the header is 1.
    pub number: i64,
    /// The account as written, as far as it can be shown.
    pub account: String,
    /// What it asks for.
    pub asked: Result<Wanted, RowFault>,
}

/// What a row asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Whom it names, in lower case.
    pub username: String,
    /// The option of its kind, if it says one. One that cannot be read fails the row, but the file names the person.
    pub option: Result<Option<bool>, RowFault>,
}

/// Why a row asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFault {
    /// Its account or its option cannot be read.
    Invalid,
    /// Its account is at another place, where the same name is somebody else.
    UnknownHost,
}

impl RowFault {
    /// The stable code, beside those of [`super::Refusal`].
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid_row",
            Self::UnknownHost => "unknown_host",
        }
    }
}

/// Why a file is none of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// Another encoding.
    #[error("The file must be CSV in UTF-8.")]
    NotUtf8,
    /// Not even a header.
    #[error("The file is empty; one that lists nobody has a header line alone.")]
    Empty,
    /// Its first line is neither a header nor a row.
    #[error("The first line must have the column \"{ACCOUNT_COLUMN}\", or be a row.")]
    NoHeader,
    /// More than [`ROWS_MAX`].
    #[error("A file has at most {ROWS_MAX} rows.")]
    TooManyRows,
}

/// Where a file has what.
#[derive(Clone, Copy)]
struct Columns {
    account: usize,
    option: Option<usize>,
}

impl Columns {
    /// Those of a header.
    fn named(kind: ImportKind, header: &StringRecord) -> Option<Self> {
        let place = |name: &str| header.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name));
        let option = option_column(kind).and_then(|(_, name)| place(name));
        place(ACCOUNT_COLUMN).map(|account| Self { account, option })
    }

    /// Those of a file without one.
    fn usual(kind: ImportKind) -> Self {
        Self { account: 0, option: option_column(kind).map(|(place, _)| place) }
    }

    fn wanted(self, row: &StringRecord, hosts: &AccountHosts) -> Result<Wanted, RowFault> {
        let option = self.option.and_then(|place| row.get(place)).unwrap_or_default();
        let username = username(row.get(self.account).unwrap_or_default(), hosts)?;
        Ok(Wanted { username, option: flag(option).ok_or(RowFault::Invalid) })
    }
}

/// Reads a file of `kind`. One bad row spoils none of the others.
pub fn read_file(bytes: &[u8], kind: ImportKind, hosts: &AccountHosts) -> Result<ImportFile, BadFile> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadFile::NotUtf8)?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = reader.records();
    let first = records.next().ok_or(BadFile::Empty)?.map_err(|_| BadFile::NotUtf8)?;
    let header = Columns::named(kind, &first);
    let columns = header.unwrap_or_else(|| Columns::usual(kind));
    if header.is_none() && columns.wanted(&first, hosts).and_then(|row| row.option) == Err(RowFault::Invalid)
    {
        return Err(BadFile::NoHeader);
    }
    let first = header.is_none().then_some(Ok(first));
    let mut file = ImportFile { rows: Vec::new(), total: 0 };
    let mut named = HashSet::new();
    for record in first.into_iter().chain(records) {
        let record = record.map_err(|_| BadFile::NotUtf8)?;
        file.total += 1;
        if usize::try_from(file.total).is_ok_and(|total| total > ROWS_MAX) {
            return Err(BadFile::TooManyRows);
        }
        let asked = columns.wanted(&record, hosts);
        if let Ok(wanted) = &asked
            && wanted.option.is_ok()
            && !named.insert(wanted.username.clone())
        {
            continue;
        }
        let account = shown(record.get(columns.account).unwrap_or_default());
        file.rows.push(ImportRow { number: file.total, account, asked });
    }
    Ok(file)
}

/// Whom an account is: a name, after an `@` if one likes, and perhaps one of our hosts.
fn username(account: &str, hosts: &AccountHosts) -> Result<String, RowFault> {
    let account = account.trim();
    let account = account.strip_prefix('@').unwrap_or(account);
    let (name, host) = account.split_once('@').map_or((account, None), |(name, host)| (name, Some(host)));
    let name = name.to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(allowed) {
        // Elsewhere names may have other characters.
        let elsewhere = host.is_some_and(|host| !name.is_empty() && !host.is_empty() && !hosts.has(host));
        return Err(if elsewhere { RowFault::UnknownHost } else { RowFault::Invalid });
    }
    match host {
        Some("") => Err(RowFault::Invalid),
        Some(host) if !hosts.has(host) => Err(RowFault::UnknownHost),
        Some(_) | None => Ok(name),
    }
}

/// An option: `Some(None)` says nothing, `None` cannot be read.
fn flag(cell: &str) -> Option<Option<bool>> {
    match cell.trim().to_ascii_lowercase().as_str() {
        "" => Some(None),
        "true" | "yes" | "1" => Some(Some(true)),
        "false" | "no" | "0" => Some(Some(false)),
        _ => None,
    }
}

/// A text as it can be kept and shown: short, and without what is no character to see.
fn shown(account: &str) -> String {
    let visible = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    account.chars().take(ACCOUNT_CHARS_MAX).map(visible).collect()
}
