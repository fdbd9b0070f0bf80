//! `servers`: servers made from templates, watched and steered.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Map, Value, json};
use sf_types::ByteSize;

use super::{console, people, schedules};
use crate::client::Client;
use crate::command::deploy;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::run;
use crate::screen::Table;
use crate::value;

/// Arguments of `servers`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All servers (the default)
    List {
        /// Only those in this state: stopped, starting, running, stopping, error.
        #[arg(long)]
        state: Option<String>,
        /// Only those with this in the name.
        #[arg(short, long, value_name = "TEXT")]
        query: Option<String>,
    },
    /// One server, with its ports and what it may use
    Show {
        /// Name or id.
        #[arg(value_name = "SERVER")]
        which: String,
    },
    /// Make one from a template and install it
    Create(Create),
    /// Change what it may use, its variables, its name
    Set(Set),
    /// Start it and wait until it is ready
    Start(Steer),
    /// Stop it by its template's command or signal
    Stop(Steer),
    /// Stop and start it
    Restart(Steer),
    /// End it at once
    Kill(Steer),
    /// Run its template's install script
    Install(Steer),
    /// Run the install script again
    Reinstall(Reinstall),
    /// Stop it and keep it stopped
    Suspend(Steer),
    /// Let it be started again
    Unsuspend(Steer),
    /// Kill it and delete its files
    Delete(Steer),
    /// Delete it here though its machine is silent
    Forget {
        /// Name or id.
        #[arg(value_name = "SERVER")]
        which: String,
        /// Only say what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Who was given what at it
    People(people::People),
    /// Give somebody rights at it; who is not in the team is invited
    Share(people::Share),
    /// Read its console
    Console(console::Args),
    /// Write a line to its console
    Send(console::Send),
    /// What is done to it by the clock
    Schedules(schedules::Args),
}

/// A server and how its change is followed.
#[derive(Debug, clap::Args)]
struct Steer {
    /// Name or id.
    #[arg(value_name = "SERVER")]
    which: String,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
    /// Do not wait for its end.
    #[arg(long)]
    no_follow: bool,
}

#[derive(Debug, clap::Args)]
struct Reinstall {
    #[command(flatten)]
    steer: Steer,
    /// Delete its files before.
    #[arg(long)]
    wipe: bool,
}

/// What of its settings is given.
#[derive(Debug, clap::Args)]
struct Settings {
    /// A value of a variable of its template; may be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// A variable that is a secret of the server's project, in place of a value; may be repeated.
    #[arg(long = "secret", value_name = "NAME=SECRET")]
    secrets: Vec<String>,
    /// Memory it may use: 512MiB, 4GiB.
    #[arg(long, value_parser = size, value_name = "SIZE")]
    memory: Option<u64>,
    /// Bytes of its files: 10GiB.
    #[arg(long, value_parser = size, value_name = "SIZE")]
    disk: Option<u64>,
    /// CPU in percent of one core.
    #[arg(long, value_name = "PERCENT")]
    cpu: Option<u32>,
    /// Processes and threads.
    #[arg(long, value_name = "N")]
    pids: Option<u32>,
    /// Ports that its people may have in all.
    #[arg(long, value_name = "N")]
    port_limit: Option<u16>,
    /// The label of one of its template's images.
    #[arg(long)]
    image: Option<String>,
    /// The label of one of its template's ways to start.
    #[arg(long)]
    startup: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Its name.
    name: String,
    /// Name or id of the template.
    #[arg(long)]
    alt: String,
    /// Name or id of the machine; otherwise the one with the most room that fits it.
    #[arg(long)]
    node: Option<String>,
    /// How many free ports it gets.
    #[arg(long, default_value_t = 1, value_name = "N")]
    ports: u16,
    #[command(flatten)]
    settings: Settings,
    /// Do not install it.
    #[arg(long)]
    no_install: bool,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
struct Set {
    /// Name or id.
    #[arg(value_name = "SERVER")]
    which: String,
    /// Its name from now on.
    #[arg(long)]
    name: Option<String>,
    /// The version of its template from now on.
    #[arg(long, value_name = "N")]
    alt_version: Option<u32>,
    #[command(flatten)]
    settings: Settings,
    /// Only say what would happen.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `servers`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List { state: None, query: None }) {
        Command::List { state, query } => {
            context.list(&client, "/servers", &[("state", state), ("q", query)], table).await
        }
        Command::Show { which } => {
            let id = find_id(&client, "/servers", &which).await?;
            let found = client.get(&format!("/servers/{id}"), &[]).await?.data;
            context.screen.answer(&found, facts);
            Ok(Exit::Succeeded)
        }
        Command::Create(create) => make(context, &client, create).await,
        Command::Set(set) => change(context, &client, set).await,
        Command::Start(steer) => power(context, &client, "start", steer).await,
        Command::Stop(steer) => power(context, &client, "stop", steer).await,
        Command::Restart(steer) => power(context, &client, "restart", steer).await,
        Command::Kill(steer) => power(context, &client, "kill", steer).await,
        Command::Install(steer) => ordered(context, &client, "/install", json!({}), steer).await,
        Command::Reinstall(Reinstall { steer, wipe }) => {
            ordered(context, &client, "/reinstall", json!({ "wipe": wipe }), steer).await
        }
        Command::Suspend(steer) => ordered(context, &client, "/suspend", json!({}), steer).await,
        Command::Unsuspend(steer) => ordered(context, &client, "/unsuspend", json!({}), steer).await,
        Command::Delete(steer) => {
            let id = find_id(&client, "/servers", &steer.which).await?;
            let path = format!("/servers/{id}");
            if steer.dry_run {
                return planned(context, &client, Method::DELETE, &path, None).await;
            }
            let answer = client.write(Method::DELETE, &path, None).await?;
            run::settle(context, &client, &answer, !steer.no_follow).await
        }
        Command::Forget { which, dry_run } => {
            let id = find_id(&client, "/servers", &which).await?;
            let path = format!("/servers/{id}/forget");
            if dry_run {
                return planned(context, &client, Method::POST, &path, Some(&json!({}))).await;
            }
            let answer = client.write(Method::POST, &path, Some(&json!({}))).await?;
            context
                .screen
                .answer(&answer, |_| format!("{which} is forgotten; its machine deletes its files when it is back."));
            Ok(Exit::Succeeded)
        }
        Command::People(args) => people::list(context, args).await,
        Command::Share(args) => people::share(context, args).await,
        Command::Console(args) => console::read(context, args).await,
        Command::Send(args) => console::send(context, args).await,
        Command::Schedules(args) => schedules::run(context, &client, args).await,
    }
}

