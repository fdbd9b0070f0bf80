//! Keys of files that nest: names parted by dots, `[n]`, one `*`.

use crate::{DEPTH_MAX, EditError};

/// One step down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    Name(String),
    /// An element, from 0.
    Element(usize),
    /// All of them.
    Any,
}

pub fn steps(key: &str) -> Result<Vec<Step>, EditError> {
    let bad = |why: &str| Err(EditError::Key { key: key.to_owned(), why: why.to_owned() });
    let mut steps = Vec::new();
    for part in parts(key) {
        let (name, elements) = with_elements(&part);
        if name.is_empty() && elements.is_empty() {
            return bad("a name is empty");
        }
        match name {
            "" => {}
            "*" => steps.push(Step::Any),
            name => steps.push(Step::Name(name.replace("\\.", "."))),
        }
        steps.extend(elements);
    }
    if steps.iter().filter(|step| **step == Step::Any).count() > 1 {
        return bad("it has more than one `*`");
    }
    if steps.len() > DEPTH_MAX { bad("it has too many names") } else { Ok(steps) }
}

/// Parted at the dots that have no backslash before them.
fn parts(key: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in key.chars() {
        match (c, parts.last_mut()) {
            ('.', _) if !escaped => parts.push(String::new()),
            (c, Some(part)) => part.push(c),
            (_, None) => {}
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

/// `a[0][1]` as `a` and its elements; brackets with anything else in them belong to the name.
fn with_elements(part: &str) -> (&str, Vec<Step>) {
    let (mut name, mut elements) = (part, Vec::new());
    while let Some((before, inner)) = name.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        let step = match inner {
            "*" => Step::Any,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => match digits.parse() {
                Ok(number) => Step::Element(number),
                Err(_) => break,
            },
            _ => break,
        };
        elements.insert(0, step);
        name = before;
    }
    (name, elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_steps() {
        let name = |name: &str| Step::Name(name.to_owned());
        for (key, are) in [
            ("a", vec![name("a")]),
            ("listeners[0].host", vec![name("listeners"), Step::Element(0), name("host")]),
            ("a[1][2]", vec![name("a"), Step::Element(1), Step::Element(2)]),
            ("[3].b", vec![Step::Element(3), name("b")]),
            ("servers.*.address", vec![name("servers"), Step::Any, name("address")]),
            ("a[*]", vec![name("a"), Step::Any]),
            (r"a\.b.c", vec![name("a.b"), name("c")]),
            ("a[x]", vec![name("a[x]")]),
            ("a b-c", vec![name("a b-c")]),
        ] {
            assert_eq!(steps(key).unwrap(), are, "{key}");
        }
        for bad in ["", ".", "a.", "a..b", "*.*", &"a.".repeat(200)] {
            assert!(steps(bad).is_err(), "{bad}");
        }
    }
}
