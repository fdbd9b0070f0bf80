use std::net::{IpAddr, Ipv4Addr};

use sf_types::ByteSize;
use uuid::Uuid;

use super::*;
use crate::alt::tests::sample;
use crate::alt::{Image, Install, StartupCommand};

const ID: &str = "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b";

fn choice() -> Choice {
    let ip = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    Choice {
        limits: ServerLimits { memory: Some(ByteSize::mib(512)), ..ServerLimits::default() },
        allocations: vec![Allocation { ip, port: 6667 }, Allocation { ip, port: 6697 }],
        ..Choice::default()
    }
}

fn resolved(alt: &Alt, choice: &Choice) -> Result<Resolved, Vec<Refusal>> {
    let slug: Slug = "irc".parse().unwrap();
    let facts = Facts {
        server: ServerId::from_uuid(Uuid::try_parse(ID).unwrap()),
        slug: &slug,
        generation: 3,
        location: "frankfurt",
        timezone: "Europe/Berlin",
        allocation_limit: 2,
        suspended: false,
    };
    resolve(alt, choice, facts)
}

fn env(resolved: &Resolved) -> Vec<String> {
    resolved.spec.env.iter().map(|var| format!("{}={}", var.name, var.value)).collect()
}

/// Places of what is refused.
fn check(change: impl FnOnce(&mut Alt, &mut Choice), expected: &[&str]) {
    let (mut alt, mut choice) = (sample(), choice());
    change(&mut alt, &mut choice);
    let places: Vec<_> = match resolved(&alt, &choice) {
        Ok(_) => Vec::new(),
        Err(refusals) => refusals.into_iter().map(|refusal| refusal.place).collect(),
    };
    assert_eq!(places, expected);
}

#[test]
fn a_process_gets_words_and_values() {
    let mut alt = sample();
    let argv =
        ["/usr/sbin/ngircd", "--motd={{MOTD}}", "{{server.build.default.ip}}:{{SERVER_PORT}}", "{{env.MAX_USERS}}"];
    alt.startups[0].run = Run::Argv { argv: argv.map(str::to_owned).to_vec() };
    let mut choice = choice();
    choice.values.insert("MOTD".into(), "Hi $(reboot); 'all' {{MAX_USERS}}".into());
    let resolved = resolved(&alt, &choice).unwrap();
    let Startup::Argv { argv } = &resolved.spec.startup else { panic!("{:?}", resolved.spec.startup) };
    assert_eq!(argv, &["/usr/sbin/ngircd", "--motd=Hi $(reboot); 'all' {{MAX_USERS}}", "192.0.2.7:6667", "100"]);
    assert_eq!(
        env(&resolved),
        [
            "MOTD=Hi $(reboot); 'all' {{MAX_USERS}}",
            "MAX_USERS=100",
            "TZ=Europe/Berlin",
            "SERVER_MEMORY=512",
            "SERVER_IP=192.0.2.7",
            "SERVER_PORT=6667",
            "P_SERVER_LOCATION=frankfurt",
            &format!("P_SERVER_UUID={ID}"),
            "P_SERVER_ALLOCATION_LIMIT=2",
        ]
    );
    let set = &resolved.spec.edits[0].set;
    assert_eq!(set[0].value, EditValue::Text("6667".into()));
    assert_eq!(set[1].value, EditValue::Text("100".into()));
    assert_eq!(set[2].only_if.as_deref(), Some("regex:^0\\."));
    assert_eq!(resolved.spec.runtime, ServerRuntime::Process);
    assert_eq!(resolved.unchecked, Vec::<String>::new());
}

