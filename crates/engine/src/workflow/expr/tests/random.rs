use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::Value;

use super::super::check::Checker;
use super::super::error::Refusal;
use super::{Env, Expr, Scope, Template, env, evaluate};

/// Pieces that make more trouble than random characters.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("inputs".into()),
        Just("steps.a".into()),
        Just(".".into()),
        Just("[".into()),
        Just("]".into()),
        Just("(".into()),
        Just(")".into()),
        Just("{".into()),
        Just("}".into()),
        Just("}}".into()),
        Just("${{".into()),
        Just("'".into()),
        Just("\"\"\"".into()),
        Just("\\".into()),
        Just("?".into()),
        Just(":".into()),
        Just(",".into()),
        Just("!".into()),
        Just("-".into()),
        Just(" && ".into()),
        Just(" in ".into()),
        Just(".map(x, ".into()),
        Just("has(".into()),
        Just("0x".into()),
        Just("1e".into()),
        Just("`".into()),
        Just("b'".into()),
        Just("//".into()),
        Just("\n".into()),
        Just("é𝄞".into()),
        "[a-z]{1,3}",
        "[0-9]{1,25}",
        any::<char>().prop_map(String::from),
    ]
}

/// Expressions without outside values, mostly well typed.
fn closed() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (-5_i64..100).prop_map(|n| n.to_string()),
        Just("2.5".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("'a,b'".to_owned()),
        Just("'12'".to_owned()),
        Just("[1, 2]".to_owned()),
        Just("['a', 'b']".to_owned()),
        Just("{'k': 1}".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operators =
            prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in", "&&", "||"]);
        let forms = prop::sample::select(vec![
            "size(_)",
            "string(_)",
            "int(_)",
            "double(_)",
            "toJson(_)",
            "!(_)",
            "-(_)",
            "(_).k",
            "has((_).k)",
            "(_)[0]",
            "(_)['k']",
            "(_).trim()",
            "(_).split(',')",
            "(_).join('-')",
            "(_).map(x, x)",
            "(_).filter(x, x > 1)",
            "(_).all(x, x == 'a')",
            "(_).exists_one(x, x in [1])",
            "(_).map(x, size(x))",
            "[_, _]",
            "{'k': _}",
            "(_).matches('a')",
            "(_).substring(1)",
            "(_).replace('a', 'b')",
            "(_).map(x, x > 1, [x])",
        ]);
        prop_oneof![
            (inner.clone(), operators, inner.clone()).prop_map(|(a, by, b)| format!("({a}) {by} ({b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(c, a, b)| format!("({c}) ? ({a}) : ({b})")),
            (forms, inner).prop_map(|(form, of)| form.replace('_', &of)),
        ]
    })
}

/// A text as a literal.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_control() => format!("\\U{:08x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_or_takes_long(pieces in prop::collection::vec(piece(), 0..60)) {
        let source = pieces.concat();
        let start = Instant::now();
        if let Ok(expr) = Expr::parse(&source) {
            let _ = expr.check(&env());
            let _ = evaluate(&source);
        }
        let templates = [source.clone(), format!("${{{{ {source} }}}}")];
        for template in templates {
            if let Ok(template) = Template::parse(&Value::String(template)) {
                let _ = template.check(&env());
                let _ = template.render(&Scope::new());
            }
        }
        prop_assert!(start.elapsed() < Duration::from_secs(5), "{source}");
    }

    #[test]
    fn what_was_checked_has_no_type_error(source in closed()) {
        let Ok(expr) = Expr::parse(&source) else { return Ok(()) };
        let env = Env::new();
        let mut checker = Checker::new(&env);
        let Ok(of) = checker.node(&expr.0.node) else { return Ok(()) };
        if checker.unsure {
            return Ok(());
        }
        match expr.eval(&Scope::new()) {
            Ok(value) => prop_assert!(of.accepts(&super::Type::of_value(&value)), "{source}: {of} but {value}"),
            Err(error) => prop_assert!(error.kind != Refusal::Type && error.kind != Refusal::Name, "{source}: {error}"),
        }
    }

    #[test]
    fn literals_come_back(int in any::<i64>(), uint in any::<u64>(), double in any::<f64>(), text in any::<String>()) {
        prop_assert_eq!(evaluate(&int.to_string()).unwrap(), Value::from(int));
        prop_assert_eq!(evaluate(&format!("{uint}u")).unwrap(), Value::from(uint));
        if double.is_finite() {
            prop_assert_eq!(evaluate(&format!("{double:e}")).unwrap().as_f64().unwrap(), double);
        }
        let text: String = text.chars().take(200).collect();
        prop_assert_eq!(evaluate(&quoted(&text)).unwrap(), Value::from(text));
    }
}
