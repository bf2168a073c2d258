//! What one person keeps about others without telling them.

use shared::cache::Weigh;
use shared::clock::Micros;
use shared::id::UserId;

use super::outbound::insert;
use crate::domain::{Marks, Mute};

/// Characters of a note that are remembered. Of a longer one it is remembered that it is there.
pub const NOTE_CHARS_MAX: i64 = 280;

/// Mutes, close friends and notes, each by target. The limits bound how many there are; most people keep nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept(Option<Box<Rows>>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Rows {
    mutes: Vec<(i64, Mute)>,
    close: Vec<(i64, Micros)>,
    /// An empty text is one that only the store has.
    notes: Vec<(i64, Box<str>)>,
}

/// A note, as far as it is remembered.
#[derive(Debug, PartialEq, Eq)]
pub enum Noted<'a> {
    /// All of it; empty for none.
    Text(&'a str),
    /// There is one that only the store has.
    Long,
}

impl Kept {
    /// Of rows by target.
    pub fn new(mutes: Vec<(i64, Mute)>, close: Vec<(i64, Micros)>, notes: Vec<(i64, Box<str>)>) -> Self {
        let mut rows = Rows { mutes, close, notes };
        rows.mutes.shrink_to_fit();
        rows.close.shrink_to_fit();
        rows.notes.shrink_to_fit();
        Self((!rows.is_empty()).then(|| Box::new(rows)))
    }

    /// Whether there is nothing.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The marks on `target`.
    pub fn marks(&self, target: UserId) -> Marks {
        let Some(rows) = &self.0 else { return Marks::default() };
        Marks { mute: get(&rows.mutes, target).copied(), close_friend: get(&rows.close, target).copied() }
    }

    /// The note about `target`.
    pub fn note(&self, target: UserId) -> Noted<'_> {
        match self.0.as_ref().and_then(|rows| get(&rows.notes, target)) {
            None => Noted::Text(""),
            Some(text) if text.is_empty() => Noted::Long,
            Some(text) => Noted::Text(text),
        }
    }

    /// Every mute, also those that are over.
    pub fn mutes(&self) -> impl Iterator<Item = (UserId, Mute)> {
        self.0.iter().flat_map(|rows| &rows.mutes).map(|(target, mute)| (UserId::new(*target), *mute))
    }

    /// Every close friend.
    pub fn close_friends(&self) -> impl Iterator<Item = (UserId, Micros)> {
        self.0.iter().flat_map(|rows| &rows.close).map(|(target, since)| (UserId::new(*target), *since))
    }

    /// Replaces the marks on `target`.
    pub fn set_marks(&mut self, target: UserId, marks: Marks) {
        self.change(|rows| {
            set(&mut rows.mutes, target, marks.mute);
            set(&mut rows.close, target, marks.close_friend);
        });
    }

    /// Replaces the note about `target`; an empty one is forgotten.
    pub fn set_note(&mut self, target: UserId, note: &str) {
        let long = note.chars().nth(usize::try_from(NOTE_CHARS_MAX).unwrap_or(0)).is_some();
        let text = (!note.is_empty()).then(|| if long { "" } else { note }.into());
        self.change(|rows| set(&mut rows.notes, target, text));
    }

    fn change(&mut self, change: impl FnOnce(&mut Rows)) {
        let mut rows = self.0.take().unwrap_or_default();
        change(&mut rows);
        self.0 = (!rows.is_empty()).then_some(rows);
    }
}

impl Rows {
    fn is_empty(&self) -> bool {
        self.mutes.is_empty() && self.close.is_empty() && self.notes.is_empty()
    }
}

impl Weigh for Kept {
    /// Beside its place in a record.
    fn weight(&self) -> usize {
        let Some(rows) = &self.0 else { return 0 };
        let texts: usize = rows.notes.iter().map(|(_, text)| text.len()).sum();
        size_of::<Rows>()
            + rows.mutes.capacity() * size_of::<(i64, Mute)>()
            + rows.close.capacity() * size_of::<(i64, Micros)>()
            + rows.notes.capacity() * size_of::<(i64, Box<str>)>()
            + texts
    }
}

fn get<T>(list: &[(i64, T)], target: UserId) -> Option<&T> {
    let at = list.binary_search_by_key(&target.get(), |(target, _)| *target).ok()?;
    Some(&list[at].1)
}

fn set<T>(list: &mut Vec<(i64, T)>, target: UserId, value: Option<T>) {
    match (list.binary_search_by_key(&target.get(), |(target, _)| *target), value) {
        (Ok(at), Some(value)) => list[at].1 = value,
        (Ok(at), None) => drop(list.remove(at)),
        (Err(at), Some(value)) => insert(list, at, (target.get(), value)),
        (Err(_), None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_note_is_known_to_be_there() {
        let (mut kept, them) = (Kept::default(), UserId::new(3));
        assert_eq!(kept.note(them), Noted::Text(""));
        kept.set_note(them, "short");
        assert_eq!(kept.note(them), Noted::Text("short"));
        kept.set_note(them, &"é".repeat(281));
        assert_eq!(kept.note(them), Noted::Long);
        kept.set_note(them, &"é".repeat(280));
        assert_eq!(kept.note(them), Noted::Text(&"é".repeat(280)));
        kept.set_note(them, "");
        assert!(kept.is_empty());
        assert_eq!(kept.note(them), Noted::Text(""));
    }
}
