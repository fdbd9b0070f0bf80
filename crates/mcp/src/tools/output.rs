//! What leaves a tool: other people's words between the lines of a boundary, without what hides in them, without secrets, and
//! never more than a host can take.

pub mod clean;
mod fence;

use serde_json::{Value, json};

pub use fence::NOTE;
pub(super) use fence::{Fence, is_plain};

/// Bytes of an answer at the most: about 10,000 tokens, at which hosts begin to warn.
pub const MAX_ANSWER_BYTES: usize = 30_000;
/// Suggestions of an answer at the most.
pub const MAX_NEXT: usize = 3;

/// What to call next, and why: at most [`MAX_NEXT`], and no word of it is anybody else's.
pub(super) fn next(steps: &[(&str, &str)]) -> Value {
    steps.iter().take(MAX_NEXT).map(|(tool, why)| json!({ "tool": tool, "why": why })).collect()
}

/// The parts of a view that are told.
pub(super) fn pick(view: &Value, fields: &[&str]) -> Value {
    let kept = fields.iter().filter_map(|field| Some(((*field).to_owned(), view.get(*field)?.clone())));
    Value::Object(kept.filter(|(_, value)| !value.is_null()).collect())
}

/// A text of a view; empty where there is none.
pub(super) fn text<'v>(view: &'v Value, at: &str) -> &'v str {
    view.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number of a view; 0 where there is none.
pub(super) fn whole(view: &Value, at: &str) -> u64 {
    view.pointer(at).and_then(Value::as_u64).unwrap_or(0)
}

/// The rows of a list.
pub(super) fn rows(view: &Value) -> &[Value] {
    view.as_array().map_or(&[], Vec::as_slice)
}
