//! What can go wrong here, and how people see it.

use std::path::PathBuf;

use sf_types::{ErrorKind, Fault, Timestamp};

use crate::access::AccessRefusal;
use crate::bearer::BearerRefusal;
use crate::csrf::CsrfRefusal;
use crate::password;

/// Everything this crate refuses or fails at.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A new password is too short.
    #[error("the password has {characters} characters, at least {} are needed", password::MIN_CHARACTERS)]
    PasswordTooShort {
        /// Characters found.
        characters: usize,
    },
    /// A new password is too long.
    #[error("the password has {bytes} bytes, at most {} are taken", password::MAX_BYTES)]
    PasswordTooLong {
        /// Bytes found.
        bytes: usize,
    },
    /// A new password is one of the first an attacker tries.
    #[error("the password is among the first that an attacker tries")]
    PasswordCommon,
    /// All hashing slots and all waiting places are taken.
    #[error("too many passwords are being checked at this moment")]
    PasswordsBusy,
    /// A stored password hash is not readable, or hashing failed.
    #[error("the stored password hash cannot be used: {0}")]
    PasswordHash(String),
    /// An access token is refused.
    #[error(transparent)]
    Access(#[from] AccessRefusal),
    /// A refresh, CLI or API token is refused.
    #[error(transparent)]
    Bearer(#[from] BearerRefusal),
    /// A request does not come from our own pages.
    #[error(transparent)]
    Csrf(#[from] CsrfRefusal),
    /// Too many failed attempts.
    #[error("too many attempts to sign in failed; the next one is taken at {until}")]
    Throttled {
        /// When the next attempt is taken.
        until: Timestamp,
    },
    /// A file with a secret can be read by others.
    #[error("{path} can be read by other users of this machine (mode {mode:03o})")]
    FileExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file with a secret could not be read or written.
    #[error("{path} could not be {verb}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried: `read` or `written`.
        verb: &'static str,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file, variable or command output is no key.
    #[error("{origin} holds no usable {what}: {reason}")]
    BadKey {
        /// Where it came from: a path, a variable or a program.
        origin: String,
        /// What was expected.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The command that answers the master key failed.
    #[error("the command for the master key failed: {0}")]
    KeyCommand(String),
    /// Sealed under another master key.
    #[error("it is sealed under master key {sealed_by}, and the key here is {own}")]
    OtherMasterKey {
        /// Name of the key it needs.
        sealed_by: String,
        /// Name of the key at hand.
        own: String,
    },
    /// Damaged, or sealed for another purpose or row.
    #[error("the sealed value is damaged, or was sealed for something else than {purpose} of {row}")]
    Unsealable {
        /// The purpose asked for.
        purpose: &'static str,
        /// The row asked for.
        row: String,
    },
    /// The root key is needed and not here.
    #[error("this needs the root key, and {path} is not there")]
    RootAbsent {
        /// Where it is looked for.
        path: PathBuf,
    },
}

impl From<IdentityError> for Fault {
    fn from(error: IdentityError) -> Self {
        use ErrorKind::{Internal, Invalid, RateLimited, Unavailable};
        let message = error.to_string();
        let fault = |kind, code: &str, fix: &str| Self::new(kind, code, &message).fix(fix);
        match error {
            IdentityError::PasswordTooShort { .. } => {
                fault(Invalid, "password.too_short", "Use several words, or let a password manager make one.")
            }
            IdentityError::PasswordTooLong { .. } => fault(Invalid, "password.too_long", "Use a shorter one."),
            IdentityError::PasswordCommon => {
                fault(Invalid, "password.common", "Use several words that have nothing to do with each other.")
            }
            IdentityError::PasswordsBusy => fault(RateLimited, "auth.busy", "Try again in a few seconds."),
            IdentityError::PasswordHash(_) => {
                fault(Internal, "password.hash", "Set a new password: serverflow admin reset-password.")
            }
            IdentityError::Access(refusal) => refusal.fault(),
            IdentityError::Bearer(refusal) => refusal.fault(),
            IdentityError::Csrf(refusal) => refusal.fault(),
            IdentityError::Throttled { .. } => {
                fault(RateLimited, "auth.throttled", "Wait until then, or reset the password.")
            }
            IdentityError::FileExposed { path, .. } => {
                fault(Unavailable, "key.exposed", &format!("Run: chmod 600 -- {}", path.display()))
            }
            IdentityError::File { .. } => {
                fault(Unavailable, "key.file", "Check that the folder exists and belongs to the user of this program.")
            }
            IdentityError::BadKey { .. } => {
                fault(Unavailable, "key.unusable", "Restore it from a backup; a new one cannot open what is sealed.")
            }
            IdentityError::KeyCommand(_) => {
                fault(Unavailable, "key.command", "Run the command by hand; it must print 32 bytes in base64.")
            }
            IdentityError::OtherMasterKey { .. } => {
                fault(Unavailable, "seal.other_key", "Start with the master key that belongs to this database.")
            }
            IdentityError::Unsealable { .. } => {
                fault(Internal, "seal.damaged", "Enter the secret again, or restore the database from a backup.")
            }
            IdentityError::RootAbsent { .. } => fault(
                Unavailable,
                "root.absent",
                "Put the root key file back in its place for this step; it can be taken away again afterwards.",
            ),
        }
    }
}
