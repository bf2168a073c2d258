//! Reading and digesting a file takes a while: not on a thread that answers others meanwhile.

use actix_web::web;
use shared::db::StoreError;

/// Does `work` beside the threads that answer.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    web::block(work).await.map_err(|_| StoreError::Overloaded)
}
