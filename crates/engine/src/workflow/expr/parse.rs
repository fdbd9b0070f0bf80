//! From text to nodes: the crate's parser reads, and what it read is taken over node by node. What this language does
//! not have is refused here, by name.

use std::sync::Arc;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr as Cel, IdedExpr, LiteralValue, SourceInfo};
use cel::common::ast::{ListExpr, SelectExpr, operators};
use cel::parser::{ParseErrors, PrattParser};

use super::error::{ExprError, Refusal, instead};
use super::function::{COMPREHENSIONS, FUNCTIONS, Form, Function, Signature};
use super::limit::{COMPREHENSION_NESTING, EXPRESSION_CHARS, EXPRESSION_DEPTH, EXPRESSION_NODES};
use super::node::{How, Kind, Node, Operator, Walk};
use super::pattern::Pattern;
use super::scope::{References, Root};

/// Reads one expression.
pub(super) fn parse(source: &str) -> Result<(Node, References), ExprError> {
    let chars = source.chars().count();
    if chars > EXPRESSION_CHARS {
        return Err(ExprError::new(
            Refusal::Limit,
            format!("The expression has {chars} characters, more than {EXPRESSION_CHARS}."),
            "Split it over several steps, or compute it in a script step.",
        ));
    }
    if source.trim().is_empty() {
        return Err(ExprError::new(Refusal::Syntax, "The expression is empty.", "Write one, such as `inputs.name`."));
    }
    let read = PrattParser::default().parse(source).map_err(|errors| syntax(source, &errors))?;
    let mut reader =
        Reader { source, places: places(source), nodes: 0, variables: Vec::new(), names: References::default() };
    let node = reader.node(&read, 1)?;
    Ok((node, reader.names))
}

/// Where each node of the parser's tree begins. The parser tells it only together with an error, so the same text is
/// read again with one value too many after it; up to there the nodes have the same numbers.
fn places(source: &str) -> Option<Arc<SourceInfo>> {
    let errors = PrattParser::default().parse(&format!("{source}\n0")).err()?;
    errors.errors.into_iter().find_map(|error| error.source_info)
}

/// The parser's first complaint, in words of ours.
fn syntax(source: &str, errors: &ParseErrors) -> ExprError {
    let deep = errors.errors.iter().any(|e| e.msg.contains("recursion limit"));
    if deep {
        return too_deep();
    }
    let Some(first) = errors.errors.iter().find(|e| e.pos.0 > 0).or(errors.errors.first()) else {
        return ExprError::new(Refusal::Syntax, "The expression cannot be read.", "Compare it with the reference.");
    };
    let (line, byte) = (first.pos.0.max(1) as usize, first.pos.1.max(1) as usize);
    let before: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let said = first.msg.trim_start_matches("Syntax error: ").replace("'<EOF>'", "the end").replace("<EOF>", "the end");
    ExprError::new(
        Refusal::Syntax,
        format!("The expression cannot be read: {said}."),
        "Check quotes, brackets and operators: texts are in quotes, `and` is `&&`, `or` is `||`.",
    )
    .at(column(source, before + byte - 1))
}

fn too_deep() -> ExprError {
    ExprError::new(
        Refusal::Limit,
        format!("The expression has more than {EXPRESSION_DEPTH} levels."),
        "Split it over several steps, or join a list instead of adding many texts.",
    )
}

/// Characters up to this byte, and one.
fn column(source: &str, byte: usize) -> u32 {
    1 + source.char_indices().take_while(|(at, _)| *at < byte).count() as u32
}

struct Reader<'a> {
    source: &'a str,
    places: Option<Arc<SourceInfo>>,
    nodes: usize,
    /// Variables of the comprehensions around this place, outermost first.
    variables: Vec<&'a str>,
    names: References,
}

impl<'a> Reader<'a> {
    fn column(&self, of: &IdedExpr) -> u32 {
        let place = self.places.as_ref().and_then(|places| places.offset_for(of.id));
        place.map_or(1, |(start, _)| column(self.source, start as usize))
    }

    fn node(&mut self, read: &'a IdedExpr, level: usize) -> Result<Node, ExprError> {
        let column = self.column(read);
        self.kind(read, level).map(|kind| Node { column, kind }).map_err(|error| error.at(column))
    }

    fn boxed(&mut self, read: &'a IdedExpr, level: usize) -> Result<Box<Node>, ExprError> {
        self.node(read, level).map(Box::new)
    }

