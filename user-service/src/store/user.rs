//! People as rows.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, chunks, execute};
use shared::facts::{AccountStatus, Audience, ListAudience};
use shared::id::UserId;
use shared::on_backend;

use super::schema::users;
use super::told::{Told, Transaction};
use super::{rows_of_binds, search_index};
use crate::domain::account::{Role, User};
use crate::domain::email::Email;
use crate::domain::privacy::Privacy;
use crate::domain::username::Username;

/// All of a person but the password.
#[derive(Queryable, Selectable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true)]
struct UserRow {
    id: i64,
    username: String,
    display_name: String,
    bio: String,
    avatar_url: Option<String>,
    links: String,
    region: Option<String>,
    language: Option<String>,
    email: Option<String>,
    email_verified: i16,
    role: i16,
    status: i16,
    verified: i16,
    private_account: i16,
    show_relations: i16,
    show_counts: i16,
    suggest_to_others: i16,
    messages_from: i16,
    comments_from: i16,
    mentions_from: i16,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

impl TryFrom<&User> for UserRow {
    type Error = StoreError;

    fn try_from(user: &User) -> Result<Self, StoreError> {
        let links = serde_json::to_string(&user.links);
        let privacy = user.privacy;
        Ok(Self {
            id: user.id.get(),
            username: user.username.as_str().to_owned(),
            display_name: user.display_name.clone(),
            bio: user.bio.clone(),
            avatar_url: user.avatar_url.clone(),
            links: links.map_err(|error| StoreError::Unreadable(error.to_string()))?,
            region: user.region.clone(),
            language: user.language.clone(),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            email_verified: i16::from(user.email_verified),
            role: user.role.to_code(),
            status: user.status.to_code(),
            verified: i16::from(user.verified),
            private_account: i16::from(privacy.private_account),
            show_relations: privacy.show_relations.to_code(),
            show_counts: i16::from(privacy.show_counts),
            suggest_to_others: i16::from(privacy.suggest_to_others),
            messages_from: privacy.messages_from.to_code(),
            comments_from: privacy.comments_from.to_code(),
            mentions_from: privacy.mentions_from.to_code(),
            created_at: user.created_at.get(),
            updated_at: user.updated_at.get(),
            version: user.version,
        })
    }
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let damaged = || StoreError::Unreadable(format!("user {}", row.id));
        let privacy = Privacy {
            private_account: row.private_account != 0,
            show_relations: ListAudience::from_code(row.show_relations).ok_or_else(damaged)?,
            show_counts: row.show_counts != 0,
            suggest_to_others: row.suggest_to_others != 0,
            messages_from: Audience::from_code(row.messages_from).ok_or_else(damaged)?,
            comments_from: Audience::from_code(row.comments_from).ok_or_else(damaged)?,
            mentions_from: Audience::from_code(row.mentions_from).ok_or_else(damaged)?,
        };
        Ok(Self {
            id: UserId::new(row.id),
            username: Username::from_stored(row.username),
            display_name: row.display_name,
            bio: row.bio,
            avatar_url: row.avatar_url,
            links: serde_json::from_str(&row.links).map_err(|_| damaged())?,
            region: row.region,
            language: row.language,
            email: row.email.map(Email::from_stored),
            email_verified: row.email_verified != 0,
            privacy,
            role: Role::from_code(row.role).ok_or_else(damaged)?,
            status: AccountStatus::from_code(row.status).ok_or_else(damaged)?,
            verified: row.verified != 0,
            created_at: Micros::new(row.created_at),
            updated_at: Micros::new(row.updated_at),
            version: row.version,
        })
    }
}

/// Those of `ids` that are people's, whatever became of them.
pub fn users(conn: &mut Conn, ids: &[UserId]) -> Result<HashMap<UserId, User>, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for piece in chunks(ids) {
        let ids = piece.iter().map(|id| id.get());
        let wanted = users::table.filter(users::id.eq_any(ids));
        let rows: Vec<UserRow> = on_backend!(conn, |c| wanted.select(UserRow::as_select()).load(c))?;
        for row in rows {
            found.insert(UserId::new(row.id), User::try_from(row)?);
        }
    }
    Ok(found)
}

/// One person, whatever became of them.
pub fn user(conn: &mut Conn, id: UserId) -> Result<Option<User>, StoreError> {
    let wanted = users::table.find(id.get());
    let row: Option<UserRow> =
        on_backend!(conn, |c| wanted.select(UserRow::as_select()).get_result(c).optional())?;
    row.map(User::try_from).transpose()
}

/// The hash of a person's password; nothing for nobody, and for people without a password.
pub fn password_hash(conn: &mut Conn, id: UserId) -> Result<Option<String>, StoreError> {
    let wanted = users::table.find(id.get()).select(users::password_hash);
    let found: Option<Option<String>> = on_backend!(conn, |c| wanted.get_result(c).optional())?;
    Ok(found.flatten())
}

