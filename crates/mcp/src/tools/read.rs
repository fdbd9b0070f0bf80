//! Tools that read. Each asks the API's own routes as its caller and tells a part of what they answer.

pub(super) mod approvals;
pub(super) mod diagnose;
pub(super) mod docs;
pub(super) mod domains;
pub(super) mod env;
pub(super) mod files;
pub(super) mod find;
pub(super) mod logs;
pub(super) mod metrics;
pub(super) mod overview;
pub(super) mod status;

use serde_json::{Map, Value};

use super::asked::Asked;

impl Asked<'_> {
    /// A view with every text in it as it may be told: words by themselves, all else within the boundary.
    pub(super) fn shown(&self, view: &Value) -> Value {
        match view {
            Value::String(text) => self.name(text),
            Value::Array(items) => items.iter().map(|item| self.shown(item)).collect(),
            Value::Object(fields) => {
                let told = fields.iter().map(|(name, value)| (name.clone(), self.shown(value)));
                Value::Object(told.collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }
}
