//! What can go wrong between a caller and what lasts.

use sea_orm::{DbErr, RuntimeErr, SqlErr};
use sf_types::{ErrorKind, Fault};

/// Why a call failed. Nothing of a failed write is stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row inside the scope.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Somebody else changed it first.
    #[error("the {0} was changed by somebody else in the meantime")]
    Stale(&'static str),
    /// A value that must be unique is taken.
    #[error("it exists already ({0})")]
    Taken(String),
    /// It refers to something that does not exist, or something else refers to it.
    #[error("it is tied to something else ({0})")]
    Tied(String),
    /// The closure itself said no.
    #[error("{0}")]
    Refused(Box<Fault>),
    /// A row of another tenant or project was about to be written.
    #[error("a {0} outside the scope of this write was about to be written")]
    OutOfScope(&'static str),
    /// The closure panicked; its changes were rolled back.
    #[error("the write panicked and was rolled back")]
    Panicked,
    /// No space left; reads go on, and writes too as soon as there is space.
    #[error("the disk with the database is full")]
    DiskFull,
    /// An earlier write to disk failed, so what is on disk is not known any more.
    #[error("writing is stopped since an earlier write to disk failed: {0}")]
    Poisoned(String),
    /// The writer has ended.
    #[error("the store is closed")]
    Closed,
    /// The database server is away, stopping, or short of connections or memory: nothing is wrong with what was asked.
    #[error("the database does not answer now: {0}")]
    Away(String),
    /// Conflicts with other writers did not end in the allowed tries.
    #[error("other writers were in the way")]
    Contended,
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Open(String),
    /// The schema does not fit this program.
    #[error("the database's schema does not fit this program: {0}")]
    Schema(String),
    /// A stored value cannot be read: written by a newer version or damaged.
    #[error("a stored value cannot be read: {0}")]
    Malformed(String),
    /// Anything else the database says.
    #[error("the database answered: {0}")]
    Database(DbErr),
    /// Anything else SQLite says in the writer's thread, with its extended code.
    #[error("the database answered: {1}")]
    Sqlite(i32, String),
}

/// Failures that decide what becomes of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Grave {
    /// No space left.
    Full,
    /// An I/O or corruption error: what reached the disk is unknown.
    Disk,
    /// Serialization failure, deadlock, or a lock that was not to be had: try again.
    Contention,
    /// The server is away or short of something but disk: try again later.
    Away,
    /// Nothing special.
    No,
}

impl StoreError {
    /// A stored value that cannot be read.
    pub fn malformed(what: &str, why: impl std::fmt::Display) -> Self {
        Self::Malformed(format!("{what}: {why}"))
    }

    /// What this means for the connection it happened on.
    pub(crate) fn grave(&self) -> Grave {
        match self {
            Self::Database(error) => grave(error),
            Self::Sqlite(code, _) => grave_in_file(*code),
            _ => Grave::No,
        }
    }
}

/// Primary codes of SQLite, which are the last byte: <https://sqlite.org/rescode.html>.
const fn grave_in_file(code: i32) -> Grave {
    match code & 0xff {
        13 => Grave::Full,
        10 | 11 | 26 => Grave::Disk,
        5 | 6 => Grave::Contention,
        _ => Grave::No,
    }
}

/// SQLSTATEs: PostgreSQL manual, appendix A.
fn grave(error: &DbErr) -> Grave {
    let (DbErr::Exec(RuntimeErr::SqlxError(inner))
    | DbErr::Query(RuntimeErr::SqlxError(inner))
    | DbErr::Conn(RuntimeErr::SqlxError(inner))) = error
    else {
        return Grave::No;
    };
    let Some(database) = inner.as_database_error() else { return Grave::No };
    let Some(code) = database.code() else { return Grave::No };
    if database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return grave_in_file(code.parse().unwrap_or(0));
    }
    sqlstate(&code, database.message())
}

