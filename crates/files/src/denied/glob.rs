//! One name against a pattern: `*`, `?`, `[a-z]`, `[!a]` and `\` as in glob(7).

/// A pattern of one name, without `/`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glob {
    pattern: Vec<char>,
    /// Upper and lower case are the same.
    folded: bool,
    /// Read as Go's `filepath.Match` does: `[^a]` alone is the contrary, and what is not closed fits nothing.
    go: bool,
}

/// A name as letters; a byte that is no UTF-8 is one of its own, which no pattern can spell.
pub(super) fn letters(name: &[u8]) -> Vec<char> {
    let stray = |byte: &u8| char::from_u32(0x10_ff00 + u32::from(*byte)).unwrap_or(char::REPLACEMENT_CHARACTER);
    let chunks = name.utf8_chunks();
    chunks.flat_map(|chunk| chunk.valid().chars().chain(chunk.invalid().iter().map(stray))).collect()
}

fn fold(letters: Vec<char>) -> Vec<char> {
    letters.into_iter().flat_map(char::to_lowercase).collect()
}

impl Glob {
    /// As glob(7) has it; `folded` makes upper and lower case the same.
    pub fn new(pattern: &str, folded: bool) -> Self {
        let pattern: Vec<char> = pattern.chars().collect();
        Self { pattern: if folded { fold(pattern) } else { pattern }, folded, go: false }
    }

    /// As Go's `filepath.Match` has it, which Docker reads `.dockerignore` by.
    pub fn go(pattern: &str) -> Self {
        Self { go: true, ..Self::new(pattern, false) }
    }

    /// Whether it stands for this whole name.
    pub fn fits(&self, name: &[u8]) -> bool {
        self.fits_letters(&letters(name))
    }

    /// The same of a name's letters.
    pub fn fits_letters(&self, name: &[char]) -> bool {
        if self.folded { self.fits_folded(&fold(name.to_vec())) } else { self.fits_folded(name) }
    }

    fn fits_folded(&self, name: &[char]) -> bool {
        fits((&self.pattern, self.go), name)
    }
}

fn fits((pattern, go): (&[char], bool), name: &[char]) -> bool {
    // The last star is the only one worth going back to, so a hostile pattern costs no more than its length times the name's.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(p + 1),
            Some('[') => match class((pattern, go), p, name[n]) {
                Class::Holds(next) => Some(next),
                Class::HoldsNot => None,
                Class::IsNone if go => None,
                Class::IsNone => (name[n] == '[').then_some(p + 1),
            },
            Some('\\') => pattern.get(p + 1).filter(|c| **c == name[n]).map(|_| p + 2),
            Some(c) if *c == name[n] => Some(p + 1),
            _ => None,
        };
        match (step, star) {
            (Some(next), _) => (p, n) = (next, n + 1),
            (None, Some((at, from))) => {
                star = Some((at, from + 1));
                (p, n) = (at + 1, from + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

enum Class {
    /// It holds the letter; the pattern goes on there.
    Holds(usize),
    HoldsNot,
    /// It is not closed, so that `[` is itself.
    IsNone,
}

fn class((pattern, go): (&[char], bool), at: usize, c: char) -> Class {
    let (not, start) = match pattern.get(at + 1) {
        Some('^') => (true, at + 2),
        Some('!') if !go => (true, at + 2),
        _ => (false, at + 1),
    };
    // A `]` that comes first is one of the letters, but for Go.
    let first = start + usize::from(!go);
    let Some(end) = pattern.iter().skip(first).position(|c| *c == ']').map(|found| first + found) else {
        return Class::IsNone;
    };
    let inner = &pattern[start..end];
    let (mut found, mut i) = (false, 0);
    while i < inner.len() {
        if inner.get(i + 1) == Some(&'-') && i + 2 < inner.len() {
            found |= (inner[i]..=inner[i + 2]).contains(&c);
            i += 3;
        } else {
            found |= inner[i] == c;
            i += 1;
        }
    }
    if found == not { Class::HoldsNot } else { Class::Holds(end + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_whole_name() {
        for (pattern, name, folded, fits) in [
            ("*", "", false, true),
            ("*.jar", "a.jar", false, true),
            ("*.jar", "a.JAR", false, false),
            ("*.jar", "a.JAR", true, true),
            ("ÄB*", "äbc", true, true),
            ("a", "ab", false, false),
            ("[]a]x", "]x", false, true),
            ("[^a-c]", "d", false, true),
            ("[a-", "[a-", false, true),
            ("[", "[", false, true),
            (r"\*", "x", false, false),
            (r"\*", "*", false, true),
        ] {
            assert_eq!(Glob::new(pattern, folded).fits(name.as_bytes()), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn go_reads_classes_its_own_way() {
        for (pattern, name, fits) in [
            ("[^a-c]", "d", true),
            ("[!a]", "!", true),
            ("[!a]", "b", false),
            ("[]a]x", "]x", false),
            ("[", "[", false),
            ("*.[ch]", "a.c", true),
            (r"a\*b", "a*b", true),
        ] {
            assert_eq!(Glob::go(pattern).fits(name.as_bytes()), fits, "{pattern} {name}");
        }
    }
}
