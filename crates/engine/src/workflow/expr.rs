//! Expressions in definitions of workflows: a small, total language without any access to the outside. It is CEL
//! (<https://cel.dev>) where it says nothing else; it reads values and makes values, and has no clock, no randomness,
//! no environment, no variables and no endless loop.
//!
//! # For people who write workflows
//!
//! A string that is exactly one `${{ … }}` becomes the value, of any type; with text around it, it becomes a string.
//! `$${{` stands for the characters `${{`. A condition (`if`) is an expression without the braces and must be a bool.
//!
//! | written | means |
//! |---|---|
//! | `inputs.name`, `trigger.body.id`, `run.id` | what the workflow was started with, what started it, this execution |
//! | `steps.fetch.output.sha`, `steps["fetch-it"].output` | what a step before this one made |
//! | `item`, `index` | inside a `map` step: the element, its place from 0 |
//! | `42`, `1.5`, `"text"`, `'text'`, `r"\d"`, `true`, `null` | values |
//! | `[1, 2]`, `{"name": "x"}`, `list[0]`, `object["name"]` | lists, objects, their parts |
//! | `+ - * / %` | numbers; `+` also joins two strings or two lists |
//! | `== != < <= > >=` | numbers by value, strings by code points; `==` anything with its like, and with `null` |
//! | `a && b`, `a \|\| b`, `!a`, `c ? a : b` | bools, from the left; what decides nothing is not evaluated |
//! | `x in list`, `"name" in object` | whether it is in there |
//! | `has(steps.a.output.name)` | whether the field is there; also false where `output` is missing or null |
//! | `list.all(x, x > 0)`, `list.exists(x, …)`, `list.exists_one(x, …)` | whether it holds for all, any, exactly one |
//! | `list.map(x, x.name)`, `list.map(x, x.ok, x.name)`, `list.filter(x, x.ok)` | a list of other, of fewer elements |
//!
//! Over an object a comprehension walks the names of its fields.
//!
//! | function | example that is true |
//! |---|---|
//! | `size(x)`, `x.size()`: code points, elements, fields | `size("añb") == 3` |
//! | `string(x)` of a number, bool, string | `string(8080) == "8080"` |
//! | `int(x)` of a number (towards zero) or string | `int("42") + 1 == 43` |
//! | `double(x)` of a number or string | `double(7) / 2 == 3.5` |
//! | `toJson(x)` | `toJson({"a": [1]}) == '{"a":[1]}'` |
//! | `fromJson(text)` | `fromJson('{"a": 1}').a == 1` |
//! | `text.contains(part)` | `"release-1".contains("lease")` |
//! | `text.startsWith(part)` | `"refs/tags/v1".startsWith("refs/tags/")` |
//! | `text.endsWith(part)` | `"app.tar.gz".endsWith(".gz")` |
//! | `text.matches(pattern)`: somewhere in the text; no look-around, no back-references | `"v1.20".matches("^v[0-9]+[.][0-9]+$")` |
//! | `text.lowerAscii()` | `"Main".lowerAscii() == "main"` |
//! | `text.upperAscii()` | `"eu".upperAscii() == "EU"` |
//! | `text.trim()` | `" a ".trim() == "a"` |
//! | `text.split(separator)` | `"a,b".split(",") == ["a", "b"]` |
//! | `list.join()`, `list.join(separator)` | `["a", "b"].join("-") == "a-b"` |
//! | `text.replace(from, to)` | `"a.b.c".replace(".", "/") == "a/b/c"` |
//! | `text.substring(from)`, `text.substring(from, before)` | `"abcdef".substring(1, 3) == "bc"` |
//!
//! **Numbers.** A whole number is an int, from -2^63 to 2^64 - 1, whether JSON has it as `3` or `3.0`; there is no
//! separate type of unsigned ones. Ints and other numbers mix: `1 == 1.0`, `1 + 0.5 == 1.5`. Between ints `/` drops the
//! rest: `7 / 2 == 3`, `double(7) / 2 == 3.5`. Overflow, division by zero and a number that is none are errors.
//!
//! **Checked when saved.** Unknown names, fields, steps, functions, and operands that can never fit are refused. What
//! has no schema is looked at when there is a value.
//!
//! # For people who change this
//!
//! The crate `cel` gives the grammar alone. Its evaluator cannot be bounded: it counts neither work nor bytes, so that
//! `[1].map(a, a + a)` in itself or a few `replace` make gigabytes from a hundred characters; it converts whole values
//! before it looks at one field; and it has no checker. So nodes are taken over into [`node`] and walked here.
//! Of its two parsers the one made by ANTLR recurses once for every operator of a chain, without a limit: 2,000 of
//! them overflow the stack of a thread and end the process (a test would, too). The other, `PrattParser`, is 50
//! times faster and stops; it is hidden from the crate's docs, so the version is pinned.
//!
//! Every limit is in [`limit`]. Evaluating `steps.a.output.n + 1` takes about 0.2 µs, 0.8 µs without optimisation.

