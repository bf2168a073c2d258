//! One's own lists as files.

use shared::db::Conn;
use shared::http::DOCUMENT_PAGE_ROWS;
use shared::id::UserId;
use shared::page::Position;

use super::{RelationError, RelationHandle};
use crate::domain::{Exported, ImportKind};
use crate::store;

impl RelationHandle {
    /// Some of a list of `owner`, after a place, and the next place if there may be more.
    pub async fn export_file_page(
        &self,
        kind: ImportKind,
        owner: UserId,
        after: Option<Position>,
    ) -> Result<(Vec<Exported>, Option<Position>), RelationError> {
        let now = self.clock.now();
        let read = move |conn: &mut Conn| {
            store::export_file::page(conn, kind, owner, now, after, DOCUMENT_PAGE_ROWS)
        };
        Ok(self.reads.run_in_snapshot(read).await?)
    }
}
