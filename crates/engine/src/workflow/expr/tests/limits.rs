//! Attacks. Each must end in an error, soon, on a thread with the small stack that workers have.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::super::error::Refusal;
use super::super::limit;
use super::{Expr, ExprError, Root, Scope, Template};

/// Far above what a limit lets through, also without optimisation on a slow machine that does other things.
const SOON: Duration = Duration::from_secs(20);

/// Runs it on a stack of 2 MiB, as threads of the runtime have.
fn soon<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let start = Instant::now();
    let done = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        thread.spawn_scoped(scope, work).unwrap().join().unwrap()
    });
    assert!(start.elapsed() < SOON, "took {:?}", start.elapsed());
    done
}

fn attack(source: &str, inputs: &Value) -> Result<Value, ExprError> {
    soon(|| Expr::parse(source)?.eval(&Scope::new().with(Root::Inputs, inputs)))
}

fn nested(begin: &str, inner: &str, end: &str, times: usize) -> String {
    [&begin.repeat(times), inner, &end.repeat(times)].concat()
}

#[test]
fn large_texts_are_refused() {
    let table = [
        ("x".repeat(limit::EXPRESSION_CHARS + 1), "4097 characters"),
        (format!("a{}", ".a".repeat(2_040)), "levels"),
        (format!("1{}", "+1".repeat(2_040)), "levels"),
        (format!("1{}", "<1".repeat(2_040)), "levels"),
        (format!("a{}", "[1]".repeat(1_360)), "levels"),
        (format!("a{}", ".a()".repeat(1_020)), "There is no function `a`"),
        (format!("a{}", ".size()".repeat(580)), "levels"),
        ("!-".repeat(2_040) + "1", "levels"),
        ("true?1:".repeat(580) + "1", "levels"),
        (nested("[", "1", "]", 2_040), "levels"),
        (nested("[", "1", "]", limit::EXPRESSION_DEPTH), "levels"),
        (nested("size(", "1", ")", 600), "levels"),
        ("(".repeat(4_096), "levels"),
        ("{1:".repeat(1_365), "levels"),
        ("@#$ ".repeat(1_024), "cannot be read"),
        ("'".repeat(4_095), "cannot be read"),
        ("a.b(c,[d?e:f.g{h:".repeat(240), "levels"),
        (format!("[{}]", "1,".repeat(2_040)), "1000 nodes"),
        (format!("[1].map(a, [1].map(b, [1].map(c, {})))", 1), "2 comprehensions"),
    ];
    for (source, message) in table {
        let error = attack(&source, &Value::Null).expect_err(&source);
        assert!(error.message.contains(message), "{:.40}: {error}", source);
    }
    // The largest that pass.
    assert_eq!(attack(&nested("(", "1", ")", 2_047), &Value::Null), Ok(json!(1)));
    assert!(attack(&nested("[", "1", "]", limit::EXPRESSION_DEPTH - 1), &Value::Null).is_ok());
}

