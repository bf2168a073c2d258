//! Loading follows in large transactions, by the same engine that serves them one by one.

use std::collections::HashMap;

use indicatif::ProgressBar;
use relation_service::actors::change::{Acted, Answer, Command};
use relation_service::domain::Action;
use shared::clock::Clock;
use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::writer::commit_batch;

use crate::stores::relation_engine;

/// Follows in one transaction. What it changes must fit into the page cache of a bulk load.
const FOLLOWS_PER_COMMIT: usize = 65_536;

/// What became of the edges.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// Follows that are new.
    pub created: u64,
    /// Follows that were there before.
    pub present: u64,
    /// Follows that the rules refuse, because of what happened since an earlier load.
    pub refused: u64,
}

/// Loads `edges`. What is there already stays as it is, so that an interrupted load is simply repeated.
pub fn load(
    conn: &mut Conn,
    people: &HashMap<u64, UserId>,
    edges: &[(u64, u64)],
    progress: &ProgressBar,
) -> Result<Loaded, StoreError> {
    let engine = relation_engine();
    let mut loaded = Loaded::default();
    for piece in edges.chunks(FOLLOWS_PER_COMMIT) {
        let follow = |(source, target): &(u64, u64)| {
            let (source, target) = (*people.get(source)?, *people.get(target)?);
            Some(Command::Act { source, target, action: Action::Follow { notify: None } })
        };
        let commands: Vec<Command> = piece.iter().filter_map(follow).collect();
        let (answers, _) = commit_batch(conn, &engine, &commands, &Clock::system())?;
        for answer in answers {
            match answer {
                Answer::Acted(Acted { changed: true, .. }) => loaded.created += 1,
                Answer::Acted(_) => loaded.present += 1,
                Answer::Refused(_)
                | Answer::UnknownTarget
                | Answer::Answered { .. }
                | Answer::Requests { .. }
                | Answer::Import(_)
                | Answer::Noted
                | Answer::Void
                | Answer::Mended(_) => {
                    loaded.refused += 1;
                }
            }
        }
        progress.inc(u64::try_from(piece.len()).unwrap_or(0));
    }
    Ok(loaded)
}
