//! Writing a list as a file of accounts: CSV in Mastodon's columns.
//!
//! Usernames begin with a letter, a digit or `_`, and every other cell is a word of ours, so no cell is a formula to a
//! spreadsheet, and none needs quotes.

use std::fmt::Write;

use super::import::ImportKind;

/// The column that every file has.
pub(super) const ACCOUNT_COLUMN: &str = "Account address";

/// The column of the option of a kind, and its place where nobody says it.
pub(super) const fn option_column(kind: ImportKind) -> Option<(usize, &'static str)> {
    match kind {
        ImportKind::Following => Some((2, "Notify on new posts")),
        ImportKind::Mutes => Some((1, "Hide notifications")),
        ImportKind::Blocks => None,
    }
}

/// One row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Who.
    pub username: String,
    /// The option of the kind.
    pub option: bool,
}

/// The rows as lines, after the header if they are the first.
pub fn export_file(kind: ImportKind, rows: &[Exported], first: bool) -> String {
    let mut text = String::new();
    if first {
        text.push_str(match kind {
            ImportKind::Following => "Account address,Show boosts,Notify on new posts,Languages\n",
            ImportKind::Blocks => "Account address\n",
            ImportKind::Mutes => "Account address,Hide notifications\n",
        });
    }
    for Exported { username, option } in rows {
        // Writing into a text cannot fail.
        let _ = match kind {
            ImportKind::Following => writeln!(text, "{username},true,{option},"),
            ImportKind::Blocks => writeln!(text, "{username}"),
            ImportKind::Mutes => writeln!(text, "{username},{option}"),
        };
    }
    text
}
