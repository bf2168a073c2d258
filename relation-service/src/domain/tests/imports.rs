//! What files ask for, and how they are read and written.

use std::time::Duration;

use super::*;

const fn muting(mute: Mute) -> Pair {
    Pair { marks: Marks { mute: Some(mute), close_friend: None }, ..pair(NONE, NONE) }
}

#[test]
fn leaving_out_ends_a_follow_and_nothing_else() {
    let left = Becomes(pair(NONE, NONE), "s follow.removed (import)", "s following -1, t followers -1");
    check(&[
        (pair(FOLLOW, NONE), Action::LeaveOut, PUBLIC, left),
        (pair(FOLLOW, NONE), Action::LeaveOut, HIDDEN, left),
        (pair(NONE, FOLLOW), Action::LeaveOut, PUBLIC, Unchanged),
        (pair(REQUEST, NONE), Action::LeaveOut, PRIVATE, Unchanged),
        (pair(BLOCK, NONE), Action::LeaveOut, PUBLIC, Unchanged),
    ]);
}

#[test]
fn a_mute_of_a_file_keeps_the_end_of_one_that_holds() {
    let keep = |notifications| Action::KeepMuted { notifications };
    let ending =
        Mute { since: EARLIER, expires_at: Some(NOW.after(Duration::from_secs(9))), notifications: true };
    let quiet = Mute { notifications: false, ..ending };
    let new = Mute { since: NOW, expires_at: None, notifications: true };
    let full = Facts { actor: ActorFacts { mutes: 3, ..PUBLIC.actor }, ..PUBLIC };
    check(&[
        (muting(ending), keep(None), PUBLIC, Unchanged),
        (muting(ending), keep(Some(true)), full, Unchanged),
        (muting(ending), keep(Some(false)), PUBLIC, Becomes(muting(quiet), "s mute.created", "")),
        (muting(quiet), keep(None), PUBLIC, Unchanged),
        (pair(NONE, NONE), keep(None), PUBLIC, Becomes(muting(new), "s mute.created", "")),
        (pair(NONE, NONE), keep(None), HIDDEN, Refused(Refusal::UserNotFound)),
        (pair(NONE, BLOCK), keep(None), PUBLIC, Refused(Refusal::UserNotFound)),
        (pair(NONE, NONE), keep(None), full, Refused(Refusal::MuteLimitReached)),
    ]);
}

fn hosts() -> AccountHosts {
    " Example.com,, b.example ".parse().unwrap()
}

/// `number username option` of each row, or its fault.
fn read(kind: ImportKind, text: &str) -> Result<Vec<String>, BadFile> {
    let row = |row: &ImportRow| match &row.asked {
        Ok(Wanted { username, option: Ok(option) }) => format!("{} {username} {option:?}", row.number),
        Ok(Wanted { username, option: Err(fault) }) => format!("{} {username} {}", row.number, fault.code()),
        Err(fault) => format!("{} {}", row.number, fault.code()),
    };
    read_file(text.as_bytes(), kind, &hosts()).map(|file| file.rows.iter().map(row).collect())
}

#[test]
fn an_account_is_a_name_and_perhaps_a_host_of_ours() {
    for good in ["ada", " ADA ", "@ada", "ada@example.com", "@Ada@B.EXAMPLE"] {
        assert_eq!(read(ImportKind::Blocks, good).unwrap(), ["1 ada None"], "{good:?}");
    }
    let row = |account: &str| read(ImportKind::Blocks, &format!("Account address\n\"{account}\"\n")).unwrap();
    for elsewhere in ["ada@example.org", "a-da@example.org", "@ada@example.com.org"] {
        assert_eq!(row(elsewhere), ["1 unknown_host"], "{elsewhere:?}");
    }
    let long = "a".repeat(65);
    for bad in
        ["", " ", "@", "ada@", "@@ada", "a da", "ad\u{e4}", "a-da", "a-da@b.example", "=1+1", long.as_str()]
    {
        assert_eq!(row(bad), ["1 invalid_row"], "{bad:?}");
    }
    assert_eq!(hosts().to_string(), "example.com,b.example");
}