async fn planned(context: &Context, client: &Client, method: Method, path: &str, body: Option<&Value>) -> Done {
    let answer = client.write_with(method, path, &[("dryRun", "true".into())], body).await?;
    context.screen.answer(&answer, deploy::plan);
    Ok(Exit::Succeeded)
}

async fn power(context: &Context, client: &Client, verb: &str, steer: Steer) -> Done {
    ordered(context, client, "/power", json!({ "verb": verb }), steer).await
}

async fn ordered(context: &Context, client: &Client, what: &str, body: Value, steer: Steer) -> Done {
    let id = find_id(client, "/servers", &steer.which).await?;
    let path = format!("/servers/{id}{what}");
    if steer.dry_run {
        return planned(context, client, Method::POST, &path, Some(&body)).await;
    }
    let answer = client.write(Method::POST, &path, Some(&body)).await?;
    run::settle(context, client, &answer, !steer.no_follow).await
}

async fn make(context: &Context, client: &Client, create: Create) -> Done {
    let alt = find_id(client, "/alts", &create.alt).await?;
    let mut body = json!({
        "name": create.name, "altId": alt, "ports": create.ports, "install": !create.no_install,
        "settings": settings(&Map::new(), create.settings)?,
    });
    if let Some(node) = create.node {
        body["nodeId"] = find_id(client, "/nodes", &node).await?.into();
    }
    if create.dry_run {
        return planned(context, client, Method::POST, "/servers", Some(&body)).await;
    }
    let made = client.write(Method::POST, "/servers", Some(&body)).await?;
    context.screen.answer(&made, |made| {
        let place = value::text(made, "/allocations/0/place");
        format!("{} is made; people reach it at {place}. See `serverflow servers show {}`.", create.name, create.name)
    });
    Ok(Exit::Succeeded)
}

async fn change(context: &Context, client: &Client, set: Set) -> Done {
    let id = find_id(client, "/servers", &set.which).await?;
    let path = format!("/servers/{id}");
    let before = client.get(&path, &[]).await?.data;
    let had = before.get("settings").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut body = json!({ "settings": settings(&had, set.settings)?, "from": before["generation"] });
    if let Some(name) = set.name {
        body["name"] = name.into();
    }
    if let Some(version) = set.alt_version {
        body["altVersion"] = version.into();
    }
    if set.dry_run {
        return planned(context, client, Method::PATCH, &path, Some(&body)).await;
    }
    let changed = client.write(Method::PATCH, &path, Some(&body)).await?;
    context.screen.answer(&changed, |_| format!("{} is changed; it counts from its next start on.", set.which));
    Ok(Exit::Succeeded)
}

/// The settings that were, with what is given on top.
fn settings(had: &Map<String, Value>, given: Settings) -> Result<Value, Failure> {
    let mut settings = Value::Object(had.clone());
    // A variable has a value or a secret: the one that is given takes the other's place.
    for (pairs, kind, other) in [(given.variables, "variables", "secrets"), (given.secrets, "secrets", "variables")] {
        for pair in pairs {
            let Some((name, text)) = pair.split_once('=') else {
                return Err(Failure::usage(format!(
                    "`{pair}` is no NAME={}",
                    kind.trim_end_matches('s').to_uppercase()
                )));
            };
            settings[kind][name] = text.into();
            if let Some(others) = settings.get_mut(other).and_then(Value::as_object_mut) {
                others.remove(name);
            }
        }
    }
    let numbers = [
        ("memory", given.memory),
        ("disk", given.disk),
        ("cpuPercent", given.cpu.map(u64::from)),
        ("pids", given.pids.map(u64::from)),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            settings["limits"][name] = number.into();
        }
    }
    if let Some(limit) = given.port_limit {
        settings["allocationLimit"] = limit.into();
    }
    for (name, text) in [("image", given.image), ("startup", given.startup)] {
        if let Some(text) = text {
            settings[name] = text.into();
        }
    }
    Ok(settings)
}

