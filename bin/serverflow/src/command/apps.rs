//! `apps`: what is deployed.

pub mod deploy_key;
pub mod domains;
pub mod hooks;
pub mod inspect;
pub mod logs;
pub mod patch;
pub mod power;
pub mod previews;
pub mod schedules;
pub mod search;
pub mod secrets;
mod settings;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use sf_types::ByteSize;

use self::inspect::{node, repository};
use crate::client::Client;
use crate::context::{Context, find, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::run;
use crate::screen::Table;
use crate::value;
use settings::SettingArgs;

/// Releases shown with an app.
const RELEASES_SHOWN: u16 = 10;

/// Arguments of `apps`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// All apps (the default)
    List,
    /// Record an app; `deploy` runs it
    Create {
        /// Its name: lower-case letters, digits and `-`.
        name: String,
        /// Address of its repository, or a folder that the node's policy lists.
        repository: String,
        /// The machine it lives on; the only one where there is one.
        #[arg(long)]
        node: Option<String>,
        #[command(flatten)]
        settings: Box<SettingArgs>,
    },
    /// One app with its releases
    Show {
        /// Name or id.
        app: String,
    },
    /// Change its settings; they take effect with the next deploy
    Update {
        /// Name or id.
        app: String,
        /// Another repository.
        #[arg(long)]
        repository: Option<String>,
        #[command(flatten)]
        settings: Box<SettingArgs>,
    },
    /// Stop it and delete everything of it
    Delete {
        /// Name or id.
        app: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Print the run's id and return.
        #[arg(long)]
        no_follow: bool,
    },
    /// Ask its machine how it is right now
    Status {
        /// Name or id.
        app: String,
    },
    /// Previews of its branches, each with an address of its own
    Previews(previews::Args),
}

/// Runs `apps`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::List) {
        Command::List => {
            context.list(&client, "/apps", &[], table).await?;
        }
        Command::Create { name, repository: text, node: wanted, settings: given } => {
            let mut wanted_settings = json!({ "repository": repository(&text)? });
            given.apply(&mut wanted_settings)?;
            let node = node(&client, wanted.as_deref()).await?;
            let body = json!({ "name": name, "nodeId": node, "settings": wanted_settings });
            let app = client.write(Method::POST, "/apps", Some(&body)).await?;
            context.screen.answer(&app, |_| format!("{name} is recorded. Deploy it: serverflow deploy {name}"));
        }
        Command::Show { app } => show(context, &client, &app).await?,
        Command::Update { app, repository: text, settings: given } => {
            update(context, &client, &app, text.as_deref(), &given).await?;
        }
        Command::Previews(args) => return previews::run(context, args).await,
        Command::Delete { app, yes, no_follow } => return delete(context, &client, &app, yes, !no_follow).await,
        Command::Status { app } => {
            let id = find_id(&client, "/apps", &app).await?;
            let status = client.get(&format!("/apps/{id}/status"), &[]).await?.data;
            context.screen.answer(&status, status_facts);
        }
    }
    Ok(Exit::Succeeded)
}

async fn show(context: &Context, client: &Client, wanted: &str) -> Result<(), Failure> {
    let id = find_id(client, "/apps", wanted).await?;
    let mut app = client.get(&format!("/apps/{id}"), &[]).await?.data;
    let limit = [("limit", RELEASES_SHOWN.to_string())];
    let releases = client.get(&format!("/apps/{id}/releases"), &limit).await?.data;
    app["releases"] = Value::Array(value::items(&releases).to_vec());
    context.screen.answer(&app, facts);
    Ok(())
}