/// Those of `ids` who have a password.
pub fn with_password(conn: &mut Conn, ids: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
    let mut found = HashSet::new();
    for piece in chunks(ids) {
        let ids = piece.iter().map(|id| id.get());
        let wanted = users::table.filter(users::id.eq_any(ids).and(users::password_hash.is_not_null()));
        let rows: Vec<i64> = on_backend!(conn, |c| wanted.select(users::id).load(c))?;
        found.extend(rows.into_iter().map(UserId::new));
    }
    Ok(found)
}

/// Replaces the hash of a person's password.
pub fn set_password_hash(conn: &mut Conn, id: UserId, hash: &str) -> Result<(), StoreError> {
    let held = users::table.find(id.get());
    on_backend!(conn, |c| diesel::update(held).set(users::password_hash.eq(Some(hash))).execute(c))?;
    Ok(())
}

/// Notes when a person has opened a session.
pub fn set_last_sign_in(conn: &mut Conn, id: UserId, at: Micros) -> Result<(), StoreError> {
    let held = users::table.find(id.get());
    on_backend!(conn, |c| diesel::update(held).set(users::last_sign_in_at.eq(Some(at.get()))).execute(c))?;
    Ok(())
}

/// When each of `ids` has opened a session last; who never has is left out.
pub fn last_sign_ins(conn: &mut Conn, ids: &[UserId]) -> Result<HashMap<UserId, Micros>, StoreError> {
    let mut found = HashMap::new();
    for piece in chunks(ids) {
        let wanted = users::table
            .filter(users::id.eq_any(piece.iter().map(|id| id.get())))
            .filter(users::last_sign_in_at.is_not_null())
            .select((users::id, users::last_sign_in_at.assume_not_null()));
        let rows: Vec<(i64, i64)> = on_backend!(conn, |c| wanted.load(c))?;
        found.extend(rows.into_iter().map(|(id, at)| (UserId::new(id), Micros::new(at))));
    }
    Ok(found)
}

/// Writes new people, each with the hash of their password if they have one, and what they are found by.
pub fn insert(conn: &mut Conn, people: &[(&User, Option<&str>)]) -> Result<(), StoreError> {
    for piece in chunks(people) {
        let rows: Result<Vec<UserRow>, StoreError> =
            piece.iter().map(|(user, _)| UserRow::try_from(*user)).collect();
        let rows = rows?;
        let binds: Vec<Value<'_>> =
            rows.iter().zip(piece).flat_map(|(row, (_, hash))| binds(row, *hash)).collect();
        let text = format!(
            "INSERT INTO users (id, username, display_name, bio, avatar_url, links, region, language, email,
                email_verified, password_hash, role, status, verified, private_account, show_relations,
                show_counts, suggest_to_others, messages_from, comments_from, mentions_from, created_at,
                updated_at, version) VALUES {}",
            rows_of_binds(piece.len(), COLUMNS)
        );
        execute(conn, &text, &binds)?;
        search_index::add(conn, piece.iter().map(|(user, _)| *user))?;
    }
    Ok(())
}

const COLUMNS: usize = 24;

fn binds<'a>(row: &'a UserRow, password_hash: Option<&'a str>) -> [Value<'a>; COLUMNS] {
    let int = |number: i16| Value::Int(i64::from(number));
    [
        row.id.into(),
        row.username.as_str().into(),
        row.display_name.as_str().into(),
        row.bio.as_str().into(),
        Value::MaybeText(row.avatar_url.as_deref()),
        row.links.as_str().into(),
        Value::MaybeText(row.region.as_deref()),
        Value::MaybeText(row.language.as_deref()),
        Value::MaybeText(row.email.as_deref()),
        int(row.email_verified),
        Value::MaybeText(password_hash),
        int(row.role),
        int(row.status),
        int(row.verified),
        int(row.private_account),
        int(row.show_relations),
        int(row.show_counts),
        int(row.suggest_to_others),
        int(row.messages_from),
        int(row.comments_from),
        int(row.mentions_from),
        row.created_at.into(),
        row.updated_at.into(),
        row.version.into(),
    ]
}

/// Replaces all of a person but the password, and what they are found by; memory forgets what they were.
pub fn change(tx: &mut Transaction<'_>, user: &User) -> Result<(), StoreError> {
    update(tx.conn, user)?;
    tx.tell(|| Told::Person(user.id));
    Ok(())
}

/// The same where nothing is remembered.
pub fn update(conn: &mut Conn, user: &User) -> Result<(), StoreError> {
    let row = UserRow::try_from(user)?;
    // Here, and not in the commands, so that none can forget it.
    if let Some(before) = self::user(conn, user.id)? {
        search_index::replace(conn, &before, user)?;
    }
    let held = users::table.find(row.id);
    on_backend!(conn, |c| diesel::update(held).set(&row).execute(c))?;
    Ok(())
}
