//! What JSON and YAML have in common: values in values, each with its place in the text, and the way to them.

use std::ops::Range;

use crate::key::Step;
use crate::value::Old;
use crate::{Change, Set, WarningKind};

pub enum Kind {
    Scalar {
        text: String,
        old: Old,
    },
    /// Keys with their places.
    Map(Vec<(String, Range<usize>, usize)>),
    List(Vec<usize>),
    /// Another value's name.
    Alias,
}

pub struct Node {
    pub kind: Kind,
    /// All of it, brackets and quotes included.
    pub span: Range<usize>,
    /// Whether it is in brackets, or in something that is.
    pub flow: bool,
    /// Number of the key's end where it is the value of one.
    pub key_end: Option<usize>,
    /// Blanks before the things in it, where it has a block of its own.
    pub indent: usize,
}

#[derive(Default)]
pub struct Tree {
    pub nodes: Vec<Node>,
    pub root: Option<usize>,
}

/// Where a key leads.
pub enum Place<'k> {
    /// To a value.
    Here(usize),
    /// Into this one, where the rest is missing.
    Missing(usize, &'k [Step]),
}

impl Tree {
    pub fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// All places that steps lead to.
    pub fn places<'k>(&self, steps: &'k [Step], warnings: &mut Vec<WarningKind>) -> Vec<Place<'k>> {
        let mut places = Vec::new();
        if let Some(root) = self.root {
            self.follow(root, steps, &mut places, warnings);
        }
        places
    }

    fn follow<'k>(&self, at: usize, steps: &'k [Step], places: &mut Vec<Place<'k>>, warnings: &mut Vec<WarningKind>) {
        let Some((step, rest)) = steps.split_first() else {
            places.push(Place::Here(at));
            return;
        };
        match (step, &self.nodes[at].kind) {
            (Step::Name(name), Kind::Map(entries)) => {
                let found = entries.iter().filter(|(key, ..)| key == name);
                let mut times = 0;
                for (.., value) in found {
                    times += 1;
                    self.follow(*value, rest, places, warnings);
                }
                match times {
                    0 => places.push(Place::Missing(at, steps)),
                    1 => {}
                    times => warnings.push(WarningKind::Several(times)),
                }
            }
            (Step::Element(number), Kind::List(items)) => match items.get(*number) {
                Some(item) => self.follow(*item, rest, places, warnings),
                None if *number == items.len() => places.push(Place::Missing(at, steps)),
                None => warnings.push(WarningKind::NoElement),
            },
            (Step::Any, Kind::Map(entries)) => {
                for (.., value) in entries {
                    self.follow(*value, rest, places, warnings);
                }
            }
            (Step::Any, Kind::List(items)) => {
                for item in items {
                    self.follow(*item, rest, places, warnings);
                }
            }
            (Step::Any, Kind::Scalar { old: Old::Null, .. }) => {}
            (Step::Name(_) | Step::Element(0), Kind::Scalar { old: Old::Null, .. }) => {
                places.push(Place::Missing(at, steps));
            }
            (_, Kind::Alias) => warnings.push(WarningKind::Alias),
            _ => warnings.push(WarningKind::InTheWay),
        }
    }
}

/// Goes to every place of a key and has it set or made.
pub fn at_places(
    tree: &Tree,
    steps: &[Step],
    set: &Set<'_>,
    change: &mut Change,
    here: &mut dyn FnMut(usize, &mut Change),
    missing: &mut dyn FnMut(usize, &[Step], &mut Change),
) {
    let mut warnings = std::mem::take(&mut change.warnings);
    for place in tree.places(steps, &mut warnings) {
        match place {
            Place::Here(at) => match tree.nodes[at].kind {
                Kind::Scalar { .. } => here(at, change),
                Kind::Alias => warnings.push(WarningKind::Alias),
                _ => warnings.push(WarningKind::Nested),
            },
            Place::Missing(..) if !set.condition.makes() => {}
            // What is made anew begins with its first element, and for "all" there is nothing yet.
            Place::Missing(_, rest)
                if rest[1..].iter().any(|step| !matches!(step, Step::Name(_) | Step::Element(0))) =>
            {
                warnings.push(WarningKind::NoElement);
            }
            Place::Missing(at, rest) => missing(at, rest, change),
        }
    }
    warnings.append(&mut change.warnings);
    change.warnings = warnings;
}
