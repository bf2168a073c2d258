//! Recounting everything, beside requests.

use std::time::Duration;

use tokio::time::timeout;

use super::{RelationError, RelationHandle};
use crate::actors::auditor::{AuditState, NotBegun};

/// How long a request waits for an audit to end.
const AUDIT_WAIT: Duration = Duration::from_secs(20);

impl RelationHandle {
    /// Begins an audit or joins the one that runs, and waits a while for its end.
    pub async fn audit(&self, repair: bool) -> Result<AuditState, RelationError> {
        let mut watched = self.audits.begin(repair).map_err(|reason| match reason {
            NotBegun::OneOnlyLooks => RelationError::AuditRuns,
            NotBegun::Store(error) => error.into(),
        })?;
        // If it takes longer, its state says how far it has come.
        let _ = timeout(AUDIT_WAIT, watched.wait_for(|state| state.running.is_none())).await;
        Ok(watched.borrow().clone())
    }

    /// What there is to say about audits.
    pub fn audit_state(&self) -> AuditState {
        self.audits.state()
    }
}
