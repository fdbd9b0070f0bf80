//! The same egg as each panel would write it is the same template.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use sf_template::Format;
use sf_template::egg::import;

use super::{bytes, samples};

/// The Pelican twin of an egg of Pterodactyl's, made here and not by our own export.
fn twin(egg: &str, version: &str) -> String {
    // Raw, since the order of images matters.
    let mut raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(egg).unwrap();
    let mut fields: BTreeMap<String, Value> = BTreeMap::new();
    let value = |raw: &RawValue| -> Value { serde_json::from_str(raw.get()).unwrap() };
    let startup = value(&raw.remove("startup").unwrap());
    let config = value(&raw.remove("config").unwrap());
    let variables = value(&raw.remove("variables").unwrap());
    raw.remove("meta");
    fields.insert("meta".into(), json!({ "version": version, "update_url": "https://example.org/twin" }));
    fields.insert("uuid".into(), json!("7c4dc3db-fac9-4d2d-8551-0c266e85cc50"));
    fields.insert("tags".into(), json!([]));
    match version {
        "PLCN_v3" => fields.insert("startup_commands".into(), json!({ "Default": startup })),
        _ => fields.insert("startup".into(), startup),
    };
    let inner = |key: &str| -> Value { serde_json::from_str(config[key].as_str().unwrap()).unwrap() };
    let mut twin_config = json!({ "files": inner("files"), "startup": inner("startup"), "logs": inner("logs") });
    twin_config["stop"] = config["stop"].clone();
    let renamed = twin_config
        .to_string()
        .replace("server.build.default.", "server.allocations.default.")
        .replace("server.build.env.", "server.environment.");
    fields.insert("config".into(), serde_json::from_str(&renamed).unwrap());
    let mut twins: Vec<Value> = variables.as_array().unwrap().clone();
    for (index, variable) in twins.iter_mut().enumerate() {
        variable.as_object_mut().unwrap().remove("field_type");
        variable["sort"] = json!(index + 1);
        if let (Some(rules), true) = (variable["rules"].as_str(), version != "PLCN_v1") {
            // Good enough for the samples: none of theirs has a `|` in an expression.
            variable["rules"] = rules.split('|').collect();
        }
    }
    // Pelican lists them by name.
    twins.sort_by_key(|variable| variable["name"].as_str().map(str::to_owned));
    fields.insert("variables".into(), Value::Array(twins));
    let own = fields.iter().map(|(key, value)| format!("{}: {value}", json!(key)));
    let kept = raw.iter().map(|(key, raw)| format!("{}: {}", json!(key), raw.get()));
    format!("{{{}}}", own.chain(kept).collect::<Vec<_>>().join(",\n"))
}

#[test]
fn twins_are_one_template() {
    let mut compared = 0;
    for name in samples().into_iter().filter(|name| name.starts_with("ptdl")) {
        let egg = String::from_utf8(bytes(&name)).unwrap();
        let one = import(egg.as_bytes()).unwrap();
        for version in ["PLCN_v1", "PLCN_v2", "PLCN_v3"] {
            let text = twin(&egg, version);
            let other = import(text.as_bytes()).unwrap_or_else(|why| panic!("{name} {version}: {why}"));
            assert_eq!(other.format.word(), version);
            let keys = |alt: &sf_template::Alt| alt.edits.iter().flat_map(|edit| &edit.set).count();
            assert_eq!(keys(&other.alt), keys(&one.alt), "{name} {version}");
            assert_eq!(sorted(other.alt), sorted(one.alt.clone()), "{name} {version}");
            assert_eq!(other.needs, one.needs, "{name} {version}");
            compared += 1;
        }
        // By our own hand the order of everything is kept, and so is the hash.
        let plcn = sf_template::egg::export(&one.alt, &one.origin, Format::PlcnV3, sf_template::Encoding::Yaml);
        assert_eq!(import(plcn.as_bytes()).unwrap().alt.hash(), one.alt.hash(), "{name}");
    }
    assert_eq!(compared, 36);
}

/// How maps are ordered in this test's own JSON is up to how it was built.
fn sorted(mut alt: sf_template::Alt) -> sf_template::Alt {
    alt.edits.sort_by_key(|edit| edit.path.to_string());
    alt.edits.iter_mut().for_each(|edit| edit.set.sort_by_key(|set| set.key.clone()));
    alt
}
