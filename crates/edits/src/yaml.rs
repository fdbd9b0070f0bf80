//! YAML 1.2, written so that parsers of 1.1 (SnakeYAML, PyYAML) read the same.

mod make;
mod scalar;
mod scan;

use crate::key::{Step, steps};
use crate::text::{Splice, line_end};
use crate::tree::{Kind, at_places};
use crate::value::New;
use crate::{Change, EditError, Set, WarningKind};

pub fn set(text: &str, set: &Set<'_>) -> Result<Change, EditError> {
    let steps = steps(&set.key.key)?;
    let tree = scan::tree(text)?;
    let mut change = Change::default();
    let Some(root) = tree.root else {
        if !set.condition.makes() {
            return Ok(change);
        }
        if steps.iter().any(|step| !matches!(step, Step::Name(_) | Step::Element(0))) {
            change.warnings.push(WarningKind::NoElement);
            return Ok(change);
        }
        // Nothing but comments is there.
        let end = line_end(text);
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { end };
        let made = make::block(&steps, &New::of(&set.key.value, None), 0, end);
        change.splices.push(Splice { range: text.len()..text.len(), with: format!("{gap}{made}{end}") });
        return Ok(change);
    };
    at_places(
        &tree,
        &steps,
        set,
        &mut change,
        &mut |at, change| {
            let node = &tree.nodes[at];
            let Kind::Scalar { text: old_text, old } = &node.kind else { return };
            let Some(value) = set.condition.instead_of(old_text, &set.key.value) else { return };
            let new = New::of(&value, Some(*old));
            if new.retypes(*old) {
                change.warnings.push(WarningKind::Retyped);
            }
            change.splices.extend(scalar::instead(text, node, &new));
        },
        &mut |at, rest, change| {
            let new = New::of(&set.key.value, None);
            match make::insert(text, &tree, at, (rest, at == root), &new) {
                Some(splices) => change.splices.extend(splices),
                None => change.warnings.push(WarningKind::InTheWay),
            }
        },
    );
    Ok(change)
}
