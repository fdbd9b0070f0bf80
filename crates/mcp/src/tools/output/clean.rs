//! What hides in texts: sequences that steer a terminal, characters that nobody sees, secrets.

use std::sync::LazyLock;

use serde_json::Value;
use sf_runtime::redact::Redactor;

/// Characters that are not seen, or that change how others are seen: first and last of each range. Unicode's default ignorable
/// ones (zero-width, tags, variation selectors, fillers), bidirectional controls, separators of lines that are no line ends,
/// annotations and noncharacters.
const HIDDEN: &[(u32, u32)] = &[
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFDD0, 0xFDEF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
];

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';
const CSI: char = '\u{9b}';

/// Whether a character is not seen, or steers what shows it. Ends of lines and tabs are seen.
pub fn is_hidden(character: char) -> bool {
    let code = u32::from(character);
    let is_control = character.is_control() && !matches!(character, '\n' | '\t');
    // The last two of each plane are no characters.
    is_control || code & 0xFFFE == 0xFFFE || HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&code))
}

/// The text as a person sees it.
pub fn visible(text: &str) -> String {
    without_sequences(text).chars().filter(|character| !is_hidden(*character)).collect()
}

/// The same without secrets. What hides goes first: it may stand in the middle of one.
pub fn told(text: &str) -> String {
    static SHAPES: LazyLock<Redactor> = LazyLock::new(Redactor::default);
    SHAPES.redact(&visible(text)).into_owned()
}

/// Every text of an answer, as a last look before it leaves.
pub fn all(value: &mut Value) {
    match value {
        Value::String(text) => *text = told(text),
        Value::Array(items) => items.iter_mut().for_each(all),
        Value::Object(fields) => fields.values_mut().for_each(all),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Without what steers a terminal (ECMA-48): a sequence that does not end takes no more than its line.
fn without_sequences(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text.chars().peekable());
    while let Some(character) = rest.next() {
        match character {
            CSI => skip_parameters(&mut rest),
            ESCAPE => match rest.next_if(|next| *next != '\n') {
                Some('[') => skip_parameters(&mut rest),
                // Strings: titles, links, what a terminal is asked to keep.
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut rest),
                Some(' '..='/') => {
                    while rest.next_if(|next| matches!(next, ' '..='/')).is_some() {}
                    rest.next_if(|next| *next != '\n');
                }
                _ => {}
            },
            _ => out.push(character),
        }
    }
    out
}

fn skip_parameters(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while rest.next_if(|next| matches!(next, ' '..='?')).is_some() {}
    rest.next_if(|next| matches!(next, '@'..='~'));
}

fn skip_string(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(next) = rest.next_if(|next| *next != '\n') {
        match next {
            BELL | '\u{9c}' => return,
            ESCAPE => {
                rest.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(told(text), expected, "{text:?}");
        assert!(!told(text).chars().any(is_hidden));
    }

    #[test]
    fn what_hides_is_gone_and_what_is_seen_stays() {
        check("plain\ttext\nand more", "plain\ttext\nand more");
        check("\u{1b}[31mred\u{1b}[0m and \u{9b}1mbold", "red and bold");
        check("\u{1b}]0;title\u{7}after \u{1b}]8;;https://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\", "after link");
        check("\u{1b}]52;c;never ended\nnext line", "\nnext line");
        check("\u{1b}(0charset\u{1b}c", "charset");
        check("a\u{200b}b\u{200d}c\u{2060}d\u{feff}e\u{ad}f", "abcdef");
        check("\u{202e}desrever\u{202c} \u{2066}iso\u{2069}", "desrever iso");
        let tags: String = "approve now".chars().map(|c| char::from_u32(0xE0000 + u32::from(c)).unwrap()).collect();
        check(&format!("fine{tags}"), "fine");
        check("a\u{fe0f}b\u{e0100}c\u{3164}d\u{115f}e\u{180e}f\u{2028}g", "abcdefg");
        check("carriage\rreturn\u{8}\u{0}", "carriagereturn");
        check("naïve 日本語 🚀 עברית", "naïve 日本語 🚀 עברית");
    }

    #[test]
    fn a_secret_with_something_hidden_in_it_is_still_seen_to_be_one() {
        for text in ["password=hunter2hunter2", "pass\u{200b}word=hunter2hunter2", "pass\u{1b}[1mword=hunter2hunter2"] {
            assert!(!told(text).contains("hunter2"), "{text:?} gives {:?}", told(text));
        }
    }

    #[test]
    fn no_text_of_an_answer_is_left_out() {
        let mut value = serde_json::json!({ "a": ["x\u{200b}", { "b": "\u{202e}y" }], "c": 1 });
        all(&mut value);
        assert_eq!(value, serde_json::json!({ "a": ["x", { "b": "y" }], "c": 1 }));
    }
}
