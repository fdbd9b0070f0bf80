//! Files of an app, as orders and people name them: by a path that cannot leave its folder, and by what is in them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text names no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// Empty, absolute, with `.`, `..`, or an empty part.
    #[error("a path is relative to the release: `src/app.js`, without `.`, `..`, `//` or a `/` at either end")]
    Path,
    /// A character that deceives a reader or that no path should hold.
    #[error("a path has no control characters, line breaks or backslashes")]
    Character,
    /// Too long.
    #[error("a path has at most {} bytes", FilePath::MAX)]
    TooLong,
    /// No SHA-256.
    #[error("a hash is 64 lower-case hex digits; `absent` where there is no file yet")]
    Hash,
}

/// A file inside a folder, by its relative path: `src/app.js`. It cannot lead out of the folder by its own text; links on
/// its way are the reader's to refuse.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

impl FilePath {
    /// Bytes allowed at the most.
    pub const MAX: usize = 512;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = BadFile;

    fn from_str(text: &str) -> Result<Self, BadFile> {
        if text.len() > Self::MAX {
            return Err(BadFile::TooLong);
        }
        if text.chars().any(|c| crate::text::is_deceptive(c) || c == '\\') {
            return Err(BadFile::Character);
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(BadFile::Path);
        }
        Ok(Self(text.to_owned()))
    }
}

/// What is in a file: its SHA-256. Written as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// From a digest.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The first digits, for people.
    pub fn short(self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentHash {
    type Err = BadFile;

    fn from_str(text: &str) -> Result<Self, BadFile> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(BadFile::Hash);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| BadFile::Hash)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadFile::Hash)?;
        }
        Ok(Self(bytes))
    }
}

/// How a file is: not there, or there with this in it. Written as `absent` or the hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum FileState {
    /// There is none.
    Absent,
    /// There is one.
    Is(ContentHash),
}

impl FileState {
    /// For people: `absent`, or the first digits.
    pub fn short(self) -> String {
        match self {
            Self::Absent => "absent".to_owned(),
            Self::Is(hash) => hash.short(),
        }
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Is(hash) => hash.fmt(f),
        }
    }
}

impl FromStr for FileState {
    type Err = BadFile;

    fn from_str(text: &str) -> Result<Self, BadFile> {
        if text == "absent" { Ok(Self::Absent) } else { text.parse().map(Self::Is) }
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> Self {
        path.0
    }
}

macro_rules! written {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = BadFile;

            fn try_from(text: String) -> Result<Self, BadFile> {
                text.parse()
            }
        }
    )*};
}
written!(FilePath, ContentHash, FileState);

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

impl From<FileState> for String {
    fn from(state: FileState) -> Self {
        state.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_its_folder() {
        for good in ["a", "src/app.js", ".env", "a b/ä.txt", "..a/b..", &"a".repeat(512)] {
            assert!(good.parse::<FilePath>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "a/",
            "a//b",
            ".",
            "..",
            "../a",
            "a/../b",
            "a/./b",
            "a\\b",
            "a\nb",
            "a\0",
            "a\u{202e}b",
            &"a".repeat(513),
        ] {
            assert!(bad.parse::<FilePath>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_state_reads_back_as_itself() {
        let hash = "0123456789abcdef".repeat(4);
        for text in ["absent", hash.as_str()] {
            assert_eq!(text.parse::<FileState>().unwrap().to_string(), text);
        }
        for bad in ["", "Absent", "0", &hash.to_uppercase(), &format!("{hash}0"), &"ä".repeat(32)] {
            assert!(bad.parse::<FileState>().is_err(), "{bad}");
        }
    }
}
