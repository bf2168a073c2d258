//! Everything that one person holds and is told, for them.

use shared::http::DOCUMENT_PAGE_ROWS;
use shared::id::UserId;

use super::{RelationError, RelationHandle};
use crate::store;
use crate::store::export::{ExportRow, Part};

impl RelationHandle {
    /// Some of a list of `owner`, after a place.
    pub async fn exported(
        &self,
        owner: UserId,
        part: Part,
        after: Option<i64>,
    ) -> Result<Vec<ExportRow>, RelationError> {
        let read = move |conn: &mut shared::db::Conn| {
            store::export::page(conn, owner, part, after, DOCUMENT_PAGE_ROWS)
        };
        Ok(self.reads.run(read).await?)
    }
}
