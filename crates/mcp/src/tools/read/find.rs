//! What is called like this: apps, servers, nodes, domains, workflows.

use serde_json::{Value, json};

use super::super::asked::{Asked, Result, Said};
use super::super::names::{Kind, like};
use super::super::output::text;

/// Things told at the most.
const MAX_FOUND: usize = 30;

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let wanted = asked.input.text("kind").and_then(|word| Kind::ALL.into_iter().find(|kind| kind.word() == word));
    let kinds = wanted.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
    let things = like(asked, &kinds, asked.input.text("text").unwrap_or_default()).await?;
    let more = things.len().saturating_sub(MAX_FOUND);
    let found: Vec<Value> = things
        .iter()
        .take(MAX_FOUND)
        .map(|thing| {
            let state =
                ["/state", "/status"].into_iter().map(|at| text(&thing.view, at)).find(|state| !state.is_empty());
            let mut told =
                json!({ "kind": thing.kind.word(), "id": thing.id, "name": asked.name(thing.name()), "state": state });
            if let Some(url) = thing.view.get("url").and_then(Value::as_str) {
                told["url"] = asked.name(url);
            }
            told
        })
        .collect();
    let next: &[(&str, &str)] = if found.is_empty() {
        &[("overview", "Nothing that you may see is called so: see what there is.")]
    } else {
        &[("status", "See how one of them is, by its id.")]
    };
    Ok(asked.done(&[("found", Value::Array(found)), ("left_out", json!(more))], next))
}
