//! Just enough lexing: what is a comment, what is a literal, where does a bracket close.

/// The text with comments and the insides of literals replaced by spaces. Offsets and lines stay.
pub fn blank(text: &str) -> String {
    let mut lexer = Lexer { bytes: text.as_bytes(), at: 0, out: text.as_bytes().to_vec() };
    lexer.run();
    String::from_utf8(lexer.out).expect("whole characters are replaced by spaces, so it stays UTF-8")
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    out: Vec<u8>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while self.at < self.bytes.len() {
            let rest = &self.bytes[self.at..];
            match rest[0] {
                b'/' if rest.starts_with(b"//") => {
                    let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
                    self.erase(self.at, self.at + end);
                }
                b'/' if rest.starts_with(b"/*") => self.block_comment(),
                b'"' => self.string(),
                b'\'' => self.quote(),
                byte if is_word(byte) => self.word(),
                _ => self.at += 1,
            }
        }
    }

    /// Blanks a range and goes on behind it.
    fn erase(&mut self, from: usize, to: usize) {
        let to = to.min(self.bytes.len());
        for byte in &mut self.out[from..to] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        self.at = to;
    }

    fn block_comment(&mut self) {
        let (mut depth, mut end) = (0_usize, self.at);
        while end < self.bytes.len() {
            match &self.bytes[end..] {
                [b'/', b'*', ..] => (depth, end) = (depth + 1, end + 2),
                [b'*', b'/', ..] => (depth, end) = (depth - 1, end + 2),
                _ => end += 1,
            }
            if depth == 0 {
                break;
            }
        }
        self.erase(self.at, end);
    }

    /// `"..."`: the quotes stay, so that rules can tell a literal from a gap.
    fn string(&mut self) {
        let mut end = self.at + 1;
        while end < self.bytes.len() && self.bytes[end] != b'"' {
            end += if self.bytes[end] == b'\\' { 2 } else { 1 };
        }
        self.erase(self.at + 1, end);
        self.at += 1;
    }

    /// A character literal is blanked, a lifetime is stepped over.
    fn quote(&mut self) {
        let rest = &self.bytes[self.at + 1..];
        let end = match rest.first() {
            Some(b'\\') => rest.iter().skip(2).position(|&byte| byte == b'\'').map(|length| length + 2),
            Some(&lead) => {
                let length = match lead {
                    0xF0.. => 4,
                    0xE0.. => 3,
                    0xC0.. => 2,
                    _ => 1,
                };
                (rest.get(length) == Some(&b'\'')).then_some(length)
            }
            None => None,
        };
        match end {
            Some(length) => {
                self.erase(self.at + 1, self.at + 1 + length);
                self.at += 1;
            }
            None => self.at += 1,
        }
    }

    /// Identifiers and numbers, and the raw strings that begin like one.
    fn word(&mut self) {
        let start = self.at;
        while self.at < self.bytes.len() && is_word(self.bytes[self.at]) {
            self.at += 1;
        }
        if !matches!(&self.bytes[start..self.at], b"r" | b"br" | b"cr") {
            return;
        }
        let hashes = self.bytes[self.at..].iter().take_while(|&&byte| byte == b'#').count();
        let open = self.at + hashes;
        if self.bytes.get(open) != Some(&b'"') {
            return;
        }
        let mut closing = vec![b'"'];
        closing.extend(std::iter::repeat_n(b'#', hashes));
        let inside = &self.bytes[open + 1..];
        let length = inside.windows(closing.len()).position(|window| window == closing).unwrap_or(inside.len());
        self.erase(open + 1, open + 1 + length);
        self.at = (self.at + closing.len()).min(self.bytes.len());
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The offset of the bracket that closes the one at `open`, or the end of the code.
pub fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.as_bytes()[open..].iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return open + offset;
        }
    }
    code.len()
}

/// Where the item or statement that starts here ends: behind its `;`, its `{...}`, or before what closes around it.
pub fn item_end(code: &str, start: usize) -> usize {
    let mut at = start;
    let mut ends_at_comma = None;
    while let Some(&byte) = code.as_bytes().get(at) {
        match byte {
            b'(' | b'[' => at = closing(code, at),
            b'{' => return (closing(code, at) + 1).min(code.len()),
            b';' => return at + 1,
            b',' if ends_at_comma.unwrap_or(true) => return at + 1,
            b')' | b']' | b'}' => return at,
            _ if is_word(byte) => {
                let word = &code[at..at + code.as_bytes()[at..].iter().take_while(|&&byte| is_word(byte)).count()];
                at += word.len() - 1;
                if word != "pub" && ends_at_comma.is_none() {
                    ends_at_comma = Some(!KEYWORDS.contains(&word));
                }
            }
            _ => {}
        }
        at += 1;
    }
    code.len()
}

/// What starts an item or a statement; anything else is a field, a variant or an argument and ends at its comma.
const KEYWORDS: &[&str] = &[
    "fn",
    "async",
    "const",
    "unsafe",
    "extern",
    "impl",
    "struct",
    "enum",
    "union",
    "trait",
    "mod",
    "let",
    "static",
    "type",
    "use",
    "macro_rules",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_become_gaps_of_the_same_size() {
        for (text, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("a\"b")"#, r#"f("    ")"#),
            ("f(\"a//b\") // c", "f(\"    \")     "),
            ("r\"a\\\" b", "r\"  \" b"),
            ("r#\"a\"b\"# c", "r#\"   \"# c"),
            ("br#\"//\"# c", "br#\"  \"# c"),
            ("r#type", "r#type"),
            ("'a' b", "' ' b"),
            ("'\\'' b", "'  ' b"),
            ("'\"' \"x\"", "' ' \" \""),
            ("'é' b", "'  ' b"),
            ("<'a> 'b: 'c'", "<'a> 'b: ' '"),
            ("b'\\\\' c", "b'  ' c"),
            ("\"open", "\"    "),
            ("// é", "     "),
        ] {
            assert_eq!(blank(text), code, "{text}");
        }
    }

    #[test]
    fn items_end_where_they_end() {
        for (code, item) in [
            ("fn a() { b(); } c", "fn a() { b(); }"),
            ("mod tests; c", "mod tests;"),
            ("let x = f(|| { a; }); c", "let x = f(|| { a; });"),
            ("use a::b;", "use a::b;"),
            ("field: u8, other: u8", "field: u8,"),
            ("pub(crate) fn f<A, B>(a: A) -> B { c } d", "pub(crate) fn f<A, B>(a: A) -> B { c }"),
            ("#[a] let m: Map<A, B> = c; d", "#[a] let m: Map<A, B> = c;"),
            ("A } b", "A "),
            ("struct A", "struct A"),
        ] {
            assert_eq!(&code[..item_end(code, 0)], item);
        }
    }
}
