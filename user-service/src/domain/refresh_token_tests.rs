use proptest::prelude::*;

use super::*;

const NONCE: SessionNonce = SessionNonce::new([7; NONCE_BYTES]);

fn key() -> RefreshKey {
    RefreshKey::new(&[1; KEY_BYTES])
}

fn minted(generation: i64) -> String {
    mint(&key(), UserId::new(10), SessionId::new(20), generation, &NONCE)
}

#[test]
fn a_token_says_what_it_is_for_and_proves_it() {
    let presented = parse(&minted(3)).unwrap();
    assert_eq!((presented.user_id.get(), presented.session_id.get(), presented.generation), (10, 20, 3));
    assert!(presented.verify(&key(), &NONCE));
}

#[test]
fn the_same_arguments_make_the_same_token_and_others_do_not() {
    assert_eq!(minted(3), minted(3));
    assert_ne!(minted(3), minted(4));
    assert_eq!(minted(3).len(), 75);
}

#[test]
fn the_tag_is_a_plain_hmac() {
    let mut mac = Hmac::<Sha256>::new_from_slice(&[1; KEY_BYTES]).unwrap();
    mac.update(PURPOSE);
    for number in [10_i64, 20, 3] {
        mac.update(&number.to_be_bytes());
    }
    mac.update(&[7; NONCE_BYTES]);
    assert!(mac.verify_slice(&parse(&minted(3)).unwrap().tag).is_ok());
}

#[test]
fn another_key_nonce_or_number_proves_nothing() {
    let presented = parse(&minted(3)).unwrap();
    let check = |presented: Presented, key: &RefreshKey, nonce: &SessionNonce| {
        assert!(!presented.verify(key, nonce), "{presented:?}");
    };
    check(presented, &RefreshKey::new(&[2; KEY_BYTES]), &NONCE);
    check(presented, &key(), &SessionNonce::new([8; NONCE_BYTES]));
    check(Presented { user_id: UserId::new(11), ..presented }, &key(), &NONCE);
    check(Presented { session_id: SessionId::new(21), ..presented }, &key(), &NONCE);
    check(Presented { generation: 4, ..presented }, &key(), &NONCE);
    check(Presented { tag: [0; TAG_BYTES], ..presented }, &key(), &NONCE);
}

#[test]
fn texts_of_another_form_are_not_tokens() {
    let token = minted(3);
    let padded = format!("{token}=");
    let longer = format!("{token}A");
    let spaced = format!(" {}", &token[1..]);
    let huge = "A".repeat(1_000_000);
    for text in ["", "x", "a.b.c", &token[1..], &padded, &longer, &spaced, &huge, &"\u{e9}".repeat(37)] {
        assert!(parse(text).is_none(), "{:?}", text.get(..80));
    }
}

#[test]
fn a_nonce_survives_the_database() {
    let text = NONCE.to_text();
    assert_eq!(text.len(), 22);
    assert_eq!(SessionNonce::from_text(&text), Some(NONCE));
    assert_eq!(SessionNonce::from_text(""), None);
    assert_eq!(SessionNonce::from_text(&text[1..]), None);
}

#[test]
fn secrets_are_not_printed() {
    let presented = parse(&minted(3)).unwrap();
    let printed = format!("{:?} {NONCE:?} {presented:?}", key());
    assert_eq!(printed, "RefreshKey(redacted) SessionNonce(redacted) Presented(10, 20, 3)");
}

proptest! {
    #[test]
    fn any_token_is_read_back(user: i64, session: i64, generation: i64, nonce: [u8; NONCE_BYTES]) {
        let nonce = SessionNonce::new(nonce);
        let token = mint(&key(), UserId::new(user), SessionId::new(session), generation, &nonce);
        let presented = parse(&token).unwrap();
        prop_assert_eq!(presented.user_id.get(), user);
        prop_assert_eq!(presented.session_id.get(), session);
        prop_assert_eq!(presented.generation, generation);
        prop_assert!(presented.verify(&key(), &nonce));
    }

    #[test]
    fn a_token_with_one_other_character_proves_nothing(at in 0usize..75, other in "[A-Za-z0-9_-]") {
        let token = minted(3);
        let mut changed = token.clone();
        changed.replace_range(at..=at, &other);
        prop_assume!(changed != token);
        prop_assert!(parse(&changed).is_none_or(|presented| !presented.verify(&key(), &NONCE)));
    }

    #[test]
    fn no_text_makes_parsing_fail_badly(text in any::<String>()) {
        let _ = parse(&text);
    }
}
