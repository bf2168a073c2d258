//! How much of what, how often and for how long.

use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use shared::span::{DAY, span};

use crate::domain::guessing::GuessRules;
use crate::domain::known_network::KnownNetworkRules;
use crate::domain::limits::{
    GUESSES_MAX, GUESSES_PER_DAY_MAX, KNOWN_NETWORKS_MAX, MAILS_WAITING_MAX, PASSWORD_CHARS_MIN_DEFAULT,
};
use crate::domain::rename::RenameRules;
use crate::domain::rules::{Rules, SESSIONS_MAX_DEFAULT};
use crate::domain::session::SessionLife;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const YEAR: Duration = DAY.saturating_mul(365);

/// How much of what one person or network may have, how often and for how long. Spans are written `10s`, `15m`,
/// `24h`, `30d`.
#[derive(Debug, Clone, Copy, Args)]
// A name of its own, so that one program can take the limits of both services.
#[group(id = "user_limits")]
pub struct Limits {
    /// Shortest password, in characters.
    #[arg(long, env, default_value_t = PASSWORD_CHARS_MIN_DEFAULT,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=128))]
    pub password_chars_min: usize,
    /// Sessions of one person; one more ends the oldest.
    #[arg(long, env, default_value_t = SESSIONS_MAX_DEFAULT,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000))]
    pub sessions_max: usize,
    /// A session that nobody uses for this long ends.
    #[arg(long, env, default_value = "30d", value_parser = span(MINUTE, YEAR))]
    pub session_idle_life: Duration,
    /// A session ends this long after the login, however much it is used.
    #[arg(long, env, default_value = "90d", value_parser = span(MINUTE, 10 * YEAR))]
    pub session_absolute_life: Duration,
    /// How long the refresh token before the newest still answers, for lost answers and races.
    #[arg(long, env, default_value = "10s", value_parser = span(Duration::ZERO, MINUTE))]
    pub refresh_grace: Duration,
    /// How long after a login, or after the password was asked for again, a session may change how its person signs in.
    #[arg(long, env, default_value = "5m", value_parser = span(SECOND, DAY))]
    pub step_up_life: Duration,
    /// A person may change the username once in this time; not longer than --name-quarantine.
    #[arg(long, env, default_value = "30d", value_parser = span(Duration::ZERO, YEAR))]
    pub rename_interval: Duration,
    /// How long a name that was given up leads to its former owner and to nobody else.
    #[arg(long, env, default_value = "30d", value_parser = span(Duration::ZERO, YEAR))]
    pub name_quarantine: Duration,
    /// How long a request with an Idempotency-Key that is repeated is answered the same.
    #[arg(long, env, default_value = "24h", value_parser = span(MINUTE, 30 * DAY))]
    pub idempotency_life: Duration,
    /// How long a login restores an account whose owner asked for its deletion. After this everything of it is removed,
    /// and its name is free; never sooner than ten minutes after the request.
    #[arg(long, env, default_value = "30d", value_parser = span(Duration::ZERO, 10 * YEAR))]
    pub deletion_grace: Duration,
    /// Registrations from one network within an hour.
    #[arg(long, env, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub registrations_per_hour: u32,
    /// Logins from one network within 15 minutes.
    #[arg(long = "logins-per-15-min", env = "LOGINS_PER_15_MIN", default_value_t = 600,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub logins_per_15_min: u32,
    /// Refresh tokens from one network that are refused as such within 15 minutes, before others like them have to wait
    /// (429). Good ones never do.
    #[arg(long = "failed-refreshes-per-15-min", env = "FAILED_REFRESHES_PER_15_MIN", default_value_t = 600,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub failed_refreshes_per_15_min: u32,
    /// Requests for mails (a new password, a verification) from one network within an hour.
    #[arg(long, env, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub mail_requests_per_hour: u32,
    /// Mails to one address within an hour.
    #[arg(long, env, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub mails_per_hour: u32,
    /// Mails that may wait to be sent; beyond, requests that would mail are refused (503). What tells an owner of a change
    /// is written in any case.
    #[arg(long, env, default_value_t = MAILS_WAITING_MAX,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000_000))]
    pub mails_waiting_max: usize,
    /// Wrong passwords for one login from one network or device before the next try has to wait.
    #[arg(long, env, default_value_t = GUESSES_MAX, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub guesses_max: u32,
    /// Wrong passwords that are further apart than this do not add up.
    #[arg(long, env, default_value = "15m", value_parser = span(SECOND, DAY))]
    pub guesses_window: Duration,
    /// The first wait after too many wrong passwords; each further one doubles it.
    #[arg(long, env, default_value = "1s", value_parser = span(SECOND, HOUR))]
    pub guesses_wait_first: Duration,
    /// The longest wait after too many wrong passwords.
    #[arg(long, env, default_value = "15m", value_parser = span(SECOND, DAY))]
    pub guesses_wait_longest: Duration,
    /// Wrong passwords for one login within a day, from wherever, before only networks and devices that have signed
    /// in before get in.
    #[arg(long, env, default_value_t = GUESSES_PER_DAY_MAX, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub guesses_per_day_max: u32,
    /// Networks of one person that are remembered as known; one more forgets the one not seen for the longest.
    #[arg(long, env, default_value_t = KNOWN_NETWORKS_MAX,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000))]
    pub known_networks_max: usize,
    /// How long a network is known after the last time.
    #[arg(long, env, default_value = "90d", value_parser = span(HOUR, 10 * YEAR))]
    pub known_network_life: Duration,
}

