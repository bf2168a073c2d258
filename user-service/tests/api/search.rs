use actix_web::http::Method;
use serde_json::{Value, json};
use shared::on_both_databases;
use shared::testing::Answer;
use user_service::actors::register::{Imported, ImportedUser};
use user_service::domain::username::Username;
use user_service::store::audit::audit;

use crate::test_app::{Make, TestApp};

on_both_databases!(
    the_better_match_comes_first,
    slips_and_accents_make_no_difference,
    words_are_found_in_any_order,
    what_looks_like_a_pattern_is_none,
    other_questions_are_refused,
    pages_show_everybody_once,
    however_many_match_the_search_ends,
);

/// Makes people by username and display name.
pub async fn people(app: &TestApp, named: &[(&str, &str)]) -> Vec<Imported> {
    let user = |(username, display_name): &(&str, &str)| ImportedUser {
        username: Username::parse(username).unwrap(),
        display_name: (*display_name).to_owned(),
    };
    app.handle.register_imported(named.iter().map(user).collect()).await.unwrap()
}

pub fn path(q: &str) -> String {
    let encoded: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/v1/users/search?q={encoded}")
}

async fn ask(app: &TestApp, q: &str) -> Answer {
    app.client.get(&path(q)).await
}

pub fn names(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let items = body["items"].as_array().expect("items").iter();
    items.map(|item| item["username"].as_str().unwrap().to_owned()).collect()
}

pub async fn search(app: &TestApp, q: &str) -> Vec<String> {
    names(&ask(app, q).await.expect(200))
}

#[track_caller]
pub fn check_rules(app: &TestApp) {
    for finding in audit(&mut app.conn()).unwrap() {
        assert_eq!(finding.drift, 0, "{}", finding.rule);
    }
}