#[test]
fn nothing_explodes() {
    let doubled_text = nested("[", "inputs.s", "].map(a, a + a)[0]", 20);
    let doubled_list = nested("[", "inputs.l", "].map(a, a + a)[0]", 20);
    let shared = nested("[", "inputs.s", "].map(a, [a, a])[0]", 20);
    let table = [
        (doubled_text, Refusal::Limit, "bytes"),
        (doubled_list, Refusal::Limit, "units of work"),
        // One value, shared, that would be large only as JSON or when it is compared.
        (shared.clone(), Refusal::Limit, "bytes"),
        (format!("{shared} == {shared}"), Refusal::Limit, "units of work"),
        (format!("size(toJson({shared}))"), Refusal::Limit, "bytes"),
        ("inputs.big.replace('a', inputs.big)".to_owned(), Refusal::Limit, "bytes"),
        ("inputs.big.split('a').join(inputs.big)".to_owned(), Refusal::Limit, "bytes"),
        ("inputs.l.map(x, inputs.l.map(y, x))".to_owned(), Refusal::Limit, "units of work"),
        ("inputs.l.map(x, inputs.big.contains('b'))".to_owned(), Refusal::Limit, "units of work"),
        ("inputs.l.map(x, inputs.big + 'b')".to_owned(), Refusal::Limit, "units of work"),
        ("inputs.l.map(x, size(inputs.big))".to_owned(), Refusal::Limit, "units of work"),
        ("inputs.l.map(x, 2 in inputs.l)".to_owned(), Refusal::Limit, "units of work"),
        ("inputs.l.map(x, fromJson(inputs.json))".to_owned(), Refusal::Limit, "units of work"),
        ("inputs.l.map(x, inputs.big.matches('(a+)+$'))".to_owned(), Refusal::Limit, "units of work"),
        ("inputs.l.map(x, 'a'.matches(inputs.s + '(a{9}){9}'))".to_owned(), Refusal::Limit, "units of work"),
        (
            "inputs.l.map(x, inputs.big.matches('(a|b|ab|ba|[a-c]|[^x]){1,9}b$'))".to_owned(),
            Refusal::Limit,
            "units of work",
        ),
        ("inputs.many.map(x, x)".to_owned(), Refusal::Limit, "more than a comprehension walks"),
        ("inputs.deep".to_owned(), Refusal::Limit, "levels"),
    ];
    let mut deep = json!(1);
    for _ in 0..limit::RESULT_DEPTH {
        deep = json!([deep]);
    }
    let inputs = json!({
        "s": "a".repeat(10), "l": vec![1; 5_000], "big": "a".repeat(500_000), "json": format!("[{}[]]", "[],".repeat(300)),
        "many": vec![0; limit::COMPREHENSION_ELEMENTS + 1], "deep": [deep],
    });
    for (source, kind, message) in table {
        let start = Instant::now();
        let error = attack(&source, &inputs).map(|_| ()).expect_err(&source);
        println!("{:?} {source:.60}", start.elapsed());
        assert!(error.kind == kind && error.message.contains(message), "{source:.60}: {error}");
    }
}

#[test]
fn large_patterns_are_refused() {
    let table = [
        format!("'a'.matches('{}')", "a".repeat(limit::PATTERN_BYTES + 1)),
        "'a'.matches('((((a{99}){99}){99}){99}){99}')".to_owned(),
        "'a'.matches('((?:){4294967295}){4294967295}')".to_owned(),
        format!("'a'.matches('{}a{}')", "(".repeat(250), ")".repeat(250)),
        format!("'a'.matches(inputs + '{}')", "(a{9})".repeat(80)),
    ];
    for source in table {
        assert!(attack(&source, &json!("a")).is_err(), "{source:.60}");
    }
}

#[test]
fn templates_are_bounded() {
    let mut deep = json!("x");
    for _ in 0..limit::TEMPLATE_DEPTH {
        deep = json!([deep]);
    }
    let message = |template: Value| {
        soon(|| Template::parse(&template).and_then(|t| t.render(&Scope::new().with(Root::Inputs, &json!("a")))))
            .map(|_| ())
    };
    assert!(message(deep).unwrap_err().message.contains("levels"));
    let many = vec!["${{ 1 }}"; limit::TEMPLATE_EXPRESSIONS + 1];
    assert!(message(json!(many)).unwrap_err().message.contains("1000 expressions"));
    // The budget is that of the template, not of each of its expressions.
    let list = format!("${{{{ [{}].map(x, [{}].map(y, x)).size() }}}}", "1,".repeat(99), "1,".repeat(99));
    let error = message(json!(vec![list; 90])).unwrap_err();
    assert!(error.message.contains("units of work") && error.place.is_some(), "{error:?}");
    let large = "x".repeat(limit::RESULT_BYTES / 2);
    assert!(message(json!([large, large])).unwrap_err().message.contains("bytes"));
    assert!(message(json!(large)).is_ok());
}

#[test]
fn ten_thousand_steps_cost_what_is_named() {
    let output = json!({"x": vec!["row"; 100_000]});
    let ids: Vec<String> = (0..10_000).map(|n| format!("s{n}")).collect();
    let steps = ids.iter().map(|id| (id.as_str(), super::Binding::fields([("output", &output)])));
    let scope = Scope::new().with(Root::Steps, super::Binding::fields(steps));
    let expr = Expr::parse("steps.s9999.output.x[99999]").unwrap();
    soon(|| (0..1_000).for_each(|_| assert_eq!(expr.eval(&scope), Ok(json!("row")))));
}
