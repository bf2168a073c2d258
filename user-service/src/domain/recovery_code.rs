//! Codes for people who have lost their second factor: made by us, each for one use.

use shared::id::UserId;
use shared::secret::Secret;

use super::limits::RECOVERY_CODE_CHARS;
use super::refresh_token::RefreshKey;

/// Without characters that look alike. As many as five bits say.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters between two dashes.
const GROUP_CHARS: usize = 4;
/// Keeps these digests apart from any other use of the same key.
const PURPOSE: &[u8] = b"mutual recovery code 1";

/// The code of these random bytes, of which each gives five bits.
pub fn make(random: &[u8; RECOVERY_CODE_CHARS]) -> Secret {
    let chars: Vec<char> = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
    Secret::new(chars.chunks(GROUP_CHARS).map(String::from_iter).collect::<Vec<_>>().join("-"))
}

/// The code in its one spelling, if `typed` is of that form: in any case, with and without dashes and spaces.
pub fn parse(typed: &str) -> Option<Secret> {
    let plain = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase());
    let plain: String = plain.take(RECOVERY_CODE_CHARS + 1).collect();
    let fits = plain.len() == RECOVERY_CODE_CHARS && plain.bytes().all(|byte| ALPHABET.contains(&byte));
    fits.then(|| Secret::new(plain))
}

/// What is kept of a code that [`parse`] read: nobody can try guesses on it without the server's key.
pub fn digest(key: &RefreshKey, user: UserId, code: &Secret) -> String {
    key.digest(PURPOSE, &[Some(&user.to_string()), Some(code.reveal())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let made = make(&[0, 1, 2, 3, 28, 29, 30, 31, 32, 33, 34, 255]);
        assert_eq!(made.reveal(), "abcd-6789-abc9");
        for typed in ["abcd-6789-abc9", "ABCD 6789 ABC9", "abcd6789abc9", " a-bcd67 89abc9\n"] {
            assert_eq!(parse(typed).unwrap().reveal(), "abcd6789abc9", "{typed}");
        }
        for bad in ["", "abcd-6789-abc", "abcd-6789-abc99", "abcd-6789-abc0", "abcd-6789-ab\u{e7}", "123456"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse(&"a".repeat(60_000)), None);
    }

    #[test]
    fn a_digest_is_of_one_person_and_key() {
        let code = parse("abcd-6789-abc9").unwrap();
        let digest =
            |byte, user, code: &Secret| digest(&RefreshKey::new(&[byte; 32]), UserId::new(user), code);
        let kept = digest(1, 1, &code);
        assert_eq!(digest(1, 1, &code), kept);
        for other in [digest(2, 1, &code), digest(1, 2, &code), digest(1, 1, &Secret::new("abcd6789abca"))] {
            assert_ne!(other, kept);
        }
        assert!(!kept.contains("abcd"));
    }
}
