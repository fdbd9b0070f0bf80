//! From text to a document: size, form, and where exactly something is written wrong.

use serde_json::Value;

use super::Problem;
use crate::workflow::document::{self, Document, MAX_BYTES};

/// Reads JSON or YAML.
pub(super) fn read(text: &str) -> Result<Document, Vec<Problem>> {
    let whole = |message: String, fix: &str| vec![Problem { place: String::new(), message, fix: fix.to_owned() }];
    if text.len() > MAX_BYTES {
        let message = format!("It has {} bytes, {MAX_BYTES} are allowed.", text.len());
        return Err(whole(message, "Split it: a step `workflow` runs another one."));
    }
    // YAML 1.2: `y`, `no` and `on` are texts.
    let options = serde_saphyr::options! { strict_booleans: true };
    let value: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|why| whole(format!("It is no JSON: {why}."), "Mend it there."))?
    } else {
        serde_saphyr::from_str_with_options(text, options)
            .map_err(|why| whole(format!("It is no YAML: {why}"), "Mend it there."))?
    };
    let version = value.get("workflow").and_then(Value::as_u64);
    if version != Some(u64::from(document::VERSION)) {
        let found = value.get("workflow").map_or("missing".to_owned(), Value::to_string);
        let message = format!("`workflow`, the version of this form, is {found}.");
        return Err(vec![Problem { place: "workflow".into(), message, fix: "Write `workflow: 1`.".into() }]);
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = error.path().to_string();
        let place = if place == "." { String::new() } else { place };
        vec![Problem { place, message: format!("{}.", error.inner()), fix: "See the reference of workflows.".into() }]
    })
}
