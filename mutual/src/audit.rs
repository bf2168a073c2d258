//! `mutual audit`: recount everything and compare, and make anew what can be.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use relation_service::actors::audit::{Audited, audit};
use relation_service::actors::change::RelationEngine;
use relation_service::store::audit::{Cure, Finding as Found, Plan, Walk};
use shared::clock::Clock;
use shared::db::audit::Finding;
use shared::db::{Conn, DatabaseUrl, Owner, StoreError, open_reader, open_writer};
use shared::process::say;
use shared::writer::commit_batch;

use crate::cli::Audit;
use crate::failure::Failure;
use crate::stores::{expect_database, relation_engine};

/// People compared at a time.
const PEOPLE_PER_LOOK: i64 = 1_000;
/// How long to wait before looking again for what a running service is about to write.
const SETTLE_REST: Duration = Duration::from_millis(100);

/// Prints one line a rule; fails if anything has drifted.
pub async fn run(args: &Audit) -> Result<(), Failure> {
    let relation_url = args.databases.relation_url();
    let mut users = open(&args.databases.user_url())?;
    let mut relations = open(&relation_url)?;
    // Held until the end: no service writes beside a repair.
    let owner = args.repair.then(|| take(&relation_url)).transpose()?;
    let of_users = user_service::store::audit::audit(&mut users).map_err(Failure::Unchecked)?;
    let of_relations = recount(args, &mut relations, &relation_url).await?;
    let rule = "the copy of user facts is as user-service has them";
    let drift = drift_of_copy(&mut users, &mut relations).map_err(Failure::Unchecked)?;
    drop(owner);
    let mut drifted = false;
    for finding in &of_users {
        drifted |= report("users", finding);
    }
    drifted |= report_relations(args.repair, &of_relations);
    drifted |= report("relations", &Finding { rule, drift });
    if drifted { Err(Failure::Drift) } else { Ok(()) }
}

/// Opens what is there: an audit makes no database.
fn open(url: &DatabaseUrl) -> Result<Conn, Failure> {
    expect_database(url)?;
    open_reader(url).map_err(Failure::Unchecked)
}

fn take(url: &DatabaseUrl) -> Result<Owner, Failure> {
    Owner::take(url).map_err(|error| {
        if !matches!(error, StoreError::InUse(_)) {
            return error.into();
        }
        let instead = "POST /v1/admin/audit with {\"repair\": true}";
        Failure::Refused(format!("{error}, or have the running service repair itself: {instead}"))
    })
}

async fn recount(args: &Audit, relations: &mut Conn, url: &DatabaseUrl) -> Result<Audited, Failure> {
    let mut writer = if args.repair { Some(open_writer(url)?) } else { None };
    if let Some(writer) = &mut writer {
        relation_service::store::migrate(writer)?;
    }
    let engine: RelationEngine = relation_engine();
    let look = async || look(relations).await;
    let submit = async |command| {
        let writer = writer.as_mut().ok_or_else(|| StoreError::Unavailable("only reading".to_owned()))?;
        let (answers, _) = commit_batch(writer, &engine, &[command], &Clock::system())?;
        answers.into_iter().next().ok_or_else(|| StoreError::Unreadable("no answer".to_owned()))
    };
    audit(args.repair, look, submit).await.map_err(Failure::Unchecked)
}

/// Looks at everything, with a progress bar on a terminal.
async fn look(relations: &mut Conn) -> Result<Vec<Found>, StoreError> {
    let style = "audit {wide_bar} {percent}% {eta} left";
    let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style);
    let mut walk = Walk::begin(relations, Plan::BESIDE)?;
    while let Some(progress) = walk.step(relations)? {
        bar.set_length(u64::try_from(progress.total).unwrap_or(0));
        bar.set_position(u64::try_from(progress.done).unwrap_or(0));
        if progress.waits {
            tokio::time::sleep(SETTLE_REST).await;
        }
    }
    bar.finish_and_clear();
    Ok(walk.finish())
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

/// What was found, and what was made anew of it.
fn report_relations(repair: bool, audited: &Audited) -> bool {
    let mut drifted = false;
    for finding in &audited.findings {
        let (rule, rows) = (finding.rule, finding.drift);
        let mended = audited.repairs.iter().find(|repair| finding.check.cure == Cure::Mend(repair.mend));
        if let Some(repair) = mended {
            say(&format!("REPAIRED relations: {rule}: {} rows", repair.rows));
            for mended in &repair.examples {
                say(&format!("         {} {}: {}", mended.row.0, mended.row.1, mended.what));
            }
        }
        if rows != 0 {
            let advice = if repair { ": a person has to look" } else { "" };
            say(&format!("DRIFT    relations: {rule}: {rows} rows{advice}"));
            for (one, other) in &finding.examples {
                say(&format!("         {one} {other}"));
            }
        } else if let Some(reason) = finding.unchecked {
            say(&format!("skipped  relations: {rule}: {reason}"));
        } else if mended.is_none() {
            say(&format!("ok       relations: {rule}"));
        }
        drifted |= rows != 0;
    }
    drifted
}
