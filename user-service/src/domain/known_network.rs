//! The networks from which a person has signed in: whoever comes from one of them is less likely a stranger.

use std::time::Duration;

use shared::clock::Micros;
use shared::id::UserId;

use super::limits::{KNOWN_NETWORK_LIFE, KNOWN_NETWORKS_MAX};
use super::refresh_token::RefreshKey;

/// Keeps these digests apart from any other use of the same key.
const PURPOSE: &[u8] = b"mutual known network 1";
/// How old a note of the last time may grow before it is written anew: not each refresh is to cost a row.
const NOTED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Which networks count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownNetworkRules {
    /// Of one person; one more forgets the one not seen for the longest.
    pub max: usize,
    /// For how long after the last time.
    pub life: Duration,
}

impl Default for KnownNetworkRules {
    fn default() -> Self {
        Self { max: KNOWN_NETWORKS_MAX, life: KNOWN_NETWORK_LIFE }
    }
}

impl KnownNetworkRules {
    /// Whether a network that was last seen then is known at `now`.
    pub fn is_known(&self, seen_at: Micros, now: Micros) -> bool {
        now.since(seen_at) < self.life
    }
}

/// Whether a network that was last noted then is to be noted again at `now`.
pub fn is_worth_noting(seen_at: Option<Micros>, now: Micros) -> bool {
    seen_at.is_none_or(|seen_at| now.since(seen_at) >= NOTED_EVERY)
}

/// What stands for `network` among one person's networks: which one it is cannot be read from it, nor whether two
/// people share one.
pub fn digest(key: &RefreshKey, user: UserId, network: &str) -> String {
    key.digest(PURPOSE, &[Some(&user.to_string()), Some(network)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_known_for_a_while_and_noted_once_a_day() {
        let rules = KnownNetworkRules::default();
        let seen = Micros::from_millis(1_000_000);
        let moment = Duration::from_micros(1);
        assert!(rules.is_known(seen, seen.after(rules.life - moment)));
        assert!(!rules.is_known(seen, seen.after(rules.life)));
        assert!(is_worth_noting(None, seen));
        assert!(!is_worth_noting(Some(seen), seen.after(NOTED_EVERY - moment)));
        assert!(is_worth_noting(Some(seen), seen.after(NOTED_EVERY)));
    }

    #[test]
    fn a_digest_is_of_one_person_one_network_and_one_server() {
        let keys = [RefreshKey::new(&[1; 32]), RefreshKey::new(&[2; 32])];
        let one = digest(&keys[0], UserId::new(1), "10.0.0.1");
        assert_eq!(one, digest(&keys[0], UserId::new(1), "10.0.0.1"));
        for other in [
            digest(&keys[0], UserId::new(2), "10.0.0.1"),
            digest(&keys[0], UserId::new(1), "10.0.0.2"),
            digest(&keys[1], UserId::new(1), "10.0.0.1"),
        ] {
            assert_ne!(one, other);
        }
    }
}
