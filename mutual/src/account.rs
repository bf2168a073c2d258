//! `mutual admin create` and `mutual admin role`: the operator's word on accounts, each with its entry in the audit
//! log. They work beside running services: they write a few rows, in a transaction that holds the log's head.

use std::io::{IsTerminal, Read, stdin};

use shared::clock::Clock;
use shared::db::{Conn, open_writer};
use shared::process::{complain, say};
use shared::secret::random_bytes;
use shared::writer::commit_batch;
use user_service::actors::change::{Command, Outcome};
use user_service::actors::hashing::judge_by_operator;
use user_service::actors::moderation::Moderate;
use user_service::actors::register::NewAccount;
use user_service::domain::account::User;
use user_service::domain::audit_log::Doer;
use user_service::domain::limits::PASSWORD_BYTES_MAX;
use user_service::domain::moderation::Measure;
use user_service::domain::refresh_token::SessionNonce;
use user_service::domain::registration::RawRegistration;
use user_service::domain::username::Username;
use user_service::store;

use crate::cli::{CreateAccount, Databases, GiveRole};
use crate::failure::Failure;
use crate::stores::{begin, expect_database, is_fresh, user_engine};

/// Makes an account, an admin's if nothing else is said; where there is nothing yet, first what it needs.
pub fn create(args: &CreateAccount) -> Result<(), Failure> {
    let is_fresh = is_fresh(&args.databases)?;
    // Before anybody types a password for nothing.
    if !is_fresh {
        expect_database(&args.databases.user_url())?;
    }
    let raw = RawRegistration {
        username: Some(args.username.clone()),
        email: Some(args.email.clone()),
        password: Some(read_password()?),
        display_name: None,
    };
    if let Some(contradiction) = args.passwords.contradiction() {
        return Err(Failure::Usage(contradiction.to_owned()));
    }
    let judged = judge_by_operator(args.passwords.hash_cost(), args.password_chars_min, raw)?;
    let (registration, password_hash) = judged.map_err(|problems| {
        let each = problems.iter().map(|problem| format!("{}: {}", problem.field, problem.detail));
        Failure::Usage(each.collect::<Vec<_>>().join("; "))
    })?;
    let nonce = random_bytes().map_err(std::io::Error::other)?;
    let account = NewAccount {
        username: registration.username,
        email: registration.email,
        password_hash,
        display_name: registration.display_name,
        nonce: SessionNonce::new(nonce),
        network: String::new(),
        request: None,
    };
    if is_fresh {
        begin(&args.databases)?;
    }
    let mut conn = open(&args.databases)?;
    let user = submit(&mut conn, Command::CreateByOperator(Box::new(account), args.role))?;
    say(&format!("{} is there as {}: id {}", user.username, user.role.as_str(), user.id));
    Ok(())
}

/// Gives somebody a role.
pub fn give_role(args: &GiveRole) -> Result<(), Failure> {
    let mut conn = open(&args.databases)?;
    let nobody = || Failure::Usage(format!("nobody is called {}", args.username));
    let name = Username::parse_any(&args.username).map_err(|_| nobody())?;
    let holder = store::claim::name(&mut conn, &name, Clock::system().now())?;
    let subject = holder.filter(store::claim::NameHolder::is_in_use).ok_or_else(nobody)?.user;
    let measure = Measure::SetRole(args.role);
    let act = Moderate { by: Doer::Operator, subject, measure, reason: args.reason.clone() };
    let user = submit(&mut conn, Command::Moderate(act))?;
    say(&format!("{} is {} now", user.username, user.role.as_str()));
    Ok(())
}

/// The user database, beside running services.
fn open(databases: &Databases) -> Result<Conn, Failure> {
    let url = databases.user_url();
    expect_database(&url)?;
    let mut conn = open_writer(&url)?;
    store::migrate(&mut conn)?;
    Ok(conn)
}

fn submit(conn: &mut Conn, command: Command) -> Result<User, Failure> {
    let (answers, _) = commit_batch(conn, &user_engine()?, &[command], &Clock::system())?;
    match answers.into_iter().next().map(|answer| answer.outcome) {
        Some(Ok(Outcome::Record(user))) => Ok(*user),
        Some(Err(denial)) => Err(Failure::Refused(denial.to_string())),
        Some(Ok(_)) | None => Err(Failure::Refused("the writer answered something else".to_owned())),
    }
}

/// The first line of standard input, so that no password is in an argument, where others on the machine see it.
fn read_password() -> Result<String, Failure> {
    if stdin().is_terminal() {
        complain("Type the password and press Enter; it is shown.");
        let mut line = String::new();
        stdin().read_line(&mut line)?;
        return first_line(&line);
    }
    // A little more than the longest, so that a longer one is refused and not cut.
    let bytes_max = u64::try_from(PASSWORD_BYTES_MAX + 3).unwrap_or(u64::MAX);
    let mut text = String::new();
    stdin().take(bytes_max).read_to_string(&mut text)?;
    first_line(&text)
}

fn first_line(text: &str) -> Result<String, Failure> {
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::Usage("the password is empty: pass it on standard input".to_owned()));
    }
    Ok(line.to_owned())
}
