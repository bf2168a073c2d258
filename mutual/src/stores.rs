//! Both databases opened by an operator's command.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use relation_service::actors::change::{Command as RelationCommand, Learned, Listed, RelationEngine};
use relation_service::actors::feed::learned_from;
use relation_service::domain::Limits;
use relation_service::store::fact::KnownUser;
use shared::clock::Clock;
use shared::db::{Conn, DatabaseUrl, Owner, StoreError, log, open_bulk_writer};
use shared::event::EventPage;
use shared::id::{IdGenerator, NODE_MAX};
use shared::secret::{load_or_create, make_private_dir, random_bytes};
use shared::writer::commit_batch;
use user_service::actors::change::UserEngine;
use user_service::actors::ids::Ids;
use user_service::actors::outbox::Outbox;
use user_service::domain::refresh_token::RefreshKey;
use user_service::domain::rules::Rules;

use crate::cli::Databases;
use crate::failure::Failure;
use crate::serve::SECRETS;

/// Events copied in one transaction.
const EVENTS_PER_COMMIT: i64 = 5_000;
/// People copied in one transaction.
const PEOPLE_PER_COMMIT: i64 = 5_000;

/// Both databases, opened for writing, with the services kept out.
pub struct Stores {
    /// Where users are kept.
    pub users: Conn,
    /// Where relations are kept.
    pub relations: Conn,
    _owners: [Owner; 2],
}

impl Stores {
    /// Opens both and brings them to this schema. Says so and stops if a service runs on one of them.
    pub fn open(databases: &Databases) -> Result<Self, Failure> {
        make_private_dir(&databases.data_dir)?;
        let (user_url, relation_url) = (databases.user_url(), databases.relation_url());
        let owners = [Owner::take(&user_url)?, Owner::take(&relation_url)?];
        let mut users = open_bulk_writer(&user_url)?;
        user_service::store::migrate(&mut users)?;
        let mut relations = open_bulk_writer(&relation_url)?;
        relation_service::store::migrate(&mut relations)?;
        Ok(Self { users, relations, _owners: owners })
    }

    /// Brings relation-service's copy of user facts to the end of user-service's log.
    pub fn copy_facts(&mut self) -> Result<(), StoreError> {
        let mut position = relation_service::store::fact::feed_position(&mut self.relations)?;
        let oldest = log::oldest(&mut self.users)?;
        if position < oldest - 1 {
            self.copy_everybody()?;
            position = oldest - 1;
        }
        loop {
            let items = log::after(&mut self.users, position, EVENTS_PER_COMMIT)?;
            let Some(last) = items.last() else { return Ok(()) };
            position = last.seq;
            let learned =
                learned_from(&EventPage { items, next_after: position, oldest: 1, newest: position });
            self.learn(learned)?;
        }
    }

    /// Copies the state of everybody, where the events that led to it are no longer kept.
    fn copy_everybody(&mut self) -> Result<(), StoreError> {
        let seq = log::head(&mut self.users)?.seq;
        let mut after = 0;
        loop {
            let page = user_service::store::audit::facts_after(&mut self.users, after, PEOPLE_PER_COMMIT)?;
            let through = page.last().map_or(i64::MAX, |(id, _)| id.get());
            let users = page.into_iter().map(|(id, facts)| KnownUser { id, seq, facts }).collect();
            let listed = Some(Listed { after, through, seq, before: None });
            self.learn(Learned { users, listed, ..Learned::default() })?;
            if through == i64::MAX {
                return Ok(());
            }
            after = through;
        }
    }

    fn learn(&mut self, learned: Learned) -> Result<(), StoreError> {
        let command = RelationCommand::Learn(learned);
        commit_batch(&mut self.relations, &relation_engine(), &[command], &Clock::system()).map(drop)
    }
}

/// Whether nothing is there yet: embedded databases whose directory is empty or not there. A directory with anything
/// else in it is more likely a mistyped path.
pub fn is_fresh(databases: &Databases) -> Result<bool, Failure> {
    if databases.user_database_url.is_some() || databases.relation_database_url.is_some() {
        return Ok(false);
    }
    match std::fs::read_dir(&databases.data_dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Failure::Usage(format!("{}: {error}", databases.data_dir.display()))),
    }
}

/// Makes what the first start of the services would: the directory, the secrets and the databases.
pub fn begin(databases: &Databases) -> Result<(), Failure> {
    make_private_dir(&databases.data_dir)?;
    for name in SECRETS {
        load_or_create(&databases.data_dir.join(name))?;
    }
    Stores::open(databases).map(drop)
}

/// Refuses an embedded database that is not there, for commands that are about one that is in use.
pub fn expect_database(url: &DatabaseUrl) -> Result<(), Failure> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(()) };
    match path.metadata() {
        Ok(file) if file.is_file() => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::Usage(format!("{}: {error}", path.display())))
        }
        Ok(_) | Err(_) => Err(Failure::Usage(format!("there is no database at {url}; see --data-dir"))),
    }
}

/// The rules of relations without limits: what exists elsewhere is taken as it is.
pub fn relation_engine() -> RelationEngine {
    let no_limit = i64::MAX;
    let engine = RelationEngine::new(Limits {
        following_max: no_limit,
        requests_sent_max: no_limit,
        blocks_max: no_limit,
        mutes_max: no_limit,
        close_friends_max: no_limit,
        notes_max: no_limit,
        note_chars_max: usize::MAX,
        dismissals_max: no_limit,
        dismissal_span: Duration::MAX,
        follows_per_24h: 0,
        imports_per_24h: 0,
    });
    // A load of a whole graph is told to nobody: whoever remembers notices it and begins anew.
    RelationEngine { alone: true, ..engine }
}

/// The rules of users for making accounts that nobody is signed in to.
pub fn user_engine() -> Result<UserEngine, Failure> {
    let key = random_bytes().map_err(io::Error::other)?;
    Ok(UserEngine {
        // A node of its own: a service makes ids at the same time.
        ids: Arc::new(Ids::new(IdGenerator::new(Clock::system(), NODE_MAX))),
        refresh_key: RefreshKey::new(&key),
        // What the operator does is not limited.
        mail_limit: None,
        outbox: Outbox::new(usize::MAX),
        memory: None,
        alone: true,
        rules: Rules::default(),
    })
}
