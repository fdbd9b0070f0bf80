//! What an expression may name: the roots, their types when it is checked, their values when it is evaluated.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::types::Type;

/// A name that an expression can begin with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Root {
    /// What the workflow was started with.
    Inputs,
    /// The steps before this one, by id.
    Steps,
    /// The element a `map` step works on.
    Item,
    /// Its place in the list, from 0.
    Index,
    /// What started the workflow.
    Trigger,
    /// This execution.
    Run,
    /// Why the steps of a `catch` or of `onFailure` are done.
    Error,
}

impl Root {
    pub const ALL: [Self; 7] =
        [Self::Inputs, Self::Steps, Self::Item, Self::Index, Self::Trigger, Self::Run, Self::Error];

    pub fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Steps => "steps",
            Self::Item => "item",
            Self::Index => "index",
            Self::Trigger => "trigger",
            Self::Run => "run",
            Self::Error => "error",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.name() == name)
    }
}

/// What an expression names, known without evaluating it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct References {
    /// The roots.
    pub roots: BTreeSet<Root>,
    /// `inputs.<name>`.
    pub inputs: BTreeSet<String>,
    /// `inputs` as a whole, or one whose name is only known later.
    pub all_inputs: bool,
    /// `steps.<id>`. There is no `steps` as a whole: an expression depends on the steps that it names.
    pub steps: BTreeSet<String>,
}

impl References {
    /// Adds what the other names.
    pub fn extend(&mut self, other: &Self) {
        self.roots.extend(&other.roots);
        self.inputs.extend(other.inputs.iter().cloned());
        self.all_inputs |= other.all_inputs;
        self.steps.extend(other.steps.iter().cloned());
    }
}

/// The types of the roots that exist in a place. A root that is not bound cannot be named there.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Env {
    roots: BTreeMap<Root, Type>,
}

impl Env {
    pub fn new() -> Self {
        Self::default()
    }

    /// This root exists and has this type.
    pub fn with(mut self, root: Root, of: Type) -> Self {
        self.roots.insert(root, of);
        self
    }

    pub(super) fn of(&self, root: Root) -> Option<&Type> {
        self.roots.get(&root)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + Clone + '_ {
        self.roots.keys().map(|root| root.name())
    }
}

/// A value that is only borrowed: nothing is copied to make one, however large the value is.
#[derive(Clone, Debug)]
pub enum Binding<'a> {
    Value(&'a Value),
    /// An object put together from parts, such as a step from its state and its output.
    Fields(BTreeMap<&'a str, Binding<'a>>),
}

impl<'a> Binding<'a> {
    /// An object of these fields.
    pub fn fields<B: Into<Binding<'a>>>(fields: impl IntoIterator<Item = (&'a str, B)>) -> Self {
        Self::Fields(fields.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

impl<'a> From<&'a Value> for Binding<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Value(value)
    }
}

/// The values of the roots. Of the steps only those need be bound that [`References::steps`] names.
#[derive(Clone, Default, Debug)]
pub struct Scope<'a> {
    roots: [Option<Binding<'a>>; Root::ALL.len()],
}

impl<'a> Scope<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    /// This root has this value.
    pub fn with(mut self, root: Root, value: impl Into<Binding<'a>>) -> Self {
        self.roots[root as usize] = Some(value.into());
        self
    }

    pub(super) fn of(&self, root: Root) -> Option<&Binding<'a>> {
        self.roots[root as usize].as_ref()
    }
}