#[test]
fn a_container_gets_its_startup_as_code() {
    let mut alt = sample();
    alt.runtime = RuntimeKind::Docker;
    alt.images = vec![
        Image { label: "Java 21".into(), image: "example.org/java:21".into() },
        Image { label: "Java 17".into(), image: "example.org/java:17".into() },
    ];
    let line = "java -jar {{MOTD}} -p {{SERVER_PORT}} $(date)";
    alt.startups = vec![StartupCommand { label: "Default".into(), run: Run::Shell { line: line.into() } }];
    alt.install = Some(Install { image: Some("alpine:3".into()), entrypoint: "ash".into(), script: "true".into() });
    alt.edits[0].set[0].value = EditValue::Text("{{config.docker.interface}}$2:{{nobody}}".into());
    let mut choice = choice();
    choice.image = Some(ImageChoice::Listed("Java 17".into()));
    let resolved = resolved(&alt, &choice).unwrap();
    assert_eq!(resolved.spec.runtime, ServerRuntime::Docker { image: "example.org/java:17".into() });
    assert_eq!(resolved.spec.startup, Startup::Shell { line: line.into() });
    assert!(env(&resolved).contains(&format!("STARTUP={line}")));
    assert_eq!(resolved.install.unwrap().image.as_deref(), Some("alpine:3"));
    let value = &resolved.spec.edits[0].set[0].value;
    assert_eq!(value, &EditValue::Text("{{config.docker.interface}}$2:{{nobody}}".into()), "it stays for the node");
}

#[test]
fn names_in_lower_case_are_there_in_upper_case_too() {
    let mut alt = sample();
    for (variable, name) in alt.variables.iter_mut().zip(["srv_name", "path"]) {
        variable.env = name.to_owned();
    }
    alt.variables[1].rules.clear();
    alt.edits.clear();
    let process = resolved(&alt, &choice()).unwrap();
    assert_eq!(env(&process)[..3], ["srv_name=Hello", "path=100", "TZ=Europe/Berlin"]);
    alt.runtime = RuntimeKind::Docker;
    let mut choice = choice();
    choice.image = Some(ImageChoice::Other("a:1".into()));
    let container = resolved(&alt, &choice).unwrap();
    assert_eq!(
        env(&container)[..4],
        ["srv_name=Hello", "path=100", "SRV_NAME=Hello", "TZ=Europe/Berlin"],
        "never PATH"
    );
}

#[test]
fn limits_and_the_id_can_be_put_in() {
    let mut alt = sample();
    let all =
        "{{server.build.memory}} {{server.build.swap}} {{server.build.disk}} {{server.build.cpu}} {{server.uuid}}";
    alt.edits[0].set[0].value = EditValue::Text(all.into());
    let resolved = resolved(&alt, &choice()).unwrap();
    assert_eq!(resolved.spec.edits[0].set[0].value, EditValue::Text(format!("512 0 0 0 {ID}")));
}

#[test]
fn a_value_in_an_expression_is_only_a_text() {
    let mut alt = sample();
    alt.edits[0].set[2].only_if = Some("regex:^{{server.build.env.MOTD}}$".into());
    let mut choice = choice();
    choice.values.insert("MOTD".into(), ".*".into());
    let resolved = resolved(&alt, &choice).unwrap();
    assert_eq!(resolved.spec.edits[0].set[2].only_if.as_deref(), Some(r"regex:^\.\*$"));
}

#[test]
fn what_is_refused_is_named() {
    check(|_, _| {}, &[]);
    check(|_, choice| drop(choice.values.insert("MAX_USERS".into(), "many".into())), &["values.MAX_USERS"]);
    check(|_, choice| drop(choice.values.insert("MOTD".into(), String::new())), &["values.MOTD"]);
    check(|_, choice| drop(choice.values.insert("MOTD".into(), "a\nop-level=4".into())), &["values.MOTD"]);
    check(|_, choice| drop(choice.values.insert("MOTD".into(), "a\u{1b}[2J".into())), &["values.MOTD"]);
    check(|_, choice| drop(choice.values.insert("LD_PRELOAD".into(), "/x.so".into())), &["values.LD_PRELOAD"]);
    check(|alt, _| alt.variables[0].env = "NODE_OPTIONS".into(), &["values.NODE_OPTIONS"]);
    check(|_, choice| choice.startup = Some("Nothing".into()), &["startup"]);
    check(|_, choice| choice.image = Some(ImageChoice::Other("a:b".into())), &["image"]);
    check(|alt, _| alt.runtime = RuntimeKind::Docker, &["image"]);
    check(|_, choice| choice.allocations.clear(), &["allocations"]);
    check(|alt, _| alt.startups[0].run = Run::Shell { line: "x".into() }, &["startup"]);
    check(
        |alt, choice| {
            alt.runtime = RuntimeKind::Docker;
            choice.image = Some(ImageChoice::Other("a b; rm".into()));
        },
        &["image"],
    );
    check(
        |alt, choice| {
            alt.variables[0].rules.clear();
            choice.values.insert("MOTD".into(), "x".repeat(8193));
        },
        &["values.MOTD"],
    );
}

