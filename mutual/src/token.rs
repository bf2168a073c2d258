//! `mutual admin service-token`: tokens with which other backend services call these.

use shared::clock::Clock;
use shared::db::{Conn, open_writer, service_token};
use shared::http::NewServiceToken;
use shared::process::say;

use crate::cli::{Databases, ServiceToken};
use crate::failure::Failure;
use crate::stores::expect_database;

/// Makes or ends a token.
pub fn run(command: &ServiceToken) -> Result<(), Failure> {
    match command {
        ServiceToken::Create { name, scopes, databases } => create(name, scopes, databases),
        ServiceToken::Revoke { name, databases } => revoke(name, databases),
    }
}

/// Prints the token alone on standard output, so that a script can take it.
fn create(name: &str, scopes: &[String], databases: &Databases) -> Result<(), Failure> {
    let token = NewServiceToken::new(name, scopes).map_err(Failure::Usage)?;
    for mut conn in open_both(databases)? {
        token.store(&mut conn, Clock::system().now())?;
    }
    say(token.token().reveal());
    Ok(())
}

fn revoke(name: &str, databases: &Databases) -> Result<(), Failure> {
    let mut found = false;
    for mut conn in open_both(databases)? {
        found |= service_token::revoke(&mut conn, name, Clock::system().now())?;
    }
    if found {
        say(&format!("the token of {name} has ended"));
        return Ok(());
    }
    Err(Failure::Usage(format!("no client {name} has a token")))
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
