//! A time in which nothing changes by itself.

use serde::{Deserialize, Serialize};
use sf_types::Timestamp;

/// A time in which nothing changes by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Freeze {
    /// From this moment.
    pub from: Timestamp,
    /// Up to this moment, which is free again.
    pub until: Timestamp,
    /// Why, for people: "Christmas".
    #[serde(default)]
    pub reason: String,
}

impl Freeze {
    /// Whether it holds at this moment.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}