/// `512MiB`, `4GiB`, or bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let factor = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" | "M" => 1 << 20,
        "GiB" | "G" => 1 << 30,
        _ => return Err("write bytes, KiB, MiB or GiB: 512MiB".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "write a whole number: 512MiB".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "that is too large".to_owned())
}

fn table(servers: &Value) -> String {
    let mut table = Table::new(&["NAME", "STATE", "INSTALLED", "WHERE", "MEMORY", "ID"]);
    for server in value::items(servers) {
        let at = |pointer| value::text(server, pointer);
        let unknown = server.get("unknownSince").is_some_and(|since| !since.is_null());
        let state = if unknown { format!("{} (unknown)", at("/state")) } else { at("/state") };
        let state = if value::text(server, "/suspended") == "true" { format!("{state}, suspended") } else { state };
        let memory = value::number(server, "/settings/limits/memory");
        let memory = memory.map_or_else(|| value::NOTHING.to_owned(), |bytes| ByteSize(bytes).to_string());
        table.row([at("/name"), state, at("/install"), at("/allocations/0/place"), memory, at("/id")]);
    }
    table.or("No servers yet. Make one with `serverflow servers create NAME --alt TEMPLATE`.")
}

fn facts(server: &Value) -> String {
    let mut table = Table::facts();
    for (name, pointer) in [
        ("name", "/name"),
        ("id", "/id"),
        ("state", "/state"),
        ("because", "/report/reason"),
        ("installed", "/install"),
        ("suspended", "/suspended"),
        ("stopped by", "/report/stoppedBy"),
        ("restarts", "/report/restarts"),
        ("template version", "/altVersion"),
        ("image", "/settings/image"),
    ] {
        table.fact(name, value::text(server, pointer));
    }
    if server.get("unknownSince").is_some_and(|since| !since.is_null()) {
        table.fact("unknown since", value::moment(server, "/unknownSince"));
    }
    for port in server.get("allocations").map_or(&[][..], value::items) {
        let first = if value::text(port, "/isDefault") == "true" { " (first)" } else { "" };
        table.fact("port", format!("{}{first}", value::text(port, "/place")));
    }
    for (name, found) in server.pointer("/settings/limits").and_then(Value::as_object).into_iter().flatten() {
        let shown = match value::number(found, "") {
            Some(bytes) if matches!(name.as_str(), "memory" | "disk" | "swap") => ByteSize(bytes).to_string(),
            _ => value::text(found, ""),
        };
        table.fact(&format!("limit.{name}"), shown);
    }
    for line in server.pointer("/report/enforced").map_or(&[][..], value::items) {
        table.fact("enforced", value::text(line, ""));
    }
    for (name, found) in server.pointer("/settings/variables").and_then(Value::as_object).into_iter().flatten() {
        table.fact(name, value::text(found, ""));
    }
    for (name, found) in server.pointer("/settings/secrets").and_then(Value::as_object).into_iter().flatten() {
        table.fact(name, format!("the secret {}", value::text(found, "")));
    }
    table.print()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_the_place_of_a_secret_and_the_other_way_round() {
        let given = |variables: &[&str], secrets: &[&str]| Settings {
            variables: variables.iter().map(|pair| (*pair).to_owned()).collect(),
            secrets: secrets.iter().map(|pair| (*pair).to_owned()).collect(),
            memory: None,
            disk: None,
            cpu: None,
            pids: None,
            port_limit: None,
            image: None,
            startup: None,
        };
        let had = json!({ "variables": { "A": "a" }, "secrets": { "B": "b" } });
        let had = had.as_object().unwrap();
        let both = settings(had, given(&["B=plain=text"], &["A=vault"])).unwrap();
        assert_eq!(both, json!({ "variables": { "B": "plain=text" }, "secrets": { "A": "vault" } }));
        assert_eq!(settings(&Map::new(), given(&[], &["A=vault"])).unwrap(), json!({ "secrets": { "A": "vault" } }));
        assert!(settings(had, given(&[], &["A"])).is_err());
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let check = |text: &str, expected: Option<u64>| assert_eq!(size(text).ok(), expected, "{text}");
        check("0", Some(0));
        check("512MiB", Some(512 << 20));
        check("4 GiB", Some(4 << 30));
        check("1G", Some(1 << 30));
        for bad in ["", "MiB", "-1", "1.5GiB", "4TB", "99999999999999999999"] {
            check(bad, None);
        }
    }
}
