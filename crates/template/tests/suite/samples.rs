use std::net::{IpAddr, Ipv4Addr};

use sf_protocol::server::{Allocation, ServerRuntime, ServerSpec, Startup, Stop};
use sf_template::alt::Field;
use sf_template::{Choice, Facts, Run, resolve};
use sf_types::{ServerId, Slug};

use super::{places, sample, samples};

/// What every sample becomes: format, needs, stop, images, variables, edited keys, ready lines, places of warnings.
const EXPECTED: &[(&str, &str)] = &[
    (
        "plcn-v2-arma-reforger.json",
        "PLCN_v2 network,docker stop=^SIGINT images=1 variables=13 keys=13 ready=1 script=73",
    ),
    ("plcn-v3-paper.yaml", "PLCN_v3 network,docker stop=stop images=5 variables=4 keys=3 ready=1 script=51"),
    (
        "plcn-v3-python-generic.json",
        "PLCN_v3 network,docker stop=^SIGINT images=9 variables=9 keys=0 ready=2 script=70",
    ),
    (
        "ptdl-conan-exiles-rules-map.json",
        "PTDL_v2 network,docker stop=^SIGINT images=1 variables=8 keys=0 ready=1 script=64",
    ),
    ("ptdl-mumble.json", "PTDL_v2 network,docker stop=^SIGINT images=1 variables=1 keys=5 ready=1 script=18"),
    ("ptdl-v1-garrys-mod.json", "PTDL_v1 network,docker stop=quit images=1 variables=8 keys=0 ready=1 script=99"),
    (
        "ptdl-v2-arma-reforger.json",
        "PTDL_v2 network,docker stop=^SIGINT images=1 variables=15 keys=10 ready=1 script=85",
    ),
    ("ptdl-v2-bungeecord.json", "PTDL_v2 network,docker stop=end images=5 variables=2 keys=3 ready=1 script=12"),
    (
        "ptdl-v2-krypton-denylist-string.json",
        "PTDL_v2 network,docker stop=stop images=5 variables=2 keys=2 ready=1 script=20 config.logs",
    ),
    (
        "ptdl-v2-nodejs-generic.json",
        "PTDL_v2 network,docker stop=^SIGINT images=8 variables=10 keys=0 ready=2 script=71",
    ),
    ("ptdl-v2-openttd.json", "PTDL_v2 network,docker stop=exit images=1 variables=4 keys=4 ready=1 script=27"),
    ("ptdl-v2-paper.json", "PTDL_v2 network,docker stop=stop images=5 variables=4 keys=3 ready=1 script=53"),
    ("ptdl-v2-rust.json", "PTDL_v2 network,docker stop=quit images=1 variables=17 keys=0 ready=1 script=41"),
    (
        "ptdl-v2-space-engineers.json",
        "PTDL_v2 network,docker stop=^SIGINT images=1 variables=19 keys=26 ready=1 script=68",
    ),
    ("ptdl-v2-vanilla.json", "PTDL_v2 network,docker stop=stop images=5 variables=2 keys=3 ready=1 script=27"),
];

fn told(name: &str) -> String {
    let found = sample(name);
    let alt = &found.alt;
    let stop = match found.stop() {
        Stop::Command { line, .. } => line.clone(),
        Stop::Signal { signal, .. } => format!("^{signal}"),
    };
    let keys: usize = alt.edits.iter().map(|edit| edit.set.len()).sum();
    format!(
        "{} {} stop={stop} images={} variables={} keys={keys} ready={} script={} {}",
        found.format,
        found.needs.words().join(","),
        alt.images.len(),
        alt.variables.len(),
        alt.ready.lines.len(),
        alt.install.as_ref().map_or(0, |install| install.script.lines().count()),
        places(&found).join(" "),
    )
}

#[test]
fn every_sample_is_what_it_should_be() {
    let found: Vec<(String, String)> =
        samples().into_iter().map(|name| (name.clone(), told(&name).trim_end().to_owned())).collect();
    let expected: Vec<(String, String)> =
        EXPECTED.iter().map(|(name, told)| ((*name).to_owned(), (*told).to_owned())).collect();
    assert_eq!(
        found,
        expected,
        "\n{}",
        found.iter().map(|(name, told)| format!("    ({name:?}, {told:?}),\n")).collect::<String>()
    );
}

