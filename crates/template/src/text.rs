//! Texts of strangers: what is taken out of them, and how they are quoted in our own sentences.

use sf_types::text::is_deceptive;

/// Characters of a stranger's text that a sentence of ours quotes.
const QUOTED_CHARS: usize = 60;

/// One line for people: no control characters, nothing that reorders or hides text, no space at its ends.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_deceptive(c) => {}
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}

/// Several lines for people, ended by LF.
pub fn prose(text: &str) -> String {
    let text = lf(text);
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !is_deceptive(*c)).collect::<String>().trim().to_owned()
}

/// Code: lines ended by LF, no NUL. Nothing else is touched, since it would mean something else then.
pub fn code(text: &str) -> String {
    lf(text).replace('\0', "")
}

/// Windows' ends of lines as everybody else's.
pub fn lf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Whether a text is one line for people as it is.
pub fn is_line(text: &str) -> bool {
    !text.chars().any(is_deceptive) && text.trim() == text
}

/// Whether a text is prose as it is.
pub fn is_prose(text: &str) -> bool {
    !text.chars().any(|c| !matches!(c, '\n' | '\t') && is_deceptive(c)) && text.trim() == text
}

/// Whether somebody who reads this code sees what it says.
pub fn is_plain_code(text: &str) -> bool {
    !text.chars().any(|c| !matches!(c, '\n' | '\t') && is_deceptive(c))
}

/// A stranger's text inside a sentence: short, and harmless on a terminal.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| if is_deceptive(c) { '\u{fffd}' } else { c };
    let mut out: String = text.chars().take(QUOTED_CHARS).map(plain).collect();
    if text.chars().nth(QUOTED_CHARS).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}

/// Bytes of a text as JSON writes it, quotes included: what it takes in a frame.
pub fn json_bytes(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_strangers_cannot_deceive() {
        assert_eq!(line(" a\r\nb\u{1b}[2J\u{202e}c\0 "), "a  b[2Jc");
        assert_eq!(prose("a\r\nb\u{7}\tc\r"), "a\nb\tc");
        assert_eq!(code("a\r\nb\0\u{1b}"), "a\nb\u{1b}");
        assert_eq!(quoted(&format!("\u{1b}{}", "x".repeat(80))), format!("`\u{fffd}{}…`", "x".repeat(59)));
    }

    #[test]
    fn what_was_cleaned_is_clean() {
        for text in ["", " a\u{200b} b ", "a\n\n\u{1b}b\t", "\r\n\r", "\u{feff}x"] {
            assert!(is_line(&line(text)), "{text:?}");
            assert!(is_prose(&prose(text)), "{text:?}");
        }
    }
}
