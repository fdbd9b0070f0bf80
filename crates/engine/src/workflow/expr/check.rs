//! Types, before there is a value: what can never work is refused when a definition is saved.

use std::collections::BTreeMap;

use super::error::{ExprError, Refusal, instead};
use super::function::Function;
use super::node::{How, Kind, Node, Operator, Walk};
use super::scope::{Env, Root};
use super::types::Type;

/// The walk over the nodes.
pub(super) struct Checker<'a> {
    env: &'a Env,
    variables: Vec<Type>,
    /// Whether something was let through because nothing is known about it. Only a test asks.
    pub unsure: bool,
}

type Checked = Result<Type, ExprError>;

impl<'a> Checker<'a> {
    pub(super) fn new(env: &'a Env) -> Self {
        Self { env, variables: Vec::new(), unsure: false }
    }

    pub(super) fn node(&mut self, node: &Node) -> Checked {
        let of = self.kind(&node.kind).map_err(|error| error.at(node.column))?;
        self.unsure |= of == Type::Any || of == Type::List(Box::new(Type::Any));
        Ok(of)
    }

    fn kind(&mut self, kind: &Kind) -> Checked {
        match kind {
            Kind::Null => Ok(Type::Null),
            Kind::Bool(_) => Ok(Type::Bool),
            Kind::Int(_) => Ok(Type::Int),
            Kind::Double(_) => Ok(Type::Number),
            Kind::Text(_) => Ok(Type::String),
            Kind::Root(root) => self.root(*root),
            Kind::Variable(at) => Ok(self.variables[*at].clone()),
            Kind::Field(owner, name) => self.field(owner, name),
            Kind::Has(owner, name) => self.field(owner, name).map(|_| Type::Bool),
            Kind::Index(parts) => self.index(&parts[0], &parts[1]),
            Kind::Not(of) => self.expect(of, &Type::Bool, "`!`").map(|_| Type::Bool),
            Kind::Negate(of) => self.expect(of, &Type::Number, "`-`"),
            Kind::And(parts) => self.both(parts, "`&&`"),
            Kind::Or(parts) => self.both(parts, "`||`"),
            Kind::Conditional(parts) => {
                self.expect(&parts[0], &Type::Bool, "`?`")?;
                Ok(self.node(&parts[1])?.join(&self.node(&parts[2])?))
            }
            Kind::Binary(operator, parts) => self.binary(*operator, &parts[0], &parts[1]),
            Kind::List(elements) => {
                let types = elements.iter().map(|element| self.node(element)).collect::<Result<Vec<_>, _>>()?;
                Ok(Type::List(Box::new(Type::of_all(types))))
            }
            Kind::Map(entries) => self.object(entries),
            Kind::Call(function, args) => self.call(*function, args),
            Kind::Matches(text, _) => self.expect(text, &Type::String, "`matches`").map(|_| Type::Bool),
            Kind::Walk(walk) => self.walk(walk),
        }
    }

    fn root(&self, root: Root) -> Checked {
        self.env.of(root).cloned().ok_or_else(|| {
            let fix = match root {
                Root::Item | Root::Index => "It exists only inside a map step.".to_owned(),
                _ => instead(root.name(), self.env.names()),
            };
            ExprError::new(Refusal::Name, format!("There is no `{}` here.", root.name()), fix)
        })
    }

    fn field(&mut self, owner: &Node, name: &str) -> Checked {
        match self.node(owner)? {
            Type::Any => Ok(Type::Any),
            Type::Object { fields, open } => match fields.get(name) {
                Some(of) => Ok(of.clone()),
                None if open => Ok(Type::Any),
                None => Err(unknown(owner, name, &fields)),
            },
            other => Err(ExprError::new(
                Refusal::Type,
                format!("A value of type {other} has no field `{name}`."),
                match other {
                    Type::List(_) => "Take an element first: list[0].",
                    _ => "Only objects have fields.",
                },
            )),
        }
    }

    fn index(&mut self, owner: &Node, at: &Node) -> Checked {
        match self.node(owner)? {
            Type::Any => self.node(at).map(|_| Type::Any),
            Type::List(of) => self.expect(at, &Type::Int, "An element of a list").map(|_| *of),
            Type::Object { .. } => self.expect(at, &Type::String, "A field of an object").map(|_| Type::Any),
            other => Err(ExprError::new(
                Refusal::Type,
                format!("`[…]` takes an element of a list or a field of an object, not of {other}."),
                if other == Type::String { "Use text.substring(0, 1)." } else { "Leave the brackets away." },
            )),
        }
    }

