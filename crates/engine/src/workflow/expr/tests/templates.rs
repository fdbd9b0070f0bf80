use serde_json::{Value, json};

use super::super::error::Refusal;
use super::{Binding, Root, Scope, Template, Type, env, values};

fn render(template: Value) -> Result<Value, super::ExprError> {
    let (inputs, output, state) = values();
    let step = Binding::fields([("output", &output), ("state", &state)]);
    let scope = Scope::new().with(Root::Inputs, &inputs).with(Root::Steps, Binding::fields([("a", step)]));
    Template::parse(&template)?.render(&scope)
}

#[test]
fn templates_render() {
    let table = [
        (json!("${{ inputs.n }}"), json!(3)),
        (json!("${{inputs.list}}"), json!([1, 2, 3])),
        (json!("n is ${{ inputs.n }}, ${{ inputs.name }}"), json!("n is 3, Ana")),
        (json!(" ${{ inputs.n }}"), json!(" 3")),
        (json!("${{ inputs.whole }} ${{ inputs.half }} ${{ true }}"), json!("3 0.5 true")),
        (json!("$${{ inputs.n }}"), json!("${{ inputs.n }}")),
        (json!("a $${{ b ${{ inputs.n }} $$${{ c"), json!("a ${{ b 3 $${{ c")),
        (json!("$ { ${ }} }"), json!("$ { ${ }} }")),
        (json!("${{ '}}' }}"), json!("}}")),
        (json!("${{ \"a\\\"}}\" + r'\\' + '''it's }}''' }}"), json!("a\"}}\\it's }}")),
        (json!("${{ {'a': {'b': 1}} }}"), json!({"a": {"b": 1}})),
        (json!("${{ {'a': {'b': 1}}.a.b }}!"), json!("1!")),
        (json!(""), json!("")),
        (json!({"a": ["${{ inputs.n + 1 }}", {"b": null}, 1.5, true]}), json!({"a": [4, {"b": null}, 1.5, true]})),
        (json!({"é": "é${{ steps.a.output.text }}"}), json!({"é": "éañb"})),
    ];
    for (template, expected) in table {
        assert_eq!(render(template.clone()), Ok(expected), "{template}");
    }
}

#[test]
fn refusals_in_templates_name_the_place() {
    let table = [
        (json!({"a": ["x", "é ${{ 1 + }}"]}), "/a/1", 10, "the end"),
        (json!({"a/b~": "${{ stepz }}"}), "/a~1b~0", 5, "no `stepz`"),
        (json!(["ok", "é ${{ 1"]), "/1", 3, "does not end"),
        (json!({"a": {"${{ x }}": 1}}), "/a/${{ x }}", 1, "names are never expressions"),
        (json!("${{ inputs.nothing }}"), "", 11, "no field `nothing`"),
        (json!("x ${{ inputs.list }}"), "", 7, "a string, a number or a bool, not list"),
        (json!("x ${{ inputs.none }}"), "", 7, "a string, a number or a bool, not null"),
        (json!({"a": "${{ }}"}), "/a", 5, "empty"),
    ];
    for (template, place, column, message) in table {
        let error = render(template.clone()).expect_err(&template.to_string());
        assert_eq!((error.place.as_deref(), error.column), (Some(place), Some(column)), "{template}: {error:?}");
        assert!(error.message.contains(message), "{template}: {error:?}");
    }
}

#[test]
fn templates_are_checked_and_typed() {
    let check = |template: Value| Template::parse(&template).and_then(|template| template.check(&env()));
    let object = json!({"a": "${{ inputs.n }}", "b": ["${{ inputs.name }}", "x${{ inputs.n }}"], "c": null});
    let typed = Type::closed([("a", Type::Int), ("b", Type::List(Box::new(Type::String))), ("c", Type::Null)]);
    assert_eq!(check(object), Ok(typed));
    let error = check(json!({"a": ["x${{ inputs.list }}"]})).unwrap_err();
    assert_eq!((error.kind, error.place.as_deref()), (Refusal::Type, Some("/a/0")));
    let error = check(json!({"a": "${{ inputs.n + 'a' }}"})).unwrap_err();
    assert_eq!((error.place.as_deref(), error.column), (Some("/a"), Some(14)));
    let template = Template::parse(&json!(["${{ steps.x.output }}", {"y": "${{ inputs.n }}"}])).unwrap();
    assert!(template.references().steps.contains("x") && template.references().inputs.contains("n"));
}
