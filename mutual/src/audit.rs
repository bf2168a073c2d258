//! `mutual audit`: recount everything and compare.

use shared::db::audit::Finding;
use shared::db::{Conn, DatabaseUrl, StoreError, open_reader};
use shared::process::say;

use crate::cli::Databases;
use crate::failure::Failure;
use crate::stores::expect_database;

/// People compared at a time.
const PEOPLE_PER_LOOK: i64 = 1_000;

/// Prints one line a rule; fails if anything has drifted.
pub fn run(databases: &Databases) -> Result<(), Failure> {
    let mut users = open(&databases.user_url())?;
    let mut relations = open(&databases.relation_url())?;
    let found = findings(&mut users, &mut relations).map_err(Failure::Unchecked)?;
    let mut drifted = false;
    for (service, finding) in found {
        drifted |= report(service, &finding);
    }
    if drifted { Err(Failure::Drift) } else { Ok(()) }
}

/// Opens what is there: an audit makes no database.
fn open(url: &DatabaseUrl) -> Result<Conn, Failure> {
    expect_database(url)?;
    open_reader(url).map_err(Failure::Unchecked)
}

fn findings(users: &mut Conn, relations: &mut Conn) -> Result<Vec<(&'static str, Finding)>, StoreError> {
    let of_users = user_service::store::audit::audit(users)?;
    let of_relations = relation_service::store::audit::audit(relations)?;
    let copy = Finding {
        rule: "the copy of user facts is as user-service has them",
        drift: drift_of_copy(users, relations)?,
    };
    let named = |service| move |finding| (service, finding);
    let both =
        of_users.into_iter().map(named("users")).chain(of_relations.into_iter().map(named("relations")));
    Ok(both.chain([("relations", copy)]).collect())
}

/// People whose facts differ between the services. Who changed since the copy's newest event is left out:
/// the feed has yet to tell of them.
fn drift_of_copy(users: &mut Conn, relations: &mut Conn) -> Result<i64, StoreError> {
    let position = relation_service::store::fact::feed_position(relations)?;
    let changed = user_service::store::audit::changed_since(users, position)?;
    let mut drift = 0;
    let mut after = 0;
    loop {
        let people = user_service::store::audit::facts_after(users, after, PEOPLE_PER_LOOK)?;
        let Some((last, _)) = people.last() else { return Ok(drift) };
        after = last.get();
        let ids: Vec<_> = people.iter().map(|(id, _)| *id).collect();
        let copies = relation_service::store::fact::known(relations, &ids)?;
        let differs = |(id, facts): &&(_, _)| copies.get(id).is_none_or(|copy| copy.facts != *facts);
        let differing = people.iter().filter(differs).filter(|(id, _)| !changed.contains(id)).count();
        drift += i64::try_from(differing).unwrap_or(i64::MAX);
    }
}

fn report(service: &str, Finding { rule, drift }: &Finding) -> bool {
    match drift {
        0 => say(&format!("ok       {service}: {rule}")),
        rows => say(&format!("DRIFT    {service}: {rule}: {rows} rows")),
    }
    *drift != 0
}
