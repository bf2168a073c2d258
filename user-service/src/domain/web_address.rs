//! Web addresses on profiles: `https` only, and nothing that could be read as two things.
//!
//! They are shown and never fetched, so this is not a full parser: it accepts the plain form alone.

use super::limits::{HOST_BYTES_MAX, HOST_LABEL_BYTES_MAX};
use super::text::TextProblem;

/// What an address looks like, for people.
const FORM: &str = "an https:// address";

/// An `https` address of at most `bytes_max` bytes, as it was given.
pub fn web_address(raw: &str, bytes_max: usize) -> Result<String, TextProblem> {
    if raw.len() > bytes_max {
        return Err(TextProblem::TooManyBytes { bytes_max });
    }
    if !raw.bytes().all(is_address_byte) {
        return Err(TextProblem::InvalidCharacters);
    }
    let rest = strip_scheme(raw).ok_or(TextProblem::InvalidFormat { form: FORM })?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let port_is_right = port.parse::<u16>().is_ok_and(|port| port > 0) && !port.starts_with('+');
    if port_is_right && is_public_host(host) {
        Ok(raw.to_owned())
    } else {
        Err(TextProblem::InvalidFormat { form: FORM })
    }
}

/// A host name with at least two parts, the last of which is not a number (so no IPv4 address either).
pub(super) fn is_public_host(host: &str) -> bool {
    let Some((_, last)) = host.rsplit_once('.') else { return false };
    host.len() <= HOST_BYTES_MAX
        && host.split('.').all(is_host_label)
        && last.bytes().any(|b| b.is_ascii_alphabetic())
}

fn is_host_label(label: &str) -> bool {
    (1..=HOST_LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Visible ASCII, without the characters that RFC 3986 leaves out and that break out of attributes.
fn is_address_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)
}

fn strip_scheme(raw: &str) -> Option<&str> {
    let (scheme, rest) = raw.split_once("://")?;
    scheme.eq_ignore_ascii_case("https").then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD_FORM: TextProblem = TextProblem::InvalidFormat { form: FORM };

    fn check(raw: &str, expected: Result<(), TextProblem>) {
        assert_eq!(web_address(raw, 60), expected.map(|()| raw.to_owned()), "{raw:?}");
    }

    #[test]
    fn plain_addresses_are_accepted() {
        for raw in [
            "https://example.com",
            "https://example.com/",
            "HTTPS://Example.COM/a/b.png?size=2&x=%20#top",
            "https://cdn-1.example.co.uk:8443/~a/(b)/c,d;e=f",
            "https://example.com?q",
            "https://xn--bcher-kva.example/@alice",
        ] {
            check(raw, Ok(()));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for raw in [
            "",
            "example.com",
            "http://example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "javascript://example.com/%0aalert(1)",
            "data:text/html,x",
            "//example.com",
            "https:/example.com",
            "https://",
            "https:///path",
            "https://localhost/a",
            "https://10.0.0.1/a",
            "https://[::1]/a",
            "https://user@example.com/",
            "https://user:pass@example.com/",
            "https://example.com:/",
            "https://example.com:0/",
            "https://example.com:+443/",
            "https://example.com:70000/",
            "https://-example.com/",
            "https://example..com/",
        ] {
            check(raw, Err(BAD_FORM));
        }
        for raw in [
            "https://example.com/a b",
            " https://example.com/",
            "https://example.com/\n",
            "https://example.com/\u{e9}",
            "https://example.com/\u{202e}gnp",
            "https://example.com\\@evil.example",
            "https://example.com/\"onload=x",
            "https://example.com/<script>",
        ] {
            check(raw, Err(TextProblem::InvalidCharacters));
        }
    }

    #[test]
    fn length_is_counted_in_bytes() {
        let longest = format!("https://example.com/{}", "a".repeat(40));
        check(&longest, Ok(()));
        check(&format!("{longest}a"), Err(TextProblem::TooManyBytes { bytes_max: 60 }));
    }
}
