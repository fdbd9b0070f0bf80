//! An expression after it was read: only what this language has, every name resolved.

use std::sync::Arc;

use super::{function::Function, pattern::Pattern, scope::Root};

/// One node, and where its text begins.
#[derive(Debug)]
pub(super) struct Node {
    /// Characters from the start of the expression, the first is 1.
    pub column: u32,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Int(i128),
    Double(f64),
    Text(Arc<str>),
    Root(Root),
    /// The variable of the comprehension at this level, 0 being the outermost.
    Variable(usize),
    Field(Box<Node>, Arc<str>),
    Has(Box<Node>, Arc<str>),
    Index(Box<[Node; 2]>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Conditional(Box<[Node; 3]>),
    Binary(Operator, Box<[Node; 2]>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Call(Function, Vec<Node>),
    /// `matches` with a pattern that is written there.
    Matches(Box<Node>, Pattern),
    Walk(Box<Walk>),
}

/// A comprehension.
#[derive(Debug)]
pub(super) struct Walk {
    pub how: How,
    pub over: Node,
    /// Which elements are taken; only with [`How::Map`].
    pub only: Option<Node>,
    pub body: Node,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
}

impl Operator {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
        }
    }
}