#[test]
fn columns_are_found_by_name_or_by_place() {
    let follows = |text: &str| read(ImportKind::Following, text).unwrap();
    assert_eq!(follows("ada,false,true,\nbo\n"), ["1 ada Some(true)", "2 bo None"]);
    assert_eq!(
        follows("Languages,NOTIFY on new posts,x, account Address \n\"en,de\",1,,ada\n,,,bo\n"),
        ["1 ada Some(true)", "2 bo None"]
    );
    assert_eq!(follows("Account address\n\n\nada\n\nbo,maybe\n"), ["1 ada None", "2 bo None"]);
    let mutes = |text: &str| read(ImportKind::Mutes, text).unwrap();
    assert_eq!(
        mutes("ada,false\nbo,No\nada,true\n\"\"\"\",1\ncy,perhaps\ncy,YES\n"),
        ["1 ada Some(false)", "2 bo Some(false)", "4 invalid_row", "5 cy invalid_row", "6 cy Some(true)"]
    );
    assert_eq!(read(ImportKind::Blocks, "ada,whatever").unwrap(), ["1 ada None"]);
}

#[test]
fn a_host_is_a_name_alone() {
    for good in ["", "localhost", "example.com", "b-1.example:8443, EXAMPLE.com"] {
        assert!(good.parse::<AccountHosts>().is_ok(), "{good:?}");
    }
    for bad in ["https://example.com", "example.com/", "@example.com", "a b", "a..b", "localhost,a:b", "a;b"]
    {
        assert!(bad.parse::<AccountHosts>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_file_of_other_accounts_leaves_nobody_out() {
    for (text, of_accounts) in [
        ("Account address\n", true),
        ("Account address\nada@example.org\na b\n", false),
        ("Account address\nada@example.org\nada\n", true),
        ("Account address,Hide notifications\nada,perhaps\n", true),
    ] {
        let file = read_file(text.as_bytes(), ImportKind::Mutes, &hosts()).unwrap();
        assert_eq!(file.is_of_accounts(), of_accounts, "{text:?}");
    }
}

#[test]
fn what_is_no_file_of_accounts() {
    for (text, bad) in [
        ("", BadFile::Empty),
        ("\u{feff}", BadFile::Empty),
        ("\r\n\r\n", BadFile::Empty),
        ("[1, 2]", BadFile::NoHeader),
        ("a b,c\n", BadFile::NoHeader),
        ("ada;true", BadFile::NoHeader),
        ("ada,true,what", BadFile::NoHeader),
    ] {
        assert_eq!(read(ImportKind::Following, text), Err(bad), "{text:?}");
    }
    let refused = read_file(b"Account address\n\xff", ImportKind::Blocks, &hosts());
    assert_eq!(refused, Err(BadFile::NotUtf8));
    let rows = |count: usize| "ada\n".repeat(count);
    let most = read_file(rows(ROWS_MAX).as_bytes(), ImportKind::Blocks, &hosts()).unwrap();
    assert_eq!((most.rows.len(), most.total), (1, 20_000), "who is named again is counted");
    assert_eq!(read(ImportKind::Blocks, &rows(ROWS_MAX + 1)), Err(BadFile::TooManyRows));
}

#[test]
fn what_is_shown_of_an_account_is_short_and_visible() {
    let text = format!("Account address\n\"a\0\n{}\"\n", "\u{1f980}".repeat(200));
    let file = read_file(text.as_bytes(), ImportKind::Blocks, &hosts()).unwrap();
    let expected = format!("a\u{fffd}\u{fffd}{}", "\u{1f980}".repeat(97));
    assert_eq!(file.rows[0].account, expected);
}

#[test]
fn what_is_written_is_read_again() {
    let row = |username: &str, option| Exported { username: username.into(), option };
    let rows = [row("_a.b", true), row("9", false)];
    let texts = ["1 _a.b Some(true)", "2 9 Some(false)"];
    for kind in [ImportKind::Following, ImportKind::Mutes] {
        assert_eq!(read(kind, &export_file(kind, &rows, true)).unwrap(), texts);
        // Without the header too, as the next piece of a longer one is.
        assert_eq!(read(kind, &export_file(kind, &rows, false)).unwrap(), texts);
    }
    assert_eq!(export_file(ImportKind::Blocks, &rows, true), "Account address\n_a.b\n9\n");
}
