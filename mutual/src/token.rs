//! `mutual admin service-token`: tokens with which other backend services call these.

use serde_json::{Value, json};
use shared::clock::Clock;
use shared::db::{Conn, StoreError, begin_write, end_write, open_writer, service_token};
use shared::http::NewServiceToken;
use shared::id::{IdGenerator, NODE_MAX};
use shared::process::say;
use user_service::domain::audit_log::{Action, Doer, Entry, EntryId};

use crate::cli::{Databases, ServiceToken};
use crate::failure::Failure;
use crate::stores::{begin, expect_database, is_fresh};

/// Makes or ends a token.
pub fn run(command: &ServiceToken) -> Result<(), Failure> {
    match command {
        ServiceToken::Create { name, scopes, databases } => create(name, scopes, databases),
        ServiceToken::Revoke { name, databases } => revoke(name, databases),
    }
}

/// Prints the token alone on standard output, so that a script can take it. Where there is nothing yet, it makes first
/// what a token needs.
fn create(name: &str, scopes: &[String], databases: &Databases) -> Result<(), Failure> {
    let token = NewServiceToken::new(name, scopes).map_err(Failure::Usage)?;
    if is_fresh(databases)? {
        begin(databases)?;
    }
    let [mut users, mut relations] = open_both(databases)?;
    let now = Clock::system().now();
    let after = json!({"name": name, "scopes": scopes});
    with_entry(&mut users, Action::CreateServiceToken, [Value::Null, after], |conn| {
        token.store(conn, now).map(|()| true)
    })?;
    token.store(&mut relations, now)?;
    say(token.token().reveal());
    Ok(())
}

fn revoke(name: &str, databases: &Databases) -> Result<(), Failure> {
    let [mut users, mut relations] = open_both(databases)?;
    let now = Clock::system().now();
    let before = json!({"name": name});
    let of_users = with_entry(&mut users, Action::RevokeServiceToken, [before, Value::Null], |conn| {
        service_token::revoke(conn, name, now)
    })?;
    let of_relations = service_token::revoke(&mut relations, name, now)?;
    if of_users || of_relations {
        say(&format!("the token of {name} has ended"));
        return Ok(());
    }
    Err(Failure::Usage(format!("no client {name} has a token")))
}

/// Does something to the user database and writes it down in the audit log, in one transaction; neither if it says that
/// it changed nothing.
fn with_entry(
    conn: &mut Conn,
    action: Action,
    [before, after]: [Value; 2],
    act: impl FnOnce(&mut Conn) -> Result<bool, StoreError>,
) -> Result<bool, Failure> {
    begin_write(conn)?;
    let written = act(conn).and_then(|changed| {
        if changed {
            let clock = Clock::system();
            let id = IdGenerator::new(clock.clone(), NODE_MAX).next_as(EntryId::new);
            let (at, by) = (clock.now(), Doer::Operator);
            let entry = Entry { id, at, by, action, subject: None, reason: None, before, after };
            user_service::store::audit_log::insert(conn, &entry)?;
        }
        Ok(changed)
    });
    end_write(conn, matches!(written, Ok(true)))?;
    Ok(written?)
}

/// Both databases, beside running services: a token is one row of its own table.
fn open_both(databases: &Databases) -> Result<[Conn; 2], Failure> {
    expect_database(&databases.user_url())?;
    expect_database(&databases.relation_url())?;
    let mut users = open_writer(&databases.user_url())?;
    user_service::store::migrate(&mut users)?;
    let mut relations = open_writer(&databases.relation_url())?;
    relation_service::store::migrate(&mut relations)?;
    Ok([users, relations])
}
