//! The functions there are.

/// One function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Function {
    Size,
    Text,
    Int,
    Double,
    ToJson,
    FromJson,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Lower,
    Upper,
    Trim,
    Split,
    Join,
    Replace,
    Substring,
}

/// How it is written: `f(x)`, `x.f()`, or both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Global,
    Method,
    Either,
}

/// What a function is called and how many values it takes, the one before the dot counted.
#[derive(Debug)]
pub(super) struct Signature {
    pub function: Function,
    pub name: &'static str,
    pub form: Form,
    pub least: usize,
    pub most: usize,
    /// As a person writes it; a test holds it to be true.
    pub example: &'static str,
}

const fn sig(
    function: Function,
    name: &'static str,
    form: Form,
    (least, most): (usize, usize),
    example: &'static str,
) -> Signature {
    Signature { function, name, form, least, most, example }
}

/// Every function, in the order of the reference.
pub(super) const FUNCTIONS: &[Signature] = &[
    sig(Function::Size, "size", Form::Either, (1, 1), r#"size("añb") == 3"#),
    sig(Function::Text, "string", Form::Global, (1, 1), r#"string(8080) == "8080""#),
    sig(Function::Int, "int", Form::Global, (1, 1), r#"int("42") + 1 == 43"#),
    sig(Function::Double, "double", Form::Global, (1, 1), "double(7) / 2 == 3.5"),
    sig(Function::ToJson, "toJson", Form::Global, (1, 1), r#"toJson({"a": [1]}) == '{"a":[1]}'"#),
    sig(Function::FromJson, "fromJson", Form::Global, (1, 1), r#"fromJson('{"a": 1}').a == 1"#),
    sig(Function::Contains, "contains", Form::Method, (2, 2), r#""release-1".contains("lease")"#),
    sig(Function::StartsWith, "startsWith", Form::Method, (2, 2), r#""refs/tags/v1".startsWith("refs/tags/")"#),
    sig(Function::EndsWith, "endsWith", Form::Method, (2, 2), r#""app.tar.gz".endsWith(".gz")"#),
    sig(Function::Matches, "matches", Form::Either, (2, 2), r#""v1.20".matches("^v[0-9]+[.][0-9]+$")"#),
    sig(Function::Lower, "lowerAscii", Form::Method, (1, 1), r#""Main".lowerAscii() == "main""#),
    sig(Function::Upper, "upperAscii", Form::Method, (1, 1), r#""eu".upperAscii() == "EU""#),
    sig(Function::Trim, "trim", Form::Method, (1, 1), r#"" a ".trim() == "a""#),
    sig(Function::Split, "split", Form::Method, (2, 2), r#""a,b".split(",") == ["a", "b"]"#),
    sig(Function::Join, "join", Form::Method, (1, 2), r#"["a", "b"].join("-") == "a-b""#),
    sig(Function::Replace, "replace", Form::Method, (3, 3), r#""a.b.c".replace(".", "/") == "a/b/c""#),
    sig(Function::Substring, "substring", Form::Method, (2, 3), r#""abcdef".substring(1, 3) == "bc""#),
];

/// The comprehensions: written like methods, read by the parser.
pub(super) const COMPREHENSIONS: &[&str] = &["all", "exists", "exists_one", "map", "filter"];

impl Function {
    pub(super) fn signature(self) -> &'static Signature {
        FUNCTIONS.iter().find(|s| s.function == self).expect("the table has every function, a test says so")
    }
}