#[test]
fn no_sample_has_a_defect() {
    for name in samples() {
        let found = sample(&name);
        assert!(found.defects.is_empty(), "{name}: {:?}", found.defects);
        assert!(found.needs.docker && found.needs.network, "{name}");
        assert_eq!(found.alt.hash(), sample(&name).alt.hash());
    }
}

#[test]
fn parts_of_samples_mean_what_their_authors_meant() {
    let paper = sample("plcn-v3-paper.yaml").alt;
    assert_eq!(paper.tags, ["minecraft"]);
    assert!(paper.icon.as_deref().is_some_and(|icon| icon.starts_with("data:image/svg+xml;base64,")));
    assert_eq!(paper.images[0].label, "Java 21");
    let names: Vec<_> = paper.variables.iter().map(|variable| variable.env.as_str()).collect();
    assert_eq!(names, ["MINECRAFT_VERSION", "SERVER_JARFILE", "DL_PATH", "BUILD_NUMBER"], "by their `sort`");

    let bungee = sample("ptdl-v2-bungeecord.json").alt;
    let set = &bungee.edits[0].set[2];
    assert_eq!(set.key, "servers.*.address");
    assert_eq!(set.only_if.as_deref(), Some(r"regex:^(127\.0\.0\.1|localhost)(:\d{1,5})?$"));

    let arma = sample("plcn-v2-arma-reforger.json").alt;
    let keys: Vec<_> = arma.edits[0].set.iter().map(|set| serde_json::to_string(&set.value).unwrap()).collect();
    assert_eq!(keys[1], "\"{{server.build.default.port}}\"", "Pelican's name is Pterodactyl's");
    assert!(keys.contains(&"true".to_owned()), "a truth value stays one");
    assert_eq!(arma.variable("MAX_PLAYERS").unwrap().field(), Field::Number);
    assert_eq!(arma.variable("AUTO_UPDATE").unwrap().field(), Field::Switch);

    let conan = sample("ptdl-conan-exiles-rules-map.json").alt;
    assert_eq!(conan.variable("SRCDS_BETAID").unwrap().rules, Vec::<String>::new());

    let script = sample("ptdl-mumble.json").alt.install.unwrap().script;
    assert!(!script.contains('\r') && script.starts_with("#!/bin/ash\n"));

    let garrys = sample("ptdl-v1-garrys-mod.json").alt;
    assert_eq!(garrys.images[0].label, "ghcr.io/pterodactyl/games:source");
    assert!(matches!(&garrys.startups[0].run, Run::Shell { line } if line.contains("{{SERVER_PORT}}")));
}

#[test]
fn every_sample_becomes_a_server() {
    let slug: Slug = "a-server".parse().unwrap();
    let facts = Facts {
        server: ServerId::from_uuid(uuid::Uuid::nil()),
        slug: &slug,
        generation: 1,
        location: "here",
        timezone: "UTC",
        allocation_limit: 1,
        suspended: false,
    };
    for name in samples() {
        let alt = sample(&name).alt;
        let allocations = vec![Allocation { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 25565 }];
        let mut choice = Choice { allocations, ..Choice::default() };
        // What a template leaves for people to give is refused by its name until they do.
        if let Err(refusals) = resolve(&alt, &choice, facts) {
            for refusal in refusals {
                let env = refusal.place.strip_prefix("values.").unwrap_or_else(|| panic!("{name}: {refusal:?}"));
                assert!(refusal.message.contains("it must be given"), "{name}: {refusal:?}");
                choice.values.insert(env.to_owned(), "given".to_owned());
            }
        }
        let resolved = resolve(&alt, &choice, facts).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert_eq!(resolved.unchecked, Vec::<String>::new(), "{name}");
        let spec: ServerSpec = sf_protocol::wire::parse(&sf_protocol::wire::write(&resolved.spec)).unwrap();
        assert_eq!(spec, resolved.spec, "{name}");
        assert!(matches!(spec.runtime, ServerRuntime::Docker { .. }) && matches!(spec.startup, Startup::Shell { .. }));
        let edits = serde_json::to_string(&spec.edits).unwrap();
        assert!(!edits.contains("{{server") && !edits.contains("{{env"), "{name}: {edits}");
    }
}
