//! Eggs as they are found, as others could write them, and as we write them.

#![expect(clippy::unwrap_used, reason = "clippy exempts functions marked as tests only, and here all is test")]

mod hostile;
mod quirks;
mod round;
mod samples;
mod twins;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;
use sf_template::Imported;

/// The folder of the samples.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/eggs")
}

/// Names of the samples, sorted.
fn samples() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".md"))
        .collect();
    names.sort();
    names
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn sample(name: &str) -> Imported {
    sf_template::egg::import(&bytes(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// An egg with these fields, and what an egg needs besides.
fn egg(fields: &str) -> String {
    const BESIDES: &[(&str, &str)] = &[
        ("meta", r#"{"version": "PTDL_v2"}"#),
        ("name", r#""Sample""#),
        ("startup", r#""./run""#),
        ("docker_images", r#"{"A": "a:1"}"#),
        ("config", r#"{"files": "{}", "startup": "{\"done\": \"ready\"}", "logs": "{}", "stop": "stop"}"#),
    ];
    let own: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&format!("{{{fields}}}")).unwrap();
    let besides = BESIDES.iter().filter(|(key, _)| !own.contains_key(*key));
    let mut egg: Vec<String> = besides.map(|(key, value)| format!("{key:?}: {value}")).collect();
    if !fields.is_empty() {
        egg.push(fields.to_owned());
    }
    format!("{{{}}}", egg.join(", "))
}

fn imported(fields: &str) -> Imported {
    sf_template::egg::import(egg(fields).as_bytes()).unwrap_or_else(|why| panic!("{why}: {}", egg(fields)))
}

/// Places of warnings; those that need a person have a `!`.
fn places(imported: &Imported) -> Vec<String> {
    let mark = |attention| if attention { "!" } else { "" };
    imported.warnings.iter().map(|warning| format!("{}{}", mark(warning.attention), warning.place)).collect()
}