    fn object(&mut self, entries: &[(Node, Node)]) -> Checked {
        let (mut fields, mut open) = (BTreeMap::new(), false);
        for (key, value) in entries {
            self.expect(key, &Type::String, "A field's name")?;
            let of = self.node(value)?;
            match &key.kind {
                Kind::Text(name) if fields.contains_key(&**name) => return Err(twice(name).at(key.column)),
                Kind::Text(name) => drop(fields.insert(name.to_string(), of)),
                _ => open = true,
            }
        }
        Ok(Type::Object { fields, open })
    }

    fn expect(&mut self, node: &Node, wanted: &Type, by: &str) -> Checked {
        let of = self.node(node)?;
        if wanted.accepts(&of) {
            return Ok(of);
        }
        let fix = match of {
            Type::String if wanted.is_number() => "Make a number of it: int(x), double(x).".to_owned(),
            _ => conversion(wanted, &of),
        };
        Err(ExprError::new(Refusal::Type, format!("{by} needs {wanted}, not {of}."), fix).at(node.column))
    }

    fn both(&mut self, parts: &[Node; 2], by: &str) -> Checked {
        self.expect(&parts[0], &Type::Bool, by)?;
        self.expect(&parts[1], &Type::Bool, by)
    }

    fn binary(&mut self, operator: Operator, a: &Node, b: &Node) -> Checked {
        let (left, right) = (self.node(a)?, self.node(b)?);
        let numbers = || match (&left, &right) {
            (Type::Int, Type::Int) => Some(Type::Int),
            (a, b) if a.is_number() && b.is_number() => Some(Type::Number),
            (Type::Any, other) | (other, Type::Any) if other.is_number() || *other == Type::Any => Some(Type::Any),
            _ => None,
        };
        let result = match operator {
            Operator::Add => match (&left, &right) {
                (Type::String, Type::String) => Some(Type::String),
                (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(a.join(b)))),
                (Type::Any, Type::String | Type::List(_)) | (Type::String | Type::List(_), Type::Any) => {
                    Some(Type::Any)
                }
                _ => numbers(),
            },
            Operator::Subtract | Operator::Multiply | Operator::Divide => numbers(),
            Operator::Remainder => (Type::Int.accepts(&left) && Type::Int.accepts(&right)).then_some(Type::Int),
            Operator::Equal | Operator::NotEqual => left.comparable(&right).then_some(Type::Bool),
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
                let strings = Type::String.accepts(&left) && Type::String.accepts(&right);
                (strings || numbers().is_some()).then_some(Type::Bool)
            }
            Operator::In => match &right {
                Type::Any => Some(Type::Bool),
                Type::List(of) => of.comparable(&left).then_some(Type::Bool),
                Type::Object { .. } => Type::String.accepts(&left).then_some(Type::Bool),
                _ => None,
            },
        };
        result.ok_or_else(|| {
            let sign = operator.sign();
            ExprError::new(Refusal::Type, format!("`{sign}` cannot work on {left} and {right}."), {
                match operator {
                    Operator::In => "Write x in list, or \"field\" in object.".to_owned(),
                    Operator::Remainder => "Make whole numbers of both: int(x).".to_owned(),
                    _ => conversion(&left, &right),
                }
            })
        })
    }

    fn walk(&mut self, walk: &Walk) -> Checked {
        let over = self.node(&walk.over)?;
        let element = match over {
            Type::Any => Type::Any,
            Type::List(of) => *of,
            Type::Object { .. } => Type::String,
            other => {
                return Err(ExprError::new(
                    Refusal::Type,
                    format!("A comprehension walks a list or the names of an object's fields, not {other}."),
                    "Put a list before it.",
                ));
            }
        };
        self.variables.push(element.clone());
        let body = self.walked(walk, element);
        self.variables.pop();
        body
    }

    fn walked(&mut self, walk: &Walk, element: Type) -> Checked {
        if let Some(only) = &walk.only {
            self.expect(only, &Type::Bool, "`map` with a condition")?;
        }
        match walk.how {
            How::Map => Ok(Type::List(Box::new(self.node(&walk.body)?))),
            How::Filter => self.expect(&walk.body, &Type::Bool, "`filter`").map(|_| Type::List(Box::new(element))),
            How::All | How::Exists | How::ExistsOne => {
                self.expect(&walk.body, &Type::Bool, "A question about elements")
            }
        }
        .map(|of| if matches!(walk.how, How::Map | How::Filter) { of } else { Type::Bool })
    }

    fn call(&mut self, function: Function, args: &[Node]) -> Checked {
        let name = format!("`{}`", function.signature().name);
        match function {
            Function::Size => {
                let of = self.node(&args[0])?;
                let sized = matches!(of, Type::Any | Type::String | Type::List(_) | Type::Object { .. });
                one_of(sized, &name, "a string, a list or an object", &of).map(|()| Type::Int)
            }
            Function::Text => {
                let of = self.node(&args[0])?;
                one_of(is_plain(&of), &name, "a string, a number or a bool", &of).map(|()| Type::String)
            }
            Function::Int | Function::Double => {
                let of = self.node(&args[0])?;
                let fits = of.is_number() || matches!(of, Type::Any | Type::String);
                let made = if function == Function::Int { Type::Int } else { Type::Number };
                one_of(fits, &name, "a number or a string", &of).map(|()| made)
            }
            Function::ToJson => self.node(&args[0]).map(|_| Type::String),
            Function::FromJson => self.texts(args, &name).map(|()| Type::Any),
            Function::Contains | Function::StartsWith | Function::EndsWith | Function::Matches => {
                self.texts(args, &name).map(|()| Type::Bool)
            }
            Function::Lower | Function::Upper | Function::Trim | Function::Replace => {
                self.texts(args, &name).map(|()| Type::String)
            }
            Function::Split => self.texts(args, &name).map(|()| Type::List(Box::new(Type::String))),
            Function::Join => {
                self.expect(&args[0], &Type::List(Box::new(Type::String)), &name)?;
                self.texts(&args[1..], &name).map(|()| Type::String)
            }
            Function::Substring => {
                self.texts(&args[..1], &name)?;
                args[1..].iter().try_for_each(|at| self.expect(at, &Type::Int, &name).map(drop))?;
                Ok(Type::String)
            }
        }
    }

    fn texts(&mut self, args: &[Node], by: &str) -> Result<(), ExprError> {
        args.iter().try_for_each(|arg| self.expect(arg, &Type::String, by).map(drop))
    }
}

