use super::*;
use crate::domain::account::{Status, alice};
use crate::domain::username::Username;

fn query(raw: &str) -> Query {
    Query::parse(raw).unwrap()
}

fn tier(raw: &str, username: &str, display_name: &str) -> Option<Tier> {
    query(raw).rank(username, display_name).map(|rank| rank.tier)
}

#[test]
fn what_is_typed_has_bounds() {
    for bad in ["", " ", "@", "@ ", "\u{a0}"] {
        assert_eq!(Query::parse(bad), Err(QueryProblem::Empty), "{bad:?}");
    }
    for bad in ["a\0b", "a\nb", "a\u{7f}"] {
        assert_eq!(Query::parse(bad), Err(QueryProblem::InvalidCharacters), "{bad:?}");
    }
    assert!(Query::parse(&"é".repeat(64)).is_ok());
    assert_eq!(Query::parse(&"é".repeat(65)), Err(QueryProblem::TooLong));
    assert_eq!(query(" @Zoë.Lee "), query("zoe.lee"));
}

#[test]
fn why_a_person_is_found() {
    use Tier::{Exact, Prefix, Spelling, Words};
    for (asked, username, display_name, expected) in [
        ("ann", "ann", "", Some(Exact)),
        ("@ANN", "ann", "", Some(Exact)),
        ("Änn", "ann", "", Some(Exact)),
        ("an", "ann", "", Some(Prefix)),
        ("ann.", "ann.lee", "", Some(Prefix)),
        ("_", "_x", "", Some(Prefix)),
        ("ann lee", "ann.lee", "", Some(Words)),
        ("annlee", "ann_lee", "", Some(Words)),
        ("lee", "ann_lee", "", Some(Words)),
        ("lee", "ann_lee92", "", Some(Words)),
        ("zoe", "x9", "Zoë Müller", Some(Words)),
        ("muller zoe", "x9", "Zoë Müller", Some(Words)),
        ("mul zo", "x9", "Zoë Müller", Some(Words)),
        ("zoemul", "x9", "Zoë Müller", Some(Words)),
        ("obrien", "x9", "Pat O’Brien", Some(Words)),
        ("mulelr zoe", "x9", "Zoë Müller", Some(Spelling)),
        ("alcie", "alice", "", Some(Spelling)),
        ("a1ice", "alice", "", Some(Spelling)),
        ("alicee", "alice_b", "", Some(Spelling)),
        ("jonh_smith", "john_smith", "", Some(Spelling)),
        ("zoe meier", "x9", "Zoë Müller", None),
        ("bob", "rob", "Rob", None),
        ("%", "x9", "100%", None),
        ("\"", "x9", "\"", None),
    ] {
        assert_eq!(tier(asked, username, display_name), expected, "{asked:?} {username:?} {display_name:?}");
    }
}

#[test]
fn the_better_match_comes_first() {
    // Each before the next.
    let people = [
        ("ann", ""),
        ("ann.lee", ""),
        ("ann1", ""),
        ("ann_b", ""),
        ("anna", ""),
        ("annabelle", ""),
        ("x1", "Ann"),
        ("x2", "Lee Ann"),
        ("x3", "Annegret Lee"),
        ("x4", "Lee Annegret"),
        ("x5", "Anns"),
        ("x5", "Amn"),
    ];
    let found = people.map(|(username, display_name)| query("ann").rank(username, display_name));
    let (found, last) = found.split_at(people.len() - 2);
    let keys: Vec<i64> = found.iter().map(|rank| rank.unwrap().key()).collect();
    assert!(keys.is_sorted() && keys[0] == 0, "{keys:?}");
    // A name that begins so is as good as another, and of three letters none is wrong.
    assert_eq!((last[0].unwrap().key(), last[1]), (found[8].unwrap().key(), None));
    let costs =
        ["alice1", "a1ice", "alcie", "slice"].map(|asked| query(asked).rank("alice", "").unwrap().key());
    assert!(costs[1] < costs[2] && costs[2] < costs[3] && costs[0] == costs[2], "{costs:?}");
}

#[test]
fn a_person_is_found_by_name_words_and_pairs() {
    let terms_of = |username: &str, display_name: &str| {
        let username = Username::from_stored(username.to_owned());
        let user = User { username, display_name: display_name.to_owned(), ..alice() };
        let terms = terms(&user).into_iter().map(|term| format!("{}{}", term.kind.to_code(), term.text));
        terms.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(terms_of("bob", ""), "0bob 1bob");
    assert_eq!(
        terms_of("ann_lee92", ""),
        "0ann_lee92 1ann 1annlee92 1lee 1lee92 2annlee 2annlee92 2lee92ann 2lee92lee 2leeann 2leelee92"
    );
    assert_eq!(terms_of("zm", "Zoë Müller"), "0zm 1muller 1zm 1zoe 1zoemuller 2mullerzoe 2zoemuller");
    let many = terms_of("zm", "a b c d e f g h i j");
    assert_eq!(many.split(' ').filter(|term| term.starts_with('2')).count(), 12);
    for status in [Status::Suspended, Status::Deactivated, Status::Deleted] {
        assert!(terms(&User { status, ..alice() }).is_empty());
    }
}
