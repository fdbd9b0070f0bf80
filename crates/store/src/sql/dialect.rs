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

    /// Whether several statements with values can be run as one text.
    pub(crate) const fn takes_scripts(self) -> bool {
        matches!(self, Self::Sqlite)
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
