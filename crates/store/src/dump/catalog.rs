//! Which tables there are, what their columns hold, and in which order rows can be put in.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use crate::dialect::Dialect;
use crate::{Result, StoreError};

/// A table as the schema says it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Names of its columns, in order.
    pub columns: Vec<String>,
    pub(crate) kinds: Vec<Kind>,
    /// Columns of the primary key, in its order.
    pub(crate) key: Vec<String>,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Id,
    Text,
    Int,
    Bool,
    Json,
    Bytes,
}

impl Table {
    /// A quoted list of `columns`.
    pub(crate) fn list(columns: &[String]) -> String {
        columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    }
}

/// A name out of the schema, as it is.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// All tables, each after those it refers to.
pub(crate) async fn tables(tx: &DatabaseTransaction) -> Result<Vec<Table>> {
    let dialect = Dialect::of(tx.get_database_backend());
    let ask = |text| tx.query_all_raw(Statement::from_string(dialect.backend(), text));
    let (mut found, mut keys) = (BTreeMap::<String, Table>::new(), BTreeMap::<(String, i64), String>::new());
    for row in ask(dialect.columns()).await? {
        let (table, column): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (kind, place): (String, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let kind = kind_of(&kind)
            .ok_or_else(|| StoreError::Schema(format!("{table}.{column} is of type {kind}, which no step uses")))?;
        let empty = || Table { name: table.clone(), columns: Vec::new(), kinds: Vec::new(), key: Vec::new() };
        let entry = found.entry(table.clone()).or_insert_with(empty);
        entry.columns.push(column.clone());
        entry.kinds.push(kind);
        if place > 0 {
            keys.insert((table, place), column);
        }
    }
    for ((table, _), column) in keys {
        if let Some(table) = found.get_mut(&table) {
            table.key.push(column);
        }
    }
    let mut references = Vec::new();
    for row in ask(dialect.references()).await? {
        references.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    }
    in_order(found, &references)
}

/// Types as either database names those that [`Dialect::types`] writes.
fn kind_of(name: &str) -> Option<Kind> {
    Some(match name {
        "uuid" => Kind::Id,
        "TEXT" | "text" => Kind::Text,
        "INTEGER" | "int8" => Kind::Int,
        "bool" => Kind::Bool,
        "jsonb" => Kind::Json,
        "BLOB" | "bytea" => Kind::Bytes,
        _ => return None,
    })
}

fn in_order(mut left: BTreeMap<String, Table>, references: &[(String, String)]) -> Result<Vec<Table>> {
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |name: &str| references.iter().any(|(from, to)| from == name && left.contains_key(to));
        let ready: Vec<String> = left.keys().filter(|name| !waits(name)).cloned().collect();
        if ready.is_empty() {
            let names: Vec<_> = left.into_keys().collect();
            return Err(StoreError::Schema(format!("these tables refer to each other: {}", names.join(", "))));
        }
        ordered.extend(ready.iter().filter_map(|name| left.remove(name)));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(references: &[(&str, &str)], expected: Option<&[&str]>) {
        let table =
            |name: &str| Table { name: name.to_owned(), columns: Vec::new(), kinds: Vec::new(), key: Vec::new() };
        let all = ["a", "b", "c"].map(|name| (name.to_owned(), table(name))).into();
        let references: Vec<_> = references.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect();
        let ordered = in_order(all, &references).ok();
        let names = ordered.map(|tables| tables.into_iter().map(|table| table.name).collect::<Vec<_>>());
        assert_eq!(names, expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect()));
    }

    #[test]
    fn a_table_comes_after_those_it_refers_to() {
        check(&[], Some(&["a", "b", "c"]));
        check(&[("a", "b"), ("b", "c")], Some(&["c", "b", "a"]));
        check(&[("a", "c"), ("b", "c"), ("a", "c")], Some(&["c", "a", "b"]));
        check(&[("a", "b"), ("b", "a")], None);
        check(&[("a", "a")], None);
    }
}
