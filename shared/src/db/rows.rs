//! Splitting many rows into few sizes of statement, so that each size is prepared once.

/// The most rows in one statement: 256 rows of 9 columns stay far below the 32,766 binds of SQLite
/// and the 65,535 of Postgres, and below what Postgres can plan as one list.
const ROWS_MAX: usize = 256;

/// Each of `values` once, in their order: what one statement asks for.
pub fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Cuts `rows` into pieces whose lengths are powers of two, at most 256, largest first: any number of
/// rows needs at most nine different texts.
pub fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = (rows.len().checked_ilog2().map_or(0, |power| 1 << power)).min(ROWS_MAX);
        let (head, tail) = rows.split_at(size);
        rows = tail;
        (!head.is_empty()).then_some(head)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_powers_of_two_and_lose_nothing() {
        for count in [0, 1, 2, 3, 255, 256, 257, 1_000] {
            let rows: Vec<usize> = (0..count).collect();
            let pieces: Vec<&[usize]> = chunks(&rows).collect();
            assert!(pieces.iter().all(|piece| piece.len().is_power_of_two() && piece.len() <= ROWS_MAX));
            assert_eq!(pieces.concat(), rows);
        }
    }
}
