//! Time as this project counts it: microseconds since the Unix epoch, from a clock that tests can hold.

use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;

/// A moment: microseconds since 1970-01-01T00:00:00Z. RFC 3339 with milliseconds on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(i64);

impl Micros {
    /// Wraps a count of microseconds, as databases store it.
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// The moment that is `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000)
    }

    /// The count of microseconds.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The count of whole milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0 / 1_000
    }

    /// The count of whole seconds.
    pub const fn as_secs(self) -> i64 {
        self.0 / 1_000_000
    }

    /// The moment `span` later; the end of time if that cannot be counted.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The moment `span` earlier; the beginning of time if that cannot be counted.
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    fn wire(self) -> Wire {
        let mut text = Wire::default();
        let printed = Timestamp::from_microsecond(self.0)
            .and_then(|moment| PRINTER.print_timestamp(&moment, StdFmtWrite(&mut text)));
        if printed.is_err() { Wire::last() } else { text }
    }

    /// The span from `earlier` to this moment; nothing if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire().text())
    }
}

/// As on the wire.
const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
/// The last moment that has a text.
const LAST: &str = "9999-12-31T23:59:59.999Z";
/// Bytes of a moment on the wire, with room for a year before the first.
const WIRE_BYTES_MAX: usize = 32;

/// A moment on the wire, in its place: a page has a moment in each row.
#[derive(Default)]
struct Wire {
    bytes: [u8; WIRE_BYTES_MAX],
    length: usize,
}

impl Wire {
    fn last() -> Self {
        let mut text = Self::default();
        // It fits.
        let _ = text.write_str(LAST);
        text
    }

    fn text(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or(LAST)
    }
}

impl Write for Wire {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl serde::Serialize for Micros {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.wire().text())
    }
}

impl<'de> serde::Deserialize<'de> for Micros {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let moment: Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Self(moment.as_microsecond()))
    }
}

impl utoipa::PartialSchema for Micros {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-11-22T17:42:54.000Z"])
            .into()
    }
}

impl utoipa::ToSchema for Micros {}

/// Where the time comes from: the system, or a value that a test sets. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    held: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `at` until [`Clock::advance`] moves it.
    pub fn fixed(at: Micros) -> Self {
        Self { held: Some(Arc::new(AtomicI64::new(at.get()))) }
    }

    /// The time now.
    pub fn now(&self) -> Micros {
        match &self.held {
            Some(held) => Micros(held.load(Ordering::Relaxed)),
            None => system_now(),
        }
    }

    /// Moves a fixed clock forward; the system's clock is not ours to move.
    pub fn advance(&self, span: Duration) {
        if let Some(held) = &self.held {
            held.store(self.now().after(span).get(), Ordering::Relaxed);
        }
    }
}

fn system_now() -> Micros {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::default().after(since_epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_rfc3339_with_milliseconds() {
        let moment = Micros::new(1_763_833_374_123_456);
        assert_eq!(moment.to_string(), "2025-11-22T17:42:54.123Z");
        let back: Micros = serde_json::from_str(&serde_json::to_string(&moment).unwrap()).unwrap();
        assert_eq!(back.as_millis(), moment.as_millis());
        assert_eq!(Micros::new(-62_200_000_000_000_000).to_string(), "-000002-12-17T14:13:20.000Z");
        assert_eq!(Micros::new(i64::MAX).to_string(), LAST);
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = Clock::fixed(Micros::new(10));
        let twin = clock.clone();
        clock.advance(Duration::from_micros(5));
        assert_eq!(twin.now(), Micros::new(15));
    }
}
