//! Any file of lines: those that start with the key are replaced whole.

use crate::text::{Splice, lines};
use crate::value::plain;
use crate::{Change, EditError, Set, WarningKind};

pub fn set(text: &str, set: &Set<'_>) -> Result<Change, EditError> {
    let key = &set.key.key;
    if key.is_empty() || key.contains(['\n', '\r']) {
        return Err(EditError::Key { key: key.clone(), why: "it is empty or of several lines".to_owned() });
    }
    let value = plain(&set.key.value);
    let mut change = Change::default();
    let mut met = false;
    for (at, line) in lines(text).filter(|(_, line)| line.starts_with(key.as_str())) {
        met = true;
        let rest = line[key.len()..].trim_start();
        let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim();
        let Some(with) = set.condition.instead_of_line(line, rest, &value) else { continue };
        if with.chars().any(|c| c.is_control() && c != '\t') {
            let why = "it has a line break or control character, which would be lines of its own".to_owned();
            return Err(EditError::Value { key: key.clone(), why });
        }
        if with != line {
            change.splices.push(Splice { range: at..at + line.len(), with });
        }
    }
    if !met {
        change.warnings.push(WarningKind::NoLine);
    }
    Ok(change)
}
