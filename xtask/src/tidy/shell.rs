//! No shell strings, ever: a program and its arguments, each a value of its own.

use super::Finding;
use crate::source::Source;

const RULE: &str = "shell";
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh", "/bin/sh", "/bin/bash", "/usr/bin/env"];

pub fn check(source: &Source) -> Vec<Finding> {
    let programs = ["Command::new(", "Child::new("].into_iter().flat_map(|call| {
        let shells = source
            .find(call)
            .filter(move |&at| source.literal_at(at + call.len()).is_some_and(|program| SHELLS.contains(&program)));
        shells.collect::<Vec<_>>()
    });
    let programs = programs.filter_map(|at| source.finding(at, RULE, "run the program itself, with argv"));

    let call = ".arg(";
    let flags = source.find(call).filter(|&at| source.literal_at(at + call.len()) == Some("-c"));
    let advice =
        "\"-c\" hands a string to a shell: pass argv; for a flag of another program say `// tidy: shell because`";
    let flags = flags.filter_map(|at| source.finding(at, RULE, advice));
    programs.chain(flags).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn shells_and_their_flag_are_found() {
        for (text, expected) in [
            ("Command::new(\"sh\")", vec!["1 shell"]),
            ("std::process::Command::new(\n    \"bash\",\n)", vec!["1 shell"]),
            ("Child::new(\"/bin/sh\")", vec!["1 shell"]),
            ("Command::new(program)\n    .arg(\"-c\")", vec!["2 shell"]),
            ("// tidy: shell because git's -c sets a key\ngit.arg(\"-c\")", vec![]),
            ("Command::new(\"ssh\").arg(\"-C\")", vec![]),
            ("Command::new(shell)", vec![]),
            ("// Command::new(\"sh\")\nlet a = r#\"Command::new(\"sh\")\"#;", vec![]),
        ] {
            assert_eq!(found(check(&Source::new("crates/a/src/a.rs", text))), expected, "{text}");
        }
    }
}
