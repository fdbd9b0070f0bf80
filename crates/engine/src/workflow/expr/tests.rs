//! The language as tables: what it means, what it refuses, what it may cost, and that no text breaks it.

mod limits;
mod meaning;
mod random;
mod refused;
mod templates;
mod typed;

use serde_json::{Value, json};

use super::*;

/// Outside values for the tables.
fn values() -> (Value, Value, Value) {
    let inputs = json!({
        "n": 3, "whole": 3.0, "half": 0.5, "name": "Ana", "none": null, "list": [1, 2, 3], "deep": {"er": {"x": 1}},
        "big": u64::MAX, "low": i64::MIN, "huge": 1e20, "people": [{"n": "a", "ok": true}, {"n": "b", "ok": false}],
    });
    (inputs, json!({"n": 41, "text": "añb"}), json!("done"))
}

fn evaluate(source: &str) -> Result<Value, ExprError> {
    let (inputs, output, state) = values();
    let step = Binding::fields([("output", &output), ("state", &state)]);
    let scope = Scope::new().with(Root::Inputs, &inputs).with(Root::Steps, Binding::fields([("a", step)]));
    Expr::parse(source)?.eval(&scope)
}

/// Types of the same.
fn env() -> Env {
    let step = Type::closed([
        ("output", Type::closed([("n", Type::Int), ("text", Type::String), ("rows", Type::List(Box::new(Type::Int)))])),
        ("state", Type::String),
    ]);
    let inputs = Type::closed([
        ("n", Type::Int),
        ("ratio", Type::Number),
        ("name", Type::String),
        ("any", Type::Any),
        ("list", Type::List(Box::new(Type::Int))),
        ("open", Type::open()),
    ]);
    Env::new().with(Root::Inputs, inputs).with(Root::Steps, Type::closed([("fetch", step)]))
}
