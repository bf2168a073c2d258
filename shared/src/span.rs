//! Spans of time as a person writes them in a setting: `10s`, `15m`, `24h`, `30d`.

use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// One day. A span knows no calendar.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A parser of spans from `min` to `max`, for a setting.
pub fn span(min: Duration, max: Duration) -> impl Fn(&str) -> Result<Duration, String> + Clone + Send + Sync {
    move |text| {
        let span = parse(text).ok_or("expected a span such as 10s, 15m, 24h or 30d")?;
        if (min..=max).contains(&span) {
            return Ok(span);
        }
        Err(format!("expected {} to {}", shown(min), shown(max)))
    }
}

fn parse(text: &str) -> Option<Duration> {
    let span: Span = text.trim().parse().ok()?;
    let length: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length).ok()
}

fn shown(span: Duration) -> String {
    match span.as_secs() {
        0 => "0s".to_owned(),
        secs if secs % DAY.as_secs() == 0 => format!("{}d", secs / DAY.as_secs()),
        secs if secs % 3_600 == 0 => format!("{}h", secs / 3_600),
        secs if secs % 60 == 0 => format!("{}m", secs / 60),
        secs => format!("{secs}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_with_its_unit_within_bounds() {
        let read = span(Duration::ZERO, 90 * DAY);
        for (text, secs) in [
            ("0s", 0),
            ("10s", 10),
            ("15m", 900),
            ("24h", 86_400),
            ("1d", 86_400),
            ("30d", 2_592_000),
            ("1h 30m", 5_400),
        ] {
            assert_eq!(read(text), Ok(Duration::from_secs(secs)), "{text}");
        }
        for text in ["", "10", "-5s", "ten days", "1mo", "1y", "99999999999999999999d"] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains("such as"), "{text}: {refused}");
        }
        assert_eq!(read("91d").unwrap_err(), "expected 0s to 90d");
        assert_eq!(
            span(Duration::from_secs(60), Duration::from_secs(7_200))("1s").unwrap_err(),
            "expected 1m to 2h"
        );
    }
}
