//! People for the numbers of a graph.

use std::collections::HashMap;

use indicatif::ProgressBar;
use shared::clock::Clock;
use shared::db::StoreError;
use shared::id::UserId;
use shared::writer::commit_batch;
use user_service::actors::change::{Command, Outcome, UserEngine};
use user_service::actors::register::{Imported, ImportedUser};
use user_service::domain::username::Username;

use crate::failure::Failure;
use crate::stores::{Stores, user_engine};

/// People in one transaction.
const PEOPLE_PER_COMMIT: usize = 5_000;

/// The people of a graph.
#[derive(Debug, Default)]
pub struct People {
    /// Who stands for which number.
    pub ids: HashMap<u64, UserId>,
    /// How many are new.
    pub created: u64,
    /// How many were there before.
    pub present: u64,
}

/// Makes the people who are not there yet, and tells relation-service's database about them.
pub fn load(
    stores: &mut Stores,
    nodes: &[u64],
    prefix: &str,
    progress: &ProgressBar,
) -> Result<People, Failure> {
    let engine = user_engine()?;
    let mut people = People::default();
    for piece in nodes.chunks(PEOPLE_PER_COMMIT) {
        load_piece(stores, &engine, piece, prefix, &mut people)?;
        progress.inc(u64::try_from(piece.len()).unwrap_or(0));
    }
    stores.copy_facts()?;
    Ok(people)
}

fn load_piece(
    stores: &mut Stores,
    engine: &UserEngine,
    nodes: &[u64],
    prefix: &str,
    people: &mut People,
) -> Result<(), Failure> {
    let named = |node: &u64| {
        let name = format!("{prefix}{node}");
        let username = Username::parse(&name).map_err(|problem| {
            Failure::Usage(format!("{name} is no name: {problem}; try another --prefix"))
        })?;
        Ok(ImportedUser { username, display_name: String::new() })
    };
    let users: Vec<ImportedUser> = nodes.iter().map(named).collect::<Result<_, Failure>>()?;
    let command = Command::RegisterImported(users);
    let (answers, _) = commit_batch(&mut stores.users, engine, &[command], &Clock::system())?;
    let outcome = answers.into_iter().next().and_then(|answer| answer.outcome.ok());
    let Some(Outcome::Imported(outcomes)) = outcome else {
        return Err(StoreError::Unreadable("the writer answered something else".into()).into());
    };
    for (node, imported) in nodes.iter().zip(outcomes) {
        let id = match imported {
            Imported::New(id) => {
                people.created += 1;
                id
            }
            Imported::Known(id) => {
                people.present += 1;
                id
            }
            Imported::Taken => {
                let text = format!("{prefix}{node} looks like another's name; try another --prefix");
                return Err(Failure::Usage(text));
            }
        };
        people.ids.insert(*node, id);
    }
    Ok(())
}