async fn the_better_match_comes_first(make: Make) {
    let app = TestApp::start(make);
    let expected = [
        ("alice", "Zed"), // the name
        ("alice.b", ""),  // names that begin so, by the alphabet
        ("alice9", ""),
        ("alice_a", ""),
        ("alicea", ""),
        ("x1", "Alice"),        // the whole display name
        ("x3", "Alice Wonder"), // a word of it
        ("the_alice", ""),      // older than the next
        ("x2", "Wonder Alice"),
        ("x4", "Alicette"),        // the beginning of the whole
        ("x5", "Wonder Alicette"), // the beginning of a word
        ("alcie", ""),             // a slip
        ("x6", "Wonder Alicw"),
        ("slice", ""), // in the first letter
    ];
    let mut made = expected;
    made.reverse();
    made.swap(5, 6); // the_alice is older than x2 and younger than x3
    made.swap(6, 7);
    made.sort_by_key(|(username, _)| !matches!(*username, "x3" | "the_alice" | "alcie"));
    people(&app, &made).await;
    people(&app, &[("bob", "Bob"), ("malik", "Alina")]).await;
    let found = search(&app, "alice").await;
    let (before, after) = found.split_at(6);
    assert_eq!(before, expected[..6].iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let mut tiers: Vec<Vec<&str>> =
        vec![vec!["x3", "the_alice", "x2"], vec!["x4"], vec!["x5"], vec!["alcie", "x6"], vec!["slice"]];
    let mut rest = after.iter().map(String::as_str);
    for tier in &mut tiers {
        let mut next: Vec<&str> = rest.by_ref().take(tier.len()).collect();
        next.sort_unstable();
        tier.sort_unstable();
        assert_eq!(&next, tier, "{found:?}");
    }
    assert_eq!(rest.next(), None, "{found:?}");
    for same in ["ALICE", " @alice ", "Álicé"] {
        assert_eq!(search(&app, same).await, found, "{same}");
    }
    let view = ask(&app, "alice").await.json()["items"][0].clone();
    let by_name = app.client.get("/v1/users/by-username/alice").await.expect(200).json();
    assert_eq!(view, by_name);
    check_rules(&app);
}

async fn slips_and_accents_make_no_difference(make: Make) {
    let app = TestApp::start(make);
    people(
        &app,
        &[
            ("charlotte", ""),
            ("k1", "Zoë Żółć"),
            ("k2", "Straße"),
            ("k3", "Patrick O'Brien"),
            ("k4", "山田 太郎"),
            ("k5", "हिन्दी"),
        ],
    )
    .await;
    people(&app, &[("bob", ""), ("anna", ""), ("paypal", ""), ("a_b", "")]).await;
    for (q, expected) in [
        ("charlotte", "charlotte"),
        ("hcarlotte", "charlotte"),
        ("chralotte", "charlotte"),
        ("charoltte", "charlotte"),
        ("charlotet", "charlotte"),
        ("harlotte", "charlotte"),
        ("charltte", "charlotte"),
        ("charlott", "charlotte"),
        ("charrlotte", "charlotte"),
        ("charlottte", "charlotte"),
        ("charlottee", "charlotte"),
        ("xharlotte", "charlotte"),
        ("charxotte", "charlotte"),
        ("char1otte", "charlotte"),
        ("ch4rl0tt3", "charlotte"),
        ("CHARLÔTTÉ", "charlotte"),
        ("zoe", "k1"),
        ("ZOLC", "k1"),
        ("zołc", "k1"),
        ("zoe zolcc", "k1"),
        ("strasse", "k2"),
        ("starsse", "k2"),
        ("obrien", "k3"),
        ("o’brien", "k3"),
        ("obrein", "k3"),
        ("partick brien", "k3"),
        ("partick obrien", "k3"),
        ("太郎", "k4"),
        ("हिन्", "k5"),
        ("b0b", "bob"),
        ("ana", "anna"),
        ("annna", "anna"),
        ("nana", "anna"),
        ("paypa1", "paypal"),
        ("rob", ""),
        ("charl0t", "charlotte"),
        ("shorlotte", ""),
    ] {
        // The beginning of a word, misspelt, is none: there the list is empty.
        let expected: Vec<&str> = Some(expected).filter(|name| !name.is_empty()).into_iter().collect();
        let found = search(&app, q).await;
        if q == "charl0t" {
            assert_eq!(found, [""; 0], "{q}");
        } else {
            assert_eq!(found, expected, "{q}");
        }
    }
    check_rules(&app);
}

async fn words_are_found_in_any_order(make: Make) {
    let app = TestApp::start(make);
    people(
        &app,
        &[
            ("zm9", "Zoë Maria Müller"),
            ("ann_lee", "Annie"),
            ("ann_kay", "Lea Berg"),
            ("sm", "Maria Schmidt"),
        ],
    )
    .await;
    for (q, expected) in [
        ("zoe maria muller", vec!["zm9"]),
        ("müller zoë", vec!["zm9"]),
        ("MULLER, maria (zoe)", vec!["zm9"]),
        ("mul mar", vec!["zm9"]),
        ("maria mul", vec!["zm9"]),
        ("mariamul", vec![]),
        ("zoemaria", vec!["zm9"]),
        ("mulelr maria", vec!["zm9"]),
        ("maria mulelr", vec!["zm9"]),
        ("mraia mulelr", vec!["zm9"]),
        ("maria maria", vec!["zm9", "sm"]),
        ("maria bob", vec![]),
        ("ann lee", vec!["ann_lee"]),
        ("annlee", vec!["ann_lee"]),
        ("anlee", vec!["ann_lee"]),
        ("ann-lee", vec!["ann_lee"]),
        ("berg ann", vec!["ann_kay"]),
        ("maria", vec!["zm9", "sm"]),
    ] {
        let mut found = search(&app, q).await;
        let mut expected = expected;
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{q}");
    }
    check_rules(&app);
}

async fn what_looks_like_a_pattern_is_none(make: Make) {
    let app = TestApp::start(make);
    people(
        &app,
        &[("ann", "Ann %"), ("_x", "a\"b"), ("bob", "Bob NEAR Lee"), ("b_b", "'; DROP TABLE users; --")],
    )
    .await;
    for q in
        ["%", "*", "\"", "''", "a%", "an*", "?", "$1", "\\", "(", "🦀", "^", "{}", "- -", "\u{10ffff}", "%00"]
    {
        let found = search(&app, q).await;
        let expected: &[&str] = match q {
            // Punctuation is left out.
            "a%" | "an*" => &["ann"],
            "$1" | "%00" => &[],
            _ => &[],
        };
        let found: Vec<&str> =
            found.iter().map(String::as_str).filter(|name| expected.is_empty() || *name == "ann").collect();
        assert_eq!(found, expected, "{q}");
    }
    assert_eq!(search(&app, "_").await, ["_x"]);
    assert_eq!(search(&app, "b_").await, ["b_b", "_x", "bob"]);
    for q in [
        "ann OR bob",
        "ann NOT bob",
        "ann AND bob",
        "NEAR(ann bob)",
        "username:ann",
        "ann' OR 1=1 --",
        "' UNION SELECT",
    ] {
        assert_eq!(search(&app, q).await, [""; 0], "{q}");
    }
    assert_eq!(search(&app, "near lee").await, ["bob"]);
    assert_eq!(search(&app, "\"near\" -lee*").await, ["bob"]);
    assert_eq!(search(&app, "drop table").await, ["b_b"]);
}

async fn other_questions_are_refused(make: Make) {
    let app = TestApp::start(make);
    people(&app, &[("ann", ""), ("anna", "")]).await;
    for (query, code) in [
        ("", "invalid_query"),
        ("?q=", "invalid_query"),
        ("?q=%20", "invalid_query"),
        ("?q=@", "invalid_query"),
        ("?q=a%00b", "invalid_query"),
        ("?q=a%0Ab", "invalid_query"),
        ("?q=a&x=1", "invalid_query"),
        ("?q=a&q=b", "invalid_query"),
        ("?q=a&limit=0", "invalid_limit"),
        ("?q=a&limit=x", "invalid_limit"),
        ("?q=a&cursor=x", "invalid_cursor"),
    ] {
        app.client.get(&format!("/v1/users/search{query}")).await.expect_problem(400, code);
    }
    app.client.get(&path(&"ä".repeat(65))).await.expect_problem(400, "invalid_query");
    assert_eq!(search(&app, &"ﷺ".repeat(64)).await, [""; 0]);
    app.client
        .json(Method::POST, "/v1/users/search", &json!({}))
        .await
        .expect_problem(405, "method_not_allowed");
    app.client.with_token("bad").get(&path("ann")).await.expect_problem(401, "unauthenticated");
    let page = app.client.get(&format!("{}&limit=1", path("ann"))).await.expect(200);
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    assert!(page.header("link").contains(&cursor));
    app.client.get(&format!("{}&cursor={cursor}", path("anna"))).await.expect_problem(400, "invalid_cursor");
    let next = app.client.get(&format!("{}&cursor={cursor}", path("@Ann"))).await.expect(200);
    assert_eq!((names(&next), &next.json()["next_cursor"]), (vec!["anna".to_owned()], &Value::Null));
}

/// All pages of a search.
async fn walk(app: &TestApp, q: &str, limit: usize) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.client.get(&format!("{}&limit={limit}{cursor}", path(q))).await.expect(200);
        let names = names(&page);
        let next = page.json()["next_cursor"].as_str().map(str::to_owned);
        assert!(names.len() == limit || next.is_none(), "a short page that is not the last");
        found.extend(names);
        let Some(next) = next else { return found };
        cursor = format!("&cursor={next}");
    }
}

