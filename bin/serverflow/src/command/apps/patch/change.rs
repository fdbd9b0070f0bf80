//! From two texts to the one part that differs: a large file with a small change fits into one order.

use serde_json::{Value, json};

/// The part of `old` that becomes another one, in bytes at the edges of characters.
pub fn between(old: &str, new: &str) -> Value {
    let head = common(old.char_indices().zip(new.chars()).map(|((_, a), b)| (a, b)));
    let (rest_old, rest_new) = (&old[head..], &new[head..]);
    let tail = common(rest_old.chars().rev().zip(rest_new.chars().rev()));
    let (to, end) = (old.len() - tail, new.len() - tail);
    json!({ "from": head, "to": to, "text": &new[head..end] })
}

/// Bytes that two texts have in common, character by character.
fn common(pairs: impl Iterator<Item = (char, char)>) -> usize {
    pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, from: usize, to: usize, text: &str) {
        assert_eq!(between(old, new), json!({ "from": from, "to": to, "text": text }), "{old:?} {new:?}");
        assert_eq!([&old[..from], text, &old[to..]].concat(), new);
    }

    #[test]
    fn only_what_differs_is_sent() {
        check("a\nb\nc\n", "a\nx\nc\n", 2, 3, "x");
        check("", "new", 0, 0, "new");
        check("old", "", 0, 3, "");
        check("aa", "aaa", 2, 2, "a");
        check("aaa", "aa", 2, 3, "");
        check("größe", "große", 2, 4, "o");
        check("same", "same", 4, 4, "");
    }
}
