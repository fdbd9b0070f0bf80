//! A statement under construction: text with `?` for each bound value, bounded by a scope.

pub(crate) mod dialect;
pub(crate) mod many;
pub(crate) mod row;
pub(crate) mod script;
pub(crate) mod seen;
pub(crate) mod session;

use sea_orm::{ConnectionTrait, Statement, Value, Values};
use sf_types::{Page, PageRequest, Scope};
use uuid::Uuid;

use crate::dialect::Dialect;
use crate::many::Many;
use crate::row::{Column, Row};
use crate::script::Later;
use crate::session::Cells;
use crate::tx::{Conn, Look, Tx};
use crate::{Result, StoreError};

/// Text and values. Callers write `?`; each becomes `$1`, `$2`, ... which both databases read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// Text without values.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// All columns of a table; conditions follow by [`Sql::and`].
    pub(crate) fn select<R: Row>() -> Self {
        Self::new(&format!("SELECT {} FROM {} WHERE TRUE", R::COLUMNS.join(", "), R::TABLE))
    }

    /// Appends text with one `?` for `value`.
    pub(crate) fn with(mut self, text: &str, value: impl Into<Value>) -> Self {
        let (before, after) = text.split_once('?').unwrap_or((text, ""));
        self.values.push(value.into());
        self.text.push_str(before);
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self.text.push_str(after);
        self
    }

    /// Appends a row of values in parentheses, behind `open`.
    pub(crate) fn tuple(mut self, open: &str, values: Vec<Value>) -> Self {
        self.text.push_str(open);
        for (at, value) in values.into_iter().enumerate() {
            self = self.with(if at == 0 { "?" } else { ", ?" }, value);
        }
        self.push(")")
    }

    /// The table that a change is of; `None` where the text is another one.
    pub(crate) fn table(&self) -> Option<&str> {
        let rest = ["INSERT INTO ", "UPDATE ", "DELETE FROM "].iter().find_map(|verb| self.text.strip_prefix(verb))?;
        rest.split(|of: char| !(of.is_ascii_alphanumeric() || of == '_')).next().filter(|table| !table.is_empty())
    }

    /// Puts text without values in front.
    pub(crate) fn before(mut self, text: &str) -> Self {
        self.text.insert_str(0, text);
        self
    }

    /// Appends text without values.
    pub(crate) fn push(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// ` AND column operator value`.
    pub(crate) fn and(self, condition: &str, value: &impl Column) -> Self {
        self.with(&format!(" AND {condition}"), value.value())
    }

    /// The same where there is a value to compare with.
    pub(crate) fn and_some(self, condition: &str, value: Option<&impl Column>) -> Self {
        match value {
            Some(value) => self.and(condition, value),
            None => self,
        }
    }

    /// Only rows inside `scope`, for a table whose rows may belong to a project.
    pub(crate) fn scoped(self, scope: Scope) -> Self {
        let this = self.and_some("tenant_id = ?", scope.tenant().as_ref());
        this.and_some("project_id = ?", scope.project().as_ref())
    }

    /// Only rows inside `scope`, for a table whose rows belong to the tenant as a whole: a project sees none.
    pub(crate) fn tenant_scoped(self, scope: Scope) -> Self {
        let this = self.and_some("tenant_id = ?", scope.tenant().as_ref());
        if scope.project().is_some() { this.push(" AND FALSE") } else { this }
    }

    /// Newest first, one more row than asked for.
    pub(crate) fn page(self, page: &PageRequest) -> Result<Self> {
        self.page_by(page, "id")
    }

    /// The same by another column of ids.
    pub(crate) fn page_by(self, page: &PageRequest, column: &str) -> Result<Self> {
        let mut this = self;
        if let Some(after) = &page.after {
            let id: Uuid = after.0.parse().map_err(|_| bad_cursor())?;
            this = this.and(&format!("{column} < ?"), &id);
        }
        let rows = i64::try_from(page.rows() + 1).unwrap_or(i64::MAX);
        Ok(this.with(&format!(" ORDER BY {column} DESC LIMIT ?"), Value::from(rows)))
    }

    pub(crate) fn statement(self, dialect: Dialect) -> Statement {
        Statement { sql: self.text, values: Some(Values(self.values)), db_backend: dialect.backend() }
    }

    /// Runs a change; answers how many rows it met.
    pub(crate) async fn run(self, tx: &Tx) -> Result<u64> {
        settle(tx).await?;
        self.run_now(tx).await
    }

    async fn run_now(self, tx: &Tx) -> Result<u64> {
        tx.counters.add(&self.text);
        tx.session.change(self).await
    }

    /// Runs a change that must meet a row.
    pub(crate) async fn run_one(self, tx: &Tx, what: &'static str) -> Result<()> {
        if self.run(tx).await? == 0 { Err(StoreError::NotFound(what)) } else { Ok(()) }
    }

    /// Runs a change with the batch's other late ones, before anybody looks at what it changes and before COMMIT. Where
    /// it must meet `rows` rows and meets others, somebody was faster, and the write runs again on what is there then.
    pub(crate) fn later(self, tx: &Tx, rows: Option<u64>) {
        tx.script.add(self, rows);
    }

    /// The first row, raw.
    pub(crate) async fn raw(self, at: &impl Look) -> Result<Option<Cells>> {
        match at.conn() {
            Conn::Tx(tx) => {
                settle_for(tx, &self.text).await?;
                tx.counters.add(&self.text);
                tx.session.first(self).await
            }
            Conn::Pool(reader) => {
                fail::fail_point!("store::read", |_| Err(StoreError::Contended));
                reader.counters.look();
                Ok(reader.database.query_one_raw(self.statement(at.conn().dialect())).await?.map(Cells::Server))
            }
        }
    }

    /// All rows, raw.
    pub(crate) async fn raws(self, at: &impl Look) -> Result<Vec<Cells>> {
        match at.conn() {
            Conn::Tx(tx) => {
                settle_for(tx, &self.text).await?;
                tx.counters.add(&self.text);
                tx.session.all(self).await
            }
            Conn::Pool(reader) => {
                fail::fail_point!("store::read", |_| Err(StoreError::Contended));
                reader.counters.look();
                let rows = reader.database.query_all_raw(self.statement(at.conn().dialect())).await?;
                Ok(rows.into_iter().map(Cells::Server).collect())
            }
        }
    }

    /// The first row.
    pub(crate) async fn find<R: Row>(self, at: &impl Look) -> Result<Option<R>> {
        self.raw(at).await?.map(|row| R::read(&row)).transpose()
    }

    /// The first row, which must be there.
    pub(crate) async fn get<R: Row>(self, at: &impl Look, what: &'static str) -> Result<R> {
        self.find(at).await?.ok_or(StoreError::NotFound(what))
    }

    /// All rows.
    pub(crate) async fn all<R: Row>(self, at: &impl Look) -> Result<Vec<R>> {
        self.raws(at).await?.iter().map(R::read).collect()
    }

    /// The first column of the first row.
    pub(crate) async fn scalar<C: Column>(self, at: &impl Look) -> Result<Option<C>> {
        self.raw(at).await?.map(|row| C::read(&row, 0)).transpose()
    }
}

