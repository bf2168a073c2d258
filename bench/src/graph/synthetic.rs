//! A graph of any size, with the degrees of a real one.

use std::collections::HashSet;

use fastrand::Rng;

use super::Graph;
use crate::number::{count, place, real, whole};

/// How many people in a hundred have at most so many edges, from the distribution that LinkBench was published with
/// (Armstrong et al., SIGMOD 2013: Facebook's social graph). Between two points the logarithm of the degree is linear.
const DEGREES: [(f64, f64); 35] = [
    (0.0, 45.331_605),
    (1.0, 77.462_591),
    (2.0, 86.958_059),
    (3.0, 91.993_054),
    (4.0, 94.450_799),
    (5.0, 95.828_071),
    (6.0, 96.722_528),
    (8.0, 97.761_423),
    (10.0, 98.328_033),
    (13.0, 98.825_377),
    (16.0, 99.108_032),
    (20.0, 99.326_955),
    (30.0, 99.556_939),
    (40.0, 99.661_413),
    (50.0, 99.721_560),
    (75.0, 99.796_274),
    (100.0, 99.831_361),
    (150.0, 99.866_218),
    (200.0, 99.885_135),
    (300.0, 99.906_066),
    (500.0, 99.927_463),
    (750.0, 99.941_632),
    (1_000.0, 99.950_659),
    (1_500.0, 99.962_084),
    (2_000.0, 99.969_372),
    (3_000.0, 99.978_548),
    (5_000.0, 99.987_453),
    (7_500.0, 99.992_444),
    (10_000.0, 99.995_045),
    (19_998.0, 99.998_537),
    (49_994.0, 99.999_813),
    (99_383.0, 99.999_962),
    (198_095.0, 99.999_990),
    (485_372.0, 99.999_999),
    (961_963.0, 100.0),
];
/// Follows in a hundred that are returned.
const RETURNED_PERCENT: u32 = 30;
/// One person is followed by at most one in so many.
const FOLLOWED_BY_ONE_IN: u64 = 4;
/// Draws for a follower who is not there yet, before the next is tried.
const DRAWS_MAX: u32 = 8;

/// Draws a graph: each person's followers are as many as the distribution says, times `scale`; half of the followers are
/// anybody, half come in proportion to a second draw, so that some follow many. The same seed draws the same graph.
pub fn draw(people: u32, scale: u32, seed: u64) -> Graph {
    let mut rng = Rng::with_seed(seed);
    let most = u64::from(people) / FOLLOWED_BY_ONE_IN;
    // Who is in the list often follows many.
    let eager: Vec<u32> = (0..people)
        .flat_map(|person| std::iter::repeat_n(person, place(1 + degree(&mut rng).min(most))))
        .collect();
    let mut edges = HashSet::new();
    for target in 0..people {
        let followers = (degree(&mut rng) * u64::from(scale)).min(most);
        for _ in 0..followers {
            for _ in 0..DRAWS_MAX {
                let source = if rng.bool() { eager[rng.usize(..eager.len())] } else { rng.u32(..people) };
                if source != target && edges.insert((u64::from(source), u64::from(target))) {
                    if rng.u32(..100) < RETURNED_PERCENT {
                        edges.insert((u64::from(target), u64::from(source)));
                    }
                    break;
                }
            }
        }
    }
    Graph::of(edges.into_iter().collect())
}

/// One draw from the distribution.
fn degree(rng: &mut Rng) -> u64 {
    let percent = rng.f64() * 100.0;
    let above = DEGREES.partition_point(|(_, below)| *below < percent);
    let Some(&(high, to)) = DEGREES.get(above) else { return 0 };
    let Some(&(low, from)) = above.checked_sub(1).and_then(|below| DEGREES.get(below)) else { return 0 };
    let part = (percent - from) / (to - from);
    let (low, high) = ((low + 1.0).ln(), high.max(1.0).ln());
    whole((low + part * (high - low).max(0.0)).exp().round()).max(1)
}

/// What the graph is like, in words.
pub fn describe(graph: &Graph) -> String {
    let mut followers = vec![0_u64; graph.nodes.len()];
    for &(_, target) in &graph.edges {
        followers[place(u64::from(target))] += 1;
    }
    let most = followers.iter().max().copied().unwrap_or(0);
    let mean = real(count(graph.edges.len())) / real(count(graph.nodes.len()).max(1));
    format!(
        "{} people, {} follows, {mean:.1} a person, at most {most} followers",
        graph.nodes.len(),
        graph.edges.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_those_of_the_table() {
        let mut rng = Rng::with_seed(1);
        let drawn: Vec<u64> = (0..200_000).map(|_| degree(&mut rng)).collect();
        let percent = |most: u64| real(count(drawn.iter().filter(|d| **d <= most).count())) / 2_000.0;
        for (most, expected) in [(0, 45.3), (1, 77.5), (3, 92.0), (10, 98.3), (100, 99.8)] {
            assert!((percent(most) - expected).abs() < 0.5, "{most}: {}", percent(most));
        }
    }

    #[test]
    fn a_seed_draws_one_graph() {
        let graph = draw(2_000, 5, 42);
        assert_eq!(graph.edges, draw(2_000, 5, 42).edges);
        assert_ne!(graph.edges, draw(2_000, 5, 43).edges);
        assert!(graph.edges.iter().all(|(source, target)| source != target));
        assert!(graph.edges.len() > 20_000, "{}", describe(&graph));
    }
}
