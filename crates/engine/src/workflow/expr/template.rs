//! JSON whose strings may hold expressions.

mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Expr;
use super::check::{Checker, is_plain};
use super::error::{ExprError, Refusal};
use super::eval::Evaluation;
use super::json::{Room, deep, json, text_bytes};
use super::limit::{TEMPLATE_DEPTH, TEMPLATE_EXPRESSIONS};
use super::scope::{Env, References, Scope};
use super::types::Type;
use super::work::Work;
use text::{Part, parts};

/// A JSON value whose strings may hold `${{ … }}`, at any depth; names of fields never do.
///
/// A string that is one expression and nothing else becomes its value, of any type; one with text around becomes a
/// string. `$${{` stands for `${{`.
#[derive(Clone, Debug)]
pub struct Template(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shape: Shape,
    references: References,
}

#[derive(Debug)]
enum Shape {
    /// A number, a bool, null, or a string without expressions.
    Fixed(Value),
    One(Slot),
    Mixed(Vec<Piece>),
    List(Vec<Shape>),
    Object(Vec<(String, Shape)>),
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Slot(Slot),
}

/// An expression and its place.
#[derive(Debug)]
struct Slot {
    expr: Expr,
    /// JSON pointer of the string.
    place: String,
    /// Characters of the string before the expression.
    before: usize,
}

impl Template {
    /// Reads every string of the value.
    ///
    /// # Errors
    /// The first expression that cannot be read or is too large, with the JSON pointer of its string.
    pub fn parse(value: &Value) -> Result<Self, ExprError> {
        let mut reader = Reader { references: References::default(), expressions: 0 };
        let shape = reader.shape(value, "", 1)?;
        Ok(Self(Arc::new(Inner { shape, references: reader.references })))
    }

    /// What its expressions name.
    pub fn references(&self) -> &References {
        &self.0.references
    }

    /// The type of what it renders to.
    ///
    /// # Errors
    /// The first expression that can never work here, with the JSON pointer of its string.
    pub fn check(&self, env: &Env) -> Result<Type, ExprError> {
        self.0.shape.check(env)
    }

    /// The value with every expression in its place evaluated.
    ///
    /// # Errors
    /// The first expression without a value, with the JSON pointer of its string, or the limit that was reached.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Value, ExprError> {
        self.0.shape.render(scope, 1, &mut Room::new(), &mut Work::new())
    }
}

struct Reader {
    references: References,
    expressions: usize,
}

impl Reader {
    fn shape(&mut self, value: &Value, place: &str, level: usize) -> Result<Shape, ExprError> {
        if level > TEMPLATE_DEPTH {
            let message = format!("The template has more than {TEMPLATE_DEPTH} levels.");
            return Err(ExprError::new(Refusal::Limit, message, "Make it flatter.").within(place, 0));
        }
        match value {
            Value::String(text) => self.text(text, place),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let shapes = items.map(|(at, item)| self.shape(item, &format!("{place}/{at}"), level + 1));
                shapes.collect::<Result<_, _>>().map(Shape::List)
            }
            Value::Object(fields) => {
                let shapes = fields.iter().map(|(name, value)| {
                    let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                    if name.contains("${{") {
                        let message = "The name of a field holds an expression, and names are never expressions.";
                        let fix = "Make the whole object with one expression: `${{ {name: value} }}`.";
                        return Err(ExprError::new(Refusal::Syntax, message, fix).within(&place, 0));
                    }
                    Ok((name.clone(), self.shape(value, &place, level + 1)?))
                });
                shapes.collect::<Result<_, _>>().map(Shape::Object)
            }
            other => Ok(Shape::Fixed(other.clone())),
        }
    }

    fn text(&mut self, text: &str, place: &str) -> Result<Shape, ExprError> {
        let mut pieces = Vec::new();
        for part in parts(text).map_err(|error| error.within(place, 0))? {
            pieces.push(match part {
                Part::Text(text) => Piece::Text(text),
                Part::Expression { source, before } => {
                    self.expressions += 1;
                    if self.expressions > TEMPLATE_EXPRESSIONS {
                        let message = format!("The template has more than {TEMPLATE_EXPRESSIONS} expressions.");
                        return Err(ExprError::new(Refusal::Limit, message, "Split the step.").within(place, before));
                    }
                    let expr = Expr::parse(source).map_err(|error| error.within(place, before))?;
                    self.references.extend(expr.references());
                    Piece::Slot(Slot { expr, place: place.to_owned(), before })
                }
            });
        }
        Ok(match pieces.len() {
            0 => Shape::Fixed(Value::String(String::new())),
            1 => match pieces.remove(0) {
                Piece::Text(text) => Shape::Fixed(Value::String(text)),
                Piece::Slot(slot) => Shape::One(slot),
            },
            _ => Shape::Mixed(pieces),
        })
    }
}

