//! Reading what moderators, admins and operators did.

use super::{UserError, UserHandle};
use crate::domain::audit_log::{Entry, EntryFilter, EntryId};
use crate::store;

impl UserHandle {
    /// At most `limit` entries before `before`, newest first.
    pub async fn audit_log(
        &self,
        filter: EntryFilter,
        before: Option<EntryId>,
        limit: i64,
    ) -> Result<Vec<Entry>, UserError> {
        let read = move |conn: &mut shared::db::Conn| store::audit_log::entries(conn, filter, before, limit);
        Ok(self.reads.run(read).await?)
    }
}
