use proptest::prelude::*;

use super::*;

const BAD: TextProblem = TextProblem::InvalidCharacters;

fn check(parse: impl Fn(&str) -> Result<String, TextProblem>, table: &[(&str, Result<&str, TextProblem>)]) {
    for (raw, expected) in table {
        assert_eq!(parse(raw).as_deref().map_err(|problem| *problem), *expected, "{raw:?}");
    }
}

#[test]
fn a_text_is_normalised_and_trimmed() {
    check(
        display_name,
        &[
            ("", Ok("")),
            ("   ", Ok("")),
            ("  Alice  B ", Ok("Alice  B")),
            ("Ame\u{301}lie", Ok("Am\u{e9}lie")),
            ("\u{a0}\u{3000}Alice\n", Ok("Alice")),
            ("\u{5d0}\u{5dc}\u{5d9}\u{5e1}", Ok("\u{5d0}\u{5dc}\u{5d9}\u{5e1}")),
            ("<b>'\"; --", Ok("<b>'\"; --")),
        ],
    );
}

#[test]
fn characters_that_deceive_are_refused() {
    check(
        display_name,
        &[
            ("a\0b", Err(BAD)),
            ("a\u{7}b", Err(BAD)),
            ("a\tb", Err(BAD)),
            ("a\nb", Err(BAD)),
            ("a\u{85}b", Err(BAD)),
            ("a\u{7f}", Err(BAD)),
            ("\u{202e}ecila", Err(BAD)),
            ("a\u{202a}b\u{202c}", Err(BAD)),
            ("a\u{2066}b\u{2069}", Err(BAD)),
            ("a\u{200b}b", Err(BAD)),
            ("\u{feff}ab", Err(BAD)),
            ("a\u{2060}b", Err(BAD)),
            ("\u{3164}", Err(BAD)),
            ("a\u{2028}b", Err(BAD)),
            ("a\u{ffff}b", Err(BAD)),
            ("a\u{1fffe}b", Err(BAD)),
            ("a\u{e0001}b", Err(BAD)),
        ],
    );
}

#[test]
fn joiners_are_allowed_only_where_they_join() {
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let burning_heart = "\u{2764}\u{fe0f}\u{200d}\u{1f525}";
    let scotland = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}";
    let persian = "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}";
    check(
        display_name,
        &[
            (family, Ok(family)),
            (burning_heart, Ok(burning_heart)),
            (scotland, Ok(scotland)),
            (persian, Ok(persian)),
            ("1\u{fe0f}\u{20e3}", Ok("1\u{fe0f}\u{20e3}")),
            ("\u{200d}", Err(BAD)),
            ("\u{200d}ab", Err(BAD)),
            ("ab\u{200d}", Err(BAD)),
            ("a\u{200d}\u{200d}b", Err(BAD)),
            ("a\u{200d}\u{200c}b", Err(BAD)),
            ("a \u{200d}b", Err(BAD)),
            ("a\u{200d} b", Err(BAD)),
            ("\u{fe0f}", Err(BAD)),
            ("a\u{fe0f}\u{fe0f}", Err(BAD)),
            ("a\u{e0067}\u{e007f}", Err(BAD)),
            ("\u{200f}", Err(BAD)),
        ],
    );
}

#[test]
fn a_bio_may_have_lines() {
    check(
        bio,
        &[
            ("one\ntwo", Ok("one\ntwo")),
            ("one\r\ntwo\r\n", Ok("one\ntwo")),
            ("one\n\n\u{1f422}", Ok("one\n\n\u{1f422}")),
            ("one\rtwo", Err(BAD)),
            ("one\ttwo", Err(BAD)),
            ("one\u{202e}two", Err(BAD)),
        ],
    );
}

#[test]
fn texts_are_bounded_in_characters_and_bytes() {
    let chars = |chars_max| Err(TextProblem::TooManyChars { chars_max });
    // A base with three marks that do not compose: 4 characters and 7 bytes of them.
    let stack = |count: usize| "x\u{33f}\u{33f}\u{33f}".repeat(count);
    check(
        display_name,
        &[
            (&"a".repeat(50), Ok(&"a".repeat(50))),
            (&format!("  {}  ", "a".repeat(50)), Ok(&"a".repeat(50))),
            (&"a".repeat(51), chars(50)),
            (&"e\u{301}".repeat(50), Ok(&"\u{e9}".repeat(50))),
            (&"\u{1f422}".repeat(50), Ok(&"\u{1f422}".repeat(50))),
            (&"\u{1f422}".repeat(51), chars(50)),
            (&stack(13), chars(50)),
        ],
    );
    check(bio, &[(&"a".repeat(500), Ok(&"a".repeat(500))), (&"a".repeat(501), chars(500))]);
    check(device_name, &[(&"a".repeat(100), Ok(&"a".repeat(100))), (&"a".repeat(101), chars(100))]);
}

#[test]
fn links_are_bounded_in_number() {
    let link = |n: usize| format!("https://example.com/{n}");
    let many: Vec<String> = (0..6).map(link).collect();
    assert_eq!(links(&[]), Ok(vec![]));
    assert_eq!(links(&many[..5]), Ok(many[..5].to_vec()));
    assert_eq!(links(&many), Err(TextProblem::TooMany { count_max: 5 }));
    let long = format!("https://example.com/{}", "a".repeat(481));
    assert_eq!(links(&[long]), Err(TextProblem::TooManyBytes { bytes_max: 500 }));
    assert!(links(&[link(1), "http://example.com".to_owned()]).is_err());
}

#[test]
fn regions_and_languages_have_their_form() {
    for right in ["NZ", "DE"] {
        assert_eq!(region(right).as_deref(), Ok(right));
    }
    for wrong in ["", "N", "nz", "NZL", "N1", "\u{c5}"] {
        assert_eq!(region(wrong).unwrap_err().code(), "invalid_format", "{wrong:?}");
    }
    for right in ["en", "pt-BR", "zh-Hant-TW", "gsw", "de-1996", "es-419"] {
        assert_eq!(language(right).as_deref(), Ok(right));
    }
    for wrong in ["", "e", "engl", "en-", "-en", "en--US", "en_US", "e1", "en-a", "en-abcdefghi", "en US"] {
        assert_eq!(language(wrong).unwrap_err().code(), "invalid_format", "{wrong:?}");
    }
    assert_eq!(language(&format!("en{}", "-abcdefgh".repeat(4))).unwrap_err().code(), "too_long");
}

proptest! {
    #[test]
    fn tidying_is_idempotent(raw in any::<String>()) {
        for tidy in [display_name, bio, device_name] {
            if let Ok(text) = tidy(&raw) {
                prop_assert_eq!(tidy(&text), Ok(text));
            }
        }
    }

    #[test]
    fn tidying_is_idempotent_for_texts_that_normalise(
        raw in "[ae\u{301}\u{327} \u{a0}\u{3000}\u{1f422}\u{1100}\u{1161}\u{11a8}\u{212a}\u{2000}\u{f900}]{0,40}"
    ) {
        for tidy in [display_name, bio, device_name] {
            let text = tidy(&raw).unwrap();
            prop_assert_eq!(tidy(&text), Ok(text));
        }
    }

    #[test]
    fn tidying_is_idempotent_for_texts_with_joiners(raw in "[ab \n\r\u{200d}\u{fe0f}\u{2764}]{0,8}") {
        for tidy in [display_name, bio, device_name] {
            if let Ok(text) = tidy(&raw) {
                prop_assert_eq!(tidy(&text), Ok(text));
            }
        }
    }
}
