//! Changing one's username: how often, and how long the old name is kept.

use std::time::Duration;

use serde::Deserialize;
use shared::clock::Micros;
use utoipa::ToSchema;

use super::field::{FieldProblem, Fields};
use super::limits::{NAME_QUARANTINE, RENAME_INTERVAL};
use super::username::Username;

/// How often a name changes, and how long the old one is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RenameRules {
    /// A person may change the username once in this time. Not more than the quarantine, which also tells when its
    /// owner was renamed.
    pub interval: Duration,
    /// How long a name that was given up leads to its former owner and to nobody else.
    pub quarantine: Duration,
}

impl Default for RenameRules {
    fn default() -> Self {
        Self { interval: RENAME_INTERVAL, quarantine: NAME_QUARANTINE }
    }
}

/// A new name as it was asked for.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRename {
    /// `[a-z0-9_.]{2,24}` in any case; no dot at either end, no two in a row.
    #[schema(value_type = String, min_length = 2, max_length = 24)]
    pub username: Option<String>,
}

impl RawRename {
    /// The name in its one form.
    pub fn validate(self) -> Result<Username, Vec<FieldProblem>> {
        let mut fields = Fields::new();
        let name = fields.required("username", self.username, |raw| Username::parse(&raw));
        fields.finish(name)
    }
}

/// A name that a person gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerName {
    /// What it looks like.
    pub look: String,
    /// Until when it leads to that person and to nobody else.
    pub quarantined_until: Micros,
}

/// How a person holds a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// By the name in use.
    InUse,
    /// By a name given up lately.
    Kept,
    /// No more: by names alone whose quarantine is over.
    Over,
}

/// How somebody with these names holds `look`.
pub fn hold(look: &str, in_use: Option<&Username>, former: &[FormerName], now: Micros) -> Hold {
    if in_use.is_some_and(|name| name.skeleton() == look) {
        return Hold::InUse;
    }
    let kept = former.iter().any(|name| name.look == look && now < name.quarantined_until);
    if kept { Hold::Kept } else { Hold::Over }
}

impl RenameRules {
    /// When a name given up at `now` becomes free.
    pub fn quarantine_end(&self, now: Micros) -> Micros {
        now.after(self.quarantine)
    }

    /// Whether somebody with these former names must wait for the next change.
    pub fn renamed_recently(&self, former: &[FormerName], now: Micros) -> bool {
        let quarantine_left = |name: &FormerName| name.quarantined_until.since(now);
        former.iter().any(|name| quarantine_left(name) > self.quarantine.saturating_sub(self.interval))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros::from_millis(1_000_000);
    const MOMENT: Duration = Duration::from_micros(1);

    fn given_up(name: &str, at: Micros) -> FormerName {
        let look = Username::parse_any(name).unwrap().skeleton();
        FormerName { look, quarantined_until: RenameRules::default().quarantine_end(at) }
    }

    #[test]
    fn the_next_change_waits_for_thirty_days() {
        let former = [given_up("ann", NOW)];
        let month = Duration::from_secs(30 * 24 * 60 * 60);
        assert!(RenameRules::default().renamed_recently(&former, NOW));
        assert!(RenameRules::default().renamed_recently(&former, NOW.after(month - MOMENT)));
        assert!(!RenameRules::default().renamed_recently(&former, NOW.after(month)));
        assert!(!RenameRules::default().renamed_recently(&[], NOW));
    }

    #[test]
    fn a_look_is_held_by_the_name_in_use_or_by_one_given_up_lately() {
        let in_use = Username::parse_any("b0b").unwrap();
        let former = [given_up("ann", NOW)];
        let check = |look, now, expected| {
            assert_eq!(hold(look, Some(&in_use), &former, now), expected, "{look}");
        };
        check("bob", NOW, Hold::InUse);
        check("ann", NOW, Hold::Kept);
        check("ann", RenameRules::default().quarantine_end(NOW), Hold::Over);
        check("eve", NOW, Hold::Over);
        assert_eq!(hold("bob", None, &[], NOW), Hold::Over);
    }

    #[test]
    fn a_refused_name_is_a_refused_field() {
        for (raw, code) in [
            (None, "required"),
            (Some("Admin"), "reserved"),
            (Some("a"), "too_short"),
            (Some("a..b"), "invalid_format"),
        ] {
            let problems = RawRename { username: raw.map(str::to_owned) }.validate().unwrap_err();
            assert_eq!((problems[0].field, problems[0].code), ("username", code));
        }
        assert_eq!(RawRename { username: Some("Ann".to_owned()) }.validate().unwrap().as_str(), "ann");
    }
}
