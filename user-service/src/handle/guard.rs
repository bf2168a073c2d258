//! Counts wrong passwords, in bounded memory, and says when the next try has to wait.
//!
//! Each login is counted by its text, whether anybody has it or not: what is refused by that count tells nothing. Since
//! one person has several logins, their account is counted too; where that count alone is exceeded, the password is
//! not believed, which looks like a wrong one.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use shared::clock::{Clock, Micros};
use shared::db::StoreError;
use shared::id::{SessionId, UserId};
use shared::secret::Secret;
use shared::span::DAY;

use super::UserError;
use crate::actors::hasher::Verdict;
use crate::domain::guessing::{DayOfTries, GuessRules, Tries};
use crate::domain::known_network::KnownNetworkRules;
use crate::domain::window::TooMany;

/// How many are counted of each kind. An entry takes about 200 bytes; when there are more, those seen least are
/// forgotten first. Each costs a hash to make, so that a flood fills this in an hour or so, not at once.
const COUNTED_MAX: u64 = 50_000;

/// From where somebody calls who is not signed in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The network, as text.
    pub network: String,
    /// A refresh token of a session that this device had, if it sent one.
    pub device: Option<Secret>,
}

/// What is known of the place from which a login is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// The person's own session proves the device.
    Device(SessionId),
    /// A network, and whether the person has signed in from it before.
    Network { network: &'a str, known: bool },
}

impl Place<'_> {
    const fn is_known(&self) -> bool {
        match self {
            Self::Device(_) => true,
            Self::Network { known, .. } => *known,
        }
    }
}

/// The counts. Clones share them.
#[derive(Clone)]
pub struct Guard {
    rules: GuessRules,
    pub(super) networks: KnownNetworkRules,
    clock: Clock,
    /// Secret, so that nobody can make two logins meet in one count.
    keys: RandomState,
    logins: Counts,
    accounts: Counts,
    /// Passwords that signed-in people are asked for again, by person.
    proofs: Cache<u64, Arc<Mutex<Tries>>>,
    /// How often the counts of a login or an account were forgiven, which is part of their keys; who never was is not
    /// here.
    forgiven: Cache<u64, u32>,
}

#[derive(Clone)]
struct Counts {
    tries: Cache<u64, Arc<Mutex<Tries>>>,
    days: Cache<u64, Arc<Mutex<DayOfTries>>>,
}

/// A try that is counted, until it is known what came of it.
#[must_use]
pub(super) struct Try {
    counted: Vec<Counted>,
    /// Whether the password may be right at all.
    pub(super) believed: bool,
}

struct Counted {
    by_place: Cache<u64, Arc<Mutex<Tries>>>,
    key: u64,
    day: Option<Arc<Mutex<DayOfTries>>>,
}

impl Guard {
    /// Nothing counted yet.
    pub fn new(rules: GuessRules, networks: KnownNetworkRules, clock: Clock) -> Self {
        let remembered = rules.window.saturating_add(rules.wait_longest);
        Self {
            rules,
            networks,
            clock,
            keys: RandomState::new(),
            logins: Counts::new(remembered),
            accounts: Counts::new(remembered),
            proofs: counters(remembered),
            // Longer than any count: one that was forgiven must not come back.
            forgiven: Cache::builder()
                .max_capacity(COUNTED_MAX)
                .time_to_idle(remembered.max(DAY).saturating_mul(2))
                .build(),
        }
    }

    /// How long the next try from this network has to wait, if that is known without knowing whose login it is.
    pub(super) fn waits(&self, login: &str, network: &str) -> Result<(), UserError> {
        let key = self.place_key(self.key(login), Place::Network { network, known: false });
        let wait = self.logins.tries.get(&key).and_then(|tries| lock(&tries).wait(self.clock.now()));
        wait.map_or(Ok(()), |wait| Err(UserError::TooManyTries(TooMany { max: self.rules.max, wait })))
    }

