//! The store alone: what it writes it reads back, the same on both databases.

use std::cell::RefCell;
use std::thread;

use shared::clock::Micros;
use shared::db::audit::count;
use shared::db::catalog::tables;
use shared::db::log::{head, take_head};
use shared::db::transfer::{self, Stage};
use shared::db::{Conn, begin_write, end_write, open_writer};
use shared::facts::{AccountStatus, Audience, ListAudience};
use shared::id::{SessionId, UserId};
use shared::testing::TestDatabase;
use shared::{on_both_databases, on_postgres};
use user_service::domain::account::{Role, User};
use user_service::domain::email::Email;
use user_service::domain::privacy::Privacy;
use user_service::domain::refresh_token::SessionNonce;
use user_service::domain::session::{SessionLife, SessionState};
use user_service::domain::username::Username;
use user_service::store;
use user_service::store::claim::NewClaim;
use user_service::store::session::Session;

use crate::post::until;
use crate::test_app::Make;

on_both_databases!(
    migrating_again_changes_nothing,
    people_come_back_as_they_were,
    many_people_are_written_at_once,
    claims_lead_to_their_holders,
    sessions_come_back_and_end,
);
on_postgres!(a_move_empties_nothing_that_came_into_use_since_it_looked);

fn open(make: Make) -> (TestDatabase, Conn) {
    let database = make();
    let mut conn = open_writer(&database.url).unwrap();
    store::migrate(&mut conn).unwrap();
    (database, conn)
}

fn person(id: i64) -> User {
    User {
        id: UserId::new(id),
        username: Username::parse(&format!("n{id}")).unwrap(),
        display_name: "Zoë 🦀".to_owned(),
        bio: "it's \"quoted\"\n? $1 %s".to_owned(),
        avatar_url: Some("https://example.com/?a=1".to_owned()),
        links: vec!["https://example.com/".to_owned(), "https://example.org/".to_owned()],
        region: Some("NZ".to_owned()),
        language: None,
        email: Some(Email::parse("Ann@example.com").unwrap()),
        email_verified: true,
        privacy: Privacy {
            private_account: true,
            show_relations: ListAudience::OnlyMe,
            show_counts: false,
            suggest_to_others: false,
            messages_from: Audience::Nobody,
            comments_from: Audience::Friends,
            mentions_from: Audience::Followers,
        },
        role: Role::Moderator,
        status: AccountStatus::Suspended,
        verified: true,
        created_at: Micros::new(5),
        updated_at: Micros::new(6),
        version: 7,
    }
}

async fn migrating_again_changes_nothing(make: Make) {
    let (_database, mut conn) = open(make);
    assert_eq!(store::migrate(&mut conn).unwrap(), 0);
}

async fn people_come_back_as_they_were(make: Make) {
    let (_database, mut conn) = open(make);
    let mut ann = person(i64::MAX);
    store::user::insert(&mut conn, &[(&ann, Some("$argon2id$x")), (&person(1), None)]).unwrap();
    assert_eq!(store::user::user(&mut conn, ann.id).unwrap().as_ref(), Some(&ann));
    assert_eq!(store::user::password_hash(&mut conn, ann.id).unwrap().as_deref(), Some("$argon2id$x"));
    assert_eq!(store::user::password_hash(&mut conn, UserId::new(1)).unwrap(), None);
    assert_eq!(store::user::password_hash(&mut conn, UserId::new(2)).unwrap(), None);
    (ann.avatar_url, ann.region, ann.email) = (None, None, None);
    ann.links.clear();
    (ann.bio, ann.version) = (String::new(), 8);
    store::user::update(&mut conn, &ann).unwrap();
    assert_eq!(store::user::user(&mut conn, ann.id).unwrap(), Some(ann.clone()));
    assert_eq!(store::user::password_hash(&mut conn, ann.id).unwrap().as_deref(), Some("$argon2id$x"));
    assert_eq!(store::user::user(&mut conn, UserId::new(1)).unwrap(), Some(person(1)), "nobody else changed");
}

async fn many_people_are_written_at_once(make: Make) {
    let (_database, mut conn) = open(make);
    let people: Vec<User> = (1..=700).map(person).collect();
    let rows: Vec<(&User, Option<&str>)> = people.iter().map(|user| (user, None)).collect();
    store::user::insert(&mut conn, &rows).unwrap();
    let ids: Vec<UserId> = (0..=701).map(UserId::new).collect();
    let (found, seq) = store::snapshot(&mut conn, |conn| store::user::users(conn, &ids)).unwrap();
    assert_eq!((found.len(), seq), (700, 0));
    assert_eq!(found[&UserId::new(700)], people[699]);
}

