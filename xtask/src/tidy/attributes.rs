//! `#[allow]` outlives its cause in silence; `#[expect]` speaks up when the cause is gone.

use super::Finding;
use crate::source::Source;

pub fn check(source: &Source) -> Vec<Finding> {
    let allows = source.attributes().filter(|(_, inside)| {
        let inside = inside.trim_start();
        inside.starts_with("allow(") || inside.starts_with("cfg_attr(") && inside.contains("allow(")
    });
    allows
        .map(|(at, _)| Finding {
            path: source.path.clone(),
            line: source.line(at),
            rule: "allow",
            advice: "write #[expect(lint, reason = \"...\")], or mend what the lint says".into(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn allow_is_found_wherever_it_stands() {
        for (text, expected) in [
            ("#[allow(dead_code)]\nfn a() {}", vec!["1 allow"]),
            ("\n#![allow(dead_code)]", vec!["2 allow"]),
            ("#[cfg_attr(test, allow(dead_code))]\nfn a() {}", vec!["1 allow"]),
            ("// tidy: allow because nobody may\n#[allow(dead_code)]", vec!["2 allow"]),
            ("#[expect(dead_code, reason = \"why\")]\nfn a() {}", vec![]),
            ("// #[allow(dead_code)]\nlet a = \"#[allow(x)]\";", vec![]),
        ] {
            assert_eq!(found(check(&Source::new("crates/a/src/a.rs", text))), expected, "{text}");
        }
    }
}
