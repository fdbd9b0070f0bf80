//! `[licenses]` of deny.toml: everything the workspace is built from carries a licence we may pass on.

use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::Finding;
use crate::graph::Package;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// More licences for one package.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    #[serde(rename = "crate")]
    package: String,
    allow: Vec<String>,
}

pub fn check(root: &Path, packages: &[Package]) -> anyhow::Result<Vec<Finding>> {
    let deny = std::fs::read_to_string(root.join("deny.toml")).context("cannot read deny.toml")?;
    let deny: Deny = toml::from_str(&deny).context("deny.toml")?;
    Ok(packages.iter().filter_map(|package| refusal(&deny.licenses, package)).collect())
}

fn refusal(licenses: &Licenses, package: &Package) -> Option<Finding> {
    let exceptions = licenses.exceptions.iter().filter(|it| it.package == package.name).flat_map(|it| &it.allow);
    let allowed: Vec<&String> = licenses.allow.iter().chain(exceptions).collect();
    let reason = match (&package.license, &package.license_file) {
        (Some(license), _) => match is_satisfied(license, &|one| allowed.iter().any(|it| *it == one)) {
            Ok(true) => return None,
            Ok(false) => format!("its licence `{license}` is not allowed by deny.toml"),
            Err(error) => format!("its licence `{license}` cannot be read: {error}"),
        },
        (None, Some(file)) => format!("it names no licence, only the file {file}: read that"),
        (None, None) => "it names no licence".to_owned(),
    };
    let advice = format!("{} {}: {reason}; drop it, or ask before adding to the list", package.name, package.version);
    Some(Finding { path: "Cargo.lock".into(), line: 1, rule: "licence", advice })
}

/// Whether an SPDX expression can be satisfied by allowed licences alone. `A WITH B` counts as one name; the old `A/B`
/// means OR, as on the registry.
fn is_satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> anyhow::Result<bool> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, allowed };
    let satisfied = parser.any()?;
    match parser.words {
        [] => Ok(satisfied),
        [word, ..] => bail!("unexpected {word:?}"),
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
    allowed: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    /// Alternatives; every branch is parsed, so that a broken one is reported.
    fn any(&mut self) -> anyhow::Result<bool> {
        let mut satisfied = self.all()?;
        while self.take("OR") {
            satisfied |= self.all()?;
        }
        Ok(satisfied)
    }

    fn all(&mut self) -> anyhow::Result<bool> {
        let mut satisfied = self.one()?;
        while self.take("AND") {
            satisfied &= self.one()?;
        }
        Ok(satisfied)
    }

    fn one(&mut self) -> anyhow::Result<bool> {
        if self.take("(") {
            let satisfied = self.any()?;
            return if self.take(")") { Ok(satisfied) } else { bail!("a `(` stays open") };
        }
        let [name, rest @ ..] = self.words else { bail!("a licence is missing at the end") };
        if matches!(*name, "OR" | "AND" | "WITH" | ")") {
            bail!("a licence is missing before {name:?}");
        }
        self.words = rest;
        if !self.take("WITH") {
            return Ok((self.allowed)(name));
        }
        let [exception, rest @ ..] = self.words else { bail!("an exception is missing behind WITH") };
        self.words = rest;
        Ok((self.allowed)(&format!("{name} WITH {exception}")))
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self.words.first() == Some(&word);
        if taken {
            self.words = &self.words[1..];
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_weighed() {
        let allowed = |name: &str| matches!(name, "MIT" | "Apache-2.0" | "ISC" | "Apache-2.0 WITH LLVM-exception");
        for (expression, expected) in [
            ("MIT", Some(true)),
            ("GPL-3.0", Some(false)),
            ("MIT OR GPL-3.0", Some(true)),
            ("GPL-3.0/MIT", Some(true)),
            ("MIT AND GPL-3.0", Some(false)),
            ("MIT AND GPL-3.0 OR ISC", Some(true)),
            ("MIT AND (GPL-3.0 OR ISC)", Some(true)),
            ("(MIT AND GPL-3.0) OR MPL-2.0", Some(false)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("MIT WITH LLVM-exception", Some(false)),
            ("", None),
            ("MIT OR", None),
            ("(MIT", None),
            ("MIT ISC", None),
            ("MIT WITH", None),
        ] {
            assert_eq!(is_satisfied(expression, &allowed).ok(), expected, "{expression}");
        }
    }

    #[test]
    fn packages_are_refused_without_an_allowed_licence() {
        let deny = "[licenses]\nallow = [\"MIT\"]\nexceptions = [{ crate = \"roots\", allow = [\"CDLA\"] }]";
        let deny: Deny = toml::from_str(deny).unwrap();
        for (name, license, file, good) in [
            ("a", Some("MIT"), None, true),
            ("a", Some("CDLA"), None, false),
            ("roots", Some("CDLA"), None, true),
            ("a", None, Some("LICENSE"), false),
            ("a", None, None, false),
            ("a", Some("MIT ,"), None, false),
        ] {
            let (license, license_file) = (license.map(str::to_owned), file.map(str::to_owned));
            let package = Package { name: name.into(), version: "1.0.0".parse().unwrap(), license, license_file };
            assert_eq!(refusal(&deny.licenses, &package).is_none(), good, "{package:?}");
        }
    }
}