    fn all(&mut self, read: &'a [IdedExpr], level: usize) -> Result<Vec<Node>, ExprError> {
        read.iter().map(|node| self.node(node, level)).collect()
    }

    fn kind(&mut self, read: &'a IdedExpr, level: usize) -> Result<Kind, ExprError> {
        self.nodes += 1;
        if level > EXPRESSION_DEPTH {
            return Err(too_deep());
        }
        if self.nodes > EXPRESSION_NODES {
            return Err(ExprError::new(
                Refusal::Limit,
                format!("The expression has more than {EXPRESSION_NODES} nodes."),
                "Split it over several steps, or put the data into an input.",
            ));
        }
        let below = level + 1;
        match &read.expr {
            Cel::Literal(literal) => self.literal(literal),
            Cel::Ident(name) => self.name(name, read),
            Cel::Select(select) => self.field(select, below),
            Cel::Call(call) => self.call(call, below),
            Cel::List(list) if list.optional_indices.is_empty() => Ok(Kind::List(self.all(&list.elements, below)?)),
            Cel::Map(map) => {
                let entries = map.entries.iter().map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) if !entry.optional => {
                        Ok((self.node(&entry.key, below)?, self.node(&entry.value, below)?))
                    }
                    _ => Err(unsupported("an optional entry", "Use a condition: `c ? {\"a\": 1} : {}`.")),
                });
                Ok(Kind::Map(entries.collect::<Result<_, _>>()?))
            }
            Cel::Comprehension(walk) => self.walk(walk, below),
            Cel::Struct(_) => Err(unsupported("an object with a type's name", "Write `{\"field\": value}`.")),
            _ => Err(unsupported("this", "Compare the expression with the reference.")),
        }
    }

    fn literal(&self, literal: &LiteralValue) -> Result<Kind, ExprError> {
        Ok(match literal {
            LiteralValue::Null => Kind::Null,
            LiteralValue::Boolean(value) => Kind::Bool(*value.inner()),
            LiteralValue::Int(value) => Kind::Int(i128::from(*value.inner())),
            LiteralValue::UInt(value) => Kind::Int(i128::from(*value.inner())),
            LiteralValue::Double(value) if value.inner().is_finite() => Kind::Double(*value.inner()),
            LiteralValue::Double(_) => {
                return Err(ExprError::new(Refusal::Value, "The number is too large.", "Write one below 1.8e308."));
            }
            LiteralValue::String(value) => Kind::Text(Arc::from(value.inner())),
            LiteralValue::Bytes(_) => return Err(unsupported("bytes", "Write a text: \"…\" without the b.")),
        })
    }

    fn name(&mut self, name: &str, read: &IdedExpr) -> Result<Kind, ExprError> {
        // The inner one hides the outer one.
        if let Some(at) = self.variables.iter().rposition(|variable| *variable == name) {
            return Ok(Kind::Variable(at));
        }
        let Some(root) = Root::named(name) else {
            let known: Vec<&str> = self.variables.iter().copied().chain(Root::ALL.map(Root::name)).collect();
            let column = self.column(read) as usize;
            let dash = column > 1 && self.source.chars().nth(column - 2) == Some('-');
            let fix = match dash {
                true => format!("A name with a dash is written in brackets: steps[\"…-{name}\"]."),
                false => instead(name, known.iter().copied()),
            };
            return Err(ExprError::new(Refusal::Name, format!("There is no `{name}` here."), fix));
        };
        if root == Root::Steps {
            return Err(ExprError::new(
                Refusal::Name,
                "`steps` needs the id of a step, so that it is known which steps must be done first.",
                "Write steps.<id>, or steps[\"<id>\"].",
            ));
        }
        self.names.roots.insert(root);
        self.names.all_inputs |= root == Root::Inputs;
        Ok(Kind::Root(root))
    }

    /// What stands before a dot or a bracket, where `name` is known to follow.
    fn owner(&mut self, read: &'a IdedExpr, name: &str, level: usize) -> Result<Box<Node>, ExprError> {
        if let Cel::Ident(root) = &read.expr
            && !self.variables.contains(&root.as_str())
            && let Some(root @ (Root::Steps | Root::Inputs)) = Root::named(root)
        {
            self.nodes += 1;
            self.names.roots.insert(root);
            let names = if root == Root::Steps { &mut self.names.steps } else { &mut self.names.inputs };
            names.insert(name.to_owned());
            return Ok(Box::new(Node { column: self.column(read), kind: Kind::Root(root) }));
        }
        self.boxed(read, level)
    }

    fn field(&mut self, select: &'a SelectExpr, below: usize) -> Result<Kind, ExprError> {
        let owner = self.owner(&select.operand, &select.field, below)?;
        let field = Arc::from(select.field.as_str());
        Ok(if select.test { Kind::Has(owner, field) } else { Kind::Field(owner, field) })
    }

    fn call(&mut self, call: &'a CallExpr, below: usize) -> Result<Kind, ExprError> {
        let name = call.func_name.as_str();
        if call.target.is_none() {
            if let (operators::INDEX, [of, at]) = (name, &call.args[..]) {
                if let Cel::Literal(LiteralValue::String(field)) = &at.expr {
                    self.nodes += 1;
                    let field = field.inner();
                    return Ok(Kind::Field(self.owner(of, field, below)?, Arc::from(field)));
                }
                return Ok(Kind::Index(self.pair(of, at, below)?));
            }
            if let Some(kind) = self.operator(name, &call.args, below)? {
                return Ok(kind);
            }
        }
        let signature = function(name, call.target.is_some(), call.args.len())?;
        let target = call.target.iter().map(AsRef::as_ref);
        let args = target.chain(&call.args).map(|arg| self.node(arg, below)).collect::<Result<Vec<_>, _>>()?;
        self.called(signature, args)
    }

    /// A pattern that is written there is compiled now, and refused now.
    fn called(&self, signature: &Signature, mut args: Vec<Node>) -> Result<Kind, ExprError> {
        if signature.function == Function::Matches
            && let Some(Node { kind: Kind::Text(pattern), column }) = args.get(1)
        {
            let pattern = Pattern::new(pattern).map_err(|error| error.at(*column))?;
            return Ok(Kind::Matches(Box::new(args.swap_remove(0)), pattern));
        }
        Ok(Kind::Call(signature.function, args))
    }

    fn pair(&mut self, a: &'a IdedExpr, b: &'a IdedExpr, below: usize) -> Result<Box<[Node; 2]>, ExprError> {
        Ok(Box::new([self.node(a, below)?, self.node(b, below)?]))
    }

    fn operator(&mut self, name: &str, args: &'a [IdedExpr], below: usize) -> Result<Option<Kind>, ExprError> {
        let operator = match (name, args) {
            (operators::LOGICAL_NOT, [of]) => return Ok(Some(Kind::Not(self.boxed(of, below)?))),
            (operators::NEGATE, [of]) => return Ok(Some(Kind::Negate(self.boxed(of, below)?))),
            (operators::LOGICAL_AND, [a, b]) => return Ok(Some(Kind::And(self.pair(a, b, below)?))),
            (operators::LOGICAL_OR, [a, b]) => return Ok(Some(Kind::Or(self.pair(a, b, below)?))),
            (operators::CONDITIONAL, [c, a, b]) => {
                let parts = [self.node(c, below)?, self.node(a, below)?, self.node(b, below)?];
                return Ok(Some(Kind::Conditional(Box::new(parts))));
            }
            (operators::ADD, _) => Operator::Add,
            (operators::SUBSTRACT, _) => Operator::Subtract,
            (operators::MULTIPLY, _) => Operator::Multiply,
            (operators::DIVIDE, _) => Operator::Divide,
            (operators::MODULO, _) => Operator::Remainder,
            (operators::EQUALS, _) => Operator::Equal,
            (operators::NOT_EQUALS, _) => Operator::NotEqual,
            (operators::LESS, _) => Operator::Less,
            (operators::LESS_EQUALS, _) => Operator::LessEqual,
            (operators::GREATER, _) => Operator::Greater,
            (operators::GREATER_EQUALS, _) => Operator::GreaterEqual,
            (operators::IN, _) => Operator::In,
            _ => return Ok(None),
        };
        match args {
            [a, b] => Ok(Some(Kind::Binary(operator, self.pair(a, b, below)?))),
            _ => Err(unsupported("an operator with these operands", "Compare the expression with the reference.")),
        }
    }

    fn walk(&mut self, walk: &'a ComprehensionExpr, below: usize) -> Result<Kind, ExprError> {
        let Some((how, only, body)) = written(walk) else {
            return Err(unsupported("this comprehension", "Use all, exists, exists_one, map or filter."));
        };
        let over = self.node(&walk.iter_range, below)?;
        if self.variables.len() == COMPREHENSION_NESTING {
            return Err(ExprError::new(
                Refusal::Limit,
                format!("More than {COMPREHENSION_NESTING} comprehensions are inside each other."),
                "Compute the inner one in a step of its own.",
            ));
        }
        self.variables.push(&walk.iter_var);
        let only = only.map(|only| self.node(only, below)).transpose();
        let body = self.node(body, below);
        self.variables.pop();
        Ok(Kind::Walk(Box::new(Walk { how, over, only: only?, body: body? })))
    }
}