impl Shape {
    fn check(&self, env: &Env) -> Result<Type, ExprError> {
        match self {
            Self::Fixed(value) => Ok(Type::of_value(value)),
            Self::One(slot) => slot.check(env),
            Self::Mixed(pieces) => {
                for piece in pieces {
                    if let Piece::Slot(slot) = piece {
                        let of = slot.check(env)?;
                        if !is_plain(&of) {
                            return Err(slot.err(not_plain(&of.to_string())));
                        }
                    }
                }
                Ok(Type::String)
            }
            Self::List(items) => {
                let types = items.iter().map(|item| item.check(env)).collect::<Result<Vec<_>, _>>()?;
                Ok(Type::List(Box::new(Type::of_all(types))))
            }
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, shape)| Ok((name.clone(), shape.check(env)?)));
                Ok(Type::Object { fields: fields.collect::<Result<BTreeMap<_, _>, ExprError>>()?, open: false })
            }
        }
    }

    fn render(&self, scope: &Scope<'_>, level: usize, room: &mut Room, work: &mut Work) -> Result<Value, ExprError> {
        match self {
            Self::Fixed(value) => {
                room.take(value.as_str().map_or_else(|| value.to_string().len(), text_bytes))?;
                Ok(value.clone())
            }
            Self::One(slot) => slot.evaluate(scope, level, room, work),
            Self::Mixed(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(fixed) => text.push_str(fixed),
                        Piece::Slot(slot) => slot.append(scope, &mut text, work)?,
                    }
                    work.fits(text.len())?;
                }
                room.take(text_bytes(&text))?;
                Ok(Value::String(text))
            }
            Self::List(items) => {
                deep(level)?;
                room.take(2 + items.len().saturating_sub(1))?;
                let items = items.iter().map(|item| item.render(scope, level + 1, room, work));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            Self::Object(fields) => {
                deep(level)?;
                room.take(2 + fields.len().saturating_sub(1))?;
                let mut object = Map::new();
                for (name, shape) in fields {
                    room.take(text_bytes(name) + 1)?;
                    object.insert(name.clone(), shape.render(scope, level + 1, room, work)?);
                }
                Ok(Value::Object(object))
            }
        }
    }
}

impl Slot {
    fn err(&self, error: ExprError) -> ExprError {
        error.within(&self.place, self.before)
    }

    fn check(&self, env: &Env) -> Result<Type, ExprError> {
        Checker::new(env).node(&self.expr.0.node).map_err(|error| self.err(error))
    }

    fn evaluate(&self, scope: &Scope<'_>, level: usize, room: &mut Room, work: &mut Work) -> Result<Value, ExprError> {
        let value = Evaluation::new(scope, work).node(&self.expr.0.node).map_err(|error| self.err(error))?;
        json(&value, level, room, work).map_err(|error| self.err(error))
    }

    fn append(&self, scope: &Scope<'_>, text: &mut String, work: &mut Work) -> Result<(), ExprError> {
        let value = Evaluation::new(scope, work).node(&self.expr.0.node).map_err(|error| self.err(error))?;
        let plain = value.plain().ok_or_else(|| self.err(not_plain(value.kind())))?;
        work.make(text.len() + plain.len()).map_err(|error| self.err(error))?;
        text.push_str(&plain);
        Ok(())
    }
}

fn not_plain(of: &str) -> ExprError {
    ExprError::new(
        Refusal::Type,
        format!("Text around an expression needs a string, a number or a bool, not {of}."),
        "Write toJson(x), or say what null becomes: x == null ? \"\" : x.",
    )
}
