//! Patterns of branches.

/// One part of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// This character.
    One(char),
    /// Any character but `/`.
    Any,
    /// Any run of characters but `/`.
    Run,
    /// Any run of characters.
    All,
}

/// Whether a branch is like `pattern`: `*` is any run of characters but `/`, `**` any run at all, `?` one character but `/`.
/// Takes time in proportion to both lengths at the most, whatever they say.
pub fn fits(pattern: &str, branch: &str) -> bool {
    let branch: Vec<char> = branch.chars().collect();
    // Which beginnings of the branch are like the part of the pattern that was looked at.
    let mut reached = vec![false; branch.len() + 1];
    reached[0] = true;
    for part in parts(pattern) {
        let mut next = vec![false; branch.len() + 1];
        for at in 0..=branch.len() {
            let before = at.checked_sub(1).map(|before| (branch[before], before));
            next[at] = match part {
                Part::One(wanted) => before.is_some_and(|(c, before)| c == wanted && reached[before]),
                Part::Any => before.is_some_and(|(c, before)| c != '/' && reached[before]),
                Part::Run => reached[at] || before.is_some_and(|(c, before)| c != '/' && next[before]),
                Part::All => reached[at] || before.is_some_and(|(_, before)| next[before]),
            };
        }
        reached = next;
    }
    reached[branch.len()]
}

fn parts(pattern: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for c in pattern.chars() {
        match (c, parts.last()) {
            ('*', Some(Part::Run | Part::All)) => {
                parts.pop();
                parts.push(Part::All);
            }
            ('*', _) => parts.push(Part::Run),
            ('?', _) => parts.push(Part::Any),
            (c, _) => parts.push(Part::One(c)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        for (pattern, branch, expected) in [
            ("**", "main", true),
            ("**", "feature/a/b", true),
            ("*", "main", true),
            ("*", "feature/a", false),
            ("feature/*", "feature/a", true),
            ("feature/*", "feature/", true),
            ("feature/*", "feature/a/b", false),
            ("feature/**", "feature/a/b", true),
            ("feature/*", "feature", false),
            ("*/fix-?", "a/fix-1", true),
            ("*/fix-?", "a/fix-12", false),
            ("?", "/", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("main", "Main", false),
            ("[ab]", "a", false),
            ("größe*", "größe-1", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, branch), expected, "{pattern} {branch}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let (pattern, branch) = ("*a".repeat(128), "a".repeat(254) + "b");
        assert!(!fits(&pattern, &branch));
    }
}