/// Which macro the parser expanded. Its accumulator cannot be written by a person, so the shapes are certain.
fn written(walk: &ComprehensionExpr) -> Option<(How, Option<&IdedExpr>, &IdedExpr)> {
    let Cel::Call(step) = &walk.loop_step.expr else { return None };
    let how = match &walk.accu_init.expr {
        _ if walk.iter_var2.is_some() => return None,
        Cel::Literal(LiteralValue::Boolean(value)) if *value.inner() => How::All,
        Cel::Literal(LiteralValue::Boolean(_)) => How::Exists,
        Cel::Literal(LiteralValue::Int(_)) => How::ExistsOne,
        Cel::List(_) => How::Map,
        _ => return None,
    };
    match (how, step.func_name.as_str(), &step.args[..]) {
        (How::All, operators::LOGICAL_AND, [_, body]) | (How::Exists, operators::LOGICAL_OR, [_, body]) => {
            Some((how, None, body))
        }
        (How::ExistsOne, operators::CONDITIONAL, [body, _, _]) => Some((how, None, body)),
        (How::Map, operators::ADD, [_, made]) => Some((how, None, only_element(made)?)),
        (How::Map, operators::CONDITIONAL, [only, taken, _]) => {
            let Cel::Call(taken) = &taken.expr else { return None };
            let made = only_element(taken.args.get(1)?)?;
            match &made.expr {
                Cel::Ident(name) if *name == walk.iter_var => Some((How::Filter, None, only)),
                _ => Some((how, Some(only), made)),
            }
        }
        _ => None,
    }
}

