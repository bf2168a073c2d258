//! This service's own copy of what it needs to know about people.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt, Text};
use diesel::upsert::excluded;
use shared::clock::Micros;
use shared::db::{Conn, StoreError, Value, chunks, execute, query};
use shared::facts::{AccountStatus, Audience, ListAudience, UserFacts};
use shared::id::UserId;
use shared::on_backend;

use super::graph::{Told, Transaction};
use super::schema::{parked_events, user_facts};
use crate::domain::TargetFacts;

/// The feed that the facts come from.
const USER_FEED: &str = "user";
/// Beside it, when the event at the position was written: a log that has another one there is another log.
const USER_FEED_AT: &str = "user.at";
/// And how often the position was moved to somewhere else, or that was begun.
const USER_FEED_ROUND: &str = "user.round";
/// And whether it was begun and is not done: 1 if so.
const USER_FEED_ANEW: &str = "user.anew";

/// What is known about a person, and as of which event of user-service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownUser {
    /// Who.
    pub id: UserId,
    /// The newest event of user-service that the facts include.
    pub seq: i64,
    /// What.
    pub facts: UserFacts,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = user_facts, treat_none_as_default_value = false)]
struct FactRow {
    user_id: i64,
    seq: i64,
    username: String,
    display_name: String,
    avatar_url: Option<String>,
    verified: i16,
    status: i16,
    private_account: i16,
    show_relations: i16,
    show_counts: i16,
    suggest_to_others: i16,
    messages_from: i16,
    comments_from: i16,
    mentions_from: i16,
}

impl From<&KnownUser> for FactRow {
    fn from(known: &KnownUser) -> Self {
        let facts = known.facts.clone();
        Self {
            user_id: known.id.get(),
            seq: known.seq,
            username: facts.username,
            display_name: facts.display_name,
            avatar_url: facts.avatar_url,
            verified: i16::from(facts.verified),
            status: facts.status.to_code(),
            private_account: i16::from(facts.private_account),
            show_relations: facts.show_relations.to_code(),
            show_counts: i16::from(facts.show_counts),
            suggest_to_others: i16::from(facts.suggest_to_others),
            messages_from: facts.messages_from.to_code(),
            comments_from: facts.comments_from.to_code(),
            mentions_from: facts.mentions_from.to_code(),
        }
    }
}

impl TryFrom<FactRow> for KnownUser {
    type Error = StoreError;

    fn try_from(row: FactRow) -> Result<Self, StoreError> {
        let damaged = || StoreError::Unreadable(format!("the facts of user {}", row.user_id));
        let facts = UserFacts {
            username: row.username,
            display_name: row.display_name,
            avatar_url: row.avatar_url,
            verified: row.verified != 0,
            status: AccountStatus::from_code(row.status).ok_or_else(damaged)?,
            private_account: row.private_account != 0,
            show_relations: ListAudience::from_code(row.show_relations).ok_or_else(damaged)?,
            show_counts: row.show_counts != 0,
            suggest_to_others: row.suggest_to_others != 0,
            messages_from: Audience::from_code(row.messages_from).ok_or_else(damaged)?,
            comments_from: Audience::from_code(row.comments_from).ok_or_else(damaged)?,
            mentions_from: Audience::from_code(row.mentions_from).ok_or_else(damaged)?,
        };
        Ok(Self { id: UserId::new(row.user_id), seq: row.seq, facts })
    }
}

