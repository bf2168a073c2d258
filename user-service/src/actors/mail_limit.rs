//! How many mails one address gets within an hour.

use std::time::Duration;

use crate::domain::window::Windows;

const WINDOW: Duration = Duration::from_secs(60 * 60);

/// Who causes mails. Counted apart, so that strangers cannot use up what an owner may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asker {
    /// A signed-in person, about their own address or the one that they want.
    Owner,
    /// Anybody who says that they forgot a password.
    Anybody,
    /// A person who wants an address that another one has.
    Rival,
}

/// The counts, of each kind of asker at each address.
pub type MailLimit = Windows<(Asker, String)>;

/// Nothing counted yet.
pub fn mail_limit(max: u32) -> MailLimit {
    Windows::new(max, WINDOW)
}
