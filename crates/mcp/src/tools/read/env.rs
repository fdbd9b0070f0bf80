//! Names of an environment. Values never pass through a model: a person gives them on a page.

use serde_json::{Value, json};

use super::super::asked::{Asked, Result, Said};
use super::super::names::{Kind, resolve};
use super::super::output::{rows, text};

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let thing = resolve(asked, &[Kind::App, Kind::Server], asked.input.required("target")?).await?;
    let view = asked.data(&thing.path("")).await?;
    let (variables, tab) = match thing.kind {
        Kind::App => (of_app(asked, &view), "env"),
        _ => (of_server(asked, &view), "startup"),
    };
    let page = asked.page(&format!("/{}/{}/{tab}", thing.kind.route(), thing.id));
    let how = "Values are neither shown nor taken here. To set one, give your person this page.";
    let fields = [
        ("kind", json!(thing.kind.word())),
        ("id", json!(thing.id)),
        ("variables", Value::Array(variables)),
        ("set_at", json!(page)),
        ("how", json!(how)),
    ];
    Ok(asked.done(&fields, &[("process", "Restart it once your person has changed a value.")]))
}

fn of_app(asked: &Asked<'_>, view: &Value) -> Vec<Value> {
    let one = |variable: &Value| {
        let from = if variable["secret"].is_string() { "secret" } else { "value" };
        json!({ "name": asked.name(text(variable, "/name")), "from": from, "environment": variable["environment"] })
    };
    rows(&view["settings"]["env"]).iter().map(one).collect()
}

fn of_server(asked: &Asked<'_>, view: &Value) -> Vec<Value> {
    let names = |at: &str, from: &'static str| {
        let fields = view.pointer(at).and_then(Value::as_object);
        fields.into_iter().flatten().map(move |(name, _)| (name.clone(), from)).collect::<Vec<_>>()
    };
    let all = names("/settings/variables", "value").into_iter().chain(names("/settings/secrets", "secret"));
    all.map(|(name, from)| json!({ "name": asked.name(&name), "from": from })).collect()
}
