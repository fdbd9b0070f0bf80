use super::*;
use serde_json::json;

/// A template of ours: a process with arguments of its own.
pub(crate) fn sample() -> Alt {
    let value = json!({
        "alt": 1,
        "name": "IRC server",
        "slug": "irc-server",
        "runtime": "process",
        "startups": [{ "label": "Default", "run": { "kind": "argv", "argv": ["/usr/sbin/ngircd", "-n", "-f", "ngircd.conf"] } }],
        "variables": [
            { "name": "Message of the day", "env": "MOTD", "default": "Hello", "viewable": true, "editable": true, "rules": ["required", "string", "max:80"] },
            { "name": "Max users", "env": "MAX_USERS", "default": "100", "rules": ["required", "integer", "between:1,5000"] },
        ],
        "edits": [{ "path": "ngircd.conf", "parser": "ini", "set": [
            { "key": "Global.Ports", "value": "{{server.build.default.port}}" },
            { "key": "Limits.MaxConnections", "value": "{{server.build.env.MAX_USERS}}" },
            { "key": "Global.Listen", "onlyIf": "regex:^0\\.", "value": "{{server.build.default.ip}}" },
        ] }],
        "ready": { "lines": [{ "kind": "text", "text": "ready" }], "within": 60000 },
        "stop": { "kind": "signal", "signal": "SIGTERM", "grace": 10000 },
    });
    Alt::read(&value.to_string()).expect("a sample without defects")
}

/// The places of what is wrong after a change.
fn check(change: impl FnOnce(&mut Alt), expected: &[&str]) {
    let mut alt = sample();
    change(&mut alt);
    let places: Vec<_> = alt.defects().into_iter().map(|defect| defect.place).collect();
    assert_eq!(places, expected);
}

#[test]
fn each_defect_names_its_place() {
    check(|_| {}, &[]);
    check(|alt| alt.name = "a\u{1b}[2J".into(), &["name"]);
    check(|alt| alt.name = "a\u{202e}b".into(), &["name"]);
    check(|alt| alt.author = "x".repeat(300), &["author"]);
    check(|alt| alt.icon = Some("https://example.org/a.png".into()), &["icon"]);
    check(|alt| alt.startups.clear(), &["startups"]);
    check(|alt| alt.startups[0].run = Run::Shell { line: "./run.sh".into() }, &["startups[0].run"]);
    check(|alt| alt.startups.push(alt.startups[0].clone()), &["startups[1].label"]);
    check(
        |alt| alt.startups[0].run = Run::Argv { argv: vec!["x".into(), "{{NOBODY}}".into()] },
        &["startups[0].run.argv"],
    );
    check(|alt| alt.startups[0].run = Run::Argv { argv: vec!["x".into(), "{{MOTD}} {{SERVER_PORT}}".into()] }, &[]);
    check(|alt| alt.startups[0].run = Run::Argv { argv: vec![] }, &["startups[0].run.argv"]);
    check(|alt| alt.variables[1].env = "MOTD".into(), &["variables[1].env"]);
    check(|alt| alt.variables[1].rules = vec!["in:a|b".into()], &["variables[1].rules"]);
    check(|alt| alt.variables[1].rules = vec!["regex:/^(a|b)$/".into()], &[]);
    check(|alt| alt.variables[1].default = "x".repeat(9000), &["variables[1].default"]);
    check(|alt| alt.variables[0].secret = true, &["variables[0].default"]);
    check(|alt| alt.edits[0].set[2].only_if = Some("regex:(?=a)".into()), &["edits[0].set[2].onlyIf"]);
    check(|alt| alt.edits[0].set[0].key.clear(), &["edits[0].set[0].key"]);
    check(|alt| alt.ready.within = Millis(0), &["ready.within"]);
    check(|alt| alt.stop = Stop::Signal { signal: "SIGSTOP".into(), grace: Millis(0) }, &["stop.signal"]);
    check(|alt| alt.stop = Stop::Command { line: "a\nb".into(), grace: Millis(0) }, &["stop.line"]);
    check(|alt| alt.denied = vec!["a\nb".into()], &["denied[0]"]);
    check(|alt| alt.runtime = RuntimeKind::Docker, &[]);
}

#[test]
fn names_that_reach_beyond_a_server_are_refused() {
    for (name, process, docker) in [
        ("LD_PRELOAD", false, false),
        ("PATH", false, true),
        ("NODE_OPTIONS", false, true),
        ("HOME", false, false),
        ("STARTUP", false, false),
        ("P_SERVER_UUID", false, false),
        ("A-B", false, false),
        ("HOSTNAME", true, true),
    ] {
        for (runtime, good) in [(RuntimeKind::Process, process), (RuntimeKind::Docker, docker)] {
            let mut alt = sample();
            alt.runtime = runtime;
            alt.variables[0].env = name.to_owned();
            let refused: Vec<_> =
                alt.defects().into_iter().filter(|defect| defect.place == "variables[0].env").collect();
            assert_eq!(refused.is_empty(), good, "{name} {runtime:?}: {refused:?}");
        }
    }
}

#[test]
fn limits_are_named_with_their_units() {
    let mut alt = sample();
    alt.install = Some(Install { image: None, entrypoint: "bash".into(), script: "\n".repeat(20_000) });
    alt.variables = (0..300).map(|index| Variable { env: format!("V{index}"), ..alt.variables[0].clone() }).collect();
    let told: Vec<_> = alt.defects().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "variables: There are 300 variables, 256 are allowed. Take some out.",
            "install.script: It has 40002 bytes as JSON, 32768 are allowed: it travels in one order to its node. Let it fetch the longer part, or make it shorter.",
        ]
    );
}

#[test]
fn reading_is_strict() {
    let good = serde_json::to_value(sample()).unwrap();
    assert_eq!(Alt::read(&good.to_string()), Ok(sample()));
    for (change, place) in [
        (json!({ "alt": 2 }), "alt"),
        (json!({ "colour": "red" }), "colour"),
        (json!({ "slug": "Not A Slug" }), "slug"),
        (json!({ "runtime": "vm" }), "runtime"),
    ] {
        let mut value = good.clone();
        value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let defects = Alt::read(&value.to_string()).unwrap_err();
        assert_eq!(defects[0].place, place, "{defects:?}");
    }
    for bad in ["", "{", "[]", "{}", "null"] {
        assert!(Alt::read(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_hash_is_of_what_it_says() {
    let alt = sample();
    let text = serde_json::to_string_pretty(&alt).unwrap();
    assert_eq!(Alt::read(&text).unwrap().hash(), alt.hash());
    let mut other = alt.clone();
    other.variables[0].default.push('!');
    assert_ne!(other.hash(), alt.hash());
    let mut canonical = String::new();
    write_canonical(&json!({ "b": [1, { "z": null, "a": "x\n" }], "a": true }), &mut canonical);
    assert_eq!(canonical, r#"{"a":true,"b":[1,{"a":"x\n","z":null}]}"#);
}
