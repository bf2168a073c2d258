//! Showing how far a command is.

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar on a terminal; nothing elsewhere.
pub fn bar(what: &'static str, count: u64) -> ProgressBar {
    let style = "{prefix:9} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left";
    let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(count).with_style(style).with_prefix(what)
}
