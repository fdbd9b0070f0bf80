//! What reading an egg collects besides the template: warnings, and what was left out, in the egg's own shape.

use super::node::{Fields, Node};
use super::{MAX_WARNINGS, Warning};
use crate::alt::{bad_regex, limit};
use crate::text::{self, quoted};

/// Parts that are kept beside the template at the most.
const MAX_LEFT: usize = 2000;

/// Warnings and leftovers.
#[derive(Default)]
pub(super) struct Parts {
    warnings: Vec<Warning>,
    untold: usize,
    left: Fields,
    kept: usize,
    expressions: usize,
}

impl Parts {
    /// Something to know.
    pub fn note(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.warn(place.into(), message.into(), false);
    }

    /// Something to look at before servers are made of it.
    pub fn attend(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.warn(place.into(), message.into(), true);
    }

    fn warn(&mut self, place: String, message: String, attention: bool) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning { place: text::line(&place), message, attention });
        } else {
            self.untold += 1;
        }
    }

    /// Keeps what the template has no place for, where it was.
    pub fn leave(&mut self, path: &[&str], node: Node) {
        self.kept += 1;
        if self.kept > MAX_LEFT {
            if self.kept == MAX_LEFT + 1 {
                self.attend(
                    "",
                    format!("More than {MAX_LEFT} parts have no place in a template; the rest is not kept."),
                );
            }
            return;
        }
        let Some((last, parents)) = path.split_last() else { return };
        let mut fields = &mut self.left;
        for parent in parents {
            match fields.entry(parent, || Node::Map(Fields::default())) {
                Node::Map(inner) => fields = inner,
                // The whole of it was left already.
                _ => return,
            }
        }
        match fields.entry(last, || Node::Null) {
            there @ Node::Null => *there = node,
            there => there.merge(node),
        }
    }

    /// Why an expression cannot be used. So many are looked at, since each is compiled for it.
    pub fn bad_expression(&mut self, pattern: &str) -> Option<String> {
        self.expressions += 1;
        if self.expressions > limit::EXPRESSIONS {
            return Some(format!("There are more than {} expressions.", limit::EXPRESSIONS));
        }
        bad_regex(pattern)
    }

    /// One line for people.
    pub fn line(&mut self, place: &str, node: &Node) -> Option<String> {
        let found = self.scalar(place, node)?;
        let clean = text::line(&found);
        self.cleaned(place, found.trim() != clean);
        Some(clean)
    }

    /// Several lines for people.
    pub fn prose(&mut self, place: &str, node: &Node) -> Option<String> {
        let found = self.scalar(place, node)?;
        let clean = text::prose(&found);
        self.cleaned(place, text::lf(&found).trim() != clean);
        Some(clean)
    }

    /// Code, as it is but for the ends of its lines.
    pub fn code(&mut self, place: &str, node: &Node) -> Option<String> {
        let found = self.scalar(place, node)?;
        let code = text::code(&found);
        if found.contains('\0') {
            self.attend(place, "NUL characters were taken out.");
        }
        if !text::is_plain_code(&code) {
            self.attend(place, "It has control characters or hidden ones; read it before you use it.");
        }
        Some(code)
    }

    fn cleaned(&mut self, place: &str, changed: bool) {
        if changed {
            self.note(place, "Control characters or hidden ones were taken out.");
        }
    }

    /// A text, or what can be read as one.
    pub fn scalar(&mut self, place: &str, node: &Node) -> Option<String> {
        let found = node.scalar();
        if found.is_none() && !node.is_blank() {
            self.attend(place, "It should be a text and is left out.");
        }
        found
    }

    /// Texts in a list, in a map whose keys mean nothing, or alone.
    pub fn words(&mut self, place: &str, node: Node) -> Vec<String> {
        let items = match node {
            Node::Text(text) => text.lines().map(Node::from).collect(),
            node => match node.items() {
                Some(items) => items,
                None => {
                    self.attend(place, "It should be a list and is left out.");
                    Vec::new()
                }
            },
        };
        let words = items.iter().enumerate();
        words
            .filter_map(|(index, item)| self.line(&format!("{place}[{index}]"), item))
            .filter(|it| !it.is_empty())
            .collect()
    }

    /// Fields nobody knows.
    pub fn leave_unknown(&mut self, path: &[&str], fields: Fields) {
        for (key, node) in fields.0.into_iter().filter(|(_, node)| !node.is_blank()) {
            let place = if path.is_empty() { key.clone() } else { format!("{}.{key}", path.join(".")) };
            self.note(&place, format!("The field {} is not known; it is kept, and nothing acts on it.", quoted(&key)));
            let whole: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
            self.leave(&whole, node);
        }
    }

    /// What was left out so far.
    pub fn take_left(&mut self) -> Fields {
        std::mem::take(&mut self.left)
    }

    /// Warnings in their order.
    pub fn finish(mut self) -> Vec<Warning> {
        if self.untold > 0 {
            let message = format!("There are {} more warnings.", self.untold);
            self.warnings.push(Warning { place: String::new(), message, attention: true });
        }
        self.warnings
    }
}
