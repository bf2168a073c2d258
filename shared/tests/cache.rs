//! What a cache promises of its size, and of a load that a commit went past. A test of its own, because the race test
//! compiles the cache's files once more with other locks.

use shared::cache::{Keeping, Shards, Stamps, Weigh};

const ROOM: usize = 2 << 20;

#[derive(Clone)]
struct Heavy(usize);

impl Weigh for Heavy {
    fn weight(&self) -> usize {
        self.0
    }
}

#[test]
fn there_is_never_more_than_there_is_room_for() {
    let (shards, stamps) = (Shards::new(ROOM), Stamps::new(64));
    let mut chance = 1_u64;
    let mut below = |end: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % end
    };
    for step in 0..20_000 {
        let (key, weight) = (below(400), usize::try_from(below(200_000)).unwrap());
        match below(10) {
            0 => shards.forget(&key),
            1..4 => shards.change(&key, |heavy: &mut Heavy| {
                heavy.0 = weight;
                true
            }),
            4 => drop(shards.get(&key)),
            _ => {
                let kept = shards.keep(key, Heavy(weight), &stamps, stamps.note(key));
                assert_eq!(kept == Keeping::TooLarge, !shards.fits(weight));
            }
        }
        let bytes = shards.usage().bytes;
        assert!(bytes <= u64::try_from(ROOM).unwrap(), "{bytes} bytes in step {step}");
    }
    assert!(shards.usage().gone > 0, "nothing had to go");
}

#[test]
fn what_a_commit_went_past_is_not_kept() {
    let (shards, stamps) = (Shards::new(ROOM), Stamps::new(64));
    let keep = |noted| shards.keep(1_u64, Heavy(1), &stamps, noted);
    let before = stamps.note(1);
    let marks = stamps.mark([1].into_iter());
    let during = stamps.note(1);
    assert_eq!(keep(before), Keeping::Overtaken);
    assert_eq!(keep(during), Keeping::Overtaken);
    stamps.open(&marks);
    assert!(!stamps.hold(&[before]), "it is being applied");
    stamps.close(&marks, 1);
    assert_eq!((keep(before), keep(during)), (Keeping::Overtaken, Keeping::Overtaken));
    assert_eq!(keep(stamps.note(1)), Keeping::Kept);
}