/// PostgreSQL itself stops when what reached its disk is unknown: nothing to poison here.
fn sqlstate(code: &str, message: &str) -> Grave {
    match code {
        // The same code for another thing: /dev/shm of a container is small, and the disk has space.
        "53100" if message.contains("shared memory") => Grave::Away,
        "53100" => Grave::Full,
        "40001" | "40P01" | "55P03" => Grave::Contention,
        // Connections, memory and limits; an administrator's stop, a crash, a start that goes on; a broken connection.
        "53000" | "53200" | "53300" | "53400" | "57P01" | "57P02" | "57P03" | "57P05" => Grave::Away,
        _ if code.starts_with("08") => Grave::Away,
        _ => Grave::No,
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(what)) => return Self::Taken(what),
            Some(SqlErr::ForeignKeyConstraintViolation(what)) => return Self::Tied(what),
            _ => {}
        }
        match grave(&error) {
            Grave::Full => Self::DiskFull,
            Grave::Away => Self::Away(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

/// Extended codes: <https://sqlite.org/rescode.html>.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let message = error.to_string();
        match error.sqlite_error().map_or(0, |error| error.extended_code) {
            1555 | 2067 => Self::Taken(message),
            787 => Self::Tied(message),
            code if grave_in_file(code) == Grave::Full => Self::DiskFull,
            code => Self::Sqlite(code, message),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self::Refused(Box::new(fault))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let message = format!("{}.", capital(&error.to_string()));
        let fault = |kind, code: &str, fix: &str| Self::new(kind, code, message.clone()).fix(fix);
        match error {
            StoreError::Refused(fault) => *fault,
            StoreError::NotFound(what) => fault(ErrorKind::NotFound, &code(what, "not_found"), ""),
            StoreError::Stale(what) => {
                fault(ErrorKind::Conflict, &code(what, "stale"), "Read it again and repeat what you wanted to do.")
            }
            StoreError::Taken(_) => {
                Self::new(ErrorKind::Conflict, "store.taken", "Something with this name or key exists already.")
                    .fix("Choose another one.")
            }
            StoreError::Tied(_) => {
                Self::new(ErrorKind::Conflict, "store.tied", "It refers to something that is gone, or is in use.")
                    .fix("Reload and try again.")
            }
            StoreError::DiskFull => fault(ErrorKind::Unavailable, "store.disk_full", "Free space; writes go on then."),
            StoreError::Poisoned(_) => fault(
                ErrorKind::Unavailable,
                "store.poisoned",
                "Look at the disk and the system log, then restart the control plane.",
            ),
            StoreError::Closed => fault(ErrorKind::Unavailable, "store.closed", "Wait until it has restarted."),
            StoreError::Away(_) => Self::new(ErrorKind::Unavailable, "store.away", "The database does not answer now.")
                .fix("Try again in a moment; the control plane's log says what its server answered."),
            // Whoever reads meets rivals too, and has nobody who tries again for them.
            StoreError::Database(ref inner) if grave(inner) == Grave::Contention => {
                Self::new(ErrorKind::Unavailable, "store.contended", "Other writers were in the way.").fix("Try again.")
            }
            StoreError::Contended => fault(ErrorKind::Unavailable, "store.contended", "Try again."),
            StoreError::Open(_) => {
                fault(ErrorKind::Unavailable, "store.open", "Check DATABASE_URL and its permissions.")
            }
            StoreError::Schema(_) => {
                fault(ErrorKind::Internal, "store.schema", "Start the version of ServerFlow that wrote this database.")
            }
            StoreError::OutOfScope(_)
            | StoreError::Panicked
            | StoreError::Malformed(_)
            | StoreError::Database(_)
            | StoreError::Sqlite(..) => {
                Self::new(ErrorKind::Internal, "store.internal", "The database could not do this.")
                    .fix("Look for this request's id in the control plane's log.")
            }
        }
    }
}

fn code(what: &str, suffix: &str) -> String {
    format!("{}.{suffix}", what.replace(' ', "_"))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sqlstate_is_what_it_says() {
        for (code, message, expected) in [
            ("53100", "could not extend file \"base/1/2\": No space left on device", Grave::Full),
            ("53100", "could not resize shared memory segment \"/PostgreSQL.1\" to 8388608 bytes", Grave::Away),
            ("53200", "out of memory", Grave::Away),
            ("53300", "sorry, too many clients already", Grave::Away),
            ("57P01", "terminating connection due to administrator command", Grave::Away),
            ("57P03", "the database system is starting up", Grave::Away),
            ("08006", "connection failure", Grave::Away),
            ("40001", "could not serialize access due to concurrent update", Grave::Contention),
            ("40P01", "deadlock detected", Grave::Contention),
            ("55P03", "could not obtain lock on row in relation \"users\"", Grave::Contention),
            ("23505", "duplicate key value violates unique constraint", Grave::No),
            ("42P01", "relation \"x\" does not exist", Grave::No),
        ] {
            assert_eq!(sqlstate(code, message), expected, "{code}");
        }
    }

    #[test]
    fn faults_tell_people_what_to_do_and_hide_the_database() {
        for (error, kind, code) in [
            (StoreError::NotFound("device code"), ErrorKind::NotFound, "device_code.not_found"),
            (StoreError::Stale("run"), ErrorKind::Conflict, "run.stale"),
            (StoreError::Taken("apps.name".into()), ErrorKind::Conflict, "store.taken"),
            (StoreError::DiskFull, ErrorKind::Unavailable, "store.disk_full"),
            (StoreError::Away("secret detail".into()), ErrorKind::Unavailable, "store.away"),
            (StoreError::Poisoned("x".into()), ErrorKind::Unavailable, "store.poisoned"),
            (StoreError::Malformed("secret detail".into()), ErrorKind::Internal, "store.internal"),
        ] {
            let fault = Fault::from(error);
            assert_eq!((fault.kind, fault.code.as_str()), (kind, code));
            assert!(!fault.message.contains("secret detail"));
        }
    }
}
