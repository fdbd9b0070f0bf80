//! Names and paths as bytes, and the text that stands for them without loss.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sf_types::FilePath;
use sf_types::text::is_deceptive;

/// Why bytes or a text are no path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadPath {
    /// Empty, `.`, `..`, or with `/` or NUL in it.
    #[error("a name is not empty, `.` or `..`, and has no `/` and no NUL; a path begins and ends with a name")]
    Name,
    /// Longer than any file system takes.
    #[error("a name has at most {} bytes, a path {} bytes and {} names", Name::MAX, TreePath::MAX, TreePath::DEPTH_MAX)]
    TooLong,
    /// A backslash that begins neither `\\` nor `\xHH`.
    #[error("after a backslash comes another one, or `x` and two hex digits")]
    Escape,
}

/// One name in a folder: 1 to [`Name::MAX`] bytes, any but `/` and NUL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Box<[u8]>);

impl Name {
    /// Bytes at the most.
    pub const MAX: usize = 255;

    /// From the bytes that the file system has.
    ///
    /// # Errors
    /// [`BadPath`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadPath> {
        if bytes.len() > Self::MAX {
            return Err(BadPath::TooLong);
        }
        if matches!(bytes, b"" | b"." | b"..") || bytes.iter().any(|byte| matches!(byte, b'/' | 0)) {
            return Err(BadPath::Name);
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it may be given to something new: UTF-8 without control or deceptive characters, and no backslash.
    pub fn is_plain(&self) -> bool {
        std::str::from_utf8(&self.0).is_ok_and(|text| !text.chars().any(|c| is_deceptive(c) || c == '\\'))
    }
}

/// Where something is below the root; the root itself is the empty path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreePath(Vec<Name>);

impl TreePath {
    /// Names at the most.
    pub const DEPTH_MAX: usize = 255;
    /// Bytes at the most.
    pub const MAX: usize = 4000;

    /// The root.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// From bytes with `/` between names.
    ///
    /// # Errors
    /// [`BadPath`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadPath> {
        if bytes.len() > Self::MAX {
            return Err(BadPath::TooLong);
        }
        if bytes.is_empty() {
            return Ok(Self::root());
        }
        let names: Vec<Name> = bytes.split(|byte| *byte == b'/').map(Name::from_bytes).collect::<Result<_, _>>()?;
        if names.len() > Self::DEPTH_MAX { Err(BadPath::TooLong) } else { Ok(Self(names)) }
    }

    /// Its names, the outermost first.
    pub fn names(&self) -> &[Name] {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The folder it is in and its name there; `None` for the root.
    pub fn split(&self) -> Option<(&[Name], &Name)> {
        self.0.split_last().map(|(name, above)| (above, name))
    }

    /// A path below this one.
    ///
    /// # Errors
    /// [`BadPath::TooLong`]
    pub fn join(&self, name: Name) -> Result<Self, BadPath> {
        let mut names = self.0.clone();
        names.push(name);
        let joined = Self(names);
        let fits = joined.0.len() <= Self::DEPTH_MAX && joined.to_bytes().len() <= Self::MAX;
        if fits { Ok(joined) } else { Err(BadPath::TooLong) }
    }

    /// Whether it is `other` or below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// As the kernel wants it.
    pub fn to_bytes(&self) -> Vec<u8> {
        join(&self.0)
    }
}

/// Names with `/` between them.
pub(crate) fn join(names: &[Name]) -> Vec<u8> {
    names.iter().map(Name::as_bytes).collect::<Vec<_>>().join(&b'/')
}

/// Bytes as the text that stands for them; `/` stays.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(bytes.len());
    let raw = |out: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let _ = write!(out, "\\x{byte:02x}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                c if is_deceptive(c) => raw(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => out.push(c),
            }
        }
        raw(&mut out, chunk.invalid());
    }
    out
}

fn unescaped(text: &str) -> Result<Vec<u8>, BadPath> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        match rest {
            [b'\\', after @ ..] => {
                out.push(b'\\');
                rest = after;
            }
            [b'x', high, low, after @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(BadPath::Escape) };
                // A name's own `/` would be a step; there is no such name.
                if high << 4 | low == b'/' {
                    return Err(BadPath::Name);
                }
                out.push(high << 4 | low);
                rest = after;
            }
            _ => return Err(BadPath::Escape),
        }
    }
    Ok(out)
}

impl FromStr for Name {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        Self::from_bytes(&unescaped(text)?)
    }
}

impl FromStr for TreePath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        Self::from_bytes(&unescaped(text)?)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.0))
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.to_bytes()))
    }
}

impl From<&FilePath> for TreePath {
    fn from(path: &FilePath) -> Self {
        Self::from_bytes(path.as_str().as_bytes()).expect("what a FilePath allows is a subset")
    }
}

macro_rules! written {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = BadPath;

            fn try_from(text: String) -> Result<Self, BadPath> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.to_string()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "\"{self}\"")
            }
        }
    )*};
}
written!(Name, TreePath);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_shown_without_harm_and_read_back() {
        for (bytes, text) in [
            (b"a b.txt".as_slice(), "a b.txt"),
            ("ä€".as_bytes(), "ä€"),
            (b"a\nb", r"a\x0ab"),
            (b"\x1b[2J", r"\x1b[2J"),
            ("gnp.\u{202e}exe".as_bytes(), r"gnp.\xe2\x80\xaeexe"),
            (b"caf\xe9", r"caf\xe9"),
            (br"a\x0a", r"a\\x0a"),
        ] {
            let name = Name::from_bytes(bytes).unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(text.parse::<Name>().unwrap(), name);
            assert_eq!(serde_json::from_str::<Name>(&serde_json::to_string(&name).unwrap()).unwrap(), name);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in [
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "a/./b",
            r"a\",
            r"a\n",
            r"\x0",
            r"\x00",
            r"\x2f",
            r"\x2e\x2e/a",
        ] {
            assert!(bad.parse::<TreePath>().is_err(), "{bad}");
        }
        assert!(TreePath::from_bytes(&[b'a'; 256]).is_err());
        assert!(TreePath::from_bytes("a/".repeat(255).as_bytes().strip_suffix(b"/").unwrap()).is_ok());
        assert!(TreePath::from_bytes("a/".repeat(256).as_bytes().strip_suffix(b"/").unwrap()).is_err());
        assert!("".parse::<TreePath>().unwrap().is_root());
    }

    #[test]
    fn every_file_path_is_one() {
        let path: FilePath = "src/ä b.js".parse().unwrap();
        assert_eq!(TreePath::from(&path).to_string(), path.as_str());
        assert!(!Name::from_bytes(b"a\nb").unwrap().is_plain() && Name::from_bytes(b"a b").unwrap().is_plain());
    }

    proptest! {
        #[test]
        fn any_bytes_survive_the_text(bytes in proptest::collection::vec(any::<u8>(), 1..300)) {
            if let Ok(path) = TreePath::from_bytes(&bytes) {
                let text = path.to_string();
                prop_assert!(!text.chars().any(is_deceptive));
                prop_assert_eq!(text.parse::<TreePath>().unwrap().to_bytes(), bytes);
            }
        }
    }
}
