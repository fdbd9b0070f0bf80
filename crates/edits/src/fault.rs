//! Why a file could not be edited, and what was passed over in one that was.

use std::fmt;

use sf_types::{ByteSize, ErrorKind, Fault};

use crate::{DEPTH_MAX, FILE_MAX, KEYS_MAX};

/// Why a file was left as it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EditError {
    /// More bytes than are edited.
    #[error("the file has {}, and at most {} are edited", ByteSize(*bytes as u64), ByteSize(FILE_MAX as u64))]
    TooLarge {
        /// Its bytes.
        bytes: usize,
    },
    /// More keys than are set.
    #[error("{keys} keys are to be set, and at most {KEYS_MAX} are")]
    TooMany {
        /// How many.
        keys: usize,
    },
    /// Not in an encoding that is known.
    #[error("the file is no UTF-8 text")]
    NotText,
    /// Not of its language.
    #[error("the file cannot be read: line {line}: {why}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
    /// Nested too deep.
    #[error("the file is nested deeper than {DEPTH_MAX} levels")]
    Depth,
    /// A key that says no place.
    #[error("the key {key:?} names no place: {why}")]
    Key {
        /// The key.
        key: String,
        /// Why.
        why: String,
    },
    /// A condition that cannot be tested.
    #[error("the condition of {key:?} cannot be tested: {why}")]
    Condition {
        /// The key.
        key: String,
        /// Why.
        why: String,
    },
    /// A value that such a file cannot hold.
    #[error("the value of {key:?} cannot be written: {why}")]
    Value {
        /// The key.
        key: String,
        /// Why.
        why: String,
    },
}

impl EditError {
    /// Stable: `edit.syntax`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "edit.too_large",
            Self::TooMany { .. } => "edit.too_many",
            Self::NotText => "edit.not_text",
            Self::Syntax { .. } => "edit.syntax",
            Self::Depth => "edit.depth",
            Self::Key { .. } => "edit.key",
            Self::Condition { .. } => "edit.condition",
            Self::Value { .. } => "edit.value",
        }
    }
}

impl From<EditError> for Fault {
    fn from(error: EditError) -> Self {
        let (kind, fix) = match &error {
            EditError::TooLarge { .. } | EditError::TooMany { .. } => {
                (ErrorKind::TooLarge, "Take the edit out of the template.")
            }
            EditError::NotText => (ErrorKind::Invalid, "Save the file as UTF-8."),
            EditError::Syntax { .. } | EditError::Depth => {
                (ErrorKind::Invalid, "Mend the file, or delete it so that the server makes it anew.")
            }
            EditError::Key { .. } | EditError::Condition { .. } => (ErrorKind::Invalid, "Correct the template."),
            EditError::Value { .. } => (ErrorKind::Invalid, "Choose another value for the variable in it."),
        };
        Self::new(kind, error.code(), format!("{error}.")).fix(fix)
    }
}

/// Something to know about one key; the others are set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Warning {
    /// The key.
    pub key: String,
    /// What it is.
    pub kind: WarningKind,
}

/// What there is to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WarningKind {
    /// No line begins with the key; nothing was set.
    NoLine,
    /// More values are there where one was to be set; nothing was set.
    Nested,
    /// Something that has no names in it is on the way; nothing was set.
    InTheWay,
    /// An element was named that is not there, nor is it the next one; nothing was set.
    NoElement,
    /// It is an alias, or below one, whose value others have as well; nothing was set.
    Alias,
    /// The file is written in a way in which it could not be set for sure; nothing was set.
    Unsure,
    /// It was a number or truth value and is text now.
    Retyped,
    /// It is there so many times, and was set each time.
    Several(usize),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.key)?;
        match self.kind {
            WarningKind::NoLine => f.write_str("no line begins so; nothing was set"),
            WarningKind::Nested => f.write_str("there are further values in it; nothing was set"),
            WarningKind::InTheWay => f.write_str("what is on the way there holds no names; nothing was set"),
            WarningKind::NoElement => f.write_str("there is no such element; nothing was set"),
            WarningKind::Alias => f.write_str("it is an alias, so that others have its value, too; nothing was set"),
            WarningKind::Unsure => f.write_str("the file's form leaves no sure way to set it; nothing was set"),
            WarningKind::Retyped => f.write_str("it was a number or truth value, and is text now"),
            WarningKind::Several(times) => write!(f, "it is there {times} times, and was set each time"),
        }
    }
}
