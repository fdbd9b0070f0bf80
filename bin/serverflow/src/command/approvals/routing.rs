//! `routing`: what of a place's proposals runs by itself, and who decides about the rest.

mod file;
mod shown;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::run;
use crate::value;

const PATH: &str = "/routing-rules";

/// Arguments of `routing`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The rules of a place, and the installation's below it (the default)
    Show {
        #[command(flatten)]
        place: PlaceArgs,
        /// Print nothing but the rules of this place, as `set` reads them.
        #[arg(long)]
        rules: bool,
    },
    /// What other rules would have decided about the last 1,000 proposals; changes nothing
    Try {
        /// The rules, YAML or JSON; `-` reads standard input.
        file: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Replace the rules of a place
    Set {
        /// The rules, YAML or JSON, all of them; `-` reads standard input.
        file: PathBuf,
        #[command(flatten)]
        place: PlaceArgs,
        /// Show what would happen.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Clone, Debug, Default, clap::Args)]
struct PlaceArgs {
    /// A project, by name or id; the whole team otherwise.
    #[arg(long)]
    project: Option<String>,
}

impl PlaceArgs {
    async fn id(&self, client: &Client) -> Result<Option<String>, Failure> {
        match &self.project {
            Some(project) => Ok(Some(find_id(client, "/projects", project).await?)),
            None => Ok(None),
        }
    }

    fn name(&self) -> String {
        self.project.as_ref().map_or_else(|| "the team".to_owned(), |project| format!("the project {project}"))
    }
}

/// Runs `routing`.
///
/// # Errors
/// A file that holds no rules; the control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = &context.client()?;
    match args.command.unwrap_or(Command::Show { place: PlaceArgs::default(), rules: false }) {
        Command::Show { place, rules } => {
            let project = place.id(client).await?;
            let kept = kept(client, project.as_deref()).await?;
            if rules {
                let only = &kept["rules"];
                context.screen.answer(only, |rules| serde_json::to_string_pretty(rules).unwrap_or_default());
            } else {
                // Who may see nobody sees ids.
                let people = client.list("/users", &[]).await.unwrap_or_default();
                context.screen.answer(&kept, |kept| shown::all(&place.name(), &with_addresses(kept, &people)));
            }
        }
        Command::Try { file, place } => {
            let (_, body) = change(client, &file, &place).await?;
            let difference = client.write(Method::POST, &format!("{PATH}/try"), Some(&body)).await?;
            context.screen.answer(&difference, shown::difference);
        }
        Command::Set { file, place, dry_run } => return set(context, client, &file, &place, dry_run).await,
    }
    Ok(Exit::Succeeded)
}

/// The rules with people by their address, where they are known.
fn with_addresses(kept: &Value, people: &[Value]) -> Value {
    let mut kept = kept.clone();
    for person in file::named(&mut kept["rules"]) {
        if let Some(known) = people.iter().find(|known| known["id"] == *person) {
            *person = known["email"].clone();
        }
    }
    kept
}

async fn kept(client: &Client, project: Option<&str>) -> Result<Value, Failure> {
    let query: Vec<_> = project.into_iter().map(|project| ("project", project.to_owned())).collect();
    Ok(client.get(PATH, &query).await?.data)
}

/// The rules that are kept, and the change that a file asks for.
async fn change(client: &Client, file: &Path, place: &PlaceArgs) -> Result<(Value, Value), Failure> {
    let rules = file::read(client, file).await?;
    let project = place.id(client).await?;
    let kept = kept(client, project.as_deref()).await?;
    let body = json!({ "project": project, "from": kept["version"], "rules": rules });
    Ok((kept, body))
}

async fn set(context: &Context, client: &Client, file: &Path, place: &PlaceArgs, dry_run: bool) -> Done {
    let (kept, body) = change(client, file, place).await?;
    let name = place.name();
    if kept["rules"] == body["rules"] {
        let answer = json!({ "changed": false, "rules": kept });
        let version = value::text(&kept, "/version");
        context.screen.answer(&answer, |_| format!("The rules of {name}: nothing changed, version {version}."));
        return Ok(Exit::Succeeded);
    }
    let plan = client.write_with(Method::PUT, PATH, &[("dryRun", "true".into())], Some(&body)).await?;
    if dry_run {
        context.screen.answer(&plan, crate::command::deploy::plan);
        return Ok(Exit::Succeeded);
    }
    for step in plan.pointer("/plan/steps").map_or(&[][..], value::items) {
        context.screen.say(&format!("  {}", crate::screen::plain(&value::text(step, ""))));
    }
    let set = client.write(Method::PUT, PATH, Some(&body)).await?;
    if let Some(waiting) = set.get("run") {
        context.screen.answer(&set, |_| run::waits(waiting));
        return Ok(Exit::Succeeded);
    }
    let answer = json!({ "changed": true, "rules": set });
    let version = value::text(&set, "/version");
    context.screen.answer(&answer, |_| format!("The rules of {name} are set, version {version}."));
    Ok(Exit::Succeeded)
}
