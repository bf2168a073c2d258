//! Every bound of the domain, with its unit in its name or its type.

use std::time::Duration;

use shared::span::DAY;

/// Shortest username.
pub const USERNAME_CHARS_MIN: usize = 2;
/// Longest username.
pub const USERNAME_CHARS_MAX: usize = 24;
/// A person may change the username once in this time.
pub const RENAME_INTERVAL: Duration = DAY.saturating_mul(30);
/// How long a name that was given up still leads to its former owner and to nobody else.
pub const NAME_QUARANTINE: Duration = DAY.saturating_mul(30);
/// How long a person who asked for deletion can still change their mind. As long as the quarantine of a name: theirs
/// leads nowhere in that time, and is then free.
pub const DELETION_GRACE: Duration = DAY.saturating_mul(30);

/// Shortest password, unless a setting says otherwise.
pub const PASSWORD_CHARS_MIN_DEFAULT: usize = 8;
/// Longest password. Checked before anything else reads it, because hashing costs by length.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// A password that an estimated number of guesses below this finds is common (zxcvbn's scores 0 and 1).
pub const PASSWORD_GUESSES_MIN: u64 = 1_000_000;
/// How much of a password is judged for being common. The estimate takes more than quadratic time: an
/// input chosen to be slow costs about 0.1 s at 32 characters and more than 1 s at 100.
pub const PASSWORD_JUDGED_CHARS_MAX: usize = 32;
/// No list of common passwords holds anything longer than this.
pub const PASSWORD_COMMON_CHARS_MAX: usize = 64;
/// A username shorter than this may occur in a password: two letters occur in most.
pub const PASSWORD_NAME_CHARS_MIN: usize = 3;

/// Longest e-mail address (RFC 5321, less the angle brackets).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Longest part before the `@` (RFC 5321).
pub const EMAIL_LOCAL_PART_BYTES_MAX: usize = 64;
/// Longest host name (RFC 1035).
pub const HOST_BYTES_MAX: usize = 253;
/// Longest part of a host name between two dots (RFC 1035).
pub const HOST_LABEL_BYTES_MAX: usize = 63;

/// Longest display name.
pub const DISPLAY_NAME_CHARS_MAX: usize = 50;
/// Longest biography.
pub const BIO_CHARS_MAX: usize = 500;
/// Longest name of a device.
pub const DEVICE_NAME_CHARS_MAX: usize = 100;
/// Longest reason of a moderator's act.
pub const REASON_CHARS_MAX: usize = 500;
/// Longest address of a picture.
pub const AVATAR_URL_BYTES_MAX: usize = 2_000;
/// Links on one profile.
pub const LINKS_MAX: usize = 5;
/// Longest link on a profile.
pub const LINK_BYTES_MAX: usize = 500;
/// Longest language tag.
pub const LANGUAGE_BYTES_MAX: usize = 35;

/// Longest name that a caller gives to a request.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// How long a named request that is repeated is answered the same.
pub const IDEMPOTENCY_LIFE: Duration = DAY;

/// A session that nobody uses for this long ends.
pub const SESSION_IDLE_LIFE: Duration = DAY.saturating_mul(30);
/// A session ends this long after the login, however much it is used.
pub const SESSION_ABSOLUTE_LIFE: Duration = DAY.saturating_mul(90);
/// How long the refresh token before the newest still answers, for lost answers and races.
pub const REFRESH_GRACE: Duration = Duration::from_secs(10);

