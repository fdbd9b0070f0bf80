use super::super::error::Refusal;
use super::{Env, Expr, ExprError, Type, env};

fn refuse(source: &str) -> ExprError {
    match Expr::parse(source) {
        Ok(expr) => expr.check(&env()).expect_err(source),
        Err(error) => error,
    }
}

#[test]
fn what_can_never_work_is_refused_when_it_is_saved() {
    let table: &[(&str, Refusal, usize, &str, &str)] = &[
        // Names.
        ("input.n", Refusal::Name, 1, "There is no `input` here.", "Did you mean `inputs`?"),
        ("1 + stepz", Refusal::Name, 5, "There is no `stepz` here.", "Did you mean `steps`?"),
        ("item", Refusal::Name, 1, "There is no `item` here.", "only inside a map step"),
        ("trigger.x", Refusal::Name, 1, "There is no `trigger` here.", "Known here: `inputs`, `steps`."),
        ("steps", Refusal::Name, 1, "`steps` needs the id of a step", "steps.<id>"),
        ("steps[inputs.name]", Refusal::Name, 1, "`steps` needs the id of a step", "steps.<id>"),
        ("steps.fetsh.output", Refusal::Name, 6, "There is no step `fetsh` before this one.", "Did you mean `fetch`?"),
        ("steps['fetsh'].output", Refusal::Name, 6, "There is no step `fetsh`", "Did you mean `fetch`?"),
        ("steps.fetch.outptu", Refusal::Name, 12, "There is no field `outptu`.", "Did you mean `output`?"),
        ("has(steps.fetch.outptu)", Refusal::Name, 1, "There is no field `outptu`.", "Did you mean `output`?"),
        ("inputs.nam", Refusal::Name, 7, "`inputs` has no `nam`.", "Did you mean"),
        ("steps.fetch-it.output", Refusal::Name, 13, "There is no `it` here.", "in brackets: steps[\"…-it\"]"),
        ("[1].map(x, y)", Refusal::Name, 12, "There is no `y` here.", "`x`"),
        ("[1].map(x, x)[0] + x", Refusal::Name, 20, "There is no `x` here.", ""),
        // Functions.
        ("sizee([1])", Refusal::Name, 1, "There is no function `sizee`.", "Did you mean `size`?"),
        ("now()", Refusal::Name, 1, "There is no function `now`.", ""),
        ("timestamp('2020-01-01T00:00:00Z')", Refusal::Name, 1, "There is no function `timestamp`.", ""),
        ("inputs.name.startWith('a')", Refusal::Name, 22, "no function `startWith`", "Did you mean `startsWith`?"),
        ("startsWith('a', 'b')", Refusal::Name, 1, "`startsWith` is written after its value.", "\"refs/tags/v1\""),
        ("'a'.string()", Refusal::Name, 11, "`string` is written before its value.", "string(8080)"),
        ("[1].map(x)", Refusal::Name, 8, "`map` is not called so.", "list.map(x, …)"),
        ("size()", Refusal::Type, 1, "`size` takes 1 arguments here, not 0.", "size("),
        ("'a'.substring()", Refusal::Type, 14, "`substring` takes 1 or 2 arguments here, not 0.", "substring(1, 3)"),
        ("'a'.contains('a', 'b')", Refusal::Type, 13, "`contains` takes 1 arguments here, not 2.", ""),
        // Types.
        ("'a' + 1", Refusal::Type, 5, "`+` cannot work on string and int.", "string(x)"),
        ("!1", Refusal::Type, 2, "`!` needs bool, not int.", "Compare it"),
        ("1 && true", Refusal::Type, 1, "`&&` needs bool, not int.", "Compare it"),
        ("true || 'x'", Refusal::Type, 9, "`||` needs bool, not string.", ""),
        ("size(1)", Refusal::Type, 1, "`size` needs a string, a list or an object, not int.", ""),
        ("1 ? 2 : 3", Refusal::Type, 1, "`?` needs bool, not int.", ""),
        ("-'a'", Refusal::Type, 2, "`-` needs number, not string.", ""),
        ("1 == 'a'", Refusal::Type, 3, "`==` cannot work on int and string.", ""),
        ("1 < 'a'", Refusal::Type, 3, "`<` cannot work on int and string.", ""),
        ("true < false", Refusal::Type, 6, "`<` cannot work on bool and bool.", ""),
        ("1.5 % 2", Refusal::Type, 5, "`%` cannot work on number and int.", "int(x)"),
        ("1 in 2", Refusal::Type, 3, "`in` cannot work on int and int.", "x in list"),
        ("'a' in [1]", Refusal::Type, 5, "`in` cannot work on string and list of int.", ""),
        ("1 in {'a': 1}", Refusal::Type, 3, "`in` cannot work on int and object {a}.", ""),
        ("[1]['a']", Refusal::Type, 4, "A value of type list of int has no field `a`.", ""),
        ("{'a': 1}[1]", Refusal::Type, 10, "A field of an object needs string, not int.", ""),
        ("'abc'[0]", Refusal::Type, 6, "`[…]` takes an element of a list", "substring"),
        ("{1: 2}", Refusal::Type, 2, "A field's name needs string, not int.", "string(x)"),
        ("{'a': 1, 'a': 2}", Refusal::Value, 10, "The field `a` is there twice.", ""),
        ("{'a': 1}.b", Refusal::Name, 9, "There is no field `b`.", "Known here: `a`."),
        ("inputs.list.n", Refusal::Type, 12, "A value of type list of int has no field `n`.", "list[0]"),
        ("inputs.n.x", Refusal::Type, 9, "A value of type int has no field `x`.", ""),
        ("inputs.n.map(x, x)", Refusal::Type, 13, "A comprehension walks a list", ""),
        ("inputs.list.map(x, x + 'a')", Refusal::Type, 22, "`+` cannot work on int and string.", ""),
        ("inputs.list.filter(x, x)", Refusal::Type, 23, "`filter` needs bool, not int.", ""),
        ("inputs.list.all(x, 'a')", Refusal::Type, 20, "A question about elements needs bool, not string.", ""),
        ("inputs.list.map(x, 1, 'a')", Refusal::Type, 20, "`map` with a condition needs bool, not int.", ""),
        ("inputs.list['a' + '']", Refusal::Type, 17, "An element of a list needs int, not string.", "int(x)"),
        ("inputs.list.map(x, 1, x)", Refusal::Type, 20, "`filter` needs bool, not int.", ""),
        ("string([1])", Refusal::Type, 1, "`string` needs a string, a number or a bool, not list of int.", "toJson"),
        ("int(true)", Refusal::Type, 1, "`int` needs a number or a string, not bool.", ""),
        ("[1].join()", Refusal::Type, 1, "`join` needs list of string, not list of int.", ""),
        ("'a'.matches(1)", Refusal::Type, 13, "`matches` needs string, not int.", ""),
        ("1 .matches('a')", Refusal::Type, 1, "`matches` needs string, not int.", ""),
        ("(inputs.n > 1 ? 'a' : 'b') + 1", Refusal::Type, 28, "`+` cannot work on string and int.", ""),
        // Patterns that are written there.
        ("'a'.matches('(')", Refusal::Value, 13, "The pattern cannot be read", "look-around"),
        ("'a'.matches('(?=a)')", Refusal::Value, 13, "The pattern cannot be read", "look-around"),
        ("'a'.matches('(a{999}){999}')", Refusal::Limit, 13, "16384 bytes when it is compiled", "thousand"),
        // What CEL has and this has not.
        ("b'a'", Refusal::Syntax, 1, "cannot have bytes", "without the b"),
        ("run{a: 1}", Refusal::Syntax, 1, "cannot have an object with a type's name", ""),
        ("inputs.?n", Refusal::Syntax, 7, "unsupported syntax '.?'", ""),
        ("inputs[?'n']", Refusal::Syntax, 7, "unsupported syntax '?'", ""),
        // What cannot be read.
        ("", Refusal::Syntax, 0, "The expression is empty.", "inputs.name"),
        ("  ", Refusal::Syntax, 0, "The expression is empty.", ""),
        ("1 +", Refusal::Syntax, 4, "the end", ""),
        ("a and b", Refusal::Syntax, 3, "mismatched input 'and'", "`and` is `&&`"),
        ("'é' + $", Refusal::Syntax, 7, "unexpected character", ""),
        ("'a", Refusal::Syntax, 1, "unterminated string", ""),
        ("1 = 1", Refusal::Syntax, 3, "cannot be read", ""),
        ("99999999999999999999", Refusal::Syntax, 1, "invalid int literal", ""),
        ("has(1)", Refusal::Syntax, 5, "invalid argument to has() macro", ""),
        ("'é' + stepz", Refusal::Name, 7, "There is no `stepz` here.", ""),
        ("1 +\n  stepz", Refusal::Name, 7, "There is no `stepz` here.", ""),
    ];
    let mut wrong = Vec::new();
    for (source, kind, column, message, fix) in table {
        let error = refuse(source);
        let place = error.column.unwrap_or_default();
        if error.kind != *kind || place != *column || !error.message.contains(message) || !error.fix.contains(fix) {
            wrong.push(format!("{source}: {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_condition_must_be_a_bool() {
    let check = |source: &str| Expr::parse(source).unwrap().check_condition(&env());
    assert_eq!(check("inputs.n > 1"), Ok(()));
    assert_eq!(check("inputs.any"), Ok(()));
    assert_eq!(check("inputs.n").unwrap_err().message, "A condition must be a bool, not int.");
    let error = Expr::parse("1 + 1").unwrap().holds(&super::Scope::new()).unwrap_err();
    assert_eq!(error.message, "A condition must be a bool, not int.");
    assert_eq!(Expr::parse("{}").unwrap().check(&Env::new()), Ok(Type::closed::<String>([])));
}
