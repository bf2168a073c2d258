//! Recounting everything, beside requests.

use std::time::Duration;

use tokio::time::sleep;

use super::{RelationError, RelationHandle};
use crate::actors::auditor::{AuditState, NotBegun};

/// How long a request waits for an audit to end.
const AUDIT_WAIT: Duration = Duration::from_secs(20);

impl RelationHandle {
    /// Begins an audit or joins one that sees everything which is there, and waits a while for its end, but for no longer
    /// than the service goes on. Returns what there is to say, and whether it has ended.
    pub async fn audit(&self, repair: bool) -> Result<(AuditState, bool), RelationError> {
        let mut joined = self.audits.begin(repair).map_err(|reason| match reason {
            NotBegun::OneOnlyLooks => RelationError::AuditRuns,
            NotBegun::Store(error) => error.into(),
        })?;
        let mut closing = self.closing.subscribe();
        // If it takes longer, its state says how far it has come.
        tokio::select! {
            () = joined.ended() => {}
            () = sleep(AUDIT_WAIT) => {}
            _ = closing.wait_for(|closing| *closing) => {}
        }
        Ok(joined.state())
    }

    /// What there is to say about audits.
    pub fn audit_state(&self) -> AuditState {
        self.audits.state()
    }
}
