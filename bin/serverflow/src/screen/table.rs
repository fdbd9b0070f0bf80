//! Columns of text.

use super::plain;

/// A table: a heading and rows of as many cells.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Two columns without headings, for one object.
    pub fn facts() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| plain(cell)).collect());
    }

    /// Adds a named fact, unless there is nothing to tell.
    pub fn fact(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if value != crate::value::NOTHING {
            self.row([name.to_owned(), value]);
        }
    }

    /// The table as text: columns as wide as their widest cell, two spaces between them.
    pub fn print(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            cells.join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The table, or `empty` where it has headings only.
    pub fn or(&self, empty: &str) -> String {
        if self.rows.len() > 1 { self.print() } else { empty.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", "STATE"]);
        table.row(["a-long-name".into(), "running".into()]);
        table.row(["ü".into(), "x\x1b[2J".into()]);
        assert_eq!(table.print(), "NAME         STATE\na-long-name  running\nü            x\u{fffd}[2J");
        assert_eq!(Table::new(&["NAME"]).or("none"), "none");
    }
}
