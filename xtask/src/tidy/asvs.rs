//! docs/reference/asvs.md stays true: every requirement once, what is linked is there, the table adds up.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;

const PAGE: &str = "docs/reference/asvs.md";
const STATES: [&str; 3] = ["shown", "n/a", "open"];
/// ASVS 5.0.0: by chapter and section the number of the last requirement the page has to answer.
const LAST: &str = "2 9 11 3 2, 3 3 4 1, 0 2 4 6 5 0 2, 3 1 2 4, 1 3 2 3, 3 12 8 6 8 4 2 4, 3 4 2 5 3 2, 4 4 3 2, 3 4, \
    2 2 4 11 5 2 3, 4 5 5 4 2 2 2, 5 2 5, 4 6 4 7, 2 4 3, 3 3 7, 1 5 4 3 4, 1 4 2";

pub fn check(read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    look(&read(PAGE).unwrap_or_default(), LAST, read)
}

fn look(page: &str, last: &str, read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let (mut findings, mut missing) = (Vec::new(), required(last));
    let (mut table, mut counts) = (BTreeMap::new(), BTreeMap::<String, [usize; 4]>::new());
    for (line, text) in (1..).zip(page.lines()) {
        findings.extend(links(text).filter_map(|(label, target)| finding(line, dead(label, target, &read)?)));
        let row = text.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")).unwrap_or_default();
        let cells: Vec<&str> = row.splitn(5, " | ").collect();
        let [first, second, third, state, rest] = cells[..] else { continue };
        if let [Ok(all), Ok(shown), Ok(never), Ok(open)] = [second, third, state, rest].map(str::parse::<usize>) {
            let name = first.split(' ').next().unwrap_or_default();
            table.insert(name.to_owned(), [all, shown, never, open]);
        } else if let Some((chapter, _)) = first.split_once('.') {
            let Some(at) = STATES.iter().position(|one| *one == state) else {
                findings.extend(finding(line, format!("{first} is `{state}`: say one of {STATES:?}")));
                continue;
            };
            for name in [format!("V{chapter}"), "all".to_owned()] {
                let count = counts.entry(name).or_default();
                (count[0], count[at + 1]) = (count[0] + 1, count[at + 1] + 1);
            }
            if !missing.remove(first) {
                findings.extend(finding(line, format!("{first} stands twice, or is not to be answered")));
            }
            if state == STATES[0] && links(rest).next().is_none() {
                findings.extend(finding(line, format!("{first} is shown by nothing: link a test, code or a page")));
            }
        }
    }
    findings.extend(missing.iter().filter_map(|id| finding(1, format!("{id} is missing: answer it"))));
    let names: BTreeSet<&String> = counts.keys().chain(table.keys()).collect();
    findings.extend(names.into_iter().filter(|name| counts.get(*name) != table.get(*name)).filter_map(|name| {
        finding(1, format!("the table is wrong about {name}: it counts {:?}", counts.get(name).unwrap_or(&[0; 4])))
    }));
    findings
}

fn finding(line: usize, advice: String) -> Option<Finding> {
    Some(Finding { path: PAGE.to_owned(), line, rule: "asvs", advice })
}

fn required(last: &str) -> BTreeSet<String> {
    let sections = (1..).zip(last.split(", ")).flat_map(|(chapter, sections)| {
        (1..).zip(sections.split(' ')).map(move |(section, last)| (chapter, section, last.parse().unwrap_or(0)))
    });
    sections.flat_map(|(chapter, section, last)| (1..=last).map(move |n| format!("{chapter}.{section}.{n}"))).collect()
}

/// Labels in backticks (empty for others) and targets of the links in a line.
fn links(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("](").filter_map(|(at, _)| {
        let target = text[at + 2..].split(')').next()?;
        let label = text[..at].strip_suffix('`').and_then(|text| text.rsplit_once("[`"));
        Some((label.map_or("", |(_, label)| label), target))
    })
}

/// What is wrong with a link: in Rust its label is a function, elsewhere a text of the file.
fn dead(label: &str, target: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let relative = (!target.contains("://")).then(|| target.split('#').next()).flatten()?;
    let mut path: Vec<&str> = PAGE.split('/').collect();
    path.pop();
    for part in relative.split('/') {
        if part == ".." { path.truncate(path.len().saturating_sub(1)) } else { path.push(part) }
    }
    let path = path.join("/");
    let Some(text) = read(&path) else { return Some(format!("{path} is not there: link where it is now")) };
    let is_fn = |next| text.contains(&format!("fn {label}{next}"));
    let there = if path.ends_with(".rs") { is_fn('(') || is_fn('<') } else { text.contains(label) };
    (!label.is_empty() && !there).then(|| format!("`{label}` is not in {path}: name what shows it now"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::found;

    #[test]
    fn what_is_missing_dead_or_miscounted_is_found() {
        let page = "| V1 Chapter | 2 | 1 | 0 | 1 |\n| all | 2 | 1 | 0 | 1 |\n\
                    | 1.1.1 | 1 | a | shown | [`a`](../../a.rs), [b](b.md#c), [`x[1]`](b.md), <https://c.example> |\n\
                    | 1.1.2 | 2 | b | open | nothing |\n";
        let read = |path: &str| match path {
            "a.rs" => Some("    async fn a() {".to_owned()),
            "docs/reference/b.md" => Some("x[1]".to_owned()),
            _ => None,
        };
        for (from, to, expected) in [
            ("", "", vec![]),
            ("[`a`]", "[`b`]", vec!["3 asvs"]),
            ("(b.md#c)", "(c.md)", vec!["3 asvs"]),
            ("`x[1]`", "`x[2]`", vec!["3 asvs"]),
            ("1.1.2", "1.1.1", vec!["4 asvs", "1 asvs"]),
            ("1.1.2", "1.1.3", vec!["4 asvs", "1 asvs"]),
            ("open", "later", vec!["4 asvs", "1 asvs", "1 asvs", "1 asvs"]),
            ("open", "shown", vec!["4 asvs", "1 asvs", "1 asvs"]),
            ("| V1 Chapter | 2 |", "| V1 Chapter | 3 |", vec!["1 asvs"]),
            ("| all | 2 | 1 | 0 | 1 |", "", vec!["1 asvs"]),
        ] {
            assert_eq!(found(look(&page.replacen(from, to, 1), "2", read)), expected, "{from} -> {to}");
        }
        assert_eq!(required(LAST).len(), 294);
        assert_eq!(found(check(|_| None)).len(), 294, "the page is gone");
    }
}
