//! Files that people bring, and what becomes of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use shared::db::Conn;
use shared::id::UserId;

use super::{RelationError, RelationHandle};
use crate::actors::change::{Answer, Command};
use crate::actors::import::{ImportAnswer, ImportCommand, NewImport};
use crate::actors::importer::LookForImports;
use crate::domain::{ImportDenial, ImportId, ImportKind, ImportMode, read_file};
use crate::store;
use crate::store::import::{Import, RequestName};
use crate::store::import_row::StoredRow;

/// A file, as somebody brings it.
#[derive(Debug, Clone, Copy)]
pub struct Brought<'a> {
    /// Which list it is about.
    pub kind: ImportKind,
    /// What it is to the list.
    pub mode: ImportMode,
    /// Only say what it would do.
    pub dry_run: bool,
    /// What the caller names the request, if they want to be able to repeat it.
    pub key: Option<&'a str>,
    /// The file.
    pub bytes: &'a [u8],
}

impl Brought<'_> {
    /// What is remembered of the request: nothing of it can be read.
    fn name(&self) -> RequestName {
        let Some(key) = self.key else { return RequestName::default() };
        let dry_run: &[u8] = if self.dry_run { b"1" } else { b"0" };
        let [kind, mode] = [self.kind.as_str(), self.mode.as_str()].map(str::as_bytes);
        RequestName { key: digest(&[key.as_bytes()]), body: digest(&[kind, mode, dry_run, self.bytes]) }
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
    /// Keeps a file durably, to be worked off from now on. The same request again is answered as the first one was.
    pub async fn begin_import(&self, user: UserId, brought: Brought<'_>) -> Result<Import, RelationError> {
        let file = read_file(brought.bytes, brought.kind, &self.account_hosts).map_err(ImportDenial::from)?;
        let Brought { kind, mode, dry_run, .. } = brought;
        let new = NewImport { user, kind, mode, dry_run, file, name: brought.name() };
        let command = Command::Import(ImportCommand::Begin(Box::new(new)));
        let answer = self.writer.submit(command).await?.answer;
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
        Ok(self.reads.run(read).await?.ok_or(ImportDenial::NotFound)?)
    }

    /// The imports of a person's that are kept, newest first.
    pub async fn imports(&self, user: UserId) -> Result<Vec<Import>, RelationError> {
        Ok(self.reads.run(move |conn| store::import::all(conn, user)).await?)
    }
}
