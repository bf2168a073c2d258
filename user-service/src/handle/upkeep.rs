//! Work that falls due by itself.

use shared::db::StoreError;
use tokio::sync::oneshot;

use super::UserHandle;
use crate::actors::janitor::Look;

impl UserHandle {
    /// Says that there may be something due, or that the next piece may be due earlier than it was.
    pub fn hint_due(&self) {
        // With so many hints waiting, one more tells nothing new.
        let _ = self.janitor.try_send(Look { done: None });
    }

    /// Has everything done that is due by now, and waits for it.
    pub async fn do_due(&self) -> Result<(), StoreError> {
        let (done, told) = oneshot::channel();
        self.janitor.try_send(Look { done: Some(done) }).map_err(|_| StoreError::Overloaded)?;
        told.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the janitor has stopped".into())))
    }
}