    /// Counts a try of `login`, which is `account`'s if it is anybody's.
    pub(super) fn begin(
        &self,
        login: &str,
        account: Option<UserId>,
        place: Place<'_>,
    ) -> Result<Try, UserError> {
        let key = self.key(login);
        let by_login = [self.place_key(key, place), key];
        let counted = self.logins.begin(by_login, &self.rules, place.is_known(), self.clock.now());
        let mut counted = vec![counted.map_err(UserError::TooManyTries)?];
        let mut believed = true;
        if let Some(account) = account {
            let key = self.key(account.get());
            let by_account = [self.place_key(key, place), key];
            let same = self.accounts.begin(by_account, &self.rules, place.is_known(), self.clock.now());
            believed = same.is_ok();
            counted.extend(same.ok());
        }
        Ok(Try { counted, believed })
    }

    /// Counts a try of a signed-in person to prove again who they are.
    pub(super) fn begin_proof(&self, user: UserId) -> Result<Try, UserError> {
        let key = self.key(user.get());
        let tries = self.proofs.get_with(key, Arc::default);
        lock(&tries).begin(&self.rules, self.clock.now()).map_err(UserError::TooManyTries)?;
        let counted = vec![Counted { by_place: self.proofs.clone(), key, day: None }];
        Ok(Try { counted, believed: true })
    }

    /// Begins to count anew for a person, from everywhere: they have proved in another way who they are.
    pub(super) fn forgive(&self, account: UserId, logins: &[&str]) {
        let logins = logins.iter().map(|login| self.keys.hash_one(*login));
        for key in logins.chain([self.keys.hash_one(account.get())]) {
            self.forgiven.entry(key).and_upsert_with(|times| times.map_or(1, |times| times.into_value() + 1));
        }
    }

    fn key(&self, whose: impl Hash) -> u64 {
        let key = self.keys.hash_one(whose);
        self.forgiven.get(&key).map_or(key, |times| self.keys.hash_one((key, times)))
    }

    fn place_key(&self, whose: u64, place: Place<'_>) -> u64 {
        match place {
            Place::Device(session) => self.keys.hash_one((whose, session.get())),
            Place::Network { network, .. } => self.keys.hash_one((whose, network)),
        }
    }
}

impl Counts {
    fn new(remembered: Duration) -> Self {
        Self { tries: counters(remembered), days: counters(DAY) }
    }

    fn begin(
        &self,
        [place, day]: [u64; 2],
        rules: &GuessRules,
        known: bool,
        now: Micros,
    ) -> Result<Counted, TooMany> {
        let tries = self.tries.get_with(place, Arc::default);
        lock(&tries).begin(rules, now)?;
        let day = self.days.get_with(day, Arc::default);
        if let Err(too_many) = lock(&day).begin(rules, known, now) {
            lock(&tries).take_back();
            return Err(too_many);
        }
        Ok(Counted { by_place: self.tries.clone(), key: place, day: Some(day.clone()) })
    }
}

impl Try {
    /// What came of the try: a wrong password stays counted.
    pub(super) fn settle(self, verdict: &Result<Verdict, StoreError>) {
        match verdict {
            Ok(Verdict::Wrong) => (),
            Ok(Verdict::Right { .. }) => self.was_right(),
            Err(_) => self.was_not_made(),
        }
    }

    /// What came from this place before is forgotten, and nothing else is.
    fn was_right(self) {
        for counted in self.counted {
            counted.by_place.invalidate(&counted.key);
            if let Some(day) = counted.day {
                lock(&day).take_back();
            }
        }
    }

    fn was_not_made(self) {
        for counted in self.counted {
            if let Some(tries) = counted.by_place.get(&counted.key) {
                lock(&tries).take_back();
            }
            if let Some(day) = counted.day {
                lock(&day).take_back();
            }
        }
    }
}

fn counters<T: Send + Sync + 'static>(remembered: Duration) -> Cache<u64, Arc<Mutex<T>>> {
    Cache::builder().max_capacity(COUNTED_MAX).time_to_idle(remembered).build()
}

/// Counts are whole after each step, so one that panicked half-way is as good as any.
fn lock<T>(counter: &Mutex<T>) -> MutexGuard<'_, T> {
    counter.lock().unwrap_or_else(PoisonError::into_inner)
}
