//! Rules of the source tree that no compiler checks. Each rule is a function from files to faults, and
//! each test first shows it bad samples, so that a rule which has gone blind fails as well. What a
//! rule allows stands in the tables below: change the table, and say why in the commit.

#![expect(clippy::expect_used, reason = "a test stops where it cannot go on, and says why")]

#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use imports::crate_modules;
use source::{Source, is_rust, leading_name, past_closing, place, sample, sql_statements, words, workspace};

/// The longest that a Rust file may be.
const LINES_MAX: usize = 400;
/// Where the layers are. In the tables of places, `*` stands for any crate.
const SERVICES: [&str; 2] = ["user-service", "relation-service"];
/// Left to right: a layer imports itself and what is to its right.
const LAYERS: [&str; 5] = ["http", "handle", "actors", "store", "domain"];
/// Files beside the layers. They import any layer.
const BESIDE_LAYERS: [&str; 4] = ["app", "config", "lib", "main"];
/// Of those, what layers may import, `domain` excepted.
const IMPORTED_BY_LAYERS: [&str; 2] = ["config", "lib"];
/// Who names the database library.
const DIESEL: &[&str] =
    &["*/src/store/", "*/src/store.rs", "shared/src/db/", "shared/src/writer", "shared/src/testing/"];
/// Who, besides those, names its migrations.
const DIESEL_MIGRATIONS: &[&str] = &["*/src/lib.rs", "*/src/app.rs"];
/// Who names the actor library. The launcher has no layers and starts the actors' system.
const ACTIX: &[&str] = &[
    "*/src/handle.rs",
    "*/src/handle/",
    "*/src/actors/",
    "*/src/app.rs",
    "shared/src/actor.rs",
    "shared/src/writer",
    "shared/src/http/",
    "shared/src/publisher/",
    "mutual/src/",
];
/// Who names the HTTP library.
const ACTIX_WEB: &[&str] = &["*/src/http/", "*/src/app.rs", "*/src/main.rs", "shared/src/", "mutual/src/"];
/// Who names it only beside one of [`REASONS_FOR_ACTIX_WEB`].
const ACTIX_WEB_WITH_REASON: &[&str] = &["*/src/actors/"];
const REASONS_FOR_ACTIX_WEB: [&str; 2] = ["web::block", "awc"];
/// What product code never says.
const BANNED: [&str; 5] = ["do_send(", "todo!(", "unimplemented!(", "dbg!(", ".unwrap()"];
/// Without it an insert that meets a conflict on the embedded database answers `NotFound`.
const INSERTABLE_NEEDS: &str = "treat_none_as_default_value=false";
/// Names that say nothing.
const EMPTY_NAMES: [&str; 5] = ["utils", "util", "helpers", "common", "misc"];
/// Words of the business, which the shared crate does not know: anywhere in its text, in any case.
const BUSINESS_WORDS: [&str; 4] = ["follow", "follower", "mute", "friend"];
/// The one file of words that the two services must agree on.
const COMMON_WORDS: &str = "shared/src/facts.rs";
/// The databases that every migration is written for.
const BACKENDS: [&str; 2] = ["postgres", "sqlite"];

type Files<'a> = &'a [(&'a str, &'a str)];
type Rule = fn(&[Source]) -> Vec<String>;

