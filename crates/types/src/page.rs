//! Cursor pages: stable under inserts, no offsets.

use serde::{Deserialize, Serialize};

/// Opaque position after the last row of a page. Ids are UUIDv7, so the id of the last row is the position.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// What a caller asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PageRequest {
    /// Rows wanted; the default where `None`.
    pub limit: Option<u16>,
    /// Continue after this row.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// Rows a page holds unless asked otherwise.
    pub const DEFAULT_ROWS: u16 = 50;
    /// Rows a page holds at the most.
    pub const MAX_ROWS: u16 = 200;

    /// The limit to apply, within 1..=[`Self::MAX_ROWS`].
    pub fn rows(&self) -> u64 {
        u64::from(self.limit.unwrap_or(Self::DEFAULT_ROWS).clamp(1, Self::MAX_ROWS))
    }
}

/// One page of rows, newest first unless the query says otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Builds a page from up to `rows + 1` fetched rows: the extra one only says that there is more.
    pub fn from_overfetch(mut items: Vec<T>, rows: u64, cursor_of: impl Fn(&T) -> String) -> Self {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let more = items.len() > rows;
        items.truncate(rows);
        let next = if more { items.last().map(|row| Cursor(cursor_of(row))) } else { None };
        Self { items, next }
    }

    /// Maps the rows and keeps the cursor.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extra_row_becomes_the_cursor() {
        let page = Page::from_overfetch(vec![3, 2, 1], 2, i32::to_string);
        assert_eq!(page, Page { items: vec![3, 2], next: Some(Cursor("2".into())) });
        assert_eq!(Page::from_overfetch(vec![3, 2], 2, i32::to_string).next, None);
    }

    #[test]
    fn limits_are_clamped() {
        for (asked, rows) in [(None, 50), (Some(0), 1), (Some(10_000), 200)] {
            assert_eq!(PageRequest { limit: asked, after: None }.rows(), rows);
        }
    }
}
