//! What is not built is not merged: no `todo!`, no `unimplemented!`, no test that is switched off without saying why.

use super::Finding;
use crate::source::Source;

const RULE: &str = "unfinished";

pub fn check(source: &Source) -> Vec<Finding> {
    let holes = ["todo!(", "unimplemented!("].into_iter().flat_map(|hole| {
        let advice = format!("build it, or return an error that says what is missing, instead of {hole})");
        source.find(hole).filter_map(move |at| source.finding(at, RULE, advice.clone())).collect::<Vec<_>>()
    });
    let ignored = source.attributes().filter_map(|(at, inside)| {
        let rest = inside.trim_start().strip_prefix("ignore")?.trim_start();
        let reason = rest.strip_prefix('=').and_then(|_| source.literal_at(at + inside.find('=')? + 1));
        let plain = rest.is_empty() || rest.starts_with('=');
        let silent = reason.is_none_or(|reason| reason.trim().is_empty());
        (plain && silent)
            .then(|| source.finding(at, RULE, "say why: #[ignore = \"reason\"]; make test-full runs it"))?
    });
    holes.chain(ignored).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn holes_and_silent_ignores_are_found() {
        for (text, expected) in [
            ("fn a() { todo!() }", vec!["1 unfinished"]),
            ("fn a() {\n    unimplemented!(\"later\")\n}", vec!["2 unfinished"]),
            ("#[test]\n#[ignore]\nfn a() {}", vec!["2 unfinished"]),
            ("#[ignore = \"\"]\nfn a() {}", vec!["1 unfinished"]),
            ("#[ignore = \"one hour of seeds\"]\nfn a() {}", vec![]),
            ("#[ignored_by(x)]\nfn a() {}", vec![]),
            ("// todo!()\nlet a = \"todo!()\"; my_todo!();", vec![]),
        ] {
            assert_eq!(found(check(&Source::new("crates/a/src/a.rs", text))), expected, "{text}");
        }
    }
}
