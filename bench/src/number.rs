//! Numbers as reports need them.

/// Exact below 2^53, which is enough for figures.
#[expect(clippy::as_conversions, reason = "the standard library has no other conversion to a float")]
pub const fn real(number: u64) -> f64 {
    number as f64
}

/// The whole part; nothing for what is below zero or no number.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the standard library has no other conversion from a float; this one saturates"
)]
pub const fn whole(number: f64) -> u64 {
    number as u64
}

/// How many there are.
pub fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// As a place in a list.
pub fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The one in the middle; of an even number the mean of the two. Nothing of nothing.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => 0.0,
        (Some(value), 1) => *value,
        (Some(value), _) => f64::midpoint(*value, values[middle - 1]),
    }
}

/// With commas between thousands, for people.
pub fn grouped(number: f64) -> String {
    let digits = whole(number.round()).to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median([f64::NAN]).abs() < 1e-9);
    }

    #[test]
    fn thousands_are_told_apart() {
        let texts = [0.0, 999.4, 1_000.0, 1_234_567.0].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn what_is_no_count_is_nothing() {
        assert_eq!([whole(-1.0), whole(f64::NAN), whole(2.9)], [0, 0, 2]);
    }
}