async fn claims_lead_to_their_holders(make: Make) {
    let (_database, mut conn) = open(make);
    let claim = |id, name: &str, address: Option<&str>| NewClaim {
        user: UserId::new(id),
        name: name.to_owned(),
        look: Username::parse(name).unwrap().skeleton(),
        address: address.map(str::to_owned),
    };
    store::claim::insert(&mut conn, &[claim(1, "alice", Some("a@example.com")), claim(2, "b0b", None)])
        .unwrap();
    let names = store::claim::names(&mut conn, &["alice", "bob", "b0b"]).unwrap();
    assert_eq!(names.len(), 2);
    assert_eq!(names["b0b"].user, UserId::new(2));
    assert!(names["b0b"].holds(Micros::new(i64::MAX)));
    let looks = store::claim::looks(&mut conn, &["aiice", "bob", "b0b"]).unwrap();
    assert_eq!((looks["aiice"], looks["bob"], looks.len()), (UserId::new(1), UserId::new(2), 2));
    let addresses = store::claim::addresses(&mut conn, &["a@example.com", "b@example.com"]).unwrap();
    assert_eq!((addresses["a@example.com"], addresses.len()), (UserId::new(1), 1));
    let nobody = Username::parse("somebody_else").unwrap();
    assert_eq!(store::claim::name(&mut conn, &nobody, Micros::new(0)).unwrap(), None);
}

async fn sessions_come_back_and_end(make: Make) {
    let (_database, mut conn) = open(make);
    let (ann, bob) = (UserId::new(1), UserId::new(2));
    let opened = Micros::from_millis(1_000_000);
    let life = SessionLife::default();
    let session = |id, user| Session {
        state: SessionState::open(SessionId::new(id), user, opened, life),
        nonce: SessionNonce::new([7; 16]),
        device_name: "phone".to_owned(),
    };
    for new in [session(10, ann), session(11, ann), session(12, bob)] {
        store::session::insert(&mut conn, &new).unwrap();
    }
    assert_eq!(store::session::session(&mut conn, ann, SessionId::new(10)).unwrap(), Some(session(10, ann)));
    assert_eq!(store::session::session(&mut conn, bob, SessionId::new(10)).unwrap(), None);
    assert_eq!(store::session::live(&mut conn, ann, opened).unwrap(), [session(11, ann), session(10, ann)]);

    let later = opened.after(life.idle / 2);
    let rotated = session(10, ann).state.rotated(later, life);
    store::session::rotate(&mut conn, &rotated).unwrap();
    let found = store::session::session(&mut conn, ann, SessionId::new(10)).unwrap().unwrap();
    assert_eq!(found.state, rotated);
    // The other one was not used and has ended.
    let expired = opened.after(life.idle);
    assert_eq!(store::session::live(&mut conn, ann, expired).unwrap().len(), 1);

    store::session::revoke(&mut conn, ann, SessionId::new(10), expired).unwrap();
    assert!(store::session::live(&mut conn, ann, expired).unwrap().is_empty());
    let revoked = store::session::revoked_since(&mut conn, expired).unwrap();
    assert_eq!(revoked, [(SessionId::new(10), expired)]);
    assert!(store::session::revoked_since(&mut conn, Micros::new(expired.get() + 1)).unwrap().is_empty());

    store::session::forget_ended(&mut conn, ann, expired).unwrap();
    assert!(
        store::session::session(&mut conn, ann, SessionId::new(10)).unwrap().is_some(),
        "not before its time"
    );
    store::session::forget_ended(&mut conn, ann, Micros::new(expired.get() + 1)).unwrap();
    assert_eq!(store::session::session(&mut conn, ann, SessionId::new(10)).unwrap(), None);
    assert_eq!(store::session::session(&mut conn, ann, SessionId::new(11)).unwrap(), None);
    assert!(
        store::session::session(&mut conn, bob, SessionId::new(12)).unwrap().is_some(),
        "somebody else's"
    );
}

async fn a_move_empties_nothing_that_came_into_use_since_it_looked(make: Make) {
    let (database, mut target) = open(make);
    let all = tables(&mut target).unwrap();
    let source = head(&mut target).unwrap();
    let connect = || open_writer(&database.url).unwrap();
    let idle = connect();
    assert!(!transfer::begin(&mut target, &all, source).unwrap(), "somebody may write any moment");
    drop(idle);
    until("nobody else is connected", || transfer::others_connected(&mut target).unwrap() == 0).await;
    assert_eq!(transfer::stage(&mut target, &all).unwrap(), Stage::Empty);

    let mut service = connect();
    begin_write(&mut service).unwrap();
    take_head(&mut service).unwrap();
    store::user::insert(&mut service, &[(&person(1), None)]).unwrap();
    let (mut waiting, those) = (connect(), all.clone());
    let moving = thread::spawn(move || transfer::begin(&mut waiting, &those, source));
    let is_waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'log_head'::regclass";
    let watcher = RefCell::new(&mut target);
    until("it waits for who writes", || count(*watcher.borrow_mut(), is_waiting).unwrap() == 1).await;
    end_write(&mut service, true).unwrap();
    assert!(!moving.join().unwrap().unwrap(), "the first writes are there");
    assert_eq!(transfer::stage(&mut target, &all).unwrap(), Stage::Used);
    assert_eq!(store::user::users(&mut target, &[UserId::new(1)]).unwrap().len(), 1);
}