/// What is known about `users`. Who is not in the map has not been heard of.
pub fn known(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, KnownUser>, StoreError> {
    let mut found = HashMap::with_capacity(users.len());
    for piece in chunks(users) {
        let wanted =
            user_facts::table.filter(user_facts::user_id.eq_any(piece.iter().map(|user| user.get())));
        let rows: Vec<FactRow> = on_backend!(conn, |c| wanted.load(c))?;
        for row in rows {
            let known = KnownUser::try_from(row)?;
            found.insert(known.id, known);
        }
    }
    Ok(found)
}

/// What acts ask about `users`. Who is not in the map has not been heard of.
pub fn targets(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, TargetFacts>, StoreError> {
    let mut found = HashMap::with_capacity(users.len());
    for piece in chunks(users) {
        // As a text: diesel prepares a list of its own anew each time.
        let text = format!(
            "SELECT user_id, status, private_account FROM user_facts WHERE user_id IN ({})",
            vec!["?"; piece.len()].join(",")
        );
        let binds: Vec<Value<'_>> = piece.iter().map(|user| Value::Int(user.get())).collect();
        let rows: Vec<(i64, i16, i16)> = query::<(BigInt, SmallInt, SmallInt), _>(conn, &text, &binds)?;
        found.extend(rows.into_iter().map(|(user, status, private)| {
            let facts =
                TargetFacts { visible: status == AccountStatus::Active.to_code(), private: private != 0 };
            (UserId::new(user), facts)
        }));
    }
    Ok(found)
}

/// What is known about at most `limit` people with an id after `after`, up to `through`.
pub fn known_between(
    conn: &mut Conn,
    after: i64,
    through: i64,
    limit: i64,
) -> Result<Vec<KnownUser>, StoreError> {
    let wanted = user_facts::table
        .filter(user_facts::user_id.gt(after).and(user_facts::user_id.le(through)))
        .order(user_facts::user_id)
        .limit(limit);
    let rows: Vec<FactRow> = on_backend!(conn, |c| wanted.load(c))?;
    rows.into_iter().map(KnownUser::try_from).collect()
}

/// What is known about one person.
pub fn known_one(conn: &mut Conn, user: UserId) -> Result<Option<UserFacts>, StoreError> {
    let row: Option<FactRow> =
        on_backend!(conn, |c| user_facts::table.find(user.get()).get_result(c).optional())?;
    Ok(row.map(KnownUser::try_from).transpose()?.map(|known| known.facts))
}

/// Whom a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// Who has it.
    pub user: UserId,
    /// Whether others may know.
    pub visible: bool,
}

/// Whom those of `names` lead to that somebody is known to go by. A direct answer may have told of a name's new holder
/// before the feed tells that the old one gave it up: then the newer knowledge counts.
pub fn named(conn: &mut Conn, names: &[&str]) -> Result<HashMap<String, Named>, StoreError> {
    let mut found: HashMap<String, (i64, Named)> = HashMap::with_capacity(names.len());
    for piece in chunks(names) {
        let wanted = user_facts::table.filter(user_facts::username.eq_any(piece)).select((
            user_facts::username,
            user_facts::user_id,
            user_facts::status,
            user_facts::seq,
        ));
        let rows: Vec<(String, i64, i16, i64)> = on_backend!(conn, |c| wanted.load(c))?;
        for (name, user, status, seq) in rows {
            let visible = status == AccountStatus::Active.to_code();
            let named = Named { user: UserId::new(user), visible };
            let newest = found.entry(name).or_insert((seq, named));
            if newest.0 < seq {
                *newest = (seq, named);
            }
        }
    }
    Ok(found.into_iter().map(|(name, (_, named))| (name, named)).collect())
}

/// The condition that the person in `column` is not hidden. By key for each row: it costs the same however many are
/// hidden, and however many there are.
pub(super) fn not_hidden(column: &str) -> String {
    format!("NOT EXISTS (SELECT 1 FROM user_facts AS f WHERE f.user_id = {column} AND f.status <> 0)")
}

/// Those of `users` who are hidden.
pub fn hidden_among(conn: &mut Conn, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
    let mut found = HashSet::new();
    for piece in chunks(users) {
        let hidden = user_facts::status.ne(AccountStatus::Active.to_code());
        let wanted = user_facts::table
            .filter(user_facts::user_id.eq_any(piece.iter().map(|user| user.get())).and(hidden))
            .select(user_facts::user_id);
        let rows: Vec<i64> = on_backend!(conn, |c| wanted.load(c))?;
        found.extend(rows.into_iter().map(UserId::new));
    }
    Ok(found)
}

/// Replaces what is known about one person. Which of two is newer is the caller's to compare: it holds
/// the log's head, so nobody else writes in between.
pub fn put(tx: &mut Transaction<'_>, known: &KnownUser) -> Result<(), StoreError> {
    use user_facts::dsl;
    let row = FactRow::from(known);
    on_backend!(&mut *tx.conn, |c| diesel::insert_into(dsl::user_facts)
        .values(row)
        .on_conflict(dsl::user_id)
        .do_update()
        .set((
            dsl::seq.eq(excluded(dsl::seq)),
            dsl::username.eq(excluded(dsl::username)),
            dsl::display_name.eq(excluded(dsl::display_name)),
            dsl::avatar_url.eq(excluded(dsl::avatar_url)),
            dsl::verified.eq(excluded(dsl::verified)),
            dsl::status.eq(excluded(dsl::status)),
            dsl::private_account.eq(excluded(dsl::private_account)),
            dsl::show_relations.eq(excluded(dsl::show_relations)),
            dsl::show_counts.eq(excluded(dsl::show_counts)),
            dsl::suggest_to_others.eq(excluded(dsl::suggest_to_others)),
            dsl::messages_from.eq(excluded(dsl::messages_from)),
            dsl::comments_from.eq(excluded(dsl::comments_from)),
            dsl::mentions_from.eq(excluded(dsl::mentions_from)),
        ))
        .execute(c))?;
    tx.tell(|| Told::Facts(known.clone()));
    Ok(())
}

/// Puts an event aside that could not be read.
pub fn park(conn: &mut Conn, seq: i64, reason: &str) -> Result<(), StoreError> {
    let row =
        (parked_events::feed.eq(USER_FEED), parked_events::seq.eq(seq), parked_events::reason.eq(reason));
    on_backend!(conn, |c| diesel::insert_into(parked_events::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// How far this service is with user-service's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPlace {
    /// The last event that was applied.
    pub position: i64,
    /// When it was written, where that is known.
    pub at: Option<Micros>,
    /// How often the position was moved to somewhere else, or that was begun: what was asked for before is void.
    pub round: i64,
    /// Whether everybody is being learned anew, since the log is not the one that was read up to the position.
    pub anew: bool,
}

/// How far this service is with user-service's feed.
pub fn feed_place(conn: &mut Conn) -> Result<FeedPlace, StoreError> {
    let text = "SELECT feed, seq FROM feed_position WHERE feed IN (?,?,?,?)";
    let names = [USER_FEED, USER_FEED_AT, USER_FEED_ROUND, USER_FEED_ANEW].map(Value::from);
    let rows: Vec<(String, i64)> = query::<(Text, BigInt), _>(conn, text, &names)?;
    let noted = |name| rows.iter().find(|(held, _)| held == name).map_or(0, |(_, noted)| *noted);
    Ok(FeedPlace {
        position: noted(USER_FEED),
        at: Some(Micros::new(noted(USER_FEED_AT))).filter(|at| at.get() > 0),
        round: noted(USER_FEED_ROUND),
        anew: noted(USER_FEED_ANEW) == 1,
    })
}

/// How far user-service's feed has been applied.
pub fn feed_position(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(feed_place(conn)?.position)
}

/// Begins another round.
pub fn set_feed_round(conn: &mut Conn, round: i64, anew: bool) -> Result<(), StoreError> {
    note_places(conn, [(USER_FEED_ROUND, round), (USER_FEED_ANEW, i64::from(anew))])
}

/// Moves the position to an event that was written at this time.
pub fn set_feed_position(conn: &mut Conn, seq: i64, at: Option<Micros>) -> Result<(), StoreError> {
    note_places(conn, [(USER_FEED, seq), (USER_FEED_AT, at.map_or(0, Micros::get))])
}

fn note_places(conn: &mut Conn, places: [(&str, i64); 2]) -> Result<(), StoreError> {
    let text = "INSERT INTO feed_position (feed, seq) VALUES (?, ?), (?, ?)
        ON CONFLICT (feed) DO UPDATE SET seq = excluded.seq";
    let binds: Vec<Value<'_>> =
        places.iter().flat_map(|(name, noted)| [(*name).into(), Value::Int(*noted)]).collect();
    execute(conn, text, &binds).map(drop)
}
