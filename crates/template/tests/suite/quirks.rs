//! Ways in which eggs are written that no description of them mentions.

use serde_json::json;
use sf_protocol::server::{EditValue, Match, Parser};
use sf_template::NoEgg;
use sf_template::egg::{MAX_BYTES, import};

use super::{egg, imported, places};

#[test]
fn lists_are_written_in_many_ways() {
    for (denied, expected) in [
        (r#""""#, vec![]),
        ("{}", vec![]),
        ("[]", vec![]),
        ("null", vec![]),
        (r#"["a.txt", "b/"]"#, vec!["a.txt", "b/"]),
        (r#"{"0": "a.txt"}"#, vec!["a.txt"]),
        (r#""a.txt""#, vec!["a.txt"]),
    ] {
        assert_eq!(imported(&format!(r#""file_denylist": {denied}"#)).alt.denied, expected, "{denied}");
    }
    for (images, expected) in [
        (r#""docker_images": {"Java 21": "j:21", "Java 8": "j:8"}"#, vec!["Java 21=j:21", "Java 8=j:8"]),
        (r#""docker_images": ["j:21", "j:8"]"#, vec!["j:21=j:21", "j:8=j:8"]),
        (r#""images": ["j:21"]"#, vec!["j:21=j:21"]),
        (r#""image": "j:21""#, vec!["j:21=j:21"]),
        (r#""docker_images": {"": "j:21"}, "image": "data:image/png;base64,AAAA""#, vec!["j:21=j:21"]),
    ] {
        let text = format!(r#"{{"meta": {{"version": "PTDL_v1"}}, "name": "A", "startup": "x", {images}}}"#);
        let found = import(text.as_bytes()).unwrap().alt.images;
        let found: Vec<_> = found.into_iter().map(|image| format!("{}={}", image.label, image.image)).collect();
        assert_eq!(found, expected, "{images}");
    }
    assert_eq!(imported(r#""features": null"#).alt.features, Vec::<String>::new());
    assert_eq!(imported(r#""features": ["eula"]"#).alt.features, ["eula"]);
}

#[test]
fn rules_are_written_in_many_ways() {
    for (rules, expected) in [
        (r#""required|string|max:20""#, vec!["required", "string", "max:20"]),
        (r#""|required||regex:/^(a|b)$/|max:5""#, vec!["required", "regex:/^(a|b)$/", "max:5"]),
        (r#"["required", "regex:/^(a|b)$/"]"#, vec!["required", "regex:/^(a|b)$/"]),
        (r#"{"0": "required", "1": "string"}"#, vec!["required", "string"]),
        ("{}", vec![]),
        ("null", vec![]),
        (r#""""#, vec![]),
    ] {
        let found = imported(&format!(r#""variables": [{{"name": "A", "env_variable": "A", "rules": {rules}}}]"#));
        assert_eq!(found.alt.variables[0].rules, expected, "{rules}");
    }
    let found =
        imported(r#""variables": [{"name": "A", "env_variable": "A", "rules": "required|confirmed|regex:/(?=a)b/"}]"#);
    assert_eq!(places(&found), ["!variables[0].rules[1]", "!variables[0].rules[2]"]);
    assert!(found.needs.attention);
}

#[test]
fn variables_are_sorted_and_one_of_a_name() {
    let found = imported(
        r#""variables": [
            {"name": "Second", "env_variable": "B", "default_value": 25565, "user_viewable": 1, "user_editable": "1", "sort": 2},
            {"name": "First", "env_variable": "A", "default_value": true, "rules": "boolean", "sort": "1", "field_type": "text"},
            {"name": "Third", "env_variable": "A", "default_value": "x", "sort": 3},
            {"name": "Nothing said", "env_variable": "C", "default_value": null, "sort": null, "colour": "red"}]"#,
    );
    let told: Vec<_> =
        found.alt.variables.iter().map(|it| format!("{}={} {}", it.env, it.default, it.viewable)).collect();
    assert_eq!(told, ["C= false", "A=1 false", "B=25565 true"]);
    assert!(found.alt.variables[2].editable);
    assert_eq!(places(&found), ["!variables[2]", "variables[3].colour"]);
    assert_eq!(found.alt.notes["variables"][0]["default_value"], "x", "what was left out is kept");
    assert_eq!(found.alt.variables[0].notes["colour"], "red");
}

#[test]
fn names_that_are_taken_get_others() {
    let found = imported(
        r#""startup": "./run $HOME {{HOME}} {{SERVER_PORT}}", "config": {"files": {"a": {"parser": "ini", "find": {"b": "{{server.build.env.HOME}}"}}}, "stop": "^C"},
           "variables": [{"name": "Home", "env_variable": "HOME", "default_value": "x"}, {"name": "Port", "env_variable": "SERVER_PORT"}]"#,
    );
    assert_eq!(found.alt.variables.len(), 1);
    assert_eq!(found.alt.variables[0].env, "SERVER_HOME");
    assert_eq!(found.alt.edits[0].set[0].value, EditValue::Text("{{server.build.env.SERVER_HOME}}".into()));
    assert!(
        serde_json::to_string(&found.alt.startups)
            .unwrap()
            .contains("./run $SERVER_HOME {{SERVER_HOME}} {{SERVER_PORT}}")
    );
    assert_eq!(found.defects, vec![]);
}

#[test]
fn configuration_is_read_in_both_forms() {
    let files =
        r#"{"a.yml": {"parser": "yml", "find": {"x": 1, "y": true, "z": {"regex:^a": "b", "c": "{{ env.V }}"}}}}"#;
    let inside = json!(files).to_string();
    for files in [files, &inside] {
        let found = imported(&format!(
            r#""config": {{"files": {files}, "startup": {{"done": ["a", "regex:b+"], "strip_ansi": true, "userInteraction": []}},
                "logs": {{"custom": false, "location": "logs/latest.log"}}, "stop": "^^C"}}, "variables": [{{"env_variable": "V"}}]"#
        ));
        let edit = &found.alt.edits[0];
        assert_eq!((edit.parser, edit.path.as_str(), edit.set.len()), (Parser::Yaml, "a.yml", 4));
        assert_eq!(edit.set[0].value, EditValue::Integer(1));
        assert_eq!(edit.set[1].value, EditValue::Bool(true));
        assert_eq!(edit.set[2].only_if.as_deref(), Some("regex:^a"));
        assert_eq!(edit.set[3].value, EditValue::Text("{{server.build.env.V}}".into()));
        assert_eq!(found.alt.ready.lines[1], Match::Regex { pattern: "b+".into() });
        assert!(found.alt.ready.strip_ansi);
        assert_eq!(found.alt.notes["config"]["logs"]["location"], "logs/latest.log");
        assert_eq!(places(&found), ["config.logs"]);
        assert_eq!(found.needs.words(), ["docker"]);
    }
}

#[test]
fn parts_that_cannot_be_read_are_named_and_kept() {
    for (fields, expected) in [
        (r#""config": {"files": "{not json", "stop": "x"}"#, vec!["!config.files", "config.startup"]),
        (
            r#""config": {"files": {"a": {"parser": "hocon", "find": {"b": "c"}}}, "stop": "x"}"#,
            vec!["!config.files[`a`]", "config.startup"],
        ),
        (
            r#""config": {"files": {"../a": {"parser": "ini", "find": {"b": "c"}}}, "stop": "x"}"#,
            vec!["!config.files[`../a`]", "config.startup"],
        ),
        (
            r#""config": {"files": {"a": {"parser": "ini", "find": {"b": null}}}, "stop": "x"}"#,
            vec!["!config.files[`a`].`b`", "config.files[`a`]", "config.startup"],
        ),
        (
            r#""config": {"startup": {"done": "regex:("}, "stop": "x"}"#,
            vec!["!config.startup.done[0]", "config.startup"],
        ),
        (r#""config": [1]"#, vec!["!config", "!config.stop", "config.startup"]),
        (r#""config": {"startup": {"done": "a"}, "stop": "^X"}"#, vec!["!config.stop"]),
        (r#""variables": "none""#, vec!["!variables"]),
        (r#""variables": [1, {"env_variable": "A B"}]"#, vec!["!variables[0]", "!variables[1]"]),
        (r#""scripts": {"installation": "rm"}"#, vec!["!scripts.installation"]),
        (
            r#""scripts": {"installation": {"script": "true", "container": "a b", "entrypoint": "ash -c"}}"#,
            vec!["!scripts.installation.container", "!scripts.installation.entrypoint"],
        ),
        (r#""docker_images": {"A": "a b"}"#, vec!["!docker_images[0]", "!docker_images"]),
        (r#""somebody": {"else": 1}"#, vec!["somebody"]),
        (r#""startup": ["a"]"#, vec!["!startup", "!startup"]),
        (r#""_serverflow": {"alt": "x"}"#, vec!["!_serverflow"]),
    ] {
        let found = imported(fields);
        assert_eq!(places(&found), expected, "{fields}");
        assert_eq!(found.defects, vec![], "{fields}");
    }
    let found = imported(
        r#""config": {"files": {"/mnt/server/a": {"parser": "ini", "find": {"b": "c", "d": []}}}, "stop": "x"}"#,
    );
    assert_eq!(found.alt.edits[0].path.as_str(), "a");
    assert_eq!(found.alt.notes["config"]["files"]["/mnt/server/a"]["find"]["d"], json!([]));
}

#[test]
fn only_what_is_no_egg_is_an_error() {
    let refused = |text: &str| import(text.as_bytes()).expect_err(text);
    assert!(matches!(refused(""), NoEgg::Other(_)));
    assert!(matches!(refused("{}"), NoEgg::Other(_)));
    assert!(matches!(refused(r#"{"meta": []}"#), NoEgg::Other(_)));
    assert!(matches!(refused(r#"{"meta": {"version": "PTDL_v3"}}"#), NoEgg::Version(_)));
    assert!(matches!(refused(r#"{"meta": {"version": "PTDL_v2"}"#), NoEgg::Malformed(_)));
    assert!(matches!(import(b"\x89PNG\r\n\x1a\n\0"), Err(NoEgg::NoText { .. })));
    assert!(matches!(import(&vec![b' '; MAX_BYTES + 1]), Err(NoEgg::TooLarge { .. })));
    for version in ["PTDL_v1", "PTDL_v2", "PLCN_v1", "PLCN_v2", "PLCN_v3"] {
        let found = import(format!("meta:\n  version: {version}\n").as_bytes()).unwrap();
        assert_eq!(found.alt.name, "Unnamed egg");
        assert_eq!(found.defects, vec![]);
    }
    assert!(import(egg("").as_bytes()).unwrap().warnings.is_empty());
}
