use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sf_protocol::server::{EditValue, FileEdit, Match, Parser, Ready, SetKey, Stop};
use sf_template::egg::{export, import};
use sf_template::{Alt, Encoding, Format, Image, Install, Origin, Run, RuntimeKind, StartupCommand, Variable};
use sf_types::Millis;

use super::{bytes, sample, samples};

/// Every format and encoding gives the same template back.
fn check(alt: &Alt, origin: &Origin) -> Result<(), TestCaseError> {
    for format in Format::ALL {
        for encoding in [Encoding::Json, Encoding::Yaml] {
            let text = export(alt, origin, format, encoding);
            let again = import(text.as_bytes()).map_err(|why| TestCaseError::fail(format!("{why}: {text}")))?;
            prop_assert_eq!(&again.alt, alt, "{} {:?}: {}", format, encoding, text);
            prop_assert_eq!(again.format, format);
            prop_assert_eq!(again.alt.hash(), alt.hash());
            prop_assert_eq!(&again.origin.update_url, &origin.update_url);
        }
    }
    Ok(())
}

#[test]
fn samples_come_back() {
    for name in samples() {
        let found = sample(&name);
        check(&found.alt, &found.origin).unwrap_or_else(|why| panic!("{name}: {why}"));
    }
}

#[test]
fn a_sample_in_its_own_format_needs_nothing_beside_it() {
    for name in samples() {
        let found = sample(&name);
        let encoding = if name.ends_with(".yaml") { Encoding::Yaml } else { Encoding::Json };
        let text = export(&found.alt, &found.origin, found.format, encoding);
        assert!(!text.contains(sf_template::egg::EXTRA), "{name}: {text}");
        let again = import(text.as_bytes()).unwrap();
        assert_eq!((again.origin, again.needs), (found.origin, found.needs), "{name}");
    }
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z][A-Za-z0-9 .-]{0,16}[a-z]",
        "[A-Za-zäöü✓{}:#'\"\\\\|&*!%@`~-]{1,12}",
        "(true|null|1|0x1|~|no|- a)"
    ]
}

fn prose() -> impl Strategy<Value = String> {
    prop_oneof![line(), "[a-z: #]{0,9}x\n\n?[ -~]{0,9}y", Just(String::new())]
}

fn code() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        "#!/bin/ash\n([ -~\t]{0,20}\n){0,5}",
        "[\\PC\u{1b}\u{202e}]{0,12}",
        "(cd \\{\\{A\\}\\}; \\$\\{B\\} \\{\\{ server\\.allocations\\.default\\.port \\}\\})",
    ]
}

fn env() -> impl Strategy<Value = String> {
    "V_[A-Za-z0-9_]{0,10}"
}

fn rule() -> impl Strategy<Value = String> {
    prop_oneof![
        "(required|nullable|string|integer|boolean|max:20|between:1,6|in:a,b|confirmed|regex:/\\^\\(a\\|b\\)\\$/|ends_with:\\.jar)",
        "[a-z]{1,8}:[a-z0-9,]{0,8}",
    ]
}

fn notes() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!("x: y")),
        Just(json!([1, "a", { "b": [] }])),
        Just(json!({ "location": "logs/latest.log", "custom": false })),
        Just(json!(1.5)),
    ];
    vec(("[a-z_]{1,9}|config|variables|scripts|name", value), 0..3).prop_map(|entries| entries.into_iter().collect())
}

fn variable() -> impl Strategy<Value = Variable> {
    (line(), env(), prose(), code(), any::<(bool, bool, bool)>(), vec(rule(), 0..4), notes()).prop_map(
        |(name, env, description, default, (viewable, editable, secret), rules, notes)| Variable {
            name,
            env,
            description,
            default: if secret { String::new() } else { default },
            viewable,
            editable,
            rules,
            secret,
            notes,
        },
    )
}

fn set_key() -> impl Strategy<Value = SetKey> {
    let value = prop_oneof![
        any::<bool>().prop_map(EditValue::Bool),
        any::<i64>().prop_map(EditValue::Integer),
        code().prop_map(EditValue::Text),
        "\\{\\{(server\\.build\\.env\\.X|server\\.environment\\.X|env\\.X|config\\.docker\\.interface|x)\\}\\}"
            .prop_map(EditValue::Text),
    ];
    ("[a-c][a-z0-9.*\\[\\]]{0,3}", proptest::option::of("(regex:\\^a\\$|x|y)"), value)
        .prop_map(|(key, only_if, value)| SetKey { key, only_if, value })
}

fn edit() -> impl Strategy<Value = FileEdit> {
    let parser = prop_oneof![
        Just(Parser::File),
        Just(Parser::Properties),
        Just(Parser::Ini),
        Just(Parser::Json),
        Just(Parser::Yaml),
        Just(Parser::Xml),
        Just(Parser::Toml)
    ];
    ("[a-c](/[a-z]{1,4}){0,2}\\.cfg", parser, vec(set_key(), 0..5)).prop_map(|(path, parser, set)| FileEdit {
        path: path.parse().unwrap(),
        parser,
        set,
    })
}

fn run() -> impl Strategy<Value = Run> {
    prop_oneof![
        code().prop_map(|line| Run::Shell { line }),
        vec("[a-z '{}$]{1,9}", 1..4).prop_map(|argv| Run::Argv { argv }),
    ]
}

