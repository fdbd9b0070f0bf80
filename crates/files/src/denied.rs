//! Paths that nobody touches by hand, named as in `.gitignore`. Pure.

mod glob;

pub use glob::Glob;

/// Patterns of a server's template (`file_denylist` of an egg). The last one that names a path decides; what is below a
/// denied folder is denied, whatever a later pattern says of it.
#[derive(Clone, Debug, Default)]
pub struct Denied {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    parts: Vec<Part>,
    /// It is allowed again.
    again: bool,
}

#[derive(Clone, Debug)]
enum Part {
    /// Any number of names.
    Any,
    One(Glob),
}

impl Denied {
    /// Patterns taken at the most; what is beyond them is not.
    pub const RULES_MAX: usize = 1000;

    /// Reads patterns, one an element; empty ones and comments say nothing.
    pub fn parse<S: AsRef<str>>(patterns: &[S]) -> Self {
        let rules = patterns.iter().filter_map(|pattern| rule(pattern.as_ref())).take(Self::RULES_MAX).collect();
        Self { rules }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a path (with `/` between names) or a folder above it is denied. A pattern for folders alone (`logs/`)
    /// counts for a file, too: what is there may become a folder at any moment.
    pub fn denies(&self, path: &[u8]) -> bool {
        if self.is_empty() || path.is_empty() {
            return false;
        }
        let names: Vec<Vec<char>> = path.split(|byte| *byte == b'/').map(glob::letters).collect();
        (1..=names.len()).any(|end| self.names(&names[..end]))
    }

    fn names(&self, path: &[Vec<char>]) -> bool {
        let mut out = false;
        for rule in &self.rules {
            // One that would change nothing need not be tried.
            if rule.again == out && matches(&rule.parts, path) {
                out = !rule.again;
            }
        }
        out
    }
}

fn rule(line: &str) -> Option<Rule> {
    let line = line.trim();
    let (again, pattern) = match line.strip_prefix('!') {
        Some(pattern) => (true, pattern),
        None => (false, line),
    };
    if pattern.is_empty() || pattern.starts_with('#') {
        return None;
    }
    let inner = pattern.trim_end_matches('/');
    let anchored = inner.contains('/');
    let mut parts: Vec<Part> = if anchored { Vec::new() } else { vec![Part::Any] };
    for part in inner.split('/').filter(|part| !part.is_empty() && *part != ".") {
        parts.push(if part == "**" { Part::Any } else { Part::One(Glob::new(part, false)) });
    }
    // `a/**` is what is in `a`, not `a` itself.
    if anchored && matches!(parts.last(), Some(Part::Any)) {
        parts.push(Part::One(Glob::new("*", false)));
    }
    parts.iter().any(|part| matches!(part, Part::One(_))).then_some(Rule { parts, again })
}

/// Whether the parts stand for exactly this path. Row by row, so that no pattern costs more than its parts times the names.
fn matches(parts: &[Part], path: &[Vec<char>]) -> bool {
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in parts {
        let mut next = vec![false; path.len() + 1];
        match part {
            Part::Any => {
                let first = reached.iter().position(|is| *is).unwrap_or(next.len());
                next[first..].fill(true);
            }
            Part::One(glob) => {
                for (at, name) in path.iter().enumerate().filter(|(at, _)| reached[*at]) {
                    next[at + 1] = glob.fits_letters(name);
                }
            }
        }
        reached = next;
    }
    reached[path.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_names_it_decides() {
        for (patterns, path, out) in [
            (vec![], "a", false),
            (vec!["# a", "", "a"], "a", true),
            (vec!["a"], "b/a", true),
            (vec!["a"], "b/a/c/d", true),
            (vec!["/a"], "b/a", false),
            (vec!["/a"], "a", true),
            (vec!["a/b"], "x/a/b", false),
            (vec!["a/b"], "a/b/c", true),
            (vec!["**/a/b"], "x/a/b", true),
            (vec!["a/**"], "a", false),
            (vec!["a/**"], "a/b", true),
            (vec!["a/**/b"], "a/b", true),
            (vec!["a/**/b"], "a/x/y/b", true),
            (vec!["logs/"], "logs/x", true),
            (vec!["*.cfg", "!my.cfg"], "x/my.cfg", false),
            (vec!["*.cfg", "!my.cfg"], "x/your.cfg", true),
            (vec!["!my.cfg", "*.cfg"], "my.cfg", true),
            (vec!["secret", "!secret/open"], "secret/open", true),
            (vec!["file?.[ch]"], "file1.c", true),
            (vec!["file?.[ch]"], "filé.c", false),
            (vec!["f?"], "fé", true),
            (vec!["[!a]b"], "ab", false),
            (vec![r"\#x"], "#x", true),
            (vec!["/"], "a", false),
            (vec!["**"], "a", false),
            (vec!["*"], "a/b", true),
        ] {
            assert_eq!(Denied::parse(&patterns).denies(path.as_bytes()), out, "{patterns:?} {path}");
        }
        assert!(Denied::parse(&["a*"]).denies(b"a\xff"));
        assert!(!Denied::parse(&["*"]).denies(b""));
    }

    #[test]
    fn a_hostile_pattern_costs_little() {
        let denied = Denied::parse(&[format!("{}b", "*a".repeat(1000)), format!("{}x", "**/a/".repeat(100))]);
        assert!(
            !denied.denies("a".repeat(255).as_bytes())
                && !denied.denies("a/".repeat(200).trim_end_matches('/').as_bytes())
        );
    }
}
