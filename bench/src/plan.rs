//! What is measured: operations alone, and mixes of them.

use crate::generator::Mix;
use crate::request::Kind;

/// Something to measure.
#[derive(Debug, Clone)]
pub struct Operation {
    /// As reports name it.
    pub name: String,
    /// What is asked.
    pub mix: Mix,
    /// Whether it is measured in the short form.
    pub short: bool,
    /// Whether other ways to store a follow are measured beside it.
    pub beside_others: bool,
}

/// Operations alone, in the order of the report.
const ALONE: [(Kind, bool); 15] = [
    (Kind::Check, true),
    (Kind::Counts, true),
    (Kind::Card, true),
    (Kind::Followers, true),
    (Kind::FollowersBare, false),
    (Kind::Deep, false),
    (Kind::Following, false),
    (Kind::Known, false),
    (Kind::Check20, false),
    (Kind::Check100, true),
    (Kind::Cards20, false),
    (Kind::Visibility, true),
    (Kind::Feed, false),
    (Kind::Follow, true),
    (Kind::Celebrity, false),
];

/// A page that people of a short-video app open; a proposal of this project's.
const PROFILE_PAGE: [(f64, Kind); 13] = [
    (30.0, Kind::Check),
    (10.0, Kind::Check20),
    (14.0, Kind::Followers),
    (5.8, Kind::Older),
    (0.2, Kind::Deep),
    (12.0, Kind::Following),
    (12.0, Kind::Card),
    (8.0, Kind::Cards20),
    (4.0, Kind::Counts),
    (1.0, Kind::Friends),
    (2.0, Kind::Follow),
    (0.8, Kind::Unfollow),
    (0.2, Kind::ProfileEdit),
];

/// The traffic in front of Facebook's TAO (Bronson et al., USENIX ATC 2013): 99.8 percent reads. New and deleted people
/// (0.04 percent) are left out, since they would measure how passwords are hashed; a change of an edge's type is a change of
/// an option.
const TAO: [(f64, Kind); 10] = [
    (20.45, Kind::FollowersBare),
    (20.45, Kind::Following),
    (28.9, Kind::Card),
    (15.7, Kind::CheckSome),
    (11.7, Kind::Counts),
    (2.8, Kind::Older),
    (0.105, Kind::Follow),
    (0.0166, Kind::Unfollow),
    (0.0018, Kind::Option),
    (0.0414, Kind::ProfileEdit),
];

/// What is left under a cache: LinkBench (Armstrong et al., SIGMOD 2013), 31 percent writes. New and deleted nodes (3.6
/// percent) are left out for the same reason; three lists in ten are later pages.
const LINKBENCH: [(f64, Kind); 10] = [
    (17.749_17, Kind::FollowersBare),
    (17.749_17, Kind::Following),
    (15.213_57, Kind::Older),
    (12.932_67, Kind::Card),
    (4.886_36, Kind::Counts),
    (0.526_11, Kind::CheckSome),
    (8.988_66, Kind::Follow),
    (2.990_77, Kind::Unfollow),
    (8.012_21, Kind::Option),
    (7.366_44, Kind::ProfileEdit),
];

/// Everything that can be measured.
pub fn operations() -> Vec<Operation> {
    let alone = ALONE.map(|(kind, short)| Operation {
        name: kind.name().to_owned(),
        mix: vec![(1.0, kind)],
        short,
        beside_others: kind == Kind::Follow,
    });
    let mixed = |name: &str, mix: &[(f64, Kind)]| Operation {
        name: name.to_owned(),
        mix: mix.to_vec(),
        short: false,
        beside_others: false,
    };
    alone
        .into_iter()
        .chain([
            mixed("follow and unfollow", &[(1.0, Kind::Follow), (1.0, Kind::Unfollow)]),
            mixed("mix: profile page", &PROFILE_PAGE),
            mixed("mix: TAO", &TAO),
            mixed("mix: LinkBench", &LINKBENCH),
        ])
        .collect()
}

/// Those that are asked for: a whole name means that one alone, any other word all that have it in their names.
pub fn chosen(only: &[String], short: bool) -> Vec<Operation> {
    let all = operations();
    let is_name = |word: &String| all.iter().any(|one| one.name == *word);
    let means = |word: &String, name: &str| {
        if is_name(word) { name == word } else { name.contains(word.as_str()) }
    };
    let wanted = |operation: &&Operation| {
        if only.is_empty() {
            !short || operation.short
        } else {
            only.iter().any(|word| means(word, &operation.name))
        }
    };
    all.iter().filter(wanted).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixes_are_those_that_were_published() {
        let sum = |mix: &[(f64, Kind)], writes: bool| {
            let is_write = |kind: &Kind| {
                matches!(kind, Kind::Follow | Kind::Unfollow | Kind::Option | Kind::ProfileEdit)
            };
            mix.iter().filter(|(_, kind)| !writes || is_write(kind)).map(|(share, _)| share).sum::<f64>()
        };
        assert!((sum(&PROFILE_PAGE, false) - 100.0).abs() < 1e-6);
        // Percent of the reads, and a five-hundredth of those of the writes that are kept.
        assert!((sum(&TAO, false) - sum(&TAO, true) - 100.0).abs() < 1e-6);
        assert!((sum(&TAO, true) - 0.002 * (52.5 + 8.3 + 0.9 + 20.7)).abs() < 1e-6);
        assert!((sum(&LINKBENCH, false) - (100.0 - 2.573_279 - 1.011_589)).abs() < 0.001);
    }

    #[test]
    fn names_are_different_and_words_choose() {
        let names: std::collections::HashSet<String> = operations().into_iter().map(|one| one.name).collect();
        assert_eq!(names.len(), operations().len());
        assert_eq!(chosen(&["mix".to_owned()], false).len(), 3);
        assert_eq!(chosen(&["relationship".to_owned()], false).len(), 1);
        assert!(chosen(&[], true).len() < chosen(&[], false).len());
    }
}
