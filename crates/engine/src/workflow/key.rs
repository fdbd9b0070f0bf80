//! Which step of an execution: its id in the definition, and the places in the maps around it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `deploy`, or `restart@3` for the fourth item of the map around it, `ping@3.0` two maps deep. Ids are unique within a
/// definition, so nothing else is needed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StepKey {
    /// Its id.
    pub id: Box<str>,
    /// Items, outermost first.
    pub items: Vec<u32>,
}

/// The text names no step.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` names no step: write its id, and within a map `id@3` for the fourth item")]
pub struct BadKey(String);

impl FromStr for StepKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bad = || BadKey(text.chars().take(80).collect());
        let (id, items) = text.split_once('@').map_or((text, None), |(id, items)| (id, Some(items)));
        let items = items.map_or_else(|| Ok(Vec::new()), |items| items.split('.').map(str::parse).collect());
        let items: Vec<u32> = items.map_err(|_| bad())?;
        if super::document::is_step_id(id) { Ok(Self { id: id.into(), items }) } else { Err(bad()) }
    }
}

impl TryFrom<String> for StepKey {
    type Error = BadKey;

    fn try_from(text: String) -> Result<Self, BadKey> {
        text.parse()
    }
}

impl From<StepKey> for String {
    fn from(key: StepKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        for (nth, item) in self.items.iter().enumerate() {
            write!(f, "{}{item}", if nth == 0 { '@' } else { '.' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back() {
        for text in ["deploy", "restart@3", "ping@3.0"] {
            assert_eq!(text.parse::<StepKey>().unwrap().to_string(), text);
        }
        for text in ["", "@1", "a@", "a@x", "a@-1", "a@1..2", "A", "a b", "a@4294967296"] {
            assert!(text.parse::<StepKey>().is_err(), "{text}");
        }
    }
}