/// Checks that the rule finds fault with each bad sample, none with the good one, and none here.
#[track_caller]
fn check(rule: Rule, bad: &[Files<'_>], good: Files<'_>) {
    static WORKSPACE: OnceLock<Vec<Source>> = OnceLock::new();
    for files in bad {
        assert!(!rule(&sample(files)).is_empty(), "the rule does not see what is wrong here: {files:?}");
    }
    assert_eq!(rule(&sample(good)), Vec::<String>::new(), "the rule finds fault with a good sample");
    let faults = rule(WORKSPACE.get_or_init(workspace));
    assert!(faults.is_empty(), "{} fault(s):\n{}", faults.len(), faults.join("\n"));
}

/// Whether the path begins with one of the places.
fn is_in(path: &str, places: &[&str]) -> bool {
    let in_crate = path.split_once('/').map_or("", |(_, rest)| rest);
    places.iter().any(|place| match place.strip_prefix("*/") {
        Some(rest) => in_crate.starts_with(rest),
        None => path.starts_with(place),
    })
}

#[test]
fn no_file_is_long() {
    fn rule(sources: &[Source]) -> Vec<String> {
        let rust = sources.iter().filter(|source| is_rust(&source.path));
        let mut lengths: Vec<_> = rust.map(|source| (source.text.lines().count(), &source.path)).collect();
        lengths.sort_by(|a, b| b.cmp(a));
        if lengths.first().is_none_or(|(lines, _)| *lines <= LINES_MAX) {
            return Vec::new();
        }
        let over = lengths.iter().filter(|(lines, _)| *lines > LINES_MAX).count();
        let longest = lengths.iter().take(3).map(|(lines, path)| format!("{path}: {lines} lines"));
        let verdict = format!("{over} over {LINES_MAX} lines; split by noun; the longest are:");
        std::iter::once(verdict).chain(longest).collect()
    }
    let (long, fits) = ("\n".repeat(LINES_MAX + 1), "\n".repeat(LINES_MAX));
    check(rule, &[&[("shared/tests/a.rs", &long)]], &[("a.rs", &fits), ("a.md", &long)]);
}

#[test]
fn layers_import_only_to_the_right() {
    fn rule(sources: &[Source]) -> Vec<String> {
        let mut faults = Vec::new();
        for source in sources.iter().filter(|source| is_rust(&source.path)) {
            let Some((service, rest)) = source.path.split_once("/src/") else { continue };
            let own = rest.split('/').next().unwrap_or_default().trim_end_matches(".rs");
            if !SERVICES.contains(&service) || BESIDE_LAYERS.contains(&own) {
                continue;
            }
            let Some(rank) = LAYERS.iter().position(|layer| *layer == own) else {
                faults.push(format!("{}: `{own}` is no layer", source.path));
                continue;
            };
            for (at, name) in crate_modules(&source.path, &source.code) {
                let allowed = match LAYERS.iter().position(|layer| *layer == name) {
                    Some(other) => other >= rank,
                    None if own == "domain" => false,
                    None => !BESIDE_LAYERS.contains(&name) || IMPORTED_BY_LAYERS.contains(&name),
                };
                if !allowed {
                    faults.push(format!("{}: {own} names {name}", place(&source.path, &source.code, at)));
                }
            }
        }
        faults
    }
    check(
        rule,
        &[
            &[("user-service/src/domain/a.rs", "use crate::store::Row;")],
            &[("user-service/src/domain/a.rs", "use crate::config::Settings;")],
            &[("user-service/src/domain/a.rs", "use super::super::store::Row;")],
            &[("relation-service/src/store/mod.rs", "use crate::{domain::{A, B}, handle::Handle};")],
            &[("relation-service/src/store/mod.rs", "pub(in super::actors) fn f() {}")],
            &[("relation-service/src/handle.rs", "fn f() -> crate::http::Body {}")],
            &[("relation-service/src/http/a.rs", "use crate::app::App;")],
            &[("relation-service/src/extra.rs", "")],
        ],
        &[
            ("user-service/src/http/a.rs", "use crate::{config::A, domain::B, handle::C, http::D};"),
            (
                "user-service/src/domain/a.rs",
                "// crate::store\nuse crate::domain::B; use super::B; pub(crate) fn f() {}",
            ),
            ("user-service/src/app.rs", "use crate::http::routes;"),
            ("shared/src/db/mod.rs", "use crate::http::Body;"),
        ],
    );
}

/// A fault for every place where `word` stands in a file outside `places`.
fn named_elsewhere(source: &Source, code: &str, word: &str, places: &[&str]) -> Vec<String> {
    if is_in(&source.path, places) {
        return Vec::new();
    }
    words(code, word).map(|at| format!("{} names {word}", place(&source.path, code, at))).collect()
}

#[test]
fn only_the_store_names_diesel() {
    fn rule(sources: &[Source]) -> Vec<String> {
        let migrations = [DIESEL, DIESEL_MIGRATIONS].concat();
        let faults = sources.iter().map(|source| {
            let library = named_elsewhere(source, &source.code, "diesel", DIESEL);
            [library, named_elsewhere(source, &source.code, "diesel_migrations", &migrations)].concat()
        });
        faults.flatten().collect()
    }
    check(
        rule,
        &[
            &[("user-service/src/handle.rs", "use diesel::prelude::*;")],
            &[("user-service/src/lib.rs", "use diesel::prelude::*;")],
            &[("user-service/src/handle.rs", "use diesel_migrations::EmbeddedMigrations;")],
        ],
        &[
            ("user-service/src/store/edge.rs", "use diesel::prelude::*;"),
            ("user-service/src/lib.rs", "//! diesel::\nuse diesel_migrations::embed_migrations;"),
        ],
    );
}

#[test]
fn only_the_outer_layers_name_actix() {
    /// Tests are free: each needs a runtime.
    fn rule(sources: &[Source]) -> Vec<String> {
        let faults = sources.iter().map(|source| {
            let has_reason = is_in(&source.path, ACTIX_WEB_WITH_REASON)
                && REASONS_FOR_ACTIX_WEB.iter().any(|reason| words(&source.product, reason).next().is_some());
            let places = if has_reason { &[ACTIX_WEB, ACTIX_WEB_WITH_REASON].concat() } else { ACTIX_WEB };
            let actix = named_elsewhere(source, &source.product, "actix", ACTIX);
            [actix, named_elsewhere(source, &source.product, "actix_web", places)].concat()
        });
        faults.flatten().collect()
    }
    check(
        rule,
        &[
            &[("user-service/src/http/a.rs", "use actix::Addr;")],
            &[("user-service/src/store/a.rs", "use actix_web::web;")],
            &[("user-service/src/actors/a.rs", "use actix_web::HttpResponse;")],
            &[("shared/src/db/a.rs", "use actix::Addr;")],
        ],
        &[
            (
                "user-service/src/handle.rs",
                "use actix::Addr; #[cfg(test)] mod tests { #[actix_web::test] async fn f() {} }",
            ),
            ("user-service/src/actors/a.rs", "use actix_web::web; fn f() { web::block(g) }"),
            ("shared/src/http/a.rs", "use actix::Addr; use actix_web::web;"),
        ],
    );
}

#[test]
fn product_code_has_no_shortcuts() {
    fn rule(sources: &[Source]) -> Vec<String> {
        let in_source = |source: &Source| {
            let found = BANNED.iter().flat_map(|banned| source.product.match_indices(banned));
            found
                .map(|(at, text)| format!("{}: {text}", place(&source.path, &source.product, at)))
                .collect::<Vec<_>>()
        };
        sources.iter().flat_map(in_source).collect()
    }
    let samples: Vec<String> = BANNED.iter().map(|banned| format!("fn f() {{ x{banned}) }}")).collect();
    let bad: Vec<[(&str, &str); 1]> =
        samples.iter().map(|text| [("bench/src/a.rs", text.as_str())]).collect();
    let after_tests = [("a/src/b.rs", "#[cfg(test)] mod tests { fn f() {} } fn g() { x.unwrap() }")];
    let bad: Vec<Files<'_>> = bad.iter().map(|files| &files[..]).chain([&after_tests[..]]).collect();
    check(
        rule,
        &bad,
        &[
            (
                "a/src/b.rs",
                "// x.unwrap()\nconst A: &str = r#\"dbg!(\"#; const B: char = '\"'; fn f<'a>(b: &'a str) {}",
            ),
            ("a/src/c.rs", "#[cfg(test)]\nmod tests { fn f(b: [u8; 2]) { b.x.unwrap() } }"),
            ("a/src/d.rs", "#[cfg(test)]\nmod conformance;"),
            ("a/src/d/conformance.rs", "fn f() { x.unwrap() }"),
            ("a/src/f/g.rs", "#[cfg(test)]\n#[path = \"g_tests.rs\"]\nmod tests;"),
            ("a/src/f/g_tests.rs", "fn f() { x.unwrap() }"),
            ("a/tests/e.rs", "fn f() { x.unwrap() }"),
        ],
    );
}

#[test]
fn insertables_name_every_column() {
    fn rule(sources: &[Source]) -> Vec<String> {
        let in_source = |source: &Source| {
            let code = &source.code;
            let derives = code.match_indices("#[derive(").map(|(at, _)| (at, past_closing(code, at + 1)));
            let insertable =
                derives.filter(|(at, end)| words(&code[*at..*end], "Insertable").next().is_some());
            let bad = insertable.filter(|(_, end)| {
                let attributes: String =
                    code[*end..].split('{').next().unwrap_or_default().split_whitespace().collect();
                !attributes.contains(INSERTABLE_NEEDS)
            });
            bad.map(|(at, _)| {
                format!("{}: Insertable without {INSERTABLE_NEEDS}", place(&source.path, code, at))
            })
            .collect::<Vec<_>>()
        };
        sources.iter().flat_map(in_source).collect()
    }
    check(
        rule,
        &[
            &[("a.rs", "#[derive(Clone, Insertable)]\n#[diesel(table_name = t)]\nstruct Row { a: i64 }")],
            &[(
                "a.rs",
                "#[derive(diesel::Insertable)] struct A {} #[diesel(treat_none_as_default_value = false)] struct B {}",
            )],
        ],
        &[(
            "a.rs",
            "#[derive(Insertable)]\n#[diesel(table_name = t, treat_none_as_default_value = false)]\nstruct Row { a: i64 }",
        )],
    );
}

#[test]
fn names_say_something() {
    fn rule(sources: &[Source]) -> Vec<String> {
        let mut faults = BTreeSet::new();
        for source in sources {
            let parts = source.path.split('/').map(|part| part.split('.').next().unwrap_or_default());
            let in_path =
                parts.filter(|part| EMPTY_NAMES.contains(part)).map(|part| (part, source.path.clone()));
            let modules = words(&source.code, "mod").map(|at| (leading_name(&source.code[at + 3..]), at));
            let in_code = modules.filter(|(name, _)| EMPTY_NAMES.contains(name));
            let in_code = in_code.map(|(name, at)| (name, place(&source.path, &source.code, at)));
            faults.extend(in_path.chain(in_code).map(|(name, at)| format!("{at}: `{name}` says nothing")));
        }
        faults.into_iter().collect()
    }
    check(
        rule,
        &[
            &[("a/src/utils.rs", "")],
            &[("a/tests/common/mod.rs", "")],
            &[("a/src/lib.rs", "pub(crate) mod misc {}")],
        ],
        &[("a/src/commonplace.rs", "mod helpers_of_nobody; // mod util;")],
    );
}

#[test]
fn shared_knows_no_business() {
    fn rule(sources: &[Source]) -> Vec<String> {
        let in_source = |source: &Source| {
            let lines = source.text.lines().enumerate();
            let named = |line: &str| {
                let line = line.to_ascii_lowercase().replace("mutex", "");
                BUSINESS_WORDS.iter().any(|word| line.contains(word))
            };
            let bad = lines.filter(|(_, line)| named(line));
            bad.map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim())).collect::<Vec<_>>()
        };
        let shared = sources.iter().filter(|source| source.path.starts_with("shared/src/"));
        shared.filter(|source| source.path != COMMON_WORDS).flat_map(in_source).collect()
    }
    check(
        rule,
        &[
            &[("shared/src/a.rs", "fn unmute() {}")],
            &[("shared/src/a.rs", "enum A { Friends }")],
            &[("shared/src/a.rs", "// what follows")],
        ],
        &[("shared/src/a.rs", "web::block(f); Mutex::new(())"), ("user-service/src/a.rs", "fn follow() {}")],
    );
}

