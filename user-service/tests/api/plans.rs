//! What moderators may filter by is found by an index, however much there is: no statement reads a table from one end
//! to the other.

use shared::clock::Micros;
use shared::db::{Conn, execute};
use shared::id::UserId;
use shared::on_both_databases;
use shared::testing::reads_little;
use user_service::domain::account::{Role, Status};
use user_service::domain::audit_log::{Action, Doer, EntryFilter, EntryId};
use user_service::domain::roster::Filter;
use user_service::store;
use user_service::store::roster::Before;

use crate::test_app::{Make, TestApp};

on_both_databases!(every_filter_has_an_index);

/// Entries, and people, to choose from.
const ROWS: i64 = 100_000;
/// Rows on a page.
const PAGE: i64 = 20;
/// As many as a page from each of the 24 classes of people, and a little more.
const READ_MAX: i64 = 1_000;
const JUDGE: UserId = UserId::new(7);

/// Half of the entries are one person's, the others are the operator's or nobody's; the rare kind is the oldest.
fn fill(conn: &mut Conn) {
    let numbers =
        format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})");
    let entries = format!(
        "{numbers} INSERT INTO audit_log (id, at, actor_id, operator, action, subject_id)
         SELECT i, i, CASE WHEN i % 2 = 0 THEN 7 END, CASE WHEN i % 4 = 1 THEN 1 ELSE 0 END,
            CASE WHEN i < 100 THEN 'set_role' ELSE 'suspend' END, i % 5000 FROM n"
    );
    let people = format!(
        "{numbers} INSERT INTO users (id, username, display_name, bio, links, email_verified, role, status, verified,
            private_account, show_relations, show_counts, suggest_to_others, messages_from, comments_from,
            mentions_from, created_at, updated_at, version)
         SELECT i, 'n' || i, '', '', '[]', 0, CASE WHEN i < 100 THEN 2 ELSE 0 END,
            CASE WHEN i % 3 = 0 THEN 2 ELSE 0 END, CASE WHEN i < 200 THEN 1 ELSE 0 END,
            0, 0, 1, 1, 0, 0, 0, i, i, 1 FROM n"
    );
    if matches!(conn, Conn::Postgres(_)) {
        execute(conn, "SET statement_timeout = 0", &[]).unwrap();
    }
    for text in [entries, people] {
        execute(conn, &text, &[]).unwrap();
    }
    if matches!(conn, Conn::Postgres(_)) {
        execute(conn, "ANALYZE", &[]).unwrap();
    }
}

async fn every_filter_has_an_index(make: Make) {
    let app = TestApp::start(make);
    let mut conn = app.conn();
    fill(&mut conn);
    for by in [None, Some(Doer::Person(JUDGE)), Some(Doer::Operator), Some(Doer::Time)] {
        for subject in [None, Some(UserId::new(4_000))] {
            for action in [None, Some(Action::Suspend), Some(Action::SetRole)] {
                // A kind among what no person did is walked through: that is few.
                if by.is_some_and(|by| by.person().is_none()) && action == Some(Action::SetRole) {
                    continue;
                }
                let filter = EntryFilter { by, subject, action };
                for before in [None, Some(EntryId::new(ROWS / 2))] {
                    let entries = |conn: &mut Conn| {
                        store::audit_log::entries(conn, filter, before, PAGE).map(|found| found.len())
                    };
                    reads_little(
                        &mut conn,
                        "audit_log",
                        READ_MAX,
                        &format!("{filter:?} {before:?}"),
                        entries,
                    );
                }
            }
        }
    }
    let all = Filter::default();
    for filter in [
        all,
        Filter { status: Some(Status::Suspended), ..all },
        Filter { status: Some(Status::Deactivated), ..all },
        Filter { role: Some(Role::Admin), ..all },
        Filter { role: Some(Role::Moderator), ..all },
        Filter { verified: Some(true), ..all },
        Filter { created_since: Some(Micros::new(ROWS - 5)), ..all },
        Filter { created_before: Some(Micros::new(5)), ..all },
    ] {
        for place in [None, Some(Micros::new(ROWS / 2))] {
            let before = place.map(|created_at| Before { created_at, id: UserId::new(created_at.get()) });
            let by_age = |conn: &mut Conn| Ok(store::roster::by_age(conn, filter, before, PAGE)?.len());
            reads_little(&mut conn, "users", READ_MAX, &format!("{filter:?} {place:?}"), by_age);
        }
        for (prefix, after) in [("n77", None), ("n", Some("n5")), ("zz", None)] {
            let by_name =
                |conn: &mut Conn| Ok(store::roster::by_name(conn, filter, prefix, after, PAGE)?.len());
            reads_little(&mut conn, "users", READ_MAX, &format!("{filter:?} {prefix}"), by_name);
        }
    }
}