#[test]
fn a_default_of_several_lines_is_the_authors() {
    check(|alt, _| alt.variables[0].default = "a\nb".into(), &[]);
}

#[test]
fn what_does_not_fit_an_order_is_refused() {
    check(
        |alt, _| {
            for index in 0..6 {
                let mut variable = alt.variables[0].clone();
                variable.env = format!("LONG_{index}");
                variable.rules.clear();
                variable.default = "x".repeat(8000);
                alt.variables.push(variable);
            }
        },
        &[""],
    );
}

#[test]
fn a_rule_nobody_knows_is_told() {
    let mut alt = sample();
    alt.variables[0].rules.push("confirmed".into());
    assert_eq!(resolved(&alt, &choice()).unwrap().unchecked, ["MOTD: confirmed"]);
}

#[test]
fn a_secret_stands_in_no_specification_and_its_name_only_where_the_node_puts_it_in() {
    let mut alt = sample();
    alt.variables[0].secret = true;
    alt.variables[0].default = String::new();
    let name = alt.variables[0].env.clone();
    let value = format!("pw={{{{server.build.env.{name}}}}};{{{{server.build.env.MAX_USERS}}}}");
    alt.edits[0].set[0].value = EditValue::Text(value);
    let mut choice = choice();
    choice.secrets.insert(name.clone(), "chat-password".parse().unwrap());
    // What a person sets for another variable is only a text, whatever it looks like.
    let sly = format!("{{{{server.build.env.{name}}}}}");
    choice.values.insert("MAX_USERS".into(), "5".into());
    alt.variables.push(Variable { env: "SLY".into(), rules: Vec::new(), secret: false, ..alt.variables[1].clone() });
    choice.values.insert("SLY".into(), sly.clone());
    alt.edits[0].set[1].value = EditValue::Text("{{server.build.env.SLY}}".into());
    let resolved = resolved(&alt, &choice).unwrap();
    assert_eq!(resolved.secrets, [(name.clone(), "chat-password".parse().unwrap())]);
    assert!(resolved.spec.secrets.is_empty() && resolved.spec.env.iter().all(|var| var.name != name));
    let set = &resolved.spec.edits[0].set;
    assert_eq!(set[0].value, EditValue::Text(format!("pw={};5", SecretMark::of(&name))));
    assert_eq!(set[1].value, EditValue::Text(sly));
}

#[test]
fn a_secret_is_refused_where_others_would_read_it() {
    let secret = || "chat-password".parse().unwrap();
    let motd = |alt: &mut Alt, choice: &mut Choice| {
        (alt.variables[0].secret, alt.variables[0].default) = (true, String::new());
        alt.variables[0].rules = vec!["required".to_owned()];
        choice.secrets.insert(alt.variables[0].env.clone(), secret());
    };
    check(motd, &[]);
    check(|_, choice| drop(choice.secrets.insert("NOBODY".into(), secret())), &["secrets.NOBODY"]);
    // Nothing, a value, both.
    let place = |what: &str| format!("{what}.{}", sample().variables[0].env);
    check(
        |alt, choice| {
            motd(alt, choice);
            choice.secrets.clear();
        },
        &[&place("secrets")],
    );
    check(
        |alt, choice| {
            motd(alt, choice);
            choice.secrets.clear();
            choice.values.insert(alt.variables[0].env.clone(), "x".into());
        },
        &[&place("values")],
    );
    check(
        |alt, choice| {
            motd(alt, choice);
            choice.values.insert(alt.variables[0].env.clone(), "x".into());
        },
        &[&place("secrets")],
    );
    // Among the arguments, in a key, in a condition.
    check(
        |alt, choice| {
            motd(alt, choice);
            let word = format!("--motd={{{{{}}}}}", alt.variables[0].env);
            alt.startups[0].run = Run::Argv { argv: vec!["/usr/sbin/ngircd".into(), word] };
        },
        &[&place("secrets")],
    );
    for in_key in [true, false] {
        check(
            |alt, choice| {
                motd(alt, choice);
                let text = format!("a{{{{server.build.env.{}}}}}", alt.variables[0].env);
                let set = &mut alt.edits[0].set[0];
                if in_key { set.key = text } else { set.only_if = Some(text) }
            },
            &[&place("secrets")],
        );
    }
}