#[test]
fn migrations_are_twins() {
    fn rule(sources: &[Source]) -> Vec<String> {
        let mut faults = Vec::new();
        let mut versions = BTreeMap::<(&str, &str), BTreeSet<(&str, &str)>>::new();
        for source in sources {
            let Some((crate_dir, rest)) = source.path.split_once("/migrations/") else { continue };
            let [backend, version, file] = rest.split('/').collect::<Vec<_>>()[..] else {
                faults.push(format!("{} is not backend/version/file", source.path));
                continue;
            };
            versions.entry((crate_dir, version)).or_default().insert((backend, file));
            let statements = sql_statements(&source.text);
            if file == "up.sql" && statements != 1 {
                faults.push(format!("{}: {statements} statements instead of one", source.path));
            }
        }
        let expected: BTreeSet<_> =
            BACKENDS.iter().flat_map(|backend| [(*backend, "down.sql"), (*backend, "up.sql")]).collect();
        let odd = versions.into_iter().filter(|(_, files)| *files != expected);
        faults.extend(odd.map(|((crate_dir, version), files)| {
            format!("{crate_dir}: {version} has only or also {files:?}")
        }));
        faults
    }
    let [up, down] = ["/up.sql", "/down.sql"];
    let [sqlite, postgres] = ["a/migrations/sqlite/1_b", "a/migrations/postgres/1_b"];
    let paths =
        [[sqlite, up].concat(), [sqlite, down].concat(), [postgres, up].concat(), [postgres, down].concat()];
    let set = |sql| paths.each_ref().map(|path| (path.as_str(), sql));
    let (good, two, none) =
        (set("-- one; only\nSELECT ';';\n"), set("SELECT 1; SELECT 2;"), set("-- SELECT 1;"));
    check(rule, &[&two, &none, &good[..3], &good[..2], &good[2..]], &good);
}

#[test]
fn no_file_knows_this_machine() {
    /// In pieces, since this file is searched too.
    fn needles() -> [String; 2] {
        [["/w", "ork/"].concat(), ["/ro", "ot/"].concat()]
    }
    fn rule(sources: &[Source]) -> Vec<String> {
        let in_source = |source: &Source| {
            let found = needles().into_iter().filter_map(|needle| Some((source.text.find(&needle)?, needle)));
            found
                .map(|(at, needle)| format!("{}: {needle}", place(&source.path, &source.text, at)))
                .collect::<Vec<_>>()
        };
        sources.iter().flat_map(in_source).collect()
    }
    let texts = needles().map(|needle| format!("cd {needle}x"));
    check(rule, &[&[("a.md", &texts[0])], &[(".ci/run", &texts[1])]], &[("a.md", "the framework/root")]);
}
