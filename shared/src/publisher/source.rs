//! The log as the publisher reads it: on a connection of its own, a page at a time, beside everybody else's reads.

use actix_web::web;

use crate::db::{Conn, DatabaseUrl, StoreError, in_snapshot, log, open_reader, take_turn};
use crate::event::Event;

/// The log, and the turn to publish it, which one instance has.
pub(super) struct Source {
    /// `None` while a thread has it, and after a failure.
    conn: Option<Conn>,
}

impl Source {
    /// Opens it.
    pub(super) async fn open(url: DatabaseUrl) -> Result<Self, StoreError> {
        let opened = web::block(move || open_reader(&url)).await.map_err(|_| StoreError::Overloaded)?;
        Ok(Self { conn: Some(opened?) })
    }

    /// Takes the turn, unless another instance has it. It is given back with the connection.
    pub(super) async fn take_turn(&mut self) -> Result<bool, StoreError> {
        self.run(take_turn).await
    }

    /// The number of the newest event.
    pub(super) async fn newest(&mut self) -> Result<i64, StoreError> {
        self.run(|conn| Ok(log::head(conn)?.seq)).await
    }

    /// The oldest event that is kept, and at most `limit` events after `after` up to `through`, if those are kept.
    pub(super) async fn page(
        &mut self,
        after: i64,
        through: i64,
        limit: i64,
    ) -> Result<(i64, Vec<Event>), StoreError> {
        let limit = limit.min(through.saturating_sub(after));
        let read = move |conn: &mut Conn| Ok((log::oldest(conn)?, log::after(conn, after, limit)?));
        self.run(move |conn| in_snapshot(conn, read)).await
    }

    async fn run<T: Send + 'static>(
        &mut self,
        read: impl FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let interrupted = || StoreError::Unavailable("a read was interrupted".into());
        let mut conn = self.conn.take().ok_or_else(interrupted)?;
        let done = web::block(move || (read(&mut conn), conn)).await;
        let (done, conn) = done.map_err(|_| StoreError::Overloaded)?;
        if done.is_ok() {
            self.conn = Some(conn);
        }
        done
    }
}
