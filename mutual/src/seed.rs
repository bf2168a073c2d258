//! A small believable world: deterministic, so that two people who try it see the same.

use fastrand::Rng;
use relation_service::actors::change::Command as RelationCommand;
use relation_service::domain::Action;
use shared::clock::Clock;
use shared::db::{StoreError, log};
use shared::id::UserId;
use shared::process::say;
use shared::writer::commit_batch;
use user_service::actors::change::{Command as UserCommand, Outcome};
use user_service::actors::register::{Imported, ImportedUser};
use user_service::domain::privacy::PrivacyPatch;
use user_service::domain::username::Username;

use crate::cli::{Databases, Seed};
use crate::failure::Failure;
use crate::stores::{Stores, relation_engine, user_engine};

const FIRST_NAMES: [&str; 20] = [
    "Ada", "Amara", "Bruno", "Chen", "Dana", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Keiko",
    "Lena", "Mateo", "Nadia", "Omar", "Priya", "Rosa", "Sven", "Tomas",
];
const LAST_NAMES: [&str; 15] = [
    "Adler", "Brandt", "Costa", "Diaz", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jansen", "Kaya",
    "Lopez", "Moreau", "Novak", "Okafor",
];
/// Everybody is somebody: all first names with all last names.
const PEOPLE: usize = FIRST_NAMES.len() * LAST_NAMES.len();
/// The first of them are known to many.
const CELEBRITIES: usize = 6;
/// One in so many asks before being followed.
const PRIVATE_EVERY: usize = 8;
/// How many an ordinary person follows at the most.
const FOLLOWS_MAX: usize = 40;
/// Follows in a hundred that are returned.
const RETURNED_PERCENT: u8 = 45;
const BLOCKS: usize = 60;
const SEED: u64 = 20_250_101;

/// Fills the databases. If somebody is there already, it refuses, or leaves them alone if told so.
pub fn run(args: &Seed) -> Result<(), Failure> {
    if fill_if_empty(&args.databases)? || args.if_empty {
        return Ok(());
    }
    Err(Failure::Usage("the databases are not empty: the demo world is for new ones".into()))
}

/// Fills the databases if nobody is there. Returns whether it did.
pub fn fill_if_empty(databases: &Databases) -> Result<bool, Failure> {
    let mut stores = Stores::open(databases)?;
    if log::head(&mut stores.users)?.seq > 0 || log::head(&mut stores.relations)?.seq > 0 {
        return Ok(false);
    }
    let people = make_people(&mut stores)?;
    stores.copy_facts()?;
    let relations = commit_relations(&mut stores, &people)?;
    say(&format!("The demo world has {} people and {relations} follows, requests and blocks.", people.len()));
    Ok(true)
}

fn make_people(stores: &mut Stores) -> Result<Vec<UserId>, Failure> {
    let engine = user_engine()?;
    let person = |number: usize| {
        // Celebrities come first, and have all kinds of names.
        let (first, last) = (FIRST_NAMES[number % FIRST_NAMES.len()], LAST_NAMES[number / FIRST_NAMES.len()]);
        let username = Username::parse(&format!("{first}.{last}"))
            .map_err(|problem| Failure::Usage(format!("{first}.{last}: {problem}")))?;
        Ok(ImportedUser { username, display_name: format!("{first} {last}") })
    };
    let newcomers: Vec<ImportedUser> = (0..PEOPLE).map(person).collect::<Result<_, Failure>>()?;
    let command = UserCommand::RegisterImported(newcomers);
    let (answers, _) = commit_batch(&mut stores.users, &engine, &[command], &Clock::system())?;
    let outcome = answers.into_iter().next().and_then(|answer| answer.outcome.ok());
    let Some(Outcome::Imported(imported)) = outcome else {
        return Err(StoreError::Unreadable("the writer answered something else".into()).into());
    };
    let people: Vec<UserId> = imported
        .into_iter()
        .filter_map(|imported| match imported {
            Imported::New(id) => Some(id),
            Imported::Known(_) | Imported::Taken => None,
        })
        .collect();
    let go_private = |user: &UserId| UserCommand::PatchPrivacy {
        user: *user,
        patch: PrivacyPatch { private_account: Some(true), ..PrivacyPatch::default() },
    };
    let private: Vec<UserCommand> =
        people.iter().skip(CELEBRITIES).step_by(PRIVATE_EVERY).map(go_private).collect();
    commit_batch(&mut stores.users, &engine, &private, &Clock::system())?;
    Ok(people)
}

/// Follows (requests where the account is private), some of them returned or accepted, and blocks.
fn commit_relations(stores: &mut Stores, people: &[UserId]) -> Result<usize, Failure> {
    let mut rng = Rng::with_seed(SEED);
    let mut acts = Vec::new();
    let mut act = |source, target, action| acts.push(RelationCommand::Act { source, target, action });
    let follow = Action::Follow { notify: None };
    for (number, &source) in people.iter().enumerate() {
        for &celebrity in people.iter().take(CELEBRITIES).filter(|&&celebrity| celebrity != source) {
            if rng.u8(..100) < 60 {
                act(source, celebrity, follow);
            }
        }
        let count = rng.usize(2..FOLLOWS_MAX);
        for _ in 0..count {
            // People know those near to them better.
            let target = people[(number + 1 + rng.usize(..FOLLOWS_MAX * 2)) % people.len()];
            act(source, target, follow);
            if rng.u8(..100) < RETURNED_PERCENT {
                act(target, source, Action::Accept);
                act(target, source, follow);
            }
        }
    }
    for _ in 0..BLOCKS {
        let (source, target) = (people[rng.usize(..people.len())], people[rng.usize(..people.len())]);
        act(source, target, Action::Block);
    }
    commit_batch(&mut stores.relations, &relation_engine(), &acts, &Clock::system())?;
    let count = relation_service::store::pair::stored(&mut stores.relations)?;
    Ok(usize::try_from(count).unwrap_or(0))
}
