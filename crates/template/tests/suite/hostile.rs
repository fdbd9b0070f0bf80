//! Eggs that somebody has made to do harm.

use serde_json::{Value, json};
use sf_protocol::server::Stop;
use sf_template::egg::MAX_WARNINGS;

use super::{imported, places};

#[test]
fn names_that_reach_beyond_the_container_are_left_out() {
    let found = imported(
        r#""variables": [
            {"name": "a", "env_variable": "LD_PRELOAD", "default_value": "/tmp/x.so"},
            {"name": "b", "env_variable": "LD_LIBRARY_PATH"},
            {"name": "c", "env_variable": "GLIBC_TUNABLES"},
            {"name": "d", "env_variable": "PATH", "default_value": "/tmp"},
            {"name": "e", "env_variable": "NODE_OPTIONS", "default_value": "--require /tmp/x.js"},
            {"name": "f", "env_variable": "P_SERVER_UUID"},
            {"name": "g", "env_variable": "A=B"},
            {"name": "h", "env_variable": "x\nLD_PRELOAD"},
            {"name": "i", "env_variable": "FINE"}]"#,
    );
    let names: Vec<_> = found.alt.variables.iter().map(|variable| variable.env.as_str()).collect();
    assert_eq!(names, ["PATH", "NODE_OPTIONS", "FINE"]);
    let expected =
        ["!variables[0]", "!variables[1]", "!variables[2]", "!variables[5]", "!variables[6]", "!variables[7]"];
    assert_eq!(places(&found)[..6], expected);
    assert_eq!(places(&found)[6..], ["!variables[0].env_variable", "!variables[1].env_variable"]);
    assert_eq!(found.defects, vec![]);
    let text = &found.warnings[0].message;
    assert!(text.contains("LD_PRELOAD is refused, since"), "{text}");
}

#[test]
fn what_is_written_beside_a_format_is_judged_like_any_template() {
    let found = imported(
        r#""_serverflow": {"runtime": "process", "variables": [{"name": "a", "env": "LD_PRELOAD", "default": "/tmp/x.so"}],
            "name": "\u001b[2Jowned"}"#,
    );
    let mut places: Vec<_> = found.defects.iter().map(|defect| defect.place.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["name", "startups[0].run", "variables[0].env"]);
}

#[test]
fn texts_cannot_steer_a_terminal_or_a_reader() {
    let found = imported(
        r#""author": "a\u001b]0;x\u0007b", "description": "line\r\n\u202etxt.exe\u0000", "tags": ["a\nb"],
           "file_denylist": ["a\u001b"], "variables": [{"name": "x\u200by", "env_variable": "A", "default_value": "\u001b[31m"}],
           "scripts": {"installation": {"script": "echo \u202e x\r\ny\u0000", "container": "a:1", "entrypoint": "ash"}}"#,
    );
    let alt = &found.alt;
    assert_eq!((alt.author.as_str(), alt.description.as_str()), ("a]0;xb", "line\ntxt.exe"));
    assert_eq!((alt.tags[0].as_str(), alt.denied[0].as_str(), alt.variables[0].name.as_str()), ("a b", "a", "xy"));
    assert_eq!(alt.install.as_ref().unwrap().script, "echo \u{202e} x\ny", "code is not changed, but told");
    let told = places(&found);
    for place in [
        "author",
        "description",
        "file_denylist[0]",
        "variables[0].name",
        "!variables[0].default_value",
        "!scripts.installation.script",
    ] {
        assert!(told.contains(&place.to_owned()), "{place}: {told:?}");
    }
    assert!(
        found.warnings.iter().all(|warning| !warning.message.chars().any(char::is_control)),
        "{:?}",
        found.warnings
    );
    assert_eq!(found.defects, vec![]);
}

#[test]
fn too_much_of_anything_is_refused_with_its_limit() {
    let variables: Vec<Value> =
        (0..10_000).map(|index| json!({ "name": "v", "env_variable": format!("V{index}") })).collect();
    let found = imported(&format!(r#""variables": {}"#, json!(variables)));
    assert_eq!(found.defects[0].to_string(), "variables: There are 10000 variables, 256 are allowed. Take some out.");
    let script = "echo x\n".repeat(6000);
    let script = json!({ "installation": { "script": script, "container": "a:1", "entrypoint": "ash" } });
    let found = imported(&format!(r#""scripts": {script}"#));
    assert_eq!(found.defects[0].place, "install.script");
    assert!(found.defects[0].message.contains("32768 are allowed"), "{:?}", found.defects);
    let rules = json!([{ "env_variable": "A", "rules": "regex:/".repeat(200_000) }]);
    let found = imported(&format!(r#""variables": {rules}"#));
    assert!(found.alt.variables[0].rules.is_empty() && found.needs.attention);
}

#[test]
fn a_thousand_mistakes_are_not_a_thousand_warnings() {
    let fields: Vec<String> = (0..5000).map(|index| format!(r#""unknown{index}": 1"#)).collect();
    let found = imported(&fields.join(","));
    assert_eq!(found.warnings.len(), MAX_WARNINGS + 1);
    assert!(found.warnings.last().unwrap().message.contains("4801 more"), "{:?}", found.warnings.last());
}

#[test]
fn numbers_beyond_any_size_are_only_texts() {
    let found = imported(
        r#""variables": [{"env_variable": "A", "default_value": 18446744073709551615, "sort": 1e300}, {"env_variable": "B", "default_value": -1.5e-7, "sort": -9}],
           "config": {"files": {"a": {"parser": "ini", "find": {"b": 18446744073709551615, "c": 1.5}}}, "startup": {"done": 5}, "stop": 7}"#,
    );
    assert_eq!(found.alt.variable("A").unwrap().default, "18446744073709551615");
    assert_eq!(found.alt.edits[0].set.len(), 2);
    assert!(matches!(found.stop(), Stop::Command { line, .. } if line == "7"));
}