mod call;
mod check;
mod error;
mod eval;
mod function;
mod json;
pub mod limit;
mod node;
mod parse;
mod pattern;
mod scope;
mod template;
mod types;
mod value;
mod work;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use check::Checker;
use eval::Evaluation;
use json::{Room, json};
use node::Node;
use work::Work;

pub use error::{ExprError, Refusal};
pub use scope::{Binding, Env, References, Root, Scope};
pub use template::Template;
pub use types::Type;

/// An expression that was read. Cheap to clone; two are equal when their text is.
#[derive(Clone)]
pub struct Expr(Arc<Inner>);

struct Inner {
    source: String,
    node: Node,
    references: References,
}

impl Expr {
    /// Reads the text between `${{` and `}}`, or of a condition.
    ///
    /// # Errors
    /// What cannot be read, is too large, or names a function or a root that does not exist.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        let (node, references) = parse::parse(source)?;
        Ok(Self(Arc::new(Inner { source: source.to_owned(), node, references })))
    }

    /// The text as it was given.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// What it names.
    pub fn references(&self) -> &References {
        &self.0.references
    }

    /// The type of its value where these roots exist.
    ///
    /// # Errors
    /// What can never work: unknown names and fields, operands that do not fit.
    pub fn check(&self, env: &Env) -> Result<Type, ExprError> {
        Checker::new(env).node(&self.0.node)
    }

    /// Checks it as a condition.
    ///
    /// # Errors
    /// Those of [`Expr::check`], and when it is not a bool.
    pub fn check_condition(&self, env: &Env) -> Result<(), ExprError> {
        match self.check(env)? {
            Type::Bool | Type::Any => Ok(()),
            other => Err(not_a_condition(&other.to_string())),
        }
    }

    /// Its value.
    ///
    /// # Errors
    /// A value that is missing or does not fit, a result that does not exist, or a limit that was reached.
    pub fn eval(&self, scope: &Scope<'_>) -> Result<Value, ExprError> {
        let mut work = Work::new();
        let value = Evaluation::new(scope, &mut work).node(&self.0.node)?;
        json(&value, 1, &mut Room::new(), &mut work)
    }

    /// Whether the condition holds.
    ///
    /// # Errors
    /// Those of [`Expr::eval`], and when the value is not a bool.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, ExprError> {
        match Evaluation::new(scope, &mut Work::new()).node(&self.0.node)? {
            value::Val::Bool(holds) => Ok(holds),
            other => Err(not_a_condition(other.kind())),
        }
    }
}

fn not_a_condition(of: &str) -> ExprError {
    let fix = "Compare it with something: x > 0, x == \"…\", size(x) > 0.";
    ExprError::new(Refusal::Type, format!("A condition must be a bool, not {of}."), fix).at(1)
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Expr {}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expr").field(&self.source()).finish()
    }
}