async fn update(
    context: &Context,
    client: &Client,
    wanted: &str,
    text: Option<&str>,
    given: &SettingArgs,
) -> Result<(), Failure> {
    let app = find(client, "/apps", wanted).await?;
    let mut settings = app.get("settings").cloned().unwrap_or_else(|| json!({}));
    if let Some(text) = text {
        settings["repository"] = repository(text)?.into();
    }
    given.apply(&mut settings)?;
    let path = format!("/apps/{}", value::text(&app, "/id"));
    let updated = client
        .write(Method::PATCH, &path, Some(&json!({ "settings": settings, "from": value::text(&app, "/settingsTag") })))
        .await?;
    context
        .screen
        .answer(&updated, |_| format!("Saved. It takes effect with the next deploy: serverflow deploy {wanted}"));
    Ok(())
}

async fn delete(context: &Context, client: &Client, wanted: &str, yes: bool, follow: bool) -> Done {
    let id = find_id(client, "/apps", wanted).await?;
    let question = format!("Delete {wanted}? Its processes, releases and logs on the machine will be gone.");
    if !yes && !crate::clone::agreed(&question)? {
        return Ok(Exit::Refused);
    }
    let answer = client.write(Method::DELETE, &format!("/apps/{id}"), None).await?;
    run::settle(context, client, &answer, follow).await
}

fn table(apps: &Value) -> String {
    let mut table = Table::new(&["NAME", "STATE", "RELEASE", "COMMIT", "URL", "ID"]);
    for app in value::items(apps) {
        let at = |pointer| value::text(app, pointer);
        let commit = value::short(&at("/liveRelease/commit"));
        let mark = if value::maybe(app, "/previewOf").is_some() { " (preview)" } else { "" };
        table.row([
            format!("{}{mark}", at("/name")),
            at("/state"),
            at("/liveRelease/number"),
            commit,
            at("/url"),
            at("/id"),
        ]);
    }
    table.or("There is no app. Make one: serverflow apps create NAME REPOSITORY")
}

fn facts(app: &Value) -> String {
    let at = |pointer| value::text(app, pointer);
    let mut table = Table::facts();
    for (name, pointer) in [
        ("name", "/name"),
        ("id", "/id"),
        ("node", "/nodeId"),
        ("state", "/state"),
        ("because", "/stateReason"),
        ("url", "/url"),
        ("repository", "/settings/repository"),
        ("reference", "/settings/reference"),
        ("restarts", "/restarts"),
        ("detected ports", "/detectedPorts"),
        ("generation", "/generation"),
    ] {
        table.fact(name, at(pointer));
    }
    for var in app.pointer("/settings/env").map_or(&[][..], value::items) {
        let mark = value::maybe(var, "/environment").map_or_else(String::new, |word| format!(" ({word})"));
        table.fact("env", format!("{}{mark}", value::text(var, "/name")));
    }
    let mut releases = Table::new(&["RELEASE", "STATE", "COMMIT", "SUBJECT", "BUILDER", "LIVE SINCE"]);
    for release in app.get("releases").map_or(&[][..], value::items) {
        let at = |pointer| value::text(release, pointer);
        let (commit, live) = (value::short(&at("/commit")), value::moment(release, "/liveAt"));
        releases.row([at("/number"), at("/state"), commit, at("/subject"), at("/builder"), live]);
    }
    format!("{}\n\n{}", table.print(), releases.or("It was never deployed."))
}

fn status_facts(status: &Value) -> String {
    let at = |pointer| value::text(status, pointer);
    let mut table = Table::facts();
    table.fact("state", at("/state"));
    table.fact("release", at("/liveReleaseId"));
    table.fact("port", at("/port"));
    table.fact("generation", at("/generation"));
    for process in status.get("processes").map_or(&[][..], value::items) {
        let at = |pointer| value::text(process, pointer);
        let rss =
            value::number(process, "/rssBytes").map_or_else(|| at("/rssBytes"), |bytes| ByteSize(bytes).to_string());
        table.fact(
            &format!("process {}", at("/pid")),
            format!("{}, {rss}, {} restarts, ports {}", at("/state"), at("/restarts"), at("/ports")),
        );
        table.fact("  enforced", at("/enforced"));
    }
    table.print()
}
