//! Files that people bring, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use shared::cache::{Flight, Flights};
use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::writer::ANSWER_WAIT;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::{RelationError, RelationHandle};
use crate::actors::change::{Answer, Command};
use crate::actors::import::{ImportAnswer, ImportCommand, NewImport, denial};
use crate::actors::import_file::apart;
use crate::actors::importer::LookForImports;
use crate::domain::{IMPORT_KEY_LIFE, ImportDenial, ImportId, ImportKind, ImportMode, Quota, read_file};
use crate::store;
use crate::store::import::{Import, RequestName};
use crate::store::import_row::StoredRow;

/// Files that are read at the same time, each in memory and for as long as its sender takes.
pub const FILES_AT_ONCE: usize = 8;
/// How long a person's file waits for the one before it.
const TURN_WAIT: Duration = Duration::from_secs(5);

/// Places for files that are being read, of which a person has one. Clones share them.
#[derive(Clone)]
pub(super) struct FilePlaces {
    all: Arc<Semaphore>,
    own: Flights<UserId>,
}

/// A place, free again when dropped.
pub struct FilePlace {
    _own: Flight<UserId>,
    _shared: OwnedSemaphorePermit,
}

impl Default for FilePlaces {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(FILES_AT_ONCE)), own: Flights::new() }
    }
}

impl FilePlaces {
    async fn take(&self, user: UserId) -> Result<FilePlace, StoreError> {
        let own = timeout(TURN_WAIT, self.turn(user)).await.map_err(|_| StoreError::Overloaded)?;
        let shared = self.all.clone().try_acquire_owned().map_err(|_| StoreError::Overloaded)?;
        Ok(FilePlace { _own: own, _shared: shared })
    }

    async fn turn(&self, user: UserId) -> Flight<UserId> {
        loop {
            let (own, others) = self.own.board(&[user]);
            if let Some(own) = own {
                return own;
            }
            others.landed().await;
        }
    }
}

/// A file, as somebody brings it.
#[derive(Debug, Clone)]
pub struct Brought {
    /// Which list it is about.
    pub kind: ImportKind,
    /// What it is to the list.
    pub mode: ImportMode,
    /// Only say what it would do.
    pub dry_run: bool,
    /// What the caller names the request, if they want to be able to repeat it.
    pub key: Option<String>,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Brought {
    /// What is remembered of the request: nothing of it can be read.
    fn name(&self) -> RequestName {
        let Some(key) = &self.key else { return RequestName::default() };
        let dry_run: &[u8] = if self.dry_run { b"1" } else { b"0" };
        let [kind, mode] = [self.kind.as_str(), self.mode.as_str()].map(str::as_bytes);
        RequestName { key: digest(&[key.as_bytes()]), body: digest(&[kind, mode, dry_run, &self.bytes]) }
    }
}

/// A digest of `parts`, each behind its length, so that no two lists of parts are the same bytes.
fn digest(parts: &[&[u8]]) -> String {
    let all = parts
        .iter()
        .fold(Sha256::new(), |all, part| all.chain_update(part.len().to_be_bytes()).chain_update(part));
    URL_SAFE_NO_PAD.encode(all.finalize())
}

impl RelationHandle {
    /// A place for one file, from before its first byte until it is kept. A person's files are read one after the other,
    /// so that nobody can take all places.
    pub async fn place_for_file(&self, user: UserId) -> Result<FilePlace, RelationError> {
        Ok(self.files.take(user).await?)
    }

    /// What is left of a person's quota of imports, if there is one and it can be told.
    pub async fn import_quota(&self, user: UserId) -> Option<Quota> {
        let at_most = self.limits().imports_per_24h;
        if at_most == 0 {
            return None;
        }
        let begun: Vec<Micros> =
            self.imports(user).await.ok()?.iter().rev().map(Import::created_at).collect();
        Quota::of(at_most, &begun, IMPORT_KEY_LIFE, self.clock.now())
    }

    /// Refuses a file before it is read, where it need not be read for that.
    pub async fn may_begin_import(
        &self,
        user: UserId,
        kind: ImportKind,
        key: Option<&str>,
    ) -> Result<(), RelationError> {
        let key = key.map(|key| digest(&[key.as_bytes()])).unwrap_or_default();
        let (limits, now) = (self.engine.limits, self.clock.now());
        let kept = self.imports(user).await?;
        let Some(denial) = denial(&limits, &kept, kind, now) else { return Ok(()) };
        // The same request again is answered with what it began, which may be what is in the way.
        if self.is_begun(user, key).await? { Ok(()) } else { Err(denial.into()) }
    }

    async fn is_begun(&self, user: UserId, key: String) -> Result<bool, StoreError> {
        let day_ago = self.clock.now().before(IMPORT_KEY_LIFE);
        let read = move |conn: &mut Conn| {
            Ok(!key.is_empty() && store::import::of_request(conn, user, &key, day_ago)?.is_some())
        };
        self.reads.run(read).await
    }

    /// Keeps a file durably, to be worked off from now on. The same request again is answered as the first one was.
    pub async fn begin_import(&self, user: UserId, brought: Brought) -> Result<Import, RelationError> {
        let Brought { kind, mode, dry_run, .. } = brought;
        let hosts = self.account_hosts.clone();
        let read = move || (brought.name(), read_file(&brought.bytes, kind, &hosts));
        let (name, file) = apart(read).await?;
        let file = match file {
            Ok(file) => file,
            // What was begun under this name was a file.
            Err(_) if self.is_begun(user, name.key).await? => return Err(ImportDenial::KeyReused.into()),
            Err(bad) => return Err(ImportDenial::from(bad).into()),
        };
        let new = NewImport { user, kind, mode, dry_run, file, name };
        let command = Command::Import(ImportCommand::Begin(Box::new(new)));
        let answer = self.writer.submit_within(ANSWER_WAIT, command).await?.answer;
        let Answer::Import(answer) = answer else { return Err(Answer::stray().into()) };
        match answer {
            ImportAnswer::Begun(import) => {
                // Full or gone, the importer looks by itself a little later.
                let _ = self.importer.try_send(LookForImports);
                Ok(import)
            }
            ImportAnswer::Denied(denial) => Err(denial.into()),
            ImportAnswer::Stepped | ImportAnswer::Unknown(_) | ImportAnswer::ToForesee(_) => {
                Err(Answer::stray().into())
            }
        }
    }

    /// An import of a person's, and which rows have failed so far.
    pub async fn import(
        &self,
        user: UserId,
        id: ImportId,
    ) -> Result<(Import, Vec<StoredRow>), RelationError> {
        let read = move |conn: &mut Conn| {
            let Some(import) = store::import::find(conn, user, id)? else { return Ok(None) };
            let failures = store::import_row::failures(conn, user, id, import.processed)?;
            Ok(Some((import, failures)))
        };
        Ok(self.reads.run_in_snapshot(read).await?.ok_or(ImportDenial::NotFound)?)
    }

    /// The imports of a person's that are kept, newest first.
    pub async fn imports(&self, user: UserId) -> Result<Vec<Import>, RelationError> {
        Ok(self.reads.run(move |conn| store::import::all(conn, user)).await?)
    }
}