/// How long the token that verifies an address can be used.
pub const VERIFICATION_LIFE: Duration = DAY;
/// How long the token that sets a new password can be used.
pub const PASSWORD_RESET_LIFE: Duration = Duration::from_secs(60 * 60);
/// A mail without a token that could not be sent for this long is given up: it is no news any more.
pub const NOTICE_LIFE: Duration = DAY;
/// How often a mail is tried. With the waits below, the last try is about six hours after the first.
pub const MAIL_TRIES_MAX: i64 = 16;
/// How long a mail waits after its first failed try; twice as long after each further one.
pub const MAIL_RETRY_FIRST: Duration = Duration::from_secs(5);
/// The longest that a mail waits for its next try.
pub const MAIL_RETRY_MAX: Duration = Duration::from_secs(60 * 60);
/// How long a mail that was given up stays in the table, for the operator.
pub const FAILED_MAIL_KEPT: Duration = DAY.saturating_mul(7);
/// Mails that may wait to be sent, unless a setting says otherwise. One takes about 200 bytes.
pub const MAILS_WAITING_MAX: usize = 100_000;
/// Requests for a new password that may wait until the mailer looks; one more is refused.
pub const RESET_REQUESTS_MAX: usize = 10_000;
/// Wrong passwords for one login from one network or device before the next try has to wait.
pub const GUESSES_MAX: u32 = 10;
/// Wrong passwords that are further apart than this do not add up.
pub const GUESSES_WINDOW: Duration = Duration::from_secs(15 * 60);
/// The first wait; each further wrong password doubles it.
pub const GUESSES_WAIT_FIRST: Duration = Duration::from_secs(1);
/// The longest wait.
pub const GUESSES_WAIT_LONGEST: Duration = Duration::from_secs(15 * 60);
/// Wrong passwords for one login within a day, from wherever, before only networks and devices that are known get in
/// (NIST SP 800-63B: at most 100).
pub const GUESSES_PER_DAY_MAX: u32 = 100;
/// Networks that are known of one person; one more forgets the one not seen for the longest.
pub const KNOWN_NETWORKS_MAX: usize = 20;
/// A network is known for this long after the last time.
pub const KNOWN_NETWORK_LIFE: Duration = DAY.saturating_mul(90);

/// How long after a login, or after a password asked for again, a session may change how its person signs in, unless
/// a setting says otherwise.
pub const PROOF_LIFE: Duration = Duration::from_secs(5 * 60);

/// A new one-time code every so often (RFC 6238).
pub const TOTP_STEP: Duration = Duration::from_secs(30);
/// Steps before and after now whose code is taken too, for clocks that are off.
pub const TOTP_SKEW_STEPS: i64 = 1;
/// Digits of a one-time code.
pub const TOTP_DIGITS: u8 = 6;
/// Bytes of what one-time codes are made from (RFC 4226 recommends 160 bits).
pub const TOTP_SECRET_BYTES: usize = 20;
/// How long a second factor waits for its first code.
pub const TWO_FACTOR_PENDING_LIFE: Duration = Duration::from_secs(15 * 60);
/// Recovery codes of one person.
pub const RECOVERY_CODES: usize = 10;
/// Characters of a recovery code, of five bits each.
pub const RECOVERY_CODE_CHARS: usize = 12;
/// With this many wrong codes, the waiting begins.
pub const CODE_TRIES_FREE: u32 = 5;
/// The first wait; each further wrong code doubles it.
pub const CODE_WAIT_FIRST: Duration = Duration::from_secs(30);
/// The longest wait: with three codes right at a time, somebody who knows the password needs about four years for a
/// chance of one in ten.
pub const CODE_WAIT_MAX: Duration = Duration::from_secs(60 * 60);

/// Longest text to search for.
pub const SEARCH_QUERY_CHARS_MAX: usize = 64;
/// People whom one search finds at the most, over all its pages.
pub const SEARCH_RESULTS_MAX: usize = 500;
/// Words of one text that are searched: no name has more that anybody would ask for.
pub const SEARCH_WORDS_MAX: usize = 8;
/// Words of a display name that are found two at a time, in any order: each costs as many entries as there are others.
pub const SEARCH_PAIRED_WORDS_MAX: usize = 4;
/// How much of a word is searched.
pub const SEARCH_TERM_CHARS_MAX: usize = 32;
/// Shortest word that is found by a wrong spelling.
pub const SEARCH_SPELT_CHARS_MIN: usize = 3;
/// The longer of two words has at least this many letters, if they are a slip apart and not different names.
pub const SEARCH_SLIP_CHARS_MIN: usize = 4;
/// Words that are read for one key of a spelling.
pub const SEARCH_WORDS_PER_KEY_MAX: usize = 256;
/// Spellings of one word that are searched, the nearest first.
pub const SEARCH_SPELLINGS_MAX: usize = 16;
/// The same where two words are searched together: each with each.
pub const SEARCH_PAIRED_SPELLINGS_MAX: usize = 6;
