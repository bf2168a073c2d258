//! Names that nobody can take.

use super::username::skeleton;

/// Words that speak for the service. Whatever looks like one of them is refused: `adm1n`, `r00t`, `sup_port`.
const AUTHORITY: &str = "
    abuse admin administration administrator anonymous billing compliance contact copyright deleted donotreply
    everybody everyone feedback helpdesk hostmaster info legal mailerdaemon mod moderation moderator mutual
    mutualadmin mutualapp mutualhelp mutualofficial mutualsecurity mutualsupport mutualteam nobody noreply null
    official operator owner postmaster root safety security staff sudo superadmin superuser support supportteam
    sysadmin sysop system team trustandsafety undefined unknown verified webmaster
";

/// Words of addresses, of ours and of apps built on us, and plurals of the above. Whatever looks like one of
/// them is refused, except letters followed by a number: `us3rs` is, `user5` is a person's name.
const ROUTES: &str = "
    about accept acceptall account accounts activate admins administrators api app apps assets audit auditlog
    auth authorize avatar avatars batch batchremove block blocked blocks byusername cdn closefriend
    closefriends comment comments config confirm count counts current dashboard deactivate deactivation delete
    deletion docs documentation download downloads email emails emailverification emailverifications error
    errors event events explain explore export exports faq favicon feed feeds follow followed follower
    followers following followrequest followrequests follows friend friends health healthz help home import
    imports inbox index jwks jwksjson known list livez login logout mail me media members mention mentions
    message messages metrics moderators mods mute muted mutes myself new note notes notification notifications
    oauth openapi openapijson operators outbox password passwordreset passwordresets passwords privacy private
    profile profiles public readyz refresh register registration reject rejectall relation relations
    relationship relationships report reports request requests reset robots robotstxt role roles search self
    sent session sessions setting settings shared signin signout signup static stats status stream suggestion
    suggestions suspension terms token tokens unfollow user username usernames users verification verify
    version visibility webhooks wellknown www
";

/// Words that have a digit of their own, where only the exact name is refused: `v1`, but not `vi`.
const EXACT: &str = "v1 v2 v3 oauth2";

/// Whether `name` (a username in its one spelling) is, or passes for, a word that nobody can take.
/// `_` and `.` do not tell a name from a word.
pub fn is_reserved(name: &str) -> bool {
    let bare: String = name.chars().filter(|c| !matches!(c, '_' | '.')).collect();
    let looks = skeleton(&bare);
    let looks_like = |words: &str| words.split_whitespace().any(|word| skeleton(word) == looks);
    EXACT.split_whitespace().any(|word| word == bare)
        || looks_like(AUTHORITY)
        || (!is_letters_and_number(&bare) && looks_like(ROUTES))
}

/// `user5`, `m3`: letters, then a number.
fn is_letters_and_number(bare: &str) -> bool {
    let letters = bare.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.len() < bare.len() && letters.bytes().all(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], reserved: bool) {
        for name in names {
            assert_eq!(is_reserved(name), reserved, "{name}");
        }
    }

    #[test]
    fn words_of_authority_are_refused_however_they_are_dressed() {
        check(&["admin", "root", "support", "moderator", "staff", "security", "mutual", "noreply"], true);
        check(&["adm1n", "4dmin", "r00t", "roo7", "supp0rt", "suppor7", "5upport", "m0d", "mutua1"], true);
        check(&["a_dmin", "ad.min", "_root_", "no_reply", "mutual.support", "a_d_m_1_n"], true);
    }

    #[test]
    fn words_of_addresses_are_refused() {
        check(&["me", "users", "sessions", "search", "by_username", "docs", "openapi.json", "livez"], true);
        check(&["readyz", "metrics", "events", "followers", "following", "friends", "user", "v1"], true);
        check(&["m_e", "us3rs", "s3arch", "f0llowers", "well_known", "oauth2"], true);
    }

    #[test]
    fn names_of_people_are_not() {
        check(
            &["alice", "bob", "eve", "mike", "vi", "al", "no", "robin", "rooter", "adminton", "meg"],
            false,
        );
        check(&["user1", "user5", "user_5", "user55", "m3", "admin1", "admin5", "friend5", "event5"], false);
        check(&["n0", "n1", "n100000000", "test", "test1", "demo", "u5", "__", "12"], false);
        check(&["rnod", "acirnin"], false);
    }
}