async fn pages_show_everybody_once(make: Make) {
    let app = TestApp::start(make);
    let mut named = vec![("anna".to_owned(), String::new())];
    named.extend((0..30).map(|n| (format!("anna{n}"), String::new())));
    named.extend((0..30).map(|n| (format!("x{n}y"), format!("Anna {n}th"))));
    named.extend((0..30).map(|n| (format!("z{n}y"), format!("Ana {n}th"))));
    let refs: Vec<(&str, &str)> =
        named.iter().map(|(name, display)| (name.as_str(), display.as_str())).collect();
    people(&app, &refs).await;
    let whole = walk(&app, "anna", 100).await;
    assert_eq!((whole.len(), whole[0].as_str()), (91, "anna"));
    assert!(whole[1..31].iter().all(|name| name.starts_with("anna")) && whole[1..31].is_sorted());
    assert!(
        whole[31..61].iter().all(|name| name.starts_with('x'))
            && whole[61..].iter().all(|name| name.starts_with('z'))
    );
    for limit in [1, 7, 30, 31, 90, 91] {
        assert_eq!(walk(&app, "anna", limit).await, whole, "{limit}");
    }
    // Whoever comes or goes before the place moves nobody after it.
    let page = app.client.get(&format!("{}&limit=5", path("anna"))).await.expect(200);
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    people(&app, &[("anna.b", "")]).await;
    let rest = app.client.get(&format!("{}&limit=100&cursor={cursor}", path("anna"))).await.expect(200);
    assert_eq!(names(&rest), whole[5..]);
}

async fn however_many_match_the_search_ends(make: Make) {
    let app = TestApp::start(make);
    let many: Vec<String> = (0..1_200).map(|n| format!("aaa{}", three_letters(n))).collect();
    let named: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "Aaa Bbb")).collect();
    people(&app, &named).await;
    people(&app, &[("aaa", "Zed"), ("zz", "Aaa")]).await;
    let found = walk(&app, "aaa", 100).await;
    assert_eq!((found.len(), found[0].as_str()), (500, "aaa"));
    let first: Vec<&String> = many[..499].iter().collect();
    assert!(found[1..].iter().eq(first), "the first by the alphabet");
    // All of them by a word, and by a word misspelt.
    assert_eq!(walk(&app, "bbb", 100).await.len(), 500);
    let spelt = walk(&app, "bbb aaa", 100).await;
    assert_eq!(spelt.len(), 500);
    assert!(walk(&app, "bbbb", 100).await.len() >= 100);
}

/// Three letters for a number, in the order of the alphabet.
fn three_letters(number: usize) -> String {
    // Without `l`, which looks like `i`.
    let letters = b"abcdefghijkmnopqrstuvwxyz";
    let letter = |power: usize| char::from(letters[number / power % letters.len()]);
    [letter(625), letter(25), letter(1)].iter().collect()
}
