//! Values: one walk over the nodes, every step of which is paid from the budget of work.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::check::twice;
use super::error::{ExprError, Refusal, instead};
use super::limit::COMPREHENSION_ELEMENTS;
use super::node::{How, Kind, Node, Operator, Walk};
use super::scope::{Root, Scope};
use super::value::{Num, Val};
use super::work::Work;

pub(super) type Evaluated<'a> = Result<Val<'a>, ExprError>;

/// One evaluation.
pub(super) struct Evaluation<'a, 'w> {
    pub(super) work: &'w mut Work,
    scope: &'a Scope<'a>,
    variables: Vec<Val<'a>>,
}

impl<'a, 'w> Evaluation<'a, 'w> {
    pub(super) fn new(scope: &'a Scope<'a>, work: &'w mut Work) -> Self {
        Self { work, scope, variables: Vec::new() }
    }

    pub(super) fn node(&mut self, node: &'a Node) -> Evaluated<'a> {
        self.work.spend(1).and_then(|()| self.kind(&node.kind)).map_err(|error| error.at(node.column))
    }

    fn kind(&mut self, kind: &'a Kind) -> Evaluated<'a> {
        Ok(match kind {
            Kind::Null => Val::Null,
            Kind::Bool(value) => Val::Bool(*value),
            Kind::Int(value) => Val::Int(*value),
            Kind::Double(value) => Val::Double(*value),
            Kind::Text(text) => Val::Text(text),
            Kind::Root(root) => self.root(*root)?,
            Kind::Variable(at) => self.variables[*at].clone(),
            Kind::Field(owner, name) => field(&self.node(owner)?, name)?,
            Kind::Has(owner, name) => Val::Bool(self.has(owner, name)?),
            Kind::Index(parts) => self.index(&parts[0], &parts[1])?,
            Kind::Not(of) => Val::Bool(!self.bool(of, "`!`")?),
            Kind::Negate(of) => match self.node(of)? {
                value if value.number().is_none() => return Err(wrong("`-`", "a number", &value)),
                value => arithmetic(Operator::Subtract, Num::Int(0), value.number().unwrap_or(Num::Int(0)))?,
            },
            Kind::And(parts) => Val::Bool(self.bool(&parts[0], "`&&`")? && self.bool(&parts[1], "`&&`")?),
            Kind::Or(parts) => Val::Bool(self.bool(&parts[0], "`||`")? || self.bool(&parts[1], "`||`")?),
            Kind::Conditional(parts) => {
                let taken = if self.bool(&parts[0], "`?`")? { &parts[1] } else { &parts[2] };
                self.node(taken)?
            }
            Kind::Binary(operator, parts) => {
                let (a, b) = (self.node(&parts[0])?, self.node(&parts[1])?);
                self.binary(*operator, &a, &b)?
            }
            Kind::List(elements) => {
                Val::List(Rc::new(elements.iter().map(|element| self.node(element)).collect::<Result<_, _>>()?))
            }
            Kind::Map(entries) => self.object(entries)?,
            Kind::Call(function, args) => {
                let args = args.iter().map(|arg| self.node(arg)).collect::<Result<Vec<_>, _>>()?;
                self.call(*function, &args)?
            }
            Kind::Matches(text, pattern) => {
                let value = self.node(text)?;
                let text = value.text().ok_or_else(|| wrong("`matches`", "a string", &value))?;
                self.work.spend(pattern.work(text))?;
                Val::Bool(pattern.is_match(text))
            }
            Kind::Walk(walk) => self.walk(walk)?,
        })
    }

    fn root(&self, root: Root) -> Evaluated<'a> {
        self.scope.of(root).map(Val::from).ok_or_else(|| {
            ExprError::new(Refusal::Missing, format!("`{}` has no value here.", root.name()), "Name it elsewhere.")
        })
    }

    /// Also false where what should hold the field is missing or null itself.
    fn has(&mut self, owner: &'a Node, name: &str) -> Result<bool, ExprError> {
        match self.node(owner) {
            Ok(Val::Null) => Ok(false),
            Ok(value) if value.width().is_some() => Ok(value.field(name).is_some()),
            Ok(value) => Err(wrong("`has`", "a field of an object", &value)),
            Err(error) if error.kind == Refusal::Missing => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn bool(&mut self, node: &'a Node, by: &str) -> Result<bool, ExprError> {
        match self.node(node)? {
            Val::Bool(value) => Ok(value),
            other => Err(wrong(by, "a bool", &other).at(node.column)),
        }
    }

    fn index(&mut self, owner: &'a Node, at: &'a Node) -> Evaluated<'a> {
        let (owner, at) = (self.node(owner)?, self.node(at)?);
        if let Some(name) = at.text() {
            return field(&owner, name);
        }
        let (Some(count), Some(Num::Int(at))) = (owner.elements(), at.number()) else {
            return Err(wrong("`[…]`", "a list and a whole number, or an object and a string", &owner));
        };
        usize::try_from(at).ok().and_then(|at| owner.element(at)).ok_or_else(|| {
            let message = format!("The list has {count} elements, and none at {at}; the first is 0.");
            ExprError::new(Refusal::Missing, message, "Ask for the size first: size(list) > 0 ? list[0] : ….")
        })
    }

    fn object(&mut self, entries: &'a [(Node, Node)]) -> Evaluated<'a> {
        let mut fields = BTreeMap::new();
        for (key, value) in entries {
            let name = self.node(key)?;
            let name = name.text().ok_or_else(|| wrong("A field's name", "a string", &name).at(key.column))?.to_owned();
            self.work.make(name.len())?;
            let value = self.node(value)?;
            if fields.contains_key(&name) {
                return Err(twice(&name).at(key.column));
            }
            fields.insert(name, value);
        }
        Ok(Val::Map(Rc::new(fields)))
    }

    fn binary(&mut self, operator: Operator, a: &Val<'a>, b: &Val<'a>) -> Evaluated<'a> {
        match operator {
            Operator::Equal => self.equal(a, b).map(Val::Bool),
            Operator::NotEqual => self.equal(a, b).map(|equal| Val::Bool(!equal)),
            Operator::In => self.is_in(a, b).map(Val::Bool),
            Operator::Less => self.compare(operator, a, b).map(|order| Val::Bool(order.is_lt())),
            Operator::LessEqual => self.compare(operator, a, b).map(|order| Val::Bool(order.is_le())),
            Operator::Greater => self.compare(operator, a, b).map(|order| Val::Bool(order.is_gt())),
            Operator::GreaterEqual => self.compare(operator, a, b).map(|order| Val::Bool(order.is_ge())),
            Operator::Add => self.add(a, b),
            _ => match (a.number(), b.number()) {
                (Some(a), Some(b)) => arithmetic(operator, a, b),
                _ => Err(cannot(operator, a, b)),
            },
        }
    }

    fn add(&mut self, a: &Val<'a>, b: &Val<'a>) -> Evaluated<'a> {
        if let (Some(a), Some(b)) = (a.number(), b.number()) {
            return arithmetic(Operator::Add, a, b);
        }
        if let (Some(a), Some(b)) = (a.text(), b.text()) {
            self.work.make(a.len() + b.len())?;
            return Ok(Val::Made([a, b].concat().into()));
        }
        let (Some(left), Some(right)) = (a.elements(), b.elements()) else {
            return Err(cannot(Operator::Add, a, b));
        };
        self.work.spend((left + right) as u64)?;
        let mut all = Vec::with_capacity(left + right);
        all.extend((0..left).filter_map(|at| a.element(at)));
        all.extend((0..right).filter_map(|at| b.element(at)));
        Ok(Val::List(Rc::new(all)))
    }

    fn compare(&mut self, operator: Operator, a: &Val<'a>, b: &Val<'a>) -> Result<std::cmp::Ordering, ExprError> {
        if let (Some(a), Some(b)) = (a.number(), b.number()) {
            return Ok(a.compare(b));
        }
        let (Some(left), Some(right)) = (a.text(), b.text()) else { return Err(cannot(operator, a, b)) };
        self.work.touch(left.len().min(right.len()))?;
        Ok(left.cmp(right))
    }

    /// Values of different kinds differ; nothing fails but the budget.
    pub(super) fn equal(&mut self, a: &Val<'a>, b: &Val<'a>) -> Result<bool, ExprError> {
        self.work.spend(1)?;
        if let (Some(a), Some(b)) = (a.number(), b.number()) {
            return Ok(a.compare(b).is_eq());
        }
        if let (Some(a), Some(b)) = (a.text(), b.text()) {
            self.work.touch(a.len().min(b.len()))?;
            return Ok(a == b);
        }
        if let (Some(left), Some(right)) = (a.elements(), b.elements()) {
            if left != right {
                return Ok(false);
            }
            for at in 0..left {
                let (Some(a), Some(b)) = (a.element(at), b.element(at)) else { return Ok(false) };
                if !self.equal(&a, &b)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        if let (Some(left), Some(right)) = (a.width(), b.width()) {
            if left != right {
                return Ok(false);
            }
            for name in a.names() {
                self.work.touch(name.len())?;
                let (Some(a), Some(b)) = (a.field(&name), b.field(&name)) else { return Ok(false) };
                if !self.equal(&a, &b)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        Ok(match (a, b) {
            (Val::Null, Val::Null) => true,
            (Val::Bool(a), Val::Bool(b)) => a == b,
            _ => false,
        })
    }

    fn is_in(&mut self, a: &Val<'a>, b: &Val<'a>) -> Result<bool, ExprError> {
        if let Some(count) = b.elements() {
            for at in 0..count {
                let Some(element) = b.element(at) else { break };
                if self.equal(a, &element)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        match (b.width(), a.text()) {
            (Some(_), Some(name)) => Ok(b.field(name).is_some()),
            _ => Err(cannot(Operator::In, a, b)),
        }
    }

    fn walk(&mut self, walk: &'a Walk) -> Evaluated<'a> {
        let over = self.node(&walk.over)?;
        let Some(count) = over.elements().or(over.width()) else {
            return Err(wrong("A comprehension", "a list or an object", &over).at(walk.over.column));
        };
        if count > COMPREHENSION_ELEMENTS {
            return Err(ExprError::new(
                Refusal::Limit,
                format!("The list has {count} elements, more than a comprehension walks: {COMPREHENSION_ELEMENTS}."),
                "Use a map step.",
            ));
        }
        let over = match over.width() {
            Some(_) => {
                self.work.spend(count as u64)?;
                Val::List(Rc::new(over.names().map(|name| Val::Made(name.into())).collect()))
            }
            None => over,
        };
        let (mut made, mut held) = (Vec::new(), 0_usize);
        for at in 0..count {
            let Some(element) = over.element(at) else { break };
            self.variables.push(element.clone());
            let decided = self.walked(walk, element, &mut made, &mut held);
            self.variables.pop();
            if decided? {
                break;
            }
        }
        Ok(match walk.how {
            How::All => Val::Bool(held == 0),
            How::Exists => Val::Bool(held > 0),
            How::ExistsOne => Val::Bool(held == 1),
            How::Map | How::Filter => Val::List(Rc::new(made)),
        })
    }

    /// One element. True when the answer is known: `held` counts what decides, for `all` those that do not hold.
    fn walked(
        &mut self,
        walk: &'a Walk,
        element: Val<'a>,
        made: &mut Vec<Val<'a>>,
        held: &mut usize,
    ) -> Result<bool, ExprError> {
        self.work.spend(1)?;
        match walk.how {
            How::Map => {
                let only = walk.only.as_ref();
                if only.map_or(Ok(true), |only| self.bool(only, "`map` with a condition"))? {
                    made.push(self.node(&walk.body)?);
                }
            }
            How::Filter if self.bool(&walk.body, "`filter`")? => made.push(element),
            How::Filter => {}
            how => *held += usize::from(self.bool(&walk.body, "A question about elements")? != (how == How::All)),
        }
        Ok(match walk.how {
            How::All | How::Exists => *held > 0,
            How::ExistsOne => *held > 1,
            How::Map | How::Filter => false,
        })
    }
}

/// A field that must be there.
fn field<'a>(owner: &Val<'a>, name: &str) -> Evaluated<'a> {
    if let Some(value) = owner.field(name) {
        return Ok(value);
    }
    match owner {
        owner if owner.width().is_some() => {
            let names: Vec<_> = owner.names().take(64).collect();
            let fix = instead(name, names.iter().map(AsRef::as_ref));
            Err(ExprError::new(
                Refusal::Missing,
                format!("There is no field `{name}`."),
                format!("{fix} Or ask first: has(x.{name})."),
            ))
        }
        Val::Null => Err(ExprError::new(
            Refusal::Missing,
            format!("There is no field `{name}`: what should have it is null."),
            format!("Ask first: has(x.{name})."),
        )),
        other => Err(wrong("A field", "an object", other)),
    }
}

fn arithmetic<'a>(operator: Operator, a: Num, b: Num) -> Evaluated<'a> {
    let zero = || ExprError::new(Refusal::Value, "It divides by zero.", "Ask first: n == 0 ? 0 : x / n.");
    let (Num::Int(x), Num::Int(y)) = (a, b) else {
        let (x, y) = (a.as_double(), b.as_double());
        return match operator {
            Operator::Add => Num::double(x + y),
            Operator::Subtract => Num::double(x - y),
            Operator::Multiply => Num::double(x * y),
            Operator::Divide if y == 0.0 => Err(zero()),
            Operator::Divide => Num::double(x / y),
            _ => Err(ExprError::new(
                Refusal::Type,
                format!("`{}` works on whole numbers only.", operator.sign()),
                "Make whole numbers of both: int(x).",
            )),
        };
    };
    Num::int(match operator {
        Operator::Add => x.checked_add(y),
        Operator::Subtract => x.checked_sub(y),
        Operator::Multiply => x.checked_mul(y),
        _ if y == 0 => return Err(zero()),
        Operator::Divide => x.checked_div(y),
        _ => x.checked_rem(y),
    })
}

pub(super) fn wrong(by: &str, wanted: &str, value: &Val<'_>) -> ExprError {
    ExprError::new(
        Refusal::Type,
        format!("{by} needs {wanted}, not {}.", value.kind()),
        "Look at the value in the run, and give its source a schema so that this is found when it is saved.",
    )
}

fn cannot(operator: Operator, a: &Val<'_>, b: &Val<'_>) -> ExprError {
    ExprError::new(
        Refusal::Type,
        format!("`{}` cannot work on {} and {}.", operator.sign(), a.kind(), b.kind()),
        "Convert one of them: string(x), int(x), double(x).",
    )
}
