//! How long a search takes among a million people. Ignored: it takes minutes. `docs/performance.md` has its command.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a measurement stops where it cannot go on")]

#[path = "api/test_app.rs"]
#[expect(dead_code, reason = "this binary needs little of it")]
mod test_app;

use std::time::{Duration, Instant};

use shared::db::Conn;
use shared::db::audit::count;
use shared::process::say;
use shared::testing::TestDatabase;
use test_app::{Make, TestApp};
use user_service::actors::register::ImportedUser;
use user_service::domain::username::Username;

/// How many people, unless the variable of this name says otherwise.
const PEOPLE: &str = "SEARCH_PEOPLE";
const PEOPLE_DEFAULT: usize = 1_000_000;
const PEOPLE_PER_IMPORT: usize = 20_000;
const QUESTIONS: usize = 400;
/// A shorter word is meant as it is.
const LETTERS_MIN: usize = 3;
/// How long the median answer may take.
const PREFIX_MAX: Duration = Duration::from_millis(5);
const TYPO_MAX: Duration = Duration::from_millis(20);
const ROUNDS: usize = 3;

/// Numbers that look random and are the same each time (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap() % end
    }

    /// A place in a list whose first entries are common and whose last are rare.
    fn rank(&mut self, end: usize) -> usize {
        let limit = self.below(end) + 1;
        let limit = self.below(limit) + 1;
        self.below(limit)
    }
}

/// Names of a world: some common, most rare.
struct World {
    numbers: Numbers,
    given: Vec<String>,
    family: Vec<String>,
}

impl World {
    fn new() -> Self {
        let mut numbers = Numbers(7);
        let mut names = |count: usize, syllables_max: usize| -> Vec<String> {
            const STARTS: [&str; 28] = [
                "a", "an", "be", "chri", "da", "e", "fre", "ga", "ha", "jo", "ka", "le", "li", "ma", "mi",
                "na", "o", "pe", "ra", "ro", "sa", "sha", "ste", "ta", "u", "vi", "wi", "zo",
            ];
            const REST: [&str; 30] = [
                "na", "ria", "ro", "stin", "bel", "to", "ra", "mi", "le", "nd", "ko", "sha", "vi", "ter",
                "li", "ne", "mo", "sen", "ha", "du", "ri", "lo", "k", "th", "ya", "no", "ber", "gue", "z",
                "ck",
            ];
            let mut name = || {
                let rest = (0..=numbers.below(syllables_max)).map(|_| REST[numbers.below(REST.len())]);
                let rest: String = rest.collect();
                format!("{}{rest}", STARTS[numbers.below(STARTS.len())])
            };
            (0..count).map(|_| name()).collect()
        };
        let (given, family) = (names(5_000, 2), names(60_000, 3));
        Self { numbers, given, family }
    }

    fn person(&mut self) -> ImportedUser {
        let numbers = &mut self.numbers;
        let (given, family) = (numbers.rank(self.given.len()), numbers.rank(self.family.len()));
        let (given, family) = (&self.given[given], &self.family[family]);
        let number = numbers.below(10_000);
        let username = match numbers.below(6) {
            0 => format!("{given}{number}"),
            1 => format!("{given}_{family}"),
            2 => format!("{given}.{family}{}", number % 100),
            3 => format!("{}{family}{}", &given[..1], number % 1_000),
            4 => format!("{family}{given}"),
            _ => format!("{given}{family}{}", number % 100),
        };
        let username = Username::parse(&username[..username.len().min(24)]);
        let capital = |name: &str| format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        match username {
            Ok(username) => {
                ImportedUser { username, display_name: format!("{} {}", capital(given), capital(family)) }
            }
            Err(_) => self.person(),
        }
    }

    /// One slip, not in the first letter, in a word that is long enough for one.
    fn slip(&mut self, word: &str) -> String {
        let mut letters: Vec<char> = word.chars().collect();
        if letters.len() < LETTERS_MIN {
            return word.to_owned();
        }
        let place = 1 + self.numbers.below(letters.len() - 2);
        match self.numbers.below(4) {
            0 => drop(letters.remove(place)),
            1 => letters.insert(place, letters[place]),
            2 => letters.swap(place, place + 1),
            _ => letters[place] = 'x',
        }
        letters.into_iter().collect()
    }
}

/// A question, and who is meant.
type Question = (String, String);