impl Limits {
    /// What is wrong with these numbers together, if anything.
    pub fn contradiction(&self) -> Option<&'static str> {
        if self.rename_interval > self.name_quarantine {
            return Some(
                "--rename-interval is longer than --name-quarantine, which remembers the last change",
            );
        }
        if self.guesses_wait_first > self.guesses_wait_longest {
            return Some("--guesses-wait-first is longer than --guesses-wait-longest");
        }
        None
    }

    /// What the writer decides by.
    pub fn rules(&self) -> Rules {
        Rules {
            session: SessionLife {
                idle: self.session_idle_life,
                absolute: self.session_absolute_life,
                grace: self.refresh_grace,
                proof: self.step_up_life,
            },
            sessions_max: self.sessions_max,
            rename: RenameRules { interval: self.rename_interval, quarantine: self.name_quarantine },
            idempotency_life: self.idempotency_life,
            deletion_grace: self.deletion_grace,
            networks: KnownNetworkRules { max: self.known_networks_max, life: self.known_network_life },
        }
    }

    /// How many wrong passwords are borne.
    pub fn guesses(&self) -> GuessRules {
        GuessRules {
            max: self.guesses_max,
            window: self.guesses_window,
            wait_first: self.guesses_wait_first,
            wait_longest: self.guesses_wait_longest,
            per_day_max: self.guesses_per_day_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        limits: Limits,
    }

    fn parse(flags: &[&str]) -> Result<Limits, clap::Error> {
        let args = ["program"].iter().chain(flags);
        Program::try_parse_from(args).map(|program| program.limits)
    }

    #[test]
    fn the_defaults_are_those_of_the_rules() {
        let limits = parse(&[]).unwrap();
        assert_eq!(limits.rules(), Rules::default());
        assert_eq!(limits.guesses(), GuessRules::default());
        assert_eq!(limits.contradiction(), None);
    }

    #[test]
    fn spans_have_bounds() {
        assert_eq!(parse(&["--session-idle-life", "7d"]).unwrap().session_idle_life, 7 * DAY);
        for flags in [
            ["--session-idle-life", "1s"],
            ["--session-absolute-life", "99999d"],
            ["--refresh-grace", "61s"],
            ["--name-quarantine", "soon"],
            ["--guesses-max", "0"],
            ["--guesses-wait-first", "0s"],
        ] {
            assert!(parse(&flags).is_err(), "{flags:?}");
        }
    }

    #[test]
    fn numbers_that_contradict_each_other_are_told() {
        for flags in [["--rename-interval", "31d"], ["--guesses-wait-first", "16m"]] {
            let told = parse(&flags).unwrap().contradiction();
            assert!(told.is_some_and(|told| told.contains(flags[0])), "{flags:?}");
        }
    }
}