/// Whether it is written the same everywhere, so that it can become text by itself.
pub(super) fn is_plain(of: &Type) -> bool {
    matches!(of, Type::Any | Type::String | Type::Bool) || of.is_number()
}

fn one_of(holds: bool, by: &str, wanted: &str, of: &Type) -> Result<(), ExprError> {
    let fix = match of {
        Type::List(_) | Type::Object { .. } => "toJson(x) makes a text of anything.",
        Type::Null => "Say what it is without a value: x == null ? … : ….",
        _ => "Give it such a value.",
    };
    holds.then_some(()).ok_or_else(|| ExprError::new(Refusal::Type, format!("{by} needs {wanted}, not {of}."), fix))
}

/// How the one becomes the other.
fn conversion(wanted: &Type, of: &Type) -> String {
    match (wanted, of) {
        (Type::String, of) if is_plain(of) => "Make a text of it: string(x).",
        (of, Type::String) if is_plain(of) && *of != Type::Bool => {
            "Make both texts, string(x), or both numbers, int(x)."
        }
        (Type::Int, Type::Number) => "Make a whole number of it: int(x).",
        (Type::Bool, _) => "Compare it with something: x > 0, x == \"…\", size(x) > 0.",
        (Type::String, Type::List(_) | Type::Object { .. }) => "toJson(x) makes a text of anything.",
        _ => "Both sides must be of one kind: numbers, texts, or lists.",
    }
    .to_owned()
}

pub(super) fn twice(name: &str) -> ExprError {
    ExprError::new(Refusal::Value, format!("The field `{name}` is there twice."), "Remove one of them.")
}

fn unknown(owner: &Node, name: &str, fields: &BTreeMap<String, Type>) -> ExprError {
    let what = match owner.kind {
        Kind::Root(Root::Steps) => format!("There is no step `{name}` before this one."),
        Kind::Root(root) => format!("`{}` has no `{name}`.", root.name()),
        _ => format!("There is no field `{name}`."),
    };
    ExprError::new(Refusal::Name, what, instead(name, fields.keys().map(String::as_str)))
}
