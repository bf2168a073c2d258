use argon2::password_hash::PasswordVerifier;

use super::*;

const PASSWORD: &str = "plum-Tractor-91 sky";

fn hashing(cost: HashCost) -> Hashing {
    Hashing::new(cost, 8).unwrap()
}

#[test]
fn only_the_right_password_matches_and_nobodys_never_does() {
    let mut hashing = hashing(HashCost::LOWEST);
    let right = Secret::new(PASSWORD);
    let held = hashing.hash(&right).unwrap();
    let mut is_right = |password: &Secret, held| hashing.verify(password, held).is_right();
    assert!(is_right(&right, Some(held.reveal())));
    assert!(!is_right(&Secret::new("plum-Tractor-91 sky "), Some(held.reveal())));
    assert!(!is_right(&right, None));
    for damaged in
        ["", "not a hash", "$argon2id$v=19$m=8,t=1,p=1", "$scrypt$ln=1,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"]
    {
        assert!(!is_right(&right, Some(damaged)), "{damaged}");
    }
    assert_ne!(hashing.hash(&right).unwrap(), held, "salted");
}

/// The whole of a password counts: of two that differ in their last byte only one is right.
#[test]
fn no_password_is_cut() {
    let mut hashing = hashing(HashCost::LOWEST);
    let long = format!("{}x", "7f!Q".repeat(64));
    let held = hashing.hash(&Secret::new(&long[..256])).unwrap();
    assert!(hashing.verify(&Secret::new(&long[..256]), Some(held.reveal())).is_right());
    for other in [&long[..255], &long, &format!("{}?", &long[..255])] {
        assert!(!hashing.verify(&Secret::new(other), Some(held.reveal())).is_right(), "{}", other.len());
    }
    let held = hashing.hash(&Secret::new("before\0after")).unwrap();
    assert!(!hashing.verify(&Secret::new("before"), Some(held.reveal())).is_right());
}

/// What is written is what anybody's argon2 reads, and the other way round.
#[test]
fn hashes_are_those_of_the_library() {
    let mut hashing = hashing(HashCost::LOWEST);
    let password = Secret::new(PASSWORD);
    let made = hashing.hash(&password).unwrap();
    let parsed = PasswordHash::new(made.reveal()).unwrap();
    Argon2::default().verify_password(PASSWORD.as_bytes(), &parsed).unwrap();
    let known = "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$";
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 2, 1, Some(32)).unwrap());
    let mut out = [0; 32];
    argon2.hash_password_into(PASSWORD.as_bytes(), b"somesaltsomesalt", &mut out).unwrap();
    let held = format!("{known}{}", Output::new(&out).unwrap());
    // It asks for more memory than this thread has of its own.
    assert!(hashing.verify(&password, Some(&held)).is_right());
    assert!(hashing.verify(&password, Some(made.reveal())).is_right());
    assert_eq!(hashing.memory.len(), 8);
}

#[test]
fn a_weaker_hash_is_made_again_and_a_stronger_one_is_kept() {
    let [mut low, mut standard] = [HashCost::LOWEST, HashCost::STANDARD].map(hashing);
    let password = Secret::new(PASSWORD);
    let [weak, strong] = [&mut low, &mut standard].map(|hashing| hashing.hash(&password).unwrap());
    let better =
        |hashing: &mut Hashing, held: &Secret| hashing.verify(&password, Some(held.reveal())).better_hash();
    let made = better(&mut standard, &weak).unwrap();
    assert!(made.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", made.reveal());
    assert!(standard.verify(&password, Some(made.reveal())).is_right());
    assert_eq!(better(&mut standard, &strong), None);
    for held in [&weak, &strong] {
        assert_eq!(better(&mut low, held), None);
    }
}

#[test]
fn comparing_with_nobodys_hash_is_the_same_work() {
    for (cost, parameters) in [
        (HashCost::STANDARD, "$argon2id$v=19$m=19456,t=2,p=1$"),
        (HashCost::LOWEST, "$argon2id$v=19$m=8,t=1,p=1$"),
    ] {
        let mut hashing = hashing(cost);
        let somebodys = hashing.hash(&Secret::new(PASSWORD)).unwrap();
        for held in [&somebodys, &hashing.dummy, &hashing.twin().dummy] {
            assert!(held.reveal().starts_with(parameters), "{}", held.reveal());
        }
        assert_eq!(somebodys.reveal().len(), hashing.dummy.reveal().len());
    }
}
