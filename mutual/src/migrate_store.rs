//! `mutual migrate-store`: both databases from SQLite to Postgres, or back.

use std::time::Instant;

use shared::db::catalog::{Table, tables};
use shared::db::transfer::{self, Digest, Stage};
use shared::db::{
    Conn, DatabaseUrl, Migrations, Owner, StoreError, bring_to_schema, end_write, log, open_bulk_writer,
    open_writer,
};
use shared::process::say;
use shared::secret::make_private_dir;

use crate::audit;
use crate::cli::{Audit, Databases, MigrateStore};
use crate::failure::Failure;
use crate::progress::bar;
use crate::stores::expect_database;

/// One of the two databases, on its way.
struct Move {
    /// As it is called in what is said.
    name: &'static str,
    from: Conn,
    to: Conn,
    tables: Vec<Table>,
    stage: Stage,
    /// The end of the source's log.
    head: log::Head,
    _owner: Owner,
}

/// Moves everything, compares it, and only then lets services start on it.
pub async fn run(args: &MigrateStore) -> Result<(), Failure> {
    let server = [&args.databases.user_database_url, &args.databases.relation_database_url];
    let [Some(DatabaseUrl::Postgres(_)), Some(DatabaseUrl::Postgres(_))] = server.map(Option::as_ref) else {
        let needed = "--user-database-url and --relation-database-url name the two Postgres databases";
        return Err(Failure::Usage(needed.to_owned()));
    };
    let embedded =
        Databases { user_database_url: None, relation_database_url: None, ..args.databases.clone() };
    let (from, to) = if args.back { (&args.databases, &embedded) } else { (&embedded, &args.databases) };
    let started = Instant::now();
    let mut users = prepare("users", &from.user_url(), &to.user_url(), user_service::store::MIGRATIONS)?;
    let (source, target) = (from.relation_url(), to.relation_url());
    let mut relations = prepare("relations", &source, &target, relation_service::store::MIGRATIONS)?;
    if ended_just_before_its_end(&mut users, &mut relations)? {
        say("an earlier move had copied and compared everything: it is ended now");
        return release(&mut users, &mut relations);
    }
    for side in [&users, &relations] {
        expect_empty(side)?;
    }
    for side in [&mut users, &mut relations] {
        if !transfer::begin(&mut side.to, &side.tables, side.head)? {
            let refused = format!("the target of {} has come into use: nothing of it was changed", side.name);
            return Err(Failure::Refused(refused));
        }
    }
    let mut rows = 0;
    for side in [&mut users, &mut relations] {
        rows += copy(side)?;
    }
    let audited = audit::run(&Audit { repair: false, databases: to.clone() }).await;
    match audited {
        Err(Failure::Drift | Failure::Unchecked(StoreError::Unreadable(_))) if args.with_drift => {}
        Err(Failure::Drift | Failure::Unchecked(StoreError::Unreadable(_))) => {
            return Err(Failure::Refused(DRIFTED.to_owned()));
        }
        done => done?,
    }
    transfer::mark_whole(&mut users.to)?;
    release(&mut users, &mut relations)?;
    say(&format!("moved {rows} rows in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// What was copied is equal, so the source has the same.
const DRIFTED: &str = "the copy is exact, and the audit finds drift, or rows that it cannot read, which the source has too: \
    mend it there (mutual audit --repair) and move again, or move it as it is with --with-drift. No service starts on the copy";

fn prepare(
    name: &'static str,
    source: &DatabaseUrl,
    target: &DatabaseUrl,
    migrations: Migrations,
) -> Result<Move, Failure> {
    expect_database(source)?;
    // A server that is away is told of before anything is made here.
    let reached = matches!(source, DatabaseUrl::Postgres(_)).then(|| open_writer(source)).transpose()?;
    let embedded = if matches!(source, DatabaseUrl::Sqlite(_)) { source } else { target };
    if let DatabaseUrl::Sqlite(path) = target {
        make_private_dir(path.parent().unwrap_or(path))?;
    }
    // No service writes to it until this ends; a server's database shows by its connections whether one does.
    let owner = Owner::take(embedded)?;
    let mut from = reached.map_or_else(|| open_writer(source), Ok)?;
    let mut to = open_bulk_writer(target)?;
    for (conn, url) in [(&mut from, source), (&mut to, target)] {
        if transfer::others_connected(conn)? > 0 {
            return Err(Failure::Refused(format!("{url} has other connections; stop what uses it first")));
        }
    }
    let failed = |error: StoreError| Failure::Refused(format!("{source}: {error}"));
    transfer::refuse_unfinished(&mut from).map_err(failed)?;
    bring_to_schema(&mut to, migrations)?;
    let (all, those) = (tables(&mut from)?, tables(&mut to)?);
    if all != those || transfer::schema_versions(&mut from)? != transfer::schema_versions(&mut to)? {
        let other = format!("{source} and {target} have different schemas");
        return Err(Failure::Refused(format!(
            "{other}: start the services of this version on the first once"
        )));
    }
    transfer::begin_frozen(&mut from)?;
    let (stage, head) = (transfer::stage(&mut to, &all)?, log::head(&mut from)?);
    Ok(Move { name, from, to, tables: all, stage, head, _owner: owner })
}

fn expect_empty(side: &Move) -> Result<(), Failure> {
    match side.stage {
        Stage::Empty => Ok(()),
        Stage::Filling | Stage::Whole => {
            say(&format!("{:9} what a stopped move has left is removed first", side.name));
            Ok(())
        }
        Stage::Used => {
            let refused = format!("the target of {} is not empty: nothing was changed", side.name);
            Err(Failure::Refused(refused))
        }
    }
}

/// Whether an earlier move was stopped between the two marks that it takes away, and nothing was written since.
fn ended_just_before_its_end(users: &mut Move, relations: &mut Move) -> Result<bool, Failure> {
    if users.stage != Stage::Whole || relations.stage == Stage::Empty {
        return Ok(false);
    }
    let same = |side: &mut Move| Ok::<_, StoreError>(log::head(&mut side.to)? == side.head);
    Ok(same(users)? && same(relations)?)
}

fn release(users: &mut Move, relations: &mut Move) -> Result<(), Failure> {
    // The users last: until then the mark there keeps the services out, and says that all was compared.
    for side in [relations, users] {
        transfer::release(&mut side.to)?;
        end_write(&mut side.from, false)?;
    }
    Ok(())
}

/// Copies all tables of one database and compares them. Returns how many rows they have.
fn copy(side: &mut Move) -> Result<u64, Failure> {
    let counted = side.tables.iter().map(|table| transfer::count(&mut side.from, table));
    let total: u64 = counted.sum::<Result<u64, StoreError>>()?;
    let progress = bar(side.name, total);
    let mut copied: Vec<Digest> = Vec::with_capacity(side.tables.len());
    for table in &side.tables {
        copied.push(transfer::copy(&mut side.from, &mut side.to, table, |rows| progress.inc(rows))?);
    }
    progress.finish_and_clear();
    transfer::analyze(&mut side.to)?;
    let progress = bar("comparing", total);
    for (table, copied) in side.tables.iter().zip(&copied) {
        let found = transfer::digest(&mut side.to, table)?;
        if found != *copied {
            let (name, expected, found) = (&table.name, copied.rows, found.rows);
            let text = format!("{name} differs after the copy: {expected} rows became {found}");
            return Err(Failure::Refused(text));
        }
        progress.inc(copied.rows);
    }
    progress.finish_and_clear();
    let rows = copied.iter().map(|digest| digest.rows).sum();
    say(&format!("{:9} {rows} rows of {} tables copied and compared", side.name, side.tables.len()));
    Ok(rows)
}