fn only_element(list: &IdedExpr) -> Option<&IdedExpr> {
    match &list.expr {
        Cel::List(ListExpr { elements, .. }) => elements.first(),
        _ => None,
    }
}

/// The function of a call, if it can be called so.
fn function(name: &str, method: bool, args: usize) -> Result<&'static Signature, ExprError> {
    let known = || FUNCTIONS.iter().map(|f| f.name).chain(COMPREHENSIONS.iter().copied()).chain(["has"]);
    let Some(signature) = FUNCTIONS.iter().find(|f| f.name == name) else {
        if known().any(|other| other == name) {
            return Err(ExprError::new(
                Refusal::Name,
                format!("`{name}` is not called so."),
                match name {
                    "has" => "Write has(x.field).".to_owned(),
                    _ => format!("Write list.{name}(x, …) with a variable and what is asked or made of it."),
                },
            ));
        }
        return Err(ExprError::new(Refusal::Name, format!("There is no function `{name}`."), instead(name, known())));
    };
    let right = match signature.form {
        Form::Global => !method,
        Form::Method => method,
        Form::Either => true,
    };
    if !right {
        return Err(ExprError::new(
            Refusal::Name,
            format!("`{name}` is written {}.", if method { "before its value" } else { "after its value" }),
            format!("Write it as in {}.", signature.example),
        ));
    }
    let taken = args + usize::from(method);
    if !(signature.least..=signature.most).contains(&taken) {
        let beside = usize::from(method);
        let (least, most) = (signature.least - beside, signature.most - beside);
        let wanted = if least == most { most.to_string() } else { format!("{least} or {most}") };
        return Err(ExprError::new(
            Refusal::Type,
            format!("`{name}` takes {wanted} arguments here, not {args}."),
            format!("Write it as in {}.", signature.example),
        ));
    }
    Ok(signature)
}

fn unsupported(what: &str, fix: &str) -> ExprError {
    ExprError::new(Refusal::Syntax, format!("Expressions here cannot have {what}."), fix)
}