fn questions(world: &mut World, people: &[ImportedUser], what: &str) -> Vec<Question> {
    let mut question = || {
        let person = &people[world.numbers.below(people.len())];
        let name = person.username.as_str().to_owned();
        let (given, family) = person.display_name.split_once(' ').expect("two words");
        let asked = match what {
            "username" => name.clone(),
            "prefix of 2" => name[..2].to_owned(),
            "prefix of 5" => name[..name.len().min(5)].to_owned(),
            "word" => family.to_owned(),
            "two words" => format!("{family} {given}"),
            "typo in username" => world.slip(&name),
            "typo in word" => world.slip(&family.to_lowercase()),
            _ => format!("{} {given}", world.slip(&family.to_lowercase())),
        };
        (asked, name)
    };
    (0..QUESTIONS).map(|_| question()).collect()
}

/// How long each answer took, sorted, and in how many the one who is meant is on the first page.
async fn ask(app: &TestApp, questions: &[Question]) -> (Vec<Duration>, usize) {
    let mut times = Vec::with_capacity(questions.len());
    let mut found = 0;
    for (q, name) in questions {
        let q: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/v1/users/search?q={q}");
        let started = Instant::now();
        let answer = app.client.get(&path).await.expect(200);
        times.push(started.elapsed());
        let body = answer.json();
        let items = body["items"].as_array().unwrap();
        found += usize::from(items.iter().any(|item| item["username"] == name.as_str()));
    }
    times.sort_unstable();
    (times, found)
}

/// Makes the people, and returns one in a hundred.
async fn populate(app: &TestApp, world: &mut World) -> Vec<ImportedUser> {
    let people: usize = std::env::var(PEOPLE).map_or(PEOPLE_DEFAULT, |text| text.parse().expect("a number"));
    let mut some = Vec::new();
    for made in (0..people).step_by(PEOPLE_PER_IMPORT) {
        let end = people.min(made + PEOPLE_PER_IMPORT);
        let step: Vec<ImportedUser> = (made..end).map(|_| world.person()).collect();
        some.extend(step.iter().step_by(100).cloned());
        app.handle.register_imported(step).await.unwrap();
    }
    some
}

async fn measure(kind: &str, make: Make) {
    let app = TestApp::start(make);
    let mut world = World::new();
    let started = Instant::now();
    let people = populate(&app, &mut world).await;
    say(&format!("{kind}: {} people in {:.0?}", app.handle.revision(), started.elapsed()));
    let app = index_again(app).await;
    let mut late = Vec::new();
    for what in [
        "username",
        "prefix of 2",
        "prefix of 5",
        "word",
        "two words",
        "typo in username",
        "typo in word",
        "typo in two words",
    ] {
        let questions = questions(&mut world, &people, what);
        let mut best: Option<(Vec<Duration>, usize)> = None;
        for _ in 0..ROUNDS {
            let (times, found) = ask(&app, &questions).await;
            let median = times[times.len() / 2];
            if best.as_ref().is_none_or(|(best, _)| median < best[best.len() / 2]) {
                best = Some((times, found));
            }
        }
        let (times, found) = best.expect("a round");
        let [p50, p99] = [50, 99].map(|part| times[(times.len() - 1) * part / 100]);
        let bound = if what.starts_with("typo") { TYPO_MAX } else { PREFIX_MAX };
        late.extend((p50 > bound).then_some((what, p50)));
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or_default();
        say(&format!(
            "{kind}: {what:<17} p50 {p50:>9.2?}  p99 {p99:>9.2?}  first page {found}/{QUESTIONS}  load {load}"
        ));
    }
    for table in ["users", "search_terms", "search_spellings"] {
        say(&format!("{kind}: {table} {} bytes a person", bytes(&app, table) / app.handle.revision()));
    }
    assert!(late.is_empty(), "{kind}: {late:?}");
}

/// What a table takes, with its indexes: its pages.
fn bytes(app: &TestApp, table: &str) -> i64 {
    let mut conn = app.conn();
    let (size, pages) = match &conn {
        Conn::Sqlite(_) => (4_096, format!("SELECT 1 FROM dbstat WHERE name = '{table}'")),
        Conn::Postgres(_) => {
            (8_192, format!("SELECT generate_series(1, pg_total_relation_size('{table}') / 8192)"))
        }
    };
    size * count(&mut conn, &pages).expect("a size")
}

/// What the first start of a version with search does.
async fn index_again(app: TestApp) -> TestApp {
    shared::db::execute(&mut app.conn(), "UPDATE search_index SET version = 0", &[]).unwrap();
    let started = Instant::now();
    let app = app.restart().await;
    say(&format!("all indexed again at the start in {:.0?}", started.elapsed()));
    app
}

#[actix_web::test]
#[ignore = "takes minutes"]
async fn sqlite() {
    measure("SQLite", TestDatabase::sqlite).await;
}

#[actix_web::test]
#[ignore = "takes minutes"]
async fn postgres() {
    measure("Postgres", || TestDatabase::postgres().expect("a Postgres")).await;
}
