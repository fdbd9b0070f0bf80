//! `.dockerignore`, as Docker reads it. Pure.

use sf_files::Glob;

/// What is left out of a context.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    /// The path's parts as patterns; `None` is `**` and stands for any number of them.
    parts: Vec<Option<Glob>>,
    /// It is brought in again.
    again: bool,
}

/// Rules taken in at the most; the others are passed over.
const RULES_MAX: usize = 1000;

impl Ignore {
    /// Reads the file's text.
    pub fn parse(text: &str) -> Self {
        let rule = |line: &str| {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                return None;
            }
            let (again, pattern) = match line.strip_prefix('!') {
                Some(pattern) => (true, pattern.trim()),
                None => (false, line),
            };
            let parts = pattern.split('/').filter(|part| !part.is_empty() && *part != ".");
            let parts: Vec<_> = parts.map(|part| (part != "**").then(|| Glob::go(part))).collect();
            (!parts.is_empty()).then_some(Rule { parts, again })
        };
        Self { rules: text.trim_start_matches('\u{feff}').lines().filter_map(rule).take(RULES_MAX).collect() }
    }

    /// Whether a path of the context is left out: the last rule that names it or a folder above it decides.
    pub fn excludes(&self, path: &str) -> bool {
        let parts: Vec<Vec<char>> = path.split('/').map(|part| part.chars().collect()).collect();
        let mut out = false;
        for rule in &self.rules {
            // One that would change nothing need not be tried.
            if rule.again == out && names(&rule.parts, &parts) {
                out = !rule.again;
            }
        }
        out
    }

    /// Whether a folder that is left out may still hold something that is not.
    pub fn looks_into_excluded(&self) -> bool {
        self.rules.iter().any(|rule| rule.again)
    }
}

/// Whether a pattern names a path or a folder above it. Row by row, so that no pattern costs more than its parts times those
/// of the path.
fn names(pattern: &[Option<Glob>], path: &[Vec<char>]) -> bool {
    // Which beginnings of the path the parts so far stand for.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        if let Some(glob) = part {
            for (at, name) in path.iter().enumerate().filter(|(at, _)| reached[*at]) {
                next[at + 1] = glob.fits_letters(name);
            }
        } else {
            let first = reached.iter().position(|is| *is).unwrap_or(next.len());
            next[first..].fill(true);
        }
        reached = next;
    }
    reached[1..].contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_names_it_decides() {
        for (rules, path, out) in [
            ("", "a", false),
            ("# a\n\na", "a", true),
            ("a", "a/b/c", true),
            ("a", "b/a", false),
            ("**/a", "b/a", true),
            ("**/a", "a", true),
            ("*/tmp*", "x/tmp1/y", true),
            ("*/*/tmp*", "x/tmp", false),
            ("/dist/", "dist/x", true),
            ("*.md\n!README.md", "README.md", false),
            ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true),
            ("*\n!src", "src/a", false),
            ("*\n!src", "lib/a", true),
            ("a/**", "a/b/c", true),
            ("**/*.log", "x/y/z.log", true),
            ("file?.[ch]", "file1.c", true),
            ("file[^0-9]", "file1", false),
            (r"a\*b", "axb", false),
            (r"a\*b", "a*b", true),
            ("./x", "x", true),
            ("[", "[", false),
        ] {
            assert_eq!(Ignore::parse(rules).excludes(path), out, "{rules:?} {path}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_little() {
        let ignore = Ignore::parse(&format!("{}b\n{}x", "*a".repeat(1000), "**/a/".repeat(100)));
        assert!(!ignore.excludes(&"a".repeat(2000)) && !ignore.excludes(&"a/".repeat(200)));
        assert!(ignore.excludes(&format!("{}x", "a/".repeat(200))));
    }
}
