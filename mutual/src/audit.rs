//! `mutual audit`: recount everything and compare.

use shared::db::open_reader;
use shared::process::say;

use crate::cli::Databases;
use crate::failure::Failure;

/// Prints one line a rule; fails if anything has drifted.
pub fn run(databases: &Databases) -> Result<(), Failure> {
    let mut users = open_reader(&databases.user_url())?;
    let mut drifted = false;
    for finding in user_service::store::audit::audit(&mut users)? {
        drifted |= report("users", finding.rule, finding.drift);
    }
    let mut relations = open_reader(&databases.relation_url())?;
    for finding in relation_service::store::audit::audit(&mut relations)? {
        drifted |= report("relations", finding.rule, finding.drift);
    }
    if drifted { Err(Failure::Drift) } else { Ok(()) }
}

fn report(service: &str, rule: &str, drift: i64) -> bool {
    match drift {
        0 => say(&format!("ok       {service}: {rule}")),
        rows => say(&format!("DRIFT    {service}: {rule}: {rows} rows")),
    }
    drift != 0
}