fn stop() -> impl Strategy<Value = Stop> {
    prop_oneof![
        ("[\\^a-z/;][ -~]{0,12}", 0..60_000_u64).prop_map(|(line, grace)| Stop::Command { line, grace: Millis(grace) }),
        ("(SIGINT|SIGTERM|SIGQUIT|SIGKILL|SIGHUP)", prop_oneof![Just(30_000), 0..60_000_u64])
            .prop_map(|(signal, grace)| Stop::Signal { signal, grace: Millis(grace) }),
    ]
}

fn ready() -> impl Strategy<Value = Ready> {
    let text = prop_oneof![
        line().prop_map(|text| Match::Text { text }),
        "(regex:a|regex:)".prop_map(|text| Match::Text { text }),
        "[a-z.+]{0,2}[a-z]".prop_map(|pattern| Match::Regex { pattern }),
    ];
    (vec(text, 0..3), any::<bool>(), prop_oneof![Just(600_000), 1..90_000_u64])
        .prop_map(|(lines, strip_ansi, within)| Ready { lines, strip_ansi, within: Millis(within) })
}

fn alt() -> impl Strategy<Value = Alt> {
    let icon = proptest::option::of(Just("data:image/png;base64,AAAA".to_owned()));
    let image = (line(), "[a-z]{1,5}(/[a-z]{1,5})?:[a-z0-9]{1,3}").prop_map(|(label, image)| Image { label, image });
    let startup = (line(), run()).prop_map(|(label, run)| StartupCommand { label, run });
    let install = (proptest::option::of("[a-z]{1,5}:[0-9]"), "(bash|ash|/bin/sh)", code())
        .prop_map(|(image, entrypoint, script)| Install { image, entrypoint, script });
    let head = (line(), "[a-z]([a-z0-9-]{0,8}[a-z])?", line(), prose(), vec(line(), 0..3), icon, vec(line(), 0..3));
    let body = (
        any::<bool>(),
        vec(image, 0..3),
        vec(startup, 1..3),
        vec(variable(), 0..4),
        proptest::option::of(install),
        vec(edit(), 0..3),
        ready(),
        stop(),
        vec(line(), 0..3),
        notes(),
    );
    (head, body).prop_map(
        |(
            (name, slug, author, description, tags, icon, features),
            (process, images, startups, variables, install, edits, ready, stop, denied, notes),
        )| Alt {
            alt: 1,
            name,
            slug: slug.parse().unwrap(),
            author,
            description,
            tags,
            icon,
            features,
            runtime: if process { RuntimeKind::Process } else { RuntimeKind::Docker },
            images,
            startups,
            variables,
            install,
            edits,
            ready,
            stop,
            denied,
            notes,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::with_cases(64) })]

    // Also those with defects: what is written is read back, whether it may be used or not.
    #[test]
    fn any_template_comes_back(alt in alt()) {
        let origin = Origin { update_url: Some("https://example.org/egg.json".into()), ..Origin::default() };
        check(&alt, &origin)?;
    }

    // A few bytes of a sample changed: nothing panics, and what is read at all comes back.
    #[test]
    fn broken_samples_come_back(index in 0..15_usize, changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6)) {
        let mut egg = bytes(&samples()[index]);
        for (at, byte) in changes {
            let at = at.index(egg.len());
            egg[at] = byte;
        }
        if let Ok(found) = import(&egg) {
            for (format, encoding) in [(Format::PtdlV2, Encoding::Json), (Format::PlcnV3, Encoding::Yaml)] {
                let text = export(&found.alt, &found.origin, format, encoding);
                let again = import(text.as_bytes()).map_err(|why| TestCaseError::fail(format!("{why}: {text}")))?;
                prop_assert_eq!(&again.alt, &found.alt, "{}", text);
            }
        }
    }

    #[test]
    fn any_bytes_are_no_reason_to_panic(egg in vec(any::<u8>(), 0..200)) {
        drop(import(&egg));
    }

    #[test]
    fn any_words_in_an_egg_are_no_reason_to_panic(name in any::<String>(), value in any::<String>(), key in any::<String>()) {
        let files = json!({ &key: { "parser": "json", "find": { &value: &name, "a": { &key: &value } } } });
        let egg = json!({
            "meta": { "version": "PLCN_v3" }, "name": &name, "author": &value, "description": &key, "tags": [&key],
            "docker_images": { &key: &value, "a": "a:1" }, "startup_commands": { &name: &value }, "features": &value,
            "file_denylist": [&value], &key: &name,
            "config": { "files": files, "startup": { "done": [&value, format!("regex:{key}")] }, "stop": &value, "logs": &key },
            "scripts": { "installation": { "script": &value, "container": &name, "entrypoint": &key } },
            "variables": [{ "name": &name, "env_variable": &key, "default_value": &value, "rules": &name }, &value,
                          { "name": &name, "env_variable": "A", "default_value": &value, "rules": [&value, &key] }],
        });
        let found = import(egg.to_string().as_bytes()).map_err(|why| TestCaseError::fail(why.to_string()))?;
        prop_assert_eq!(&found.defects, &vec![], "{:?}", found.alt);
        for (format, encoding) in [(Format::PtdlV1, Encoding::Json), (Format::PlcnV3, Encoding::Yaml)] {
            let text = export(&found.alt, &found.origin, format, encoding);
            prop_assert_eq!(&import(text.as_bytes()).map(|again| again.alt), &Ok(found.alt.clone()), "{}", text);
        }
    }
}
