//! The true differences between SQLite and PostgreSQL. Nothing else in this crate asks which one it is.

use sea_orm::DbBackend;

/// Which database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    /// One file, one writer.
    Sqlite,
    /// A server, perhaps shared by several control planes.
    Postgres,
}

impl Dialect {
    /// Of a connection.
    pub(crate) fn of(backend: DbBackend) -> Self {
        match backend {
            DbBackend::Postgres => Self::Postgres,
            _ => Self::Sqlite,
        }
    }

    /// As the connection wants it.
    pub(crate) const fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// Takes the lock under which event numbers are given and kept until COMMIT, so that numbers become visible in
    /// order. SQLite's writer holds the only write lock already.
    pub(crate) const fn lock_numbers(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(7400)"),
        }
    }

    /// Held while migrating, so that two control planes that start together do it once.
    pub(crate) const fn lock_schema(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(7401)"),
        }
    }

    /// Tables of the schema in use with their columns in order: table, column, type, place in the primary key (0 for
    /// none). Columns that the database computes are left out.
    pub(crate) const fn columns(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT t.name, c.name, c.type, c.pk FROM pragma_table_list t, pragma_table_info(t.name) c \
                 WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 ORDER BY t.name, c.cid"
            }
            Self::Postgres => {
                "SELECT t.relname::text, a.attname::text, y.typname::text, \
                 coalesce(array_position(i.indkey::int2[], a.attnum), -1)::bigint + 1 \
                 FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid JOIN pg_type y ON y.oid = a.atttypid \
                 LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary \
                 WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace AND a.attnum > 0 \
                 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY t.relname, a.attnum"
            }
        }
    }

    /// Which table refers to which other one.
    pub(crate) const fn references(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT t.name, f.\"table\" FROM pragma_table_list t, pragma_foreign_key_list(t.name) f \
                 WHERE t.schema = 'main' AND t.type = 'table'"
            }
            Self::Postgres => {
                "SELECT t.relname::text, f.relname::text FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid \
                 JOIN pg_class f ON f.oid = k.confrelid \
                 WHERE k.contype = 'f' AND t.relnamespace = current_schema()::regnamespace"
            }
        }
    }

    /// How many other connections of control planes there are. SQLite does not know: files are looked at instead.
    pub(crate) const fn neighbours(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name = 'serverflow' AND pid <> pg_backend_pid()",
            ),
        }
    }

    /// Whether tables can be moved aside into a schema of their own.
    pub(crate) const fn has_schemas(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// How a transaction that only reads sees one moment: isolation and access. SQLite's always do.
    pub(crate) const fn snapshot(self) -> (Option<sea_orm::IsolationLevel>, Option<sea_orm::AccessMode>) {
        match self {
            Self::Sqlite => (None, None),
            Self::Postgres => (Some(sea_orm::IsolationLevel::RepeatableRead), Some(sea_orm::AccessMode::ReadOnly)),
        }
    }

    /// Keeps a row as it is read until the transaction ends. One writer needs no such word.
    pub(crate) const fn share(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR SHARE",
        }
    }

    /// Ends a subquery that chooses rows to claim.
    pub(crate) const fn claim(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// Replaces the words of a migration by this database's types.
    pub(crate) fn types(self, text: &str) -> String {
        let words = match self {
            Self::Sqlite => [
                ("{id}", "BLOB"),
                ("{text}", "TEXT"),
                ("{int}", "INTEGER"),
                ("{bool}", "INTEGER"),
                ("{json}", "TEXT"),
                ("{bytes}", "BLOB"),
                ("{strict}", " STRICT"),
                ("{rowless}", " STRICT, WITHOUT ROWID"),
            ],
            Self::Postgres => [
                ("{id}", "UUID"),
                ("{text}", "TEXT"),
                ("{int}", "BIGINT"),
                ("{bool}", "BOOLEAN"),
                ("{json}", "JSONB"),
                ("{bytes}", "BYTEA"),
                ("{strict}", ""),
                ("{rowless}", ""),
            ],
        };
        words.into_iter().fold(text.to_owned(), |text, (word, kind)| text.replace(word, kind))
    }
}
