//! Leaving for good: the request, and the purge when it is due.

use shared::clock::Micros;
use shared::db::StoreError;
use shared::event::NewEvent;
use shared::id::UserId;
use shared::token::ACCESS_TOKEN_LIFE;

use super::account::{Proved, close};
use super::change::{Answer, Outcome, UserEngine};
use crate::domain::account::Status;
use crate::domain::change::Change;
use crate::store;
use crate::store::deletion::Stage;
use crate::store::told::{Told, Transaction};

/// Closes an account, and notes when it is to be purged.
pub(super) fn delete(
    engine: &UserEngine,
    tx: &mut Transaction<'_>,
    proved: &Proved,
    now: Micros,
) -> Result<Answer, StoreError> {
    // By then no service takes an access token of the person any more: nothing of theirs is under way.
    let purge_at = now.after(engine.rules.deletion_grace.max(ACCESS_TOKEN_LIFE));
    let answer = close(tx, proved, now)?;
    if answer.outcome != Ok(Outcome::Ended) {
        return Ok(answer);
    }
    store::deletion::begin(tx.conn, proved.user, purge_at)?;
    Ok(Answer { outcome: Ok(Outcome::Deleting { purge_at }), ..answer })
}

/// One step of the purge that is due: first the world is told, then the rows go, some in each step.
pub(super) fn purge(tx: &mut Transaction<'_>, now: Micros, rows: i64) -> Result<(), StoreError> {
    if let Some(user) = store::deletion::next(tx.conn, Stage::Purging, now)? {
        tx.tell(|| Told::Person(user));
        if !store::purge::erase(tx.conn, user, rows)? {
            store::deletion::advance(tx.conn, user, Stage::Unwiped)?;
        }
    } else if let Some(user) = store::deletion::next(tx.conn, Stage::Waiting, now)? {
        tell(tx, user, now)?;
        store::deletion::advance(tx.conn, user, Stage::Purging)?;
    }
    Ok(())
}

/// Tells the world that somebody is gone, and nothing else of them.
fn tell(tx: &mut Transaction<'_>, id: UserId, now: Micros) -> Result<(), StoreError> {
    let Some(mut user) = store::user::user(tx.conn, id)? else { return Ok(()) };
    user.status = Status::Deleted;
    store::suspension::remove(tx.conn, id)?;
    store::user::change(tx, &user)?;
    let (kind, person) = (Change::Deleted.as_str(), Some(id));
    tx.emit(NewEvent { kind, at: now, actor: person, subject: person, cause: None, data: "{}".to_owned() });
    Ok(())
}