/// Runs what writes have kept for later. Where that failed once, the batch is lost, whatever the write that met the failure
/// made of it: it may have been another write's change.
pub(crate) async fn settle(tx: &Tx) -> Result<()> {
    if let Some(error) = tx.script.failure() {
        return Err(error);
    }
    let settled = run_kept(tx).await;
    settled.inspect_err(|error| tx.script.fail(error))
}

async fn run_kept(tx: &Tx) -> Result<()> {
    for later in tx.script.take() {
        match later {
            Later::Alone { sql, rows } => meets(sql.run_now(tx).await?, rows)?,
            Later::Rows(many) => {
                for (sql, rows) in many.statements() {
                    meets(sql.run_now(tx).await?, rows)?;
                }
            }
        }
    }
    Ok(())
}

/// The same before a look that may see some of it.
async fn settle_for(tx: &Tx, look: &str) -> Result<()> {
    if tx.script.concerns(look) { settle(tx).await } else { Ok(()) }
}

/// Where a change has to meet `rows` rows and meets others, somebody was faster.
fn meets(met: u64, rows: Option<u64>) -> Result<()> {
    if rows.is_some_and(|rows| rows != met) { Err(StoreError::Contended) } else { Ok(()) }
}

/// Inserts one row.
pub(crate) async fn insert<R: Row>(tx: &Tx, row: &R) -> Result<()> {
    insert_all(tx, std::slice::from_ref(row), "").await.map(drop)
}

/// Inserts rows with the other late changes.
pub(crate) fn insert_later<R: Row>(tx: &Tx, rows: &[R]) {
    if !rows.is_empty() {
        tx.script.add_rows(Many::insert(rows, ""));
    }
}

/// Inserts rows in few statements; `tail` may be an ON CONFLICT clause. Answers how many were inserted.
pub(crate) async fn insert_all<R: Row>(tx: &Tx, rows: &[R], tail: &str) -> Result<u64> {
    let mut inserted = 0;
    for (sql, _) in Many::insert(rows, tail).statements() {
        inserted += sql.run(tx).await?;
    }
    Ok(inserted)
}

/// A page from rows fetched by [`Sql::page`].
pub(crate) fn page_of<R>(rows: Vec<R>, page: &PageRequest, id: impl Fn(&R) -> Uuid) -> Page<R> {
    Page::from_overfetch(rows, page.rows(), |row| id(row).to_string())
}

pub(crate) fn bad_cursor() -> StoreError {
    let fault = sf_types::Fault::new(sf_types::ErrorKind::Invalid, "page.cursor", "`after` is no cursor of this list.");
    fault.fix("Use the `next` of the page before, or leave it out.").into()
}

/// A pattern that finds `text` anywhere, for `LIKE ? ESCAPE '\'`; its own wildcards are taken literally.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_get_their_numbers_and_wildcards_their_escape() {
        let sql = Sql::new("UPDATE a SET b = ").with("?", 1_i64).with(", c = ? + 1", 2_i64).and("d = ?", &3_i64);
        assert_eq!(sql.text, "UPDATE a SET b = $1, c = $2 + 1 AND d = $3");
        assert_eq!(containing("50%_A\\"), "%50\\%\\_a\\\\%");
    }
}
