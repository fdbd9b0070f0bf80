//! STUB until the real one is merged.
use std::collections::{BTreeMap, BTreeSet};
use serde_json::Value;
#[derive(Clone, Debug, PartialEq)]
pub struct Expr { source: String, refs: References }
#[derive(Clone, Debug, PartialEq, Default)]
pub struct References { pub steps: BTreeSet<String> }
#[derive(Clone, Debug, PartialEq)]
pub struct ExprError { pub message: String, pub place: Option<String>, pub column: Option<usize>, pub fix: String }
#[derive(Clone, Debug, PartialEq)]
pub struct Template { value: Value, refs: References }
#[derive(Clone, Debug, PartialEq)]
pub enum Type { Any, Null, Bool, Int, Number, String, List(Box<Type>), Object { fields: BTreeMap<String, Type>, open: bool } }
impl Type { pub fn from_schema(_: &Value) -> Type { Type::Any } }
#[derive(Clone, Debug, Default)]
pub struct Scope { pub roots: BTreeMap<String, Value> }
fn refs_of(s: &str) -> References {
    let mut steps = BTreeSet::new();
    for part in s.split("steps.").skip(1) { steps.insert(part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()); }
    References { steps }
}
impl Expr {
    pub fn parse(text: &str) -> Result<Self, ExprError> { Ok(Self { source: text.to_owned(), refs: refs_of(text) }) }
    pub fn references(&self) -> &References { &self.refs }
    pub fn eval(&self, scope: &Scope) -> Result<Value, ExprError> {
        let s = self.source.trim();
        if let Ok(v) = serde_json::from_str(s) { return Ok(v); }
        if let Some((a, b)) = s.split_once(" == ") {
            let f = |t: &str| Expr::parse(t).unwrap().eval(scope);
            return Ok(Value::Bool(f(a)? == f(b)?));
        }
        let mut parts = s.split('.');
        let root = parts.next().unwrap();
        let mut v = scope.roots.get(root).ok_or_else(|| ExprError { message: format!("no {root}"), place: None, column: None, fix: String::new() })?;
        for p in parts { v = v.get(p).ok_or_else(|| ExprError { message: format!("no field {p}"), place: None, column: None, fix: String::new() })?; }
        Ok(v.clone())
    }
    pub fn holds(&self, scope: &Scope) -> Result<bool, ExprError> { Ok(self.eval(scope)? == Value::Bool(true)) }
}
impl Template {
    pub fn parse(v: &Value) -> Result<Self, ExprError> { Ok(Self { value: v.clone(), refs: refs_of(&v.to_string()) }) }
    pub fn references(&self) -> &References { &self.refs }
    pub fn constant(&self) -> Option<Value> { if self.value.to_string().contains("${{") { None } else { Some(self.value.clone()) } }
    pub fn render(&self, scope: &Scope) -> Result<Value, ExprError> { render(&self.value, scope) }
}
fn render(v: &Value, scope: &Scope) -> Result<Value, ExprError> {
    Ok(match v {
        Value::String(s) if s.starts_with("${{") && s.ends_with("}}") => Expr::parse(&s[3..s.len()-2])?.eval(scope)?,
        Value::String(s) => match s.split_once("${{") {
            Some((a, rest)) => { let (e, b) = rest.split_once("}}").unwrap(); let x = Expr::parse(e)?.eval(scope)?; let x = x.as_str().map_or_else(|| x.to_string(), str::to_owned); Value::String(format!("{a}{x}{b}")) }
            None => v.clone(),
        },
        Value::Array(a) => Value::Array(a.iter().map(|x| render(x, scope)).collect::<Result<_, _>>()?),
        Value::Object(o) => Value::Object(o.iter().map(|(k, x)| Ok((k.clone(), render(x, scope)?))).collect::<Result<_, ExprError>>()?),
        v => v.clone(),
    })
}
