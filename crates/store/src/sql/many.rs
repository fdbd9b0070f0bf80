//! One statement for many rows: what is inserted, changed or deleted by a list of values.

use sea_orm::Value;

use crate::row::Row;
use crate::sql::Sql;

/// Rows of one statement at the most.
const MAX_ROWS: usize = 64;
/// So many rows, or fewer, are one statement; more are a multiple of it and the rest. Two statements carry what one could,
/// and the texts of a kind stay few (15) and prepared.
const FEW_ROWS: usize = 8;

/// When rows of different tables, kept between two statements, run. What is written refers to runs alone of what may
/// be as new as itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Stage {
    /// New runs.
    Runs,
    /// Other new rows.
    Inserts,
    /// Changes of rows that are there.
    Changes,
    /// What is added behind that.
    Timeline,
}

/// Rows for a statement `head (values), (values), ... tail`.
#[derive(Clone, Debug)]
pub(crate) struct Many {
    pub(crate) stage: Stage,
    /// What it changes.
    pub(crate) table: &'static str,
    head: String,
    tail: String,
    /// Whether each row has to meet one.
    counted: bool,
    /// Whether no two rows of a statement may have the same first value.
    keyed: bool,
    rows: Vec<Vec<Value>>,
}

impl Many {
    /// New rows of a table; `tail` may be an ON CONFLICT clause, with which a row need not meet anything.
    pub(crate) fn insert<R: Row>(rows: &[R], tail: &str) -> Self {
        Self {
            stage: if R::TABLE == "runs" { Stage::Runs } else { Stage::Inserts },
            table: R::TABLE,
            head: format!("INSERT INTO {} ({}) VALUES ", R::TABLE, R::COLUMNS.join(", ")),
            tail: tail.to_owned(),
            counted: tail.is_empty(),
            keyed: false,
            rows: rows.iter().map(Row::values).collect(),
        }
    }

    /// A change of one row of a table, whose key is the first value: within `head` and `tail` the values are
    /// `column1`, `column2`, ... of what they name themselves. It has to meet the row.
    pub(crate) fn change(table: &'static str, head: &str, tail: &str, values: Vec<Value>) -> Self {
        let (head, tail) = (head.to_owned(), tail.to_owned());
        Self { stage: Stage::Changes, table, head, tail, counted: true, keyed: true, rows: vec![values] }
    }

    /// A deletion by a list of keys: each has to meet one row.
    pub(crate) fn delete(table: &'static str, head: &str, rows: Vec<Vec<Value>>) -> Self {
        let (head, tail) = (head.to_owned(), ")".to_owned());
        Self { stage: Stage::Changes, table, head, tail, counted: true, keyed: true, rows }
    }

    /// What meets any number of rows.
    pub(crate) fn uncounted(self) -> Self {
        Self { counted: false, keyed: false, ..self }
    }

    /// What is added behind all changes, any number for one key.
    pub(crate) fn timeline(table: &'static str, head: &str, tail: &str, rows: Vec<Vec<Value>>) -> Self {
        let (head, tail) = (head.to_owned(), tail.to_owned());
        Self { stage: Stage::Timeline, table, head, tail, counted: true, keyed: false, rows }
    }

    /// Whether it is the same statement.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        self.head == other.head && self.tail == other.tail && self.table == other.table
    }

    /// Whether the other's rows can be within one statement with these.
    pub(crate) fn takes(&self, other: &Self) -> bool {
        let has = |row: &Vec<Value>| self.rows.iter().any(|own| own.first() == row.first());
        !self.keyed || !other.rows.iter().any(has)
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
    }

    /// The statements, each with the number of rows it has to meet.
    pub(crate) fn statements(self) -> impl Iterator<Item = (Sql, Option<u64>)> {
        let Self { head, tail, counted, rows, .. } = self;
        let mut rows = rows.into_iter();
        std::iter::from_fn(move || {
            let left = rows.len();
            let count = if left > FEW_ROWS { (left - left % FEW_ROWS).min(MAX_ROWS) } else { left };
            if count == 0 {
                return None;
            }
            let mut sql = Sql::new(&head);
            for (at, row) in rows.by_ref().take(count).enumerate() {
                sql = sql.tuple(if at == 0 { "(" } else { ", (" }, row);
            }
            Some((sql.push(&tail), counted.then_some(count as u64)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: i64) -> Many {
        Many::change(
            "t",
            "UPDATE t SET a = v.column2 FROM (VALUES ",
            ") AS v WHERE t.id = v.column1",
            vec![key.into(), 7_i64.into()],
        )
    }

    #[test]
    fn many_rows_are_a_multiple_and_the_rest() {
        let mut many = change(0);
        (1..107).for_each(|key| many.extend(change(key)));
        let counts: Vec<_> = many.statements().map(|(_, rows)| rows).collect();
        assert_eq!(counts, [Some(64), Some(40), Some(3)]);
    }

    #[test]
    fn a_row_is_changed_once_by_a_statement() {
        let mut many = change(1);
        assert!(many.is_alike(&change(1)) && !many.takes(&change(1)));
        assert!(many.takes(&change(2)));
        many.extend(change(2));
        let texts: Vec<_> = many.statements().map(|(sql, _)| format!("{sql:?}")).collect();
        assert!(texts[0].contains("FROM (VALUES ($1, $2), ($3, $4)) AS v"), "{texts:?}");
    }
}
