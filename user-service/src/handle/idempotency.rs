//! Requests that may be repeated.

use shared::db::Conn;

use super::{UserError, UserHandle};
use crate::domain::denial::Denial;
use crate::domain::idempotency::{IdempotencyKey, KeyedRequest};
use crate::store;

impl UserHandle {
    /// What is remembered of a request to `route` whose body has these fields, if the caller named it. Refuses a name
    /// that was sent with another body, before that is judged or hashed; the writer looks again.
    pub(super) async fn named(
        &self,
        key: Option<IdempotencyKey>,
        route: &str,
        body: &[Option<&str>],
    ) -> Result<Option<KeyedRequest>, UserError> {
        let Some(key) = key else { return Ok(None) };
        let request = key.of_request(&self.refresh_key, route, body);
        let (slot, now) = (request.slot.clone(), self.clock.now());
        let read = move |conn: &mut Conn| store::idempotency::answered(conn, &slot, now);
        match self.reads.run(read).await? {
            Some(answered) if answered.body_digest != request.body_digest => {
                Err(Denial::IdempotencyKeyReused.into())
            }
            Some(_) | None => Ok(Some(request)),
        }
    }
}
