use serde_json::json;

use super::{Expr, Root, Type, env};

#[test]
fn expressions_have_the_type_of_their_value() {
    let list = |of| Type::List(Box::new(of));
    let table: &[(&str, Type)] = &[
        ("1 + 2", Type::Int),
        ("1 + 2.0", Type::Number),
        ("inputs.n * inputs.ratio", Type::Number),
        ("inputs.any + 1", Type::Any),
        ("inputs.any", Type::Any),
        ("inputs.open.whatever.below", Type::Any),
        ("inputs.any[0].x == 1", Type::Bool),
        ("'a' + inputs.name", Type::String),
        ("[1, 2.5]", list(Type::Number)),
        ("[1, 'a']", list(Type::Any)),
        ("[]", list(Type::Any)),
        ("inputs.list.map(x, string(x))", list(Type::String)),
        ("inputs.list.map(x, x > 1, {'v': x})", list(Type::closed([("v", Type::Int)]))),
        ("inputs.list.filter(x, x > 1)[0]", Type::Int),
        ("inputs.list.exists_one(x, x > 1)", Type::Bool),
        ("steps.fetch.map(k, k)", list(Type::String)),
        ("steps.fetch.output.rows[0] + 1", Type::Int),
        ("steps['fetch']['state']", Type::String),
        ("steps.fetch.output[inputs.name]", Type::Any),
        ("true ? 1 : 2.5", Type::Number),
        ("true ? 1 : 'a'", Type::Any),
        ("{'a': [1]}.a", list(Type::Int)),
        ("{inputs.name: 1}.x", Type::Any),
        ("inputs.n == null ? 0 : inputs.n", Type::Int),
        ("has(inputs.n) && 'a' in inputs.open", Type::Bool),
        ("fromJson('1')", Type::Any),
        ("'a'.split(',')", list(Type::String)),
    ];
    for (source, expected) in table {
        let checked = Expr::parse(source).and_then(|expr| expr.check(&env()));
        assert_eq!(checked.as_ref(), Ok(expected), "{source}");
    }
}

#[test]
fn references_are_known_without_evaluating() {
    let expr = Expr::parse("steps.a.output.x + steps['b-c'].n + inputs.n + item.x + [1].map(steps, steps)[0]").unwrap();
    let names = expr.references();
    assert_eq!(names.steps.iter().collect::<Vec<_>>(), ["a", "b-c"]);
    assert_eq!(names.inputs.iter().collect::<Vec<_>>(), ["n"]);
    assert_eq!(names.roots.iter().copied().collect::<Vec<_>>(), [Root::Inputs, Root::Steps, Root::Item]);
    assert!(!names.all_inputs);
    assert!(Expr::parse("inputs[item]").unwrap().references().all_inputs);
    assert!(Expr::parse("toJson(inputs)").unwrap().references().all_inputs);
}

#[test]
fn a_schema_becomes_a_type() {
    let table = [
        (json!({"type": "integer"}), "int"),
        (json!({"type": "array", "items": {"type": "string"}}), "list of string"),
        (json!({"type": ["string", "null"]}), "any value"),
        (json!({"type": "string", "nullable": true}), "any value"),
        (json!({"enum": ["a", "b"]}), "string"),
        (json!({"enum": [1, "b"]}), "any value"),
        (json!({"const": true}), "bool"),
        (json!({"anyOf": [{"type": "string"}]}), "any value"),
        (json!(true), "any value"),
        (json!({"type": "object"}), "object"),
        (
            json!({"type": "object", "properties": {"b": {"type": "number"}, "a": {}}, "additionalProperties": false}),
            "object {a, b}",
        ),
        (json!({"type": "object", "properties": {"a": {"type": "null"}}}), "object {a, …}"),
    ];
    for (schema, expected) in table {
        assert_eq!(Type::from_schema(&schema).to_string(), expected, "{schema}");
    }
    let mut deep = json!({"type": "integer"});
    for _ in 0..1_000 {
        deep = json!({"type": "array", "items": deep});
    }
    assert!(Type::from_schema(&deep).to_string().ends_with("of list"));
}

#[test]
fn a_type_accepts_what_fits() {
    let list = |of| Type::List(Box::new(of));
    let object = |open| Type::Object { fields: [("a".to_owned(), Type::Number)].into(), open };
    let table = [
        (Type::Number, Type::Int, true),
        (Type::Int, Type::Number, false),
        (Type::Any, Type::Null, true),
        (Type::String, Type::Any, true),
        (Type::String, Type::Null, false),
        (list(Type::Number), list(Type::Int), true),
        (list(Type::String), list(Type::Int), false),
        (object(false), Type::closed([("a", Type::Int)]), true),
        (object(false), Type::closed([("a", Type::String)]), false),
        (object(false), Type::closed([("a", Type::Int), ("b", Type::Int)]), false),
        (object(true), Type::closed([("a", Type::Int), ("b", Type::Int)]), true),
    ];
    for (of, other, expected) in table {
        assert_eq!(of.accepts(&other), expected, "{of} <- {other}");
    }
}
